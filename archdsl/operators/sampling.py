"""Operators that change rows and columns without weights: borders, and sampling up and down."""

from __future__ import annotations

from fractions import Fraction
from math import inf

from archdsl.operators.operator import (
    Arguments,
    Expression,
    Misfit,
    Operator,
    Shape,
    Step,
    feature_map,
    integer,
    pair,
    render,
    square,
)
from archdsl.operators.signature import Border, Integer, Number, Pair, Parameter, Value, Word


class Pad(Operator):
    """A border around the map: of a constant, or of what lies inside."""

    name = "pad"
    picture = "pad {padding}"
    parameters = (
        Parameter("padding", Border(), "width of the border"),
        Parameter(
            "mode",
            Word(("constant", "reflect", "replicate", "circular")),
            "what the border is made of",
            "constant",
        ),
        Parameter("value", Number(-inf), "of a constant border", 0),
    )
    rule = "[c, h, w] becomes [c, top + h + bottom, left + w + right]"
    example = "pad([0, 1, 0, 1]) -> conv(128, 3, stride = 2, padding = 0)"

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        c, h, w = feature_map(self.name, inputs)
        left, right, top, bottom = _border(a)
        mode = a["mode"]
        most = {"reflect": min(h, w) - 1, "circular": min(h, w)}.get(str(mode))
        if most is not None:
            for size, sides in ((h, (top, bottom)), (w, (left, right))):
                limit = size - 1 if mode == "reflect" else size
                if max(sides) > limit:
                    raise Misfit(
                        "ARCH213",
                        f"pad: a {mode} border of {max(sides)} is wider than the input "
                        f"{render((h, w))} can give",
                        help=f"write padding = {most} or less, or mode = replicate",
                        argument="padding",
                    )
        if mode != "constant" and a["value"]:
            raise Misfit(
                "ARCH105",
                f"pad: value is that of a constant border, but mode is {mode}",
                help="remove value, or write mode = constant",
                argument="value",
            )
        return c, top + h + bottom, left + w + right

    def expression(self, inputs: tuple[Shape, ...], a: Arguments) -> Expression:
        left, right, top, bottom = _border(a)
        values: dict[str, Value] = {"l": left, "r": right, "t": top, "b": bottom}
        template = "F.pad({0}, ({l}, {r}, {t}, {b})"
        if a["mode"] != "constant":
            template += f', mode="{a["mode"]}"'
        elif a["value"]:
            template += ", value={value}"
            values["value"] = a["value"]
        return Expression(template + ")", values)


class Upsample(Operator):
    """Makes the map larger by a whole factor, from the nearest pixel or bilinear."""

    name = "upsample"
    picture = "upsample {scale}"
    parameters = (
        Parameter("scale", Pair(1), "factor of height and width"),
        Parameter("mode", Word(("nearest", "bilinear")), "how pixels are made", "nearest"),
    )
    rule = "[c, h, w] becomes [c, scale h, scale w]"
    example = "upsample(2, mode = bilinear) -> conv(64, 3)"

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        c, h, w = feature_map(self.name, inputs)
        vertical, horizontal = pair(a["scale"])
        return c, vertical * h, horizontal * w

    def stride(self, inputs: tuple[Shape, ...], a: Arguments) -> tuple[Step, Step]:
        vertical, horizontal = pair(a["scale"])
        return Fraction(1, vertical), Fraction(1, horizontal)

    def window(self, a: Arguments) -> tuple[int, int] | None:
        vertical, horizontal = (
            1 if a["mode"] == "nearest" else min(s, 2) for s in pair(a["scale"])
        )
        return vertical, horizontal

    def expression(self, inputs: tuple[Shape, ...], a: Arguments) -> Expression:
        template = "F.interpolate({0}, scale_factor={scale}"
        if a["mode"] != "nearest":
            template += f', mode="{a["mode"]}"'
        return Expression(template + ")", {"scale": square(pair(a["scale"]))})


class PixelShuffle(Operator):
    """Deals channels out as pixels: upscale_factor² channels become one, that much larger."""

    name = "pixel_shuffle"
    picture = "pixel shuffle {upscale_factor}"
    parameters = (Parameter("upscale_factor", Integer(1), "factor of height and width"),)
    rule = "[c r², h, w] becomes [c, r h, r w] with r = upscale_factor"
    example = "conv(48, 3) -> pixel_shuffle(4)"

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        c, h, w = feature_map(self.name, inputs)
        r = integer(a["upscale_factor"])
        if c % r**2:
            raise Misfit(
                "ARCH205",
                f"pixel_shuffle: the {c} input channels do not fall into groups of {r}² = {r * r}",
                help=f"put conv({max(1, c // r**2) * r**2}, 1) before it",
                argument="upscale_factor",
            )
        return c // r**2, r * h, r * w

    def stride(self, inputs: tuple[Shape, ...], a: Arguments) -> tuple[Step, Step]:
        r = integer(a["upscale_factor"])
        return Fraction(1, r), Fraction(1, r)

    def expression(self, inputs: tuple[Shape, ...], a: Arguments) -> Expression:
        return Expression("F.pixel_shuffle({0}, {upscale_factor})", dict(a))


class Subsample(Operator):
    """Every stride-th row and column, without weights (He et al., shortcut option A)."""

    name = "subsample"
    picture = "subsample {stride}"
    parameters = (Parameter("stride", Pair(1), "rows and columns to step"),)
    rule = "[c, h, w] becomes [c, h / stride, w / stride], rounded up"
    example = "subsample(2) -> pad_channels(128)"

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        c, h, w = feature_map("subsample", inputs)
        vertical, horizontal = pair(a["stride"])
        return c, -(-h // vertical), -(-w // horizontal)

    def stride(self, inputs: tuple[Shape, ...], a: Arguments) -> tuple[Step, Step]:
        return pair(a["stride"])

    def expression(self, inputs: tuple[Shape, ...], a: Arguments) -> Expression:
        vertical, horizontal = pair(a["stride"])
        return Expression("{0}[:, :, ::{v}, ::{h}]", {"v": vertical, "h": horizontal})


def _border(a: Arguments) -> tuple[int, int, int, int]:
    border = a["padding"]
    assert isinstance(border, tuple)
    left, right, top, bottom = map(integer, border)
    return left, right, top, bottom


OPERATORS = (Pad(), Upsample(), PixelShuffle(), Subsample())
