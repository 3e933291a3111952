"""What an operator is: one declaration from which checking, costs and PyTorch code follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import prod
from typing import TypeAlias

from archdsl.operators.signature import Parameter, Value

Shape: TypeAlias = tuple[int, ...]
"""Without the batch axis: (c, h, w) of a feature map, (n,) of a vector."""

Step: TypeAlias = int | Fraction
"""By how much an operator divides the resolution; below 1 where it makes maps larger."""

Arguments: TypeAlias = Mapping[str, Value]
"""Checked arguments in normal form, defaults filled in."""


class Misfit(Exception):
    """The shapes or arguments at hand do not fit; raised by an operator's shape rule.

    ``argument`` names the argument at fault, if one is; ``operands`` asks for the shapes of the
    inputs to be shown.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        help: str | None = None,
        argument: str | None = None,
        operands: bool = False,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.help = help
        self.argument = argument
        self.operands = operands


@dataclass(frozen=True, slots=True)
class ModuleCall:
    """A submodule to construct: ``nn.Conv2d(in, out, 3, padding=1)``.

    All arguments by torch's own names, in torch's order. The first ``positional`` are written
    without their names; those in ``defaults`` are left out where they have torch's default.
    ``source`` is that of a class which torch does not have; it is emitted beside the model.
    """

    type: str
    arguments: tuple[tuple[str, Value], ...]
    positional: int
    defaults: Mapping[str, Value] = field(default_factory=dict)
    source: str = ""


@dataclass(frozen=True, slots=True)
class Expression:
    """A PyTorch expression: ``template`` has ``{0}`` for the first input, ``{name}`` for values.

    ``{inputs}`` stands for all inputs, joined by commas.
    """

    template: str
    values: Mapping[str, Value] = field(default_factory=dict)


class Operator:
    """Base of all declarations. One subclass, one operator; the docstring's first line is shown.

    Shapes have no batch axis. Costs are per image.
    """

    name: str
    parameters: tuple[Parameter, ...] = ()
    joins = False
    """Whether it takes two or more inputs (add, mul, concat)."""
    elementwise = False
    """Whether it keeps the shape and is written around the call that makes its input."""
    convolves = False
    """Whether it counts as a convolution in the paper's rules and in summaries."""
    picture: str = ""
    """Label in figures; arguments in braces."""
    rule: str = ""
    """The shape rule in words, for the reference."""
    cost: str = "no parameters, no MACs"
    """Parameters and MACs in words, for the reference."""
    example: str = ""
    """Steps that use it, fed with a map of shape [64, 32, 32]; a test compiles them."""

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        """Return the output shape, or raise :class:`Misfit`."""
        raise NotImplementedError

    def stride(self, inputs: tuple[Shape, ...], a: Arguments) -> tuple[Step, Step]:
        """Return by how much the resolution is divided, vertically and horizontally."""
        return (1, 1)

    def window(self, a: Arguments) -> tuple[int, int] | None:
        """Return the rows and columns of the input that one output pixel sees; None for all."""
        return (1, 1)

    def parameter_count(self, inputs: tuple[Shape, ...], a: Arguments) -> int:
        """Return the number of trainable parameters."""
        return 0

    def buffer_count(self, inputs: tuple[Shape, ...], a: Arguments) -> int:
        """Return the number of elements in buffers (running statistics, counters)."""
        return 0

    def macs(self, inputs: tuple[Shape, ...], output: Shape, a: Arguments) -> int:
        """Return multiply-accumulates. Normalisation, activation, pooling count 0 (paper.md 5)."""
        return 0

    def module(self, inputs: tuple[Shape, ...], a: Arguments) -> ModuleCall | None:
        """Return the submodule that holds its parameters, or None where it has none."""
        return None

    def expression(self, inputs: tuple[Shape, ...], a: Arguments) -> Expression:
        """Return the expression that computes it; that of a module is the call."""
        return Expression("self.{module}({0})")

    @cached_property
    def defaults(self) -> dict[str, Value]:
        """The defaults in normal form. None means that the operator decides."""
        return {p.name: p.normal_default for p in self.parameters if not p.required}

    @property
    def summary(self) -> str:
        """One line of documentation."""
        return (type(self).__doc__ or "").strip().splitlines()[0]

    @property
    def details(self) -> str:
        """What the documentation says beyond that line, as one paragraph; often empty."""
        return " ".join(" ".join((type(self).__doc__ or "").strip().splitlines()[1:]).split())


class Elementwise(Operator):
    """Base of operators that keep the shape, whatever it is."""

    elementwise = True
    rule = "the shape stays as it is"

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        return inputs[0]


def feature_map(name: str, inputs: tuple[Shape, ...]) -> tuple[int, int, int]:
    """Return the one input as (c, h, w), or raise :class:`Misfit` where it is a vector."""
    (shape,) = inputs
    if len(shape) != 3:
        raise Misfit(
            "ARCH201",
            f"{name} takes a feature map [c, h, w], but its input is a vector {render(shape)}",
            help=f"put {name} before gap or flatten",
        )
    return shape[0], shape[1], shape[2]


def vector(name: str, inputs: tuple[Shape, ...]) -> int:
    """Return the length of the one input, or raise :class:`Misfit` where it is a feature map."""
    (shape,) = inputs
    if len(shape) != 1:
        raise Misfit(
            "ARCH201",
            f"{name} takes a vector, but its input is a feature map {render(shape)}",
            help=f"write gap -> {name} ({shape[0]:,} numbers) "
            f"or flatten -> {name} ({prod(shape):,} numbers)",
        )
    return shape[0]


def render(shape: Shape) -> str:
    """Return a shape as a spec writes it.

    >>> render((3, 32, 32))
    '[3, 32, 32]'
    """
    return "[" + ", ".join(map(str, shape)) + "]"


def pair(value: Value) -> tuple[int, int]:
    """Return a checked pair argument as two integers."""
    assert isinstance(value, tuple)
    height, width = value
    assert isinstance(height, int) and isinstance(width, int)
    return height, width


def integer(value: Value) -> int:
    """Return a checked integer argument."""
    assert isinstance(value, int)
    return value


def square(value: tuple[int, int]) -> Value:
    """Return a pair as torch users write it: one number where both are equal."""
    return value[0] if value[0] == value[1] else value
