"""Operators that drop something in training alone, and the one that does nothing at all."""

from __future__ import annotations

from archdsl.operators.operator import (
    Arguments,
    Elementwise,
    Expression,
    ModuleCall,
    Shape,
    feature_map,
)
from archdsl.operators.signature import Number, Parameter

DROP_PATH = '''\
class DropPath(nn.Module):
    """Stochastic depth: in training, images lose this branch with probability p."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if self.p == 0 or not self.training:
            return x
        kept = x.new_empty([x.shape[0]] + [1] * (x.dim() - 1)).bernoulli_(1 - self.p)
        return x * (kept / (1 - self.p))
'''

_P = Number(0, 1, below=True)


class Dropout(Elementwise):
    """Sets elements to zero with probability p during training, and scales the others up."""

    name = "dropout"
    picture = "dropout {p}"
    parameters = (Parameter("p", _P, "probability", 0.5),)
    example = "flatten -> dropout(0.2) -> linear(10)"

    def module(self, inputs: tuple[Shape, ...], a: Arguments) -> ModuleCall:
        return ModuleCall("nn.Dropout", (("p", a["p"]),), 1)


class Dropout2d(Elementwise):
    """Sets whole channels to zero with probability p during training, and scales the others up."""

    name = "dropout2d"
    picture = "dropout2d {p}"
    parameters = (Parameter("p", _P, "probability", 0.5),)
    rule = "[c, h, w] stays as it is"
    example = "conv(128, 3) -> relu -> dropout2d(0.1)"

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        return feature_map(self.name, inputs)

    def module(self, inputs: tuple[Shape, ...], a: Arguments) -> ModuleCall:
        return ModuleCall("nn.Dropout2d", (("p", a["p"]),), 1)


class DropPath(Elementwise):
    """Stochastic depth: during training a whole image's branch is zero with probability p."""

    name = "droppath"
    picture = "drop path {p}"
    parameters = (Parameter("p", _P, "probability"),)
    example = "{ in | conv(in.c, 3) -> batchnorm -> droppath(0.1) } -> add"

    def module(self, inputs: tuple[Shape, ...], a: Arguments) -> ModuleCall:
        return ModuleCall("DropPath", (("p", a["p"]),), 1, source=DROP_PATH)


class Identity(Elementwise):
    """Hands its input on; emits nothing."""

    name = "identity"
    picture = "identity"
    example = "{ identity | conv(in.c, 3) } -> add"

    def expression(self, inputs: tuple[Shape, ...], a: Arguments) -> Expression:
        return Expression("{0}")


OPERATORS = (Dropout(), Dropout2d(), DropPath(), Identity())
