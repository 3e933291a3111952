"""Pooling, and sampling without weights."""

from __future__ import annotations

from archdsl.operators.convolution import window_sizes
from archdsl.operators.operator import (
    Arguments,
    Expression,
    Misfit,
    Operator,
    Shape,
    feature_map,
    pair,
    square,
)
from archdsl.operators.signature import Pair, Parameter, Value


class _Pool(Operator):
    """A sliding window; stride is the window's size unless given."""

    function: str
    padded = True

    def _stride(self, a: Arguments) -> tuple[int, int]:
        return pair(a["k"] if a["stride"] is None else a["stride"])

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        c, h, w = feature_map(self.name, inputs)
        kernel, padding = pair(a["k"]), pair(a.get("padding", (0, 0)))
        for k, p in zip(kernel, padding, strict=True):
            if 2 * p > k:
                raise Misfit(
                    "ARCH105",
                    f"{self.name}: padding {p} is more than half the window of {k}",
                    help=f"write padding = {k // 2} or less",
                    argument="padding",
                )
        return c, *window_sizes(self.name, (h, w), kernel, self._stride(a), padding)

    def stride(self, a: Arguments) -> tuple[int, int]:
        return self._stride(a)

    def expression(self, inputs: tuple[Shape, ...], a: Arguments) -> Expression:
        kernel, stride, padding = pair(a["k"]), self._stride(a), pair(a.get("padding", (0, 0)))
        template = f"{self.function}({{0}}, {{k}}"
        values: dict[str, Value] = {"k": square(kernel)}
        if stride != kernel:
            template += ", stride={stride}"
            values["stride"] = square(stride)
        if padding != (0, 0):
            template += ", padding={padding}"
            values["padding"] = square(padding)
        return Expression(template + ")", values)


class MaxPool(_Pool):
    """Maximum over a sliding window."""

    name = "maxpool"
    picture = "max pool {k}"
    function = "F.max_pool2d"
    parameters = (
        Parameter("k", Pair(1), "window size"),
        Parameter("stride", Pair(1), "step of the window; k unless given", None),
        Parameter("padding", Pair(0), "border that never wins", 0),
    )


class AvgPool(_Pool):
    """Mean over a sliding window."""

    name = "avgpool"
    picture = "avg pool {k}"
    function = "F.avg_pool2d"
    parameters = (
        Parameter("k", Pair(1), "window size"),
        Parameter("stride", Pair(1), "step of the window; k unless given", None),
    )


class Gap(Operator):
    """Global average pooling: the mean over each channel (paper, eq. 1)."""

    name = "gap"
    picture = "global avg pool"

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        return (feature_map("gap", inputs)[0],)

    def expression(self, inputs: tuple[Shape, ...], a: Arguments) -> Expression:
        # Not AdaptiveAvgPool2d: its backward has no deterministic kernel on CUDA.
        return Expression("{0}.mean((2, 3))")


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


OPERATORS = (MaxPool(), AvgPool(), Gap(), Subsample())
