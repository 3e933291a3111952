"""Normalisation layers."""

from __future__ import annotations

from archdsl.operators.operator import Arguments, ModuleCall, Operator, Shape, vector
from archdsl.operators.signature import Boolean, Number, Parameter

_EPS = Parameter("eps", Number(0, above=True), "added to the variance", 1e-5, named=True)
_AFFINE = Parameter("affine", Boolean(), "whether to learn scale and shift", True, named=True)


class BatchNorm(Operator):
    """Batch normalisation over each channel or vector element, with running statistics."""

    name = "batchnorm"
    picture = "BN"
    parameters = (
        _EPS,
        Parameter(
            "momentum", Number(0, 1), "share of a new batch in running statistics", 0.1, True
        ),
        _AFFINE,
    )
    elementwise = True

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        return inputs[0]

    def parameter_count(self, inputs: tuple[Shape, ...], a: Arguments) -> int:
        return 2 * inputs[0][0] if a["affine"] else 0

    def buffer_count(self, inputs: tuple[Shape, ...], a: Arguments) -> int:
        return 2 * inputs[0][0] + 1  # running mean and variance, num_batches_tracked

    def module(self, inputs: tuple[Shape, ...], a: Arguments) -> ModuleCall:
        kind = "nn.BatchNorm2d" if len(inputs[0]) == 3 else "nn.BatchNorm1d"
        arguments = (
            ("num_features", inputs[0][0]),
            ("eps", a["eps"]),
            ("momentum", a["momentum"]),
            ("affine", a["affine"]),
        )
        return ModuleCall(kind, arguments, 1, {"eps": 1e-5, "momentum": 0.1, "affine": True})


class LayerNorm(Operator):
    """Layer normalisation of a vector, with learned scale and shift."""

    name = "layernorm"
    picture = "LN"
    elementwise = True

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        return (vector("layernorm", inputs),)

    def parameter_count(self, inputs: tuple[Shape, ...], a: Arguments) -> int:
        return 2 * inputs[0][0]

    def module(self, inputs: tuple[Shape, ...], a: Arguments) -> ModuleCall:
        return ModuleCall("nn.LayerNorm", (("normalized_shape", inputs[0][0]),), 1)


OPERATORS = (BatchNorm(), LayerNorm())
