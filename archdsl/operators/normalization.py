"""Normalisation layers."""

from __future__ import annotations

from archdsl.operators.operator import Arguments, ModuleCall, Operator, Shape, vector


class BatchNorm(Operator):
    """Batch normalisation with learned scale and shift, over each channel or vector element."""

    name = "batchnorm"
    picture = "BN"

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        return inputs[0]

    def parameter_count(self, inputs: tuple[Shape, ...], a: Arguments) -> int:
        return 2 * inputs[0][0]

    def buffer_count(self, inputs: tuple[Shape, ...], a: Arguments) -> int:
        return 2 * inputs[0][0] + 1  # running mean and variance, num_batches_tracked

    def module(self, inputs: tuple[Shape, ...], a: Arguments) -> ModuleCall:
        kind = "nn.BatchNorm2d" if len(inputs[0]) == 3 else "nn.BatchNorm1d"
        return ModuleCall(kind, (("num_features", inputs[0][0]),), 1)


class LayerNorm(Operator):
    """Layer normalisation of a vector, with learned scale and shift."""

    name = "layernorm"
    picture = "LN"

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        return (vector("layernorm", inputs),)

    def parameter_count(self, inputs: tuple[Shape, ...], a: Arguments) -> int:
        return 2 * inputs[0][0]

    def module(self, inputs: tuple[Shape, ...], a: Arguments) -> ModuleCall:
        return ModuleCall("nn.LayerNorm", (("normalized_shape", inputs[0][0]),), 1)


OPERATORS = (BatchNorm(), LayerNorm())
