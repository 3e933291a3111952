"""The registry of operators: every operator of the language, one declaration each."""

from archdsl.operators import (
    activation,
    convolution,
    dense,
    joining,
    normalization,
    pooling,
)
from archdsl.operators.operator import Operator as Operator

OPERATORS: dict[str, Operator] = {
    operator.name: operator
    for family in (convolution, normalization, activation, pooling, dense, joining)
    for operator in family.OPERATORS
}
"""Every operator by name, family by family."""

NOT_YET = frozenset(
    "dwconv convtranspose groupnorm instancenorm relu6 leaky_relu prelu gelu silu hardswish"
    " sigmoid hardsigmoid tanh adaptive_avgpool dropout2d droppath pad upsample pixel_shuffle"
    " channel_shuffle layerscale lrn slice split".split()
)
"""Operators that edition 1 names and this version does not have."""
