"""Going on behind a fault: what a shape probably is, and which of it is only a guess.

A fault that was reported must not hide the next one, and must not cause it. So a shape rule that
does not fit yields a probable shape with *vague* axes; what depends on these alone is not
reported. Convolutions and linear layers say their channels themselves, so vagueness fades soon.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Flag
from math import prod

from archdsl.operators.operator import Arguments, Misfit, Operator, Shape
from archdsl.operators.signature import Border, Integer, Number, Pair, Parameter, Value


class Axes(Flag):
    """What of a shape is not known: channels, height and width, whether it is a vector at all."""

    NONE = 0
    CHANNELS = 1
    SIZE = 2
    RANK = 4
    ALL = 7


_OF_PARAMETER = {
    "c": Axes.CHANNELS,
    "n": Axes.CHANNELS,
    "k": Axes.SIZE,
    "stride": Axes.SIZE,
    "padding": Axes.SIZE,
    "dilation": Axes.SIZE,
    "groups": Axes.NONE,
    "bias": Axes.NONE,
    "p": Axes.NONE,
    "ceil_mode": Axes.SIZE,
    "count_include_pad": Axes.NONE,
    "size": Axes.SIZE,
    "eps": Axes.NONE,
    "momentum": Axes.NONE,
    "affine": Axes.NONE,
    "start": Axes.CHANNELS,
    "stop": Axes.CHANNELS,
    "parts": Axes.CHANNELS,
    "index": Axes.NONE,
    "scale": Axes.SIZE,
    "output_padding": Axes.SIZE,
    "upscale_factor": Axes.CHANNELS | Axes.SIZE,
    "value": Axes.NONE,
    "mode": Axes.NONE,
    "approximate": Axes.NONE,
    "negative_slope": Axes.NONE,
    "per_channel": Axes.NONE,
    "init": Axes.NONE,
    "alpha": Axes.NONE,
    "beta": Axes.NONE,
}


def of_parameter(name: str) -> Axes:
    """Return what is not known of an operator's output when an argument is not."""
    return _OF_PARAMETER.get(name, Axes.ALL)


def of_output(operator: Operator, inputs: Axes, shape: Shape) -> Axes:
    """Return what is not known of an operator's output when ``inputs`` is not of its inputs."""
    if not inputs:
        return inputs
    if operator.name == "flatten":
        return Axes.CHANNELS
    if operator.name in ("conv", "convtranspose", "pad_channels"):
        return inputs & Axes.SIZE
    if operator.name == "linear":
        return Axes.NONE
    if len(shape) == 1 and operator.name == "gap":
        return inputs & Axes.CHANNELS
    return inputs


def is_doubtful(
    fault: Misfit, operator: Operator, shapes: Sequence[Shape], vague: Sequence[Axes]
) -> bool:
    """Whether a fault may be due to a guess: then it is not reported."""
    union = Axes.NONE
    for axes in vague:
        union |= axes
    if not union:
        return False
    if Axes.RANK in union:
        return True
    if operator.joins:
        first, *others = shapes
        if any(len(other) != len(first) for other in others):
            return operator.name == "mul" and Axes.CHANNELS in union  # a gate of what length?
        known = [not union & Axes.CHANNELS] + [not union & Axes.SIZE] * (len(first) - 1)
        if operator.name == "concat":
            known[0] = False
        gates = operator.name == "mul"  # 1 fits any size
        return not any(
            ok and a != b and not (gates and 1 in (a, b))
            for other in others
            for ok, a, b in zip(known, first, other, strict=True)
        )
    channels = fault.code in ("ARCH205", "ARCH208", "ARCH211")
    return bool(union & (Axes.CHANNELS if channels else Axes.SIZE)) and fault.code != "ARCH201"


def probable_shape(
    fault: Misfit, operator: Operator, shapes: Sequence[Shape], arguments: Arguments
) -> tuple[Shape, Axes] | None:
    """Return what the output was probably meant to be, and what of that is only a guess."""
    first = shapes[0]
    if operator.joins:
        if operator.name == "mul":
            first = max(shapes, key=prod)
        if any(len(other) != len(first) for other in shapes):
            return first, Axes.CHANNELS if operator.name == "mul" else Axes.ALL
        axes = Axes.NONE
        if any(other[0] != first[0] for other in shapes) and operator.name != "concat":
            axes |= Axes.CHANNELS
        if any(other[1:] != first[1:] for other in shapes):
            axes |= Axes.SIZE
        if operator.name == "concat":
            return (sum(shape[0] for shape in shapes), *first[1:]), axes
        return first, axes
    channels = arguments.get("c", arguments.get("n", first[0]))
    if not isinstance(channels, int):
        return None
    if operator.name == "linear":
        return (channels,), Axes.NONE
    if operator.name == "gap":
        return (first[0],), Axes.NONE
    if fault.code in ("ARCH208", "ARCH211"):
        return (channels, *first[1:]), Axes.CHANNELS
    if len(first) != 3:
        return None
    if fault.code == "ARCH205":
        return (channels, *first[1:]), Axes.SIZE
    return (channels, 1, 1), Axes.SIZE


def stand_in(parameter: Parameter, shape: Shape) -> Value:
    """Return a value for an argument without a default whose own was reported: its least."""
    if parameter.name == "c":
        return shape[0]
    kind = parameter.kind
    assert isinstance(kind, Integer | Pair | Border | Number)
    return kind.check(max(kind.least, 0))
