"""A model from elsewhere and its features: declared by what was measured, not by a rule.

No spec can call these; ``archdsl.elaborate.foreign`` adds them. What is known of the model stands
in their arguments, so that a network needs nothing but itself.
"""

from __future__ import annotations

from archdsl.operators.operator import (
    Arguments,
    Expression,
    Operator,
    Shape,
    integer,
    pair,
)


class _Measured(Operator):
    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        shape = a["shape"]
        assert isinstance(shape, tuple)
        return tuple(map(integer, shape))

    def stride(self, inputs: tuple[Shape, ...], a: Arguments) -> tuple[int, int]:
        return (1, 1) if a["stride"] is None else pair(a["stride"])

    def parameter_count(self, inputs: tuple[Shape, ...], a: Arguments) -> int:
        return integer(a.get("params", 0))

    def buffer_count(self, inputs: tuple[Shape, ...], a: Arguments) -> int:
        return integer(a.get("buffers", 0))

    def macs(self, inputs: tuple[Shape, ...], output: Shape, a: Arguments) -> int:
        return integer(a["macs"])


class Foreign(_Measured):
    """A model of torchvision or timm: its own output, and the weights of its features."""

    name = "foreign"
    picture = "{model}"

    def expression(self, inputs: tuple[Shape, ...], a: Arguments) -> Expression:
        return Expression("self.backbone({0})")


class Feature(_Measured):
    """The output of a module within a model from elsewhere; its weights are the model's."""

    name = "feature"
    picture = "{path}"


FOREIGN: dict[str, Operator] = {operator.name: operator for operator in (Foreign(), Feature())}
"""What networks may hold beside the operators of the language."""
