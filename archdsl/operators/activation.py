"""Activations: functions of one element, and softmax."""

from __future__ import annotations

from archdsl.operators.operator import Arguments, Expression, Operator, Shape


class Activation(Operator):
    """Keeps the shape; never in place, so tapped values stay as they were."""

    elementwise = True
    template: str

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        return inputs[0]

    def expression(self, inputs: tuple[Shape, ...], a: Arguments) -> Expression:
        return Expression(self.template)


class ReLU(Activation):
    """max(x, 0)."""

    name = "relu"
    picture = "ReLU"
    template = "F.relu({0})"


class ReLU6(Activation):
    """min(max(x, 0), 6)."""

    name = "relu6"
    picture = "ReLU6"
    template = "F.relu6({0})"


class SiLU(Activation):
    """x sigmoid(x), also called swish."""

    name = "silu"
    picture = "SiLU"
    template = "F.silu({0})"


class HardSwish(Activation):
    """x relu6(x + 3) / 6."""

    name = "hardswish"
    picture = "h-swish"
    template = "F.hardswish({0})"


class Sigmoid(Activation):
    """1 / (1 + exp(-x))."""

    name = "sigmoid"
    picture = "sigmoid"
    template = "torch.sigmoid({0})"


class HardSigmoid(Activation):
    """relu6(x + 3) / 6."""

    name = "hardsigmoid"
    picture = "h-sigmoid"
    template = "F.hardsigmoid({0})"


class Tanh(Activation):
    """Hyperbolic tangent."""

    name = "tanh"
    picture = "tanh"
    template = "torch.tanh({0})"


class Softmax(Activation):
    """Softmax over channels or vector elements; the losses used in training take logits."""

    name = "softmax"
    picture = "softmax"
    template = "F.softmax({0}, dim=1)"


OPERATORS = (ReLU(), ReLU6(), SiLU(), HardSwish(), Sigmoid(), HardSigmoid(), Tanh(), Softmax())
