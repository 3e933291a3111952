"""Convolutions."""

from __future__ import annotations

from archdsl.operators.operator import (
    Arguments,
    Misfit,
    ModuleCall,
    Operator,
    Shape,
    feature_map,
    integer,
    pair,
    render,
    square,
)
from archdsl.operators.signature import Boolean, Integer, Padding, Pair, Parameter, Value


class Conv(Operator):
    """2-d convolution with c output channels; in-channels are inferred."""

    name = "conv"
    picture = "conv {k}, {c}"
    parameters = (
        Parameter("c", Integer(1), "output channels"),
        Parameter("k", Pair(1), "kernel size", 3),
        Parameter("stride", Pair(1), "step of the kernel", 1),
        Parameter("padding", Padding(), "zeros around the input; same means k // 2", "same"),
        Parameter("dilation", Pair(1), "distance between kernel elements", 1),
        Parameter("groups", Integer(1), "groups of channels that do not mix", 1),
        Parameter("bias", Boolean(), "whether to add a learned bias", True),
    )

    def padding(self, a: Arguments) -> tuple[int, int]:
        """Return the padding in pixels: given, or k // 2 (times dilation) for an odd k."""
        if a["padding"] != "same":
            return pair(a["padding"])
        kernel, dilation = pair(a["k"]), pair(a["dilation"])
        for k in kernel:
            if k % 2 == 0:
                raise Misfit(
                    "ARCH206",
                    f"padding = same needs an odd kernel, but k is {k}",
                    help=f"write padding = 0 or padding = {k // 2}, or k = {k + 1}",
                    argument="k",
                )
        return dilation[0] * (kernel[0] // 2), dilation[1] * (kernel[1] // 2)

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        c, h, w = feature_map("conv", inputs)
        groups, channels = integer(a["groups"]), integer(a["c"])
        for what, count in (("input", c), ("output", channels)):
            if count % groups:
                raise Misfit(
                    "ARCH205",
                    f"conv: groups = {groups} does not divide the {count} {what} channels",
                    help=f"groups must divide both {c} and {channels}",
                    argument="groups",
                )
        padding = self.padding(a)
        size = window_sizes(
            "conv", (h, w), pair(a["k"]), pair(a["stride"]), padding, pair(a["dilation"])
        )
        return channels, *size

    def stride(self, a: Arguments) -> tuple[int, int]:
        return pair(a["stride"])

    def _weights(self, inputs: tuple[Shape, ...], a: Arguments) -> int:
        kernel = pair(a["k"])
        per_output = inputs[0][0] // integer(a["groups"]) * kernel[0] * kernel[1]
        return per_output * integer(a["c"])

    def parameter_count(self, inputs: tuple[Shape, ...], a: Arguments) -> int:
        return self._weights(inputs, a) + (integer(a["c"]) if a["bias"] else 0)

    def macs(self, inputs: tuple[Shape, ...], output: Shape, a: Arguments) -> int:
        return self._weights(inputs, a) * output[1] * output[2]

    def module(self, inputs: tuple[Shape, ...], a: Arguments) -> ModuleCall:
        arguments: tuple[tuple[str, Value], ...] = (
            ("in_channels", inputs[0][0]),
            ("out_channels", a["c"]),
            ("kernel_size", square(pair(a["k"]))),
            ("stride", square(pair(a["stride"]))),
            ("padding", square(self.padding(a))),
            ("dilation", square(pair(a["dilation"]))),
            ("groups", a["groups"]),
            ("bias", a["bias"]),
        )
        return ModuleCall("nn.Conv2d", arguments, 3, _DEFAULTS)


# Of nn.Conv2d.
_DEFAULTS = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "bias": True}


def window_sizes(
    name: str,
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int] = (1, 1),
) -> tuple[int, int]:
    """Return height and width behind a sliding window (rounded down, as torch does).

    out = (in + 2 padding - dilation (kernel - 1) - 1) // stride + 1, for each axis.
    Raises :class:`Misfit` (ARCH204) where the window is larger than the padded input.
    """
    out = []
    for n, k, s, p, d in zip(size, kernel, stride, padding, dilation, strict=True):
        reach = d * (k - 1) + 1
        if n + 2 * p < reach:
            raise Misfit(
                "ARCH204",
                f"{name}: its {kernel[0]}×{kernel[1]} window is larger than the input "
                f"{render(size)}" + (f" with padding {p}" if p else ""),
                help="use a smaller window, or remove a down-sampling step before it",
            )
        out.append((n + 2 * p - reach) // s + 1)
    return out[0], out[1]


OPERATORS = (Conv(),)
