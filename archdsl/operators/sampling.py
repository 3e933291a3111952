"""Sampling of rows and columns without weights."""

from __future__ import annotations

from archdsl.operators.operator import Arguments, Expression, Operator, Shape, feature_map, pair
from archdsl.operators.signature import Pair, Parameter


class Subsample(Operator):
    """Every stride-th row and column, without weights (He et al., shortcut option A)."""

    name = "subsample"
    picture = "subsample {stride}"
    parameters = (Parameter("stride", Pair(1), "rows and columns to step"),)

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        c, h, w = feature_map("subsample", inputs)
        vertical, horizontal = pair(a["stride"])
        return c, -(-h // vertical), -(-w // horizontal)

    def stride(self, a: Arguments) -> tuple[int, int]:
        return pair(a["stride"])

    def expression(self, inputs: tuple[Shape, ...], a: Arguments) -> Expression:
        vertical, horizontal = pair(a["stride"])
        return Expression("{0}[:, :, ::{v}, ::{h}]", {"v": vertical, "h": horizontal})


OPERATORS = (Subsample(),)
