"""Convolutions."""

from __future__ import annotations

from fractions import Fraction

from archdsl.operators.operator import (
    Arguments,
    Misfit,
    ModuleCall,
    Operator,
    Shape,
    Step,
    feature_map,
    integer,
    pair,
    render,
    square,
)
from archdsl.operators.signature import Boolean, Integer, Padding, Pair, Parameter, Value
from archdsl.operators.windows import check_groups, same_padding, window_sizes

_C = Parameter("c", Integer(1), "output channels")
_K = Parameter("k", Pair(1), "kernel size", 3)
_STRIDE = Parameter("stride", Pair(1), "step of the kernel", 1)
_PADDING = Parameter("padding", Padding(), "zeros around the input; same means k // 2", "same")
_DILATION = Parameter("dilation", Pair(1), "distance between kernel elements", 1)
_GROUPS = Parameter("groups", Integer(1), "groups of channels that do not mix", 1)
_BIAS = Parameter("bias", Boolean(), "whether to add a learned bias", True)


class Conv(Operator):
    """2-d convolution with c output channels; in-channels are inferred."""

    name = "conv"
    picture = "conv {k}, {c}"
    parameters: tuple[Parameter, ...] = (_C, _K, _STRIDE, _PADDING, _DILATION, _GROUPS, _BIAS)
    convolves = True
    rule = (
        "[in, h, w] becomes [c, h', w'], h' = (h + 2 padding - dilation (k - 1) - 1) // stride + 1;"
        " groups divides in and c"
    )
    cost = "k k c in / groups weights and c biases; a MAC for each weight and output pixel"
    example = "conv(128, 3, stride = 2, bias = false)"

    def channels(self, inputs: tuple[Shape, ...], a: Arguments) -> tuple[int, int]:
        """Return output channels and groups."""
        return integer(a["c"]), integer(a["groups"])

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        c, h, w = feature_map(self.name, inputs)
        channels, groups = self.channels(inputs, a)
        check_groups(self.name, groups, {"input": c, "output": channels})
        padding = same_padding(a)
        size = window_sizes(
            self.name, (h, w), pair(a["k"]), pair(a["stride"]), padding, pair(a["dilation"])
        )
        return channels, *size

    def stride(self, inputs: tuple[Shape, ...], a: Arguments) -> tuple[Step, Step]:
        return pair(a["stride"])

    def window(self, a: Arguments) -> tuple[int, int] | None:
        (kh, kw), (dh, dw) = pair(a["k"]), pair(a["dilation"])
        return dh * (kh - 1) + 1, dw * (kw - 1) + 1

    def _weights(self, inputs: tuple[Shape, ...], a: Arguments) -> int:
        channels, groups = self.channels(inputs, a)
        kernel = pair(a["k"])
        return inputs[0][0] // groups * kernel[0] * kernel[1] * channels

    def parameter_count(self, inputs: tuple[Shape, ...], a: Arguments) -> int:
        biases = self.channels(inputs, a)[0] if a["bias"] else 0
        return self._weights(inputs, a) + biases

    def macs(self, inputs: tuple[Shape, ...], output: Shape, a: Arguments) -> int:
        return self._weights(inputs, a) * output[1] * output[2]

    def module(self, inputs: tuple[Shape, ...], a: Arguments) -> ModuleCall:
        channels, groups = self.channels(inputs, a)
        arguments: tuple[tuple[str, Value], ...] = (
            ("in_channels", inputs[0][0]),
            ("out_channels", channels),
            ("kernel_size", square(pair(a["k"]))),
            ("stride", square(pair(a["stride"]))),
            ("padding", square(same_padding(a))),
            ("dilation", square(pair(a["dilation"]))),
            ("groups", groups),
            ("bias", a["bias"]),
        )
        return ModuleCall("nn.Conv2d", arguments, 3, _DEFAULTS)


class DepthwiseConv(Conv):
    """Depthwise convolution: each channel by itself, as many groups as channels."""

    name = "dwconv"
    picture = "dw conv {k}"
    parameters = (_K, _STRIDE, _PADDING, _DILATION, _BIAS)
    rule = "[c, h, w] becomes [c, h', w'], sizes as those of conv"
    cost = "k k c weights and c biases; a MAC for each weight and output pixel"
    example = "dwconv(3, stride = 2, bias = false)"

    def channels(self, inputs: tuple[Shape, ...], a: Arguments) -> tuple[int, int]:
        return inputs[0][0], inputs[0][0]


# Of nn.Conv2d.
_DEFAULTS = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "bias": True}


class ConvTranspose(Operator):
    """Transposed convolution: each pixel writes a window, stride apart."""

    name = "convtranspose"
    picture = "conv T {k}, {c}"
    parameters = (
        _C,
        Parameter("k", Pair(1), "kernel size"),
        Parameter("stride", Pair(1), "distance between windows", 1),
        Parameter("padding", Pair(0), "pixels cut off on every side", 0),
        Parameter("output_padding", Pair(0), "pixels added at the right and the bottom", 0),
        _GROUPS,
        _BIAS,
        _DILATION,
    )
    convolves = True
    rule = (
        "[in, h, w] becomes [c, h', w'], h' = (h - 1) stride - 2 padding + dilation (k - 1) + 1"
        " + output_padding; groups divides in and c"
    )
    cost = "k k c in / groups weights and c biases; a MAC for each weight and input pixel"
    example = "convtranspose(32, 2, stride = 2)"

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        c, h, w = feature_map(self.name, inputs)
        channels = integer(a["c"])
        check_groups(self.name, integer(a["groups"]), {"input": c, "output": channels})
        names = ("k", "stride", "padding", "output_padding", "dilation")
        size = []
        for n, k, s, p, extra, d in zip((h, w), *(pair(a[name]) for name in names), strict=True):
            if extra >= max(s, d):
                raise Misfit(
                    "ARCH105",
                    f"convtranspose: output_padding {extra} is not below stride {s}",
                    help=f"write output_padding = {max(s, d) - 1} or less",
                    argument="output_padding",
                )
            size.append((n - 1) * s - 2 * p + d * (k - 1) + 1 + extra)
        if min(size) < 1:
            raise Misfit(
                "ARCH204",
                f"convtranspose: padding cuts off all that a {render((h, w))} input gives",
                help="use a smaller padding",
                argument="padding",
            )
        return channels, size[0], size[1]

    def stride(self, inputs: tuple[Shape, ...], a: Arguments) -> tuple[Step, Step]:
        vertical, horizontal = pair(a["stride"])
        return Fraction(1, vertical), Fraction(1, horizontal)

    def window(self, a: Arguments) -> tuple[int, int] | None:
        (kh, kw), (dh, dw), (sh, sw) = (pair(a[name]) for name in ("k", "dilation", "stride"))
        return -(-(dh * (kh - 1) + 1) // sh), -(-(dw * (kw - 1) + 1) // sw)

    def _weights(self, inputs: tuple[Shape, ...], a: Arguments) -> int:
        kernel = pair(a["k"])
        per_input = integer(a["c"]) // integer(a["groups"]) * kernel[0] * kernel[1]
        return inputs[0][0] * per_input

    def parameter_count(self, inputs: tuple[Shape, ...], a: Arguments) -> int:
        return self._weights(inputs, a) + (integer(a["c"]) if a["bias"] else 0)

    def macs(self, inputs: tuple[Shape, ...], output: Shape, a: Arguments) -> int:
        return self._weights(inputs, a) * inputs[0][1] * inputs[0][2]

    def module(self, inputs: tuple[Shape, ...], a: Arguments) -> ModuleCall:
        arguments: tuple[tuple[str, Value], ...] = (
            ("in_channels", inputs[0][0]),
            ("out_channels", a["c"]),
            ("kernel_size", square(pair(a["k"]))),
            ("stride", square(pair(a["stride"]))),
            ("padding", square(pair(a["padding"]))),
            ("output_padding", square(pair(a["output_padding"]))),
            ("groups", a["groups"]),
            ("bias", a["bias"]),
            ("dilation", square(pair(a["dilation"]))),
        )
        return ModuleCall("nn.ConvTranspose2d", arguments, 3, {**_DEFAULTS, "output_padding": 0})


OPERATORS = (Conv(), DepthwiseConv(), ConvTranspose())
