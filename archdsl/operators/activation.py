"""Activations: functions of one element, and softmax."""

from __future__ import annotations

from math import inf

from archdsl.operators.operator import (
    Arguments,
    Elementwise,
    Expression,
    ModuleCall,
    Shape,
)
from archdsl.operators.signature import Boolean, Number, Parameter, Word


class Activation(Elementwise):
    """An activation is never in place, so tapped values stay as they were."""

    template: str

    def expression(self, inputs: tuple[Shape, ...], a: Arguments) -> Expression:
        return Expression(self.template)


class ReLU(Activation):
    """max(x, 0)."""

    name = "relu"
    picture = "ReLU"
    example = "conv(128, 3) -> batchnorm -> relu"
    template = "F.relu({0})"


class ReLU6(Activation):
    """min(max(x, 0), 6)."""

    name = "relu6"
    picture = "ReLU6"
    example = "dwconv(3, bias = false) -> batchnorm -> relu6"
    template = "F.relu6({0})"


class LeakyReLU(Activation):
    """x where it is positive, negative_slope x elsewhere."""

    name = "leaky_relu"
    picture = "leaky ReLU"
    parameters = (Parameter("negative_slope", Number(0), "slope below 0", 0.01),)
    example = "conv(128, 3) -> leaky_relu(0.2)"

    def expression(self, inputs: tuple[Shape, ...], a: Arguments) -> Expression:
        if a["negative_slope"] == 0.01:
            return Expression("F.leaky_relu({0})")
        return Expression("F.leaky_relu({0}, {negative_slope})", dict(a))


class PReLU(Elementwise):
    """x where it is positive, a learned slope times x elsewhere."""

    name = "prelu"
    picture = "PReLU"
    parameters = (
        Parameter("per_channel", Boolean(), "a slope for each channel, not one for all", False),
        Parameter("init", Number(-inf), "slope at the start", 0.25),
    )
    example = "conv(128, 3) -> prelu(per_channel = true)"
    cost = "one parameter, or one for each channel; no MACs"

    def parameter_count(self, inputs: tuple[Shape, ...], a: Arguments) -> int:
        return inputs[0][0] if a["per_channel"] else 1

    def module(self, inputs: tuple[Shape, ...], a: Arguments) -> ModuleCall:
        arguments = (
            ("num_parameters", inputs[0][0] if a["per_channel"] else 1),
            ("init", a["init"]),
        )
        return ModuleCall("nn.PReLU", arguments, 0, {"num_parameters": 1, "init": 0.25})


class GELU(Activation):
    """x times the probability that a standard normal variable is below x."""

    name = "gelu"
    picture = "GELU"
    parameters = (
        Parameter("approximate", Word(("none", "tanh")), "none is exact, tanh is faster", "none"),
    )
    example = "conv(128, 1) -> gelu"

    def expression(self, inputs: tuple[Shape, ...], a: Arguments) -> Expression:
        if a["approximate"] is None:
            return Expression("F.gelu({0})")
        return Expression('F.gelu({0}, approximate="tanh")')


class SiLU(Activation):
    """x sigmoid(x), also called swish."""

    name = "silu"
    picture = "SiLU"
    example = "conv(128, 1, bias = false) -> batchnorm -> silu"
    template = "F.silu({0})"


class HardSwish(Activation):
    """x relu6(x + 3) / 6."""

    name = "hardswish"
    picture = "h-swish"
    example = "conv(128, 1, bias = false) -> batchnorm -> hardswish"
    template = "F.hardswish({0})"


class Sigmoid(Activation):
    """1 / (1 + exp(-x))."""

    name = "sigmoid"
    picture = "sigmoid"
    example = "{ in | gap -> linear(16) -> relu -> linear(in.c) -> sigmoid } -> mul"
    template = "torch.sigmoid({0})"


class HardSigmoid(Activation):
    """relu6(x + 3) / 6."""

    name = "hardsigmoid"
    picture = "h-sigmoid"
    example = "{ in | adaptive_avgpool(1) -> conv(in.c, 1) -> hardsigmoid } -> mul"
    template = "F.hardsigmoid({0})"


class Tanh(Activation):
    """Hyperbolic tangent."""

    name = "tanh"
    picture = "tanh"
    example = "conv(3, 3) -> tanh"
    template = "torch.tanh({0})"


class Softmax(Activation):
    """Softmax over channels or vector elements; the losses used in training take logits."""

    name = "softmax"
    picture = "softmax"
    example = "conv(21, 1) -> softmax"
    template = "F.softmax({0}, dim=1)"


OPERATORS = (
    ReLU(),
    ReLU6(),
    LeakyReLU(),
    PReLU(),
    GELU(),
    SiLU(),
    HardSwish(),
    Sigmoid(),
    HardSigmoid(),
    Tanh(),
    Softmax(),
)
