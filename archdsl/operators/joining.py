"""Operators that join several inputs, and the padding of channels that lets them be joined."""

from __future__ import annotations

from archdsl.operators.operator import (
    Arguments,
    Expression,
    Misfit,
    Operator,
    Shape,
    feature_map,
    integer,
    render,
)
from archdsl.operators.signature import Integer, Parameter


class _Elementwise(Operator):
    """Joins inputs of one shape."""

    joins = True
    sign: str

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        first = inputs[0]
        for other in inputs[1:]:
            if other != first:
                raise Misfit(
                    "ARCH203",
                    f"{self.name}: inputs differ in shape",
                    help=_make_equal(first, other),
                    operands=True,
                )
        return first

    def expression(self, inputs: tuple[Shape, ...], a: Arguments) -> Expression:
        return Expression(f" {self.sign} ".join(f"{{{i}}}" for i in range(len(inputs))))


class Add(_Elementwise):
    """Sum of inputs of one shape."""

    name = "add"
    picture = "+"
    sign = "+"


class Mul(_Elementwise):
    """Product of inputs of one shape, element by element."""

    name = "mul"
    picture = "×"
    sign = "*"


class Concat(Operator):
    """Inputs of one size, one behind the other along channels or vector elements."""

    name = "concat"
    picture = "concat"
    joins = True

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        first = inputs[0]
        for other in inputs[1:]:
            if len(other) != len(first) or other[1:] != first[1:]:
                raise Misfit(
                    "ARCH202",
                    "concat: inputs differ in size",
                    help=_make_equal((0, *first[1:]), (0, *other[1:])),
                    operands=True,
                )
        return sum(shape[0] for shape in inputs), *first[1:]

    def expression(self, inputs: tuple[Shape, ...], a: Arguments) -> Expression:
        return Expression("torch.cat([{inputs}], dim=1)")


class PadChannels(Operator):
    """Appends channels of zeros up to c channels (He et al., shortcut option A)."""

    name = "pad_channels"
    picture = "pad to {c}"
    parameters = (Parameter("c", Integer(1), "channels after padding"),)

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        channels, h, w = feature_map("pad_channels", inputs)
        wanted = integer(a["c"])
        if wanted < channels:
            raise Misfit(
                "ARCH208",
                f"pad_channels: c = {wanted}, but the input has {channels} channels already",
                help=f"write at least {channels}, or use conv({wanted}, 1) to have fewer channels",
                argument="c",
            )
        return wanted, h, w

    def expression(self, inputs: tuple[Shape, ...], a: Arguments) -> Expression:
        template = "F.pad({0}, (0, 0, 0, 0, 0, {c} - {in_channels}))"
        return Expression(template, {"c": a["c"], "in_channels": inputs[0][0]})


def _make_equal(first: Shape, other: Shape) -> str:
    """Return what would make the second of two inputs fit the first."""
    if len(first) != len(other):
        return "bring both to feature maps, or both to vectors with gap or flatten"
    if len(first) == 1:
        return f"make both of length {first[0]}, with linear({first[0]})"
    (c, h, w), (oc, oh, ow) = first, other
    small, large = ((h, w), (oh, ow)) if h * w <= oh * ow else ((oh, ow), (h, w))
    ratios = {-(-b // a) for a, b in zip(small, large, strict=True)}
    if small != large and len(ratios) == 1:
        (ratio,) = ratios
        if c != oc:
            target = c if (h, w) == small else oc
            return (
                f"the input of {render(large)} needs a projection: "
                f"conv({target}, 1, stride = {ratio})"
            )
        return f"the input of {render(large)} needs stride {ratio} to become {render(small)}"
    if small != large:
        return f"sizes {render((h, w))} and {render((oh, ow))} must become equal"
    return f"one input needs a projection: conv({c}, 1) or conv({oc}, 1)"


OPERATORS = (Add(), Mul(), Concat(), PadChannels())
