"""Operators that join several inputs."""

from __future__ import annotations

from math import prod

from archdsl.operators.operator import (
    Arguments,
    Expression,
    Misfit,
    Operator,
    Shape,
    render,
)


class Add(Operator):
    """Sum of inputs of one shape."""

    name = "add"
    picture = "+"
    rule = "all inputs have one shape, which stays"
    example = "{ in | conv(64, 3) -> batchnorm } -> add -> relu"
    joins = True

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        first = inputs[0]
        for other in inputs[1:]:
            if other != first:
                raise Misfit(
                    "ARCH203",
                    "add: inputs differ in shape",
                    help=_make_equal(first, other),
                    operands=True,
                )
        return first

    def expression(self, inputs: tuple[Shape, ...], a: Arguments) -> Expression:
        return Expression(" + ".join(f"{{{i}}}" for i in range(len(inputs))))


class Mul(Operator):
    """Product, element by element; a vector or a map of size 1×1 or of one channel is a gate.

    A gate of c values multiplies whole channels (squeeze-and-excitation), one of a single channel
    multiplies each pixel of all channels.
    """

    name = "mul"
    picture = "×"
    rule = "inputs of one shape, which stays; beside a map [c, h, w] also [c], [c, 1, 1], [1, h, w]"
    example = "{ in | gap -> linear(4) -> relu -> linear(in.c) -> sigmoid } -> mul"
    joins = True

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        maps = [shape for shape in inputs if len(shape) == 3]
        channels = next((shape[0] for shape in inputs if shape[0] != 1), 1)
        size = next((shape[1:] for shape in maps if shape[1:] != (1, 1)), (1, 1) if maps else ())
        for shape in inputs:
            if len(shape) == 1:
                fits = shape[0] == channels
            else:
                fits = shape[0] in (channels, 1) and shape[1:] in (size, (1, 1))
            if not fits:
                raise Misfit(
                    "ARCH203",
                    "mul: inputs differ in shape",
                    help=_make_gate(inputs) or _make_equal(inputs[0], shape),
                    operands=True,
                )
        return channels, *size

    def expression(self, inputs: tuple[Shape, ...], a: Arguments) -> Expression:
        is_map = any(len(shape) == 3 for shape in inputs)
        gate = "[:, :, None, None]"
        factors = (
            f"{{{i}}}{gate if is_map and len(shape) == 1 else ''}" for i, shape in enumerate(inputs)
        )
        return Expression(" * ".join(factors))


class Concat(Operator):
    """Inputs of one size, one behind the other along channels or vector elements."""

    name = "concat"
    picture = "concat"
    rule = "channels, or vector elements, are summed; sizes are equal"
    example = "{ conv(32, 1) | conv(64, 3) | maxpool(3, stride = 1, padding = 1) } -> concat"
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


def _make_gate(inputs: tuple[Shape, ...]) -> str | None:
    """Return what would make a gate fit its map, where one of the inputs looks like a gate."""
    whole = max(inputs, key=prod)
    for shape in inputs:
        if len(whole) == 3 and shape[0] != whole[0]:
            if len(shape) == 1:
                return f"a gate of {render(whole)} has {whole[0]} elements: linear({whole[0]})"
            if shape[1:] == (1, 1) != whole[1:]:
                return f"a gate of {render(whole)} has {whole[0]} channels: conv({whole[0]}, 1)"
    return None


def _make_equal(first: Shape, other: Shape) -> str:
    """Return what would make the second of two inputs fit the first."""
    if len(first) != len(other):
        whole = first if len(first) == 3 else other
        known = render(whole) if whole[0] else f"of size {render(whole[1:])}"
        return f"end the branch that is a feature map, {known}, with gap or flatten"
    if len(first) == 1:
        return f"make both of length {first[0]}, with linear({first[0]})"
    (c, h, w), (oc, oh, ow) = first, other
    if (h, w) == (oh, ow):
        return f"one input needs a projection: conv({c}, 1) or conv({oc}, 1)"
    large, small = (first, other) if h * w > oh * ow else (other, first)
    ratio = stride_between(large[1:], small[1:])
    if ratio is not None and c != oc:
        step = f"conv({small[0]}, 1, stride = {ratio})"
        return f"the input of {render(large[1:])} needs a projection: {step}"
    if ratio is not None:
        shown = render(small[1:])
        return f"the input of {render(large[1:])} needs stride {ratio} to become {shown}"
    lost = {n - m for n, m in zip(large[1:], small[1:], strict=True)}
    if len(lost) == 1 and (border := lost.pop()) % 2 == 0 and 0 < border <= 8:
        shown = render(small[1:])
        return f"{shown} has lost a border of {border // 2}: give its window that much padding"
    ratio = stride_between(large[1:], (small[1] + 1, small[2] + 1))
    if ratio is not None:
        size = render((small[1] + 1, small[2] + 1))
        return (
            f"give the window that makes {render(small[1:])} a padding, "
            f"and {render(large[1:])} stride {ratio}: both are {size} then"
        )
    return f"sizes {render((h, w))} and {render((oh, ow))} must become equal"


def stride_between(large: Shape, small: Shape) -> int | None:
    """Return the stride at which a 1×1 window makes one size of another, None if none does."""
    ratio = -(-large[0] // small[0])
    fits = tuple(-(-n // ratio) for n in large) == small
    return ratio if fits and ratio > 1 else None


OPERATORS = (Add(), Mul(), Concat())
