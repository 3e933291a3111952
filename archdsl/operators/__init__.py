"""The registry of operators: every operator of the language, one declaration each."""

from archdsl.operators import (
    activation,
    channels,
    convolution,
    dense,
    dropping,
    joining,
    normalization,
    pooling,
    sampling,
)
from archdsl.operators.operator import Operator as Operator

FAMILIES = (
    convolution,
    normalization,
    activation,
    pooling,
    sampling,
    channels,
    dense,
    dropping,
    joining,
)
"""The modules of declarations, in the order of the reference."""

OPERATORS: dict[str, Operator] = {
    operator.name: operator for family in FAMILIES for operator in family.OPERATORS
}
"""Every operator by name, family by family."""

CONVOLUTIONS = frozenset(name for name, operator in OPERATORS.items() if operator.convolves)
"""Names of the operators that count as convolutions."""
