"""Activations, and other operators that keep the shape: dropout, identity."""

from __future__ import annotations

from archdsl.operators.operator import Arguments, Expression, ModuleCall, Operator, Shape
from archdsl.operators.signature import Number, Parameter


class _Elementwise(Operator):
    """Keeps the shape."""

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        return inputs[0]


class ReLU(_Elementwise):
    """max(x, 0); never in place, so tapped values stay as they were."""

    name = "relu"
    picture = "ReLU"

    def expression(self, inputs: tuple[Shape, ...], a: Arguments) -> Expression:
        return Expression("F.relu({0})")


class Softmax(_Elementwise):
    """Softmax over channels or vector elements; the losses used in training take logits."""

    name = "softmax"
    picture = "softmax"

    def expression(self, inputs: tuple[Shape, ...], a: Arguments) -> Expression:
        return Expression("F.softmax({0}, dim=1)")


class Dropout(_Elementwise):
    """Sets elements to zero with probability p during training, and scales the others up."""

    name = "dropout"
    picture = "dropout {p}"
    parameters = (Parameter("p", Number(0, 1, below=True), "probability", 0.5),)

    def module(self, inputs: tuple[Shape, ...], a: Arguments) -> ModuleCall:
        return ModuleCall("nn.Dropout", (("p", a["p"]),), 1)


class Identity(_Elementwise):
    """Hands its input on; emits nothing."""

    name = "identity"
    picture = "identity"

    def expression(self, inputs: tuple[Shape, ...], a: Arguments) -> Expression:
        return Expression("{0}")


OPERATORS = (ReLU(), Softmax(), Dropout(), Identity())
