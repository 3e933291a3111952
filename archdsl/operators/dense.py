"""Operators on vectors, and those that make them."""

from __future__ import annotations

from math import prod

from archdsl.operators.operator import (
    Arguments,
    Expression,
    ModuleCall,
    Operator,
    Shape,
    integer,
    vector,
)
from archdsl.operators.signature import Boolean, Integer, Parameter


class Linear(Operator):
    """Fully connected layer with n outputs; the input length is inferred."""

    name = "linear"
    picture = "fc {n}"
    rule = "[in] becomes [n]"
    cost = "n in weights and n biases; n in MACs"
    example = "gap -> linear(10)"
    parameters = (
        Parameter("n", Integer(1), "outputs"),
        Parameter("bias", Boolean(), "whether to add a learned bias", True),
    )

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        vector("linear", inputs)
        return (integer(a["n"]),)

    def parameter_count(self, inputs: tuple[Shape, ...], a: Arguments) -> int:
        n = integer(a["n"])
        return inputs[0][0] * n + (n if a["bias"] else 0)

    def macs(self, inputs: tuple[Shape, ...], output: Shape, a: Arguments) -> int:
        return inputs[0][0] * output[0]

    def module(self, inputs: tuple[Shape, ...], a: Arguments) -> ModuleCall:
        arguments = (("in_features", inputs[0][0]), ("out_features", a["n"]), ("bias", a["bias"]))
        return ModuleCall("nn.Linear", arguments, 2, {"bias": True})


class Flatten(Operator):
    """Feature map to vector, channels first: pixel (i, j) of channel c is at (c h + i) w + j."""

    name = "flatten"
    picture = "flatten"
    rule = "[c, h, w] becomes [c h w]"
    example = "adaptive_avgpool(6) -> flatten -> linear(4096)"

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        return (prod(inputs[0]),)

    def expression(self, inputs: tuple[Shape, ...], a: Arguments) -> Expression:
        return Expression("{0}.flatten(1)")


OPERATORS = (Linear(), Flatten())
