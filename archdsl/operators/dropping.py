"""Operators that drop something in training alone, and the one that does nothing at all."""

from __future__ import annotations

from archdsl.operators.operator import Arguments, Expression, ModuleCall, Operator, Shape
from archdsl.operators.signature import Number, Parameter


class Dropout(Operator):
    """Sets elements to zero with probability p during training, and scales the others up."""

    name = "dropout"
    picture = "dropout {p}"
    parameters = (Parameter("p", Number(0, 1, below=True), "probability", 0.5),)
    elementwise = True

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        return inputs[0]

    def module(self, inputs: tuple[Shape, ...], a: Arguments) -> ModuleCall:
        return ModuleCall("nn.Dropout", (("p", a["p"]),), 1)


class Identity(Operator):
    """Hands its input on; emits nothing."""

    name = "identity"
    picture = "identity"

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        return inputs[0]

    def expression(self, inputs: tuple[Shape, ...], a: Arguments) -> Expression:
        return Expression("{0}")


OPERATORS = (Dropout(), Identity())
