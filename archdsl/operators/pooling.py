"""Pooling."""

from __future__ import annotations

from fractions import Fraction

from archdsl.operators.operator import (
    Arguments,
    Expression,
    Misfit,
    Operator,
    Shape,
    Step,
    feature_map,
    pair,
    square,
)
from archdsl.operators.signature import Boolean, Pair, Parameter, Value
from archdsl.operators.windows import window_sizes

_K = Parameter("k", Pair(1), "window size")
_STRIDE = Parameter("stride", Pair(1), "step of the window; k unless given", None)
_CEIL_MODE = Parameter("ceil_mode", Boolean(), "whether a last, partial window counts", False)


class _Pool(Operator):
    """A sliding window; stride is the window's size unless given."""

    function: str
    rule = (
        "[c, h, w] becomes [c, h', w'], h' = (h + 2 padding - k) / stride + 1, rounded down, or up"
        " with ceil_mode, but no window begins behind the input"
    )

    def _stride(self, a: Arguments) -> tuple[int, int]:
        return pair(a["k"] if a["stride"] is None else a["stride"])

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        c, h, w = feature_map(self.name, inputs)
        kernel, padding = pair(a["k"]), pair(a["padding"])
        for k, p in zip(kernel, padding, strict=True):
            if 2 * p > k:
                raise Misfit(
                    "ARCH105",
                    f"{self.name}: padding {p} is more than half the window of {k}",
                    help=f"write padding = {k // 2} or less",
                    argument="padding",
                )
        stride = self._stride(a)
        ceil_mode = a["ceil_mode"] is True
        return c, *window_sizes(self.name, (h, w), kernel, stride, padding, ceil_mode=ceil_mode)

    def stride(self, inputs: tuple[Shape, ...], a: Arguments) -> tuple[Step, Step]:
        return self._stride(a)

    def window(self, a: Arguments) -> tuple[int, int] | None:
        return pair(a["k"])

    def expression(self, inputs: tuple[Shape, ...], a: Arguments) -> Expression:
        kernel, stride, padding = pair(a["k"]), self._stride(a), pair(a["padding"])
        template = f"{self.function}({{0}}, {{k}}"
        values: dict[str, Value] = {"k": square(kernel)}
        if stride != kernel:
            template += ", stride={stride}"
            values["stride"] = square(stride)
        if padding != (0, 0):
            template += ", padding={padding}"
            values["padding"] = square(padding)
        for flag, default in (("ceil_mode", False), ("count_include_pad", True)):
            if a.get(flag, default) != default:
                template += f", {flag}={a[flag]}"
        return Expression(template + ")", values)


class MaxPool(_Pool):
    """Maximum over a sliding window."""

    name = "maxpool"
    picture = "max pool {k}"
    function = "F.max_pool2d"
    example = "maxpool(3, stride = 2, padding = 1)"
    parameters = (
        _K,
        _STRIDE,
        Parameter("padding", Pair(0), "border that never wins", 0),
        _CEIL_MODE,
    )


class AvgPool(_Pool):
    """Mean over a sliding window."""

    name = "avgpool"
    picture = "avg pool {k}"
    function = "F.avg_pool2d"
    example = "avgpool(2)"
    parameters = (
        _K,
        _STRIDE,
        Parameter("padding", Pair(0), "zeros around the input", 0),
        _CEIL_MODE,
        Parameter("count_include_pad", Boolean(), "whether the zeros count in the mean", True),
    )


class Gap(Operator):
    """Global average pooling to a vector: the mean over each channel."""

    name = "gap"
    picture = "global avg pool"
    rule = "[c, h, w] becomes [c]"
    example = "gap -> linear(10)"

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        return (feature_map("gap", inputs)[0],)

    def expression(self, inputs: tuple[Shape, ...], a: Arguments) -> Expression:
        # Not AdaptiveAvgPool2d: its backward has no deterministic kernel on CUDA.
        return Expression("{0}.mean((2, 3))")


class AdaptiveAvgPool(Operator):
    """Mean over windows chosen so that the output has the given size; size 1 keeps [c, 1, 1]."""

    name = "adaptive_avgpool"
    picture = "avg pool to {size}"
    parameters = (Parameter("size", Pair(1), "height and width of the output"),)
    rule = "[c, h, w] becomes [c, *size]"
    example = "adaptive_avgpool(7) -> flatten"

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        return feature_map(self.name, inputs)[0], *pair(a["size"])

    def window(self, a: Arguments) -> tuple[int, int] | None:
        return None

    def stride(self, inputs: tuple[Shape, ...], a: Arguments) -> tuple[Step, Step]:
        # The mean distance between windows, which is not whole where sizes do not divide.
        height, width = pair(a["size"])
        return Fraction(inputs[0][1], height), Fraction(inputs[0][2], width)

    def expression(self, inputs: tuple[Shape, ...], a: Arguments) -> Expression:
        size = pair(a["size"])
        if size == (1, 1):  # for the reason given at gap
            return Expression("{0}.mean((2, 3), keepdim=True)")
        return Expression("F.adaptive_avg_pool2d({0}, {size})", {"size": square(size)})


OPERATORS = (MaxPool(), AvgPool(), Gap(), AdaptiveAvgPool())
