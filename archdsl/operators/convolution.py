"""Convolutions."""

from __future__ import annotations

from archdsl.operators.operator import (
    Arguments,
    ModuleCall,
    Operator,
    Shape,
    feature_map,
    integer,
    pair,
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

    def stride(self, a: Arguments) -> tuple[int, int]:
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

    def channels(self, inputs: tuple[Shape, ...], a: Arguments) -> tuple[int, int]:
        return inputs[0][0], inputs[0][0]


# Of nn.Conv2d.
_DEFAULTS = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "bias": True}

OPERATORS = (Conv(), DepthwiseConv())
