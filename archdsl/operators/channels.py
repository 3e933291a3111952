"""Operators that pick, order or append channels, without weights."""

from __future__ import annotations

from archdsl.operators.operator import (
    Arguments,
    Expression,
    Misfit,
    Operator,
    Shape,
    feature_map,
    integer,
)
from archdsl.operators.signature import Integer, Parameter, Value
from archdsl.operators.windows import check_groups


class PadChannels(Operator):
    """Appends channels of zeros up to c channels (He et al., shortcut option A)."""

    name = "pad_channels"
    picture = "pad to {c}"
    parameters = (Parameter("c", Integer(1), "channels after padding"),)
    rule = "[in, h, w] becomes [c, h, w]; c is at least in"
    example = "subsample(2) -> pad_channels(128)"

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


class Slice(Operator):
    """The channels or vector elements from start up to, but not including, stop."""

    name = "slice"
    picture = "{start} to {stop}"
    parameters = (
        Parameter("start", Integer(0), "first channel, counted from 0"),
        Parameter("stop", Integer(1), "channel behind the last; the end unless given", None),
    )
    rule = "[c, h, w] becomes [stop - start, h, w], [n] becomes [stop - start]"
    example = "{ slice(0, 16) | slice(16) -> conv(48, 3) } -> concat"

    def _range(self, inputs: tuple[Shape, ...], a: Arguments) -> tuple[int, int]:
        stop = inputs[0][0] if a["stop"] is None else integer(a["stop"])
        return integer(a["start"]), stop

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        start, stop = self._range(inputs, a)
        channels = inputs[0][0]
        if stop > channels or start >= channels:
            raise Misfit(
                "ARCH211",
                f"slice: {start} to {stop} reaches beyond the {channels} channels of the input",
                help=f"write start = {channels - 1} or less, stop = {channels} or less",
                argument="stop" if stop > channels else "start",
            )
        if start >= stop:
            raise Misfit(
                "ARCH211",
                f"slice: {start} to {stop} holds no channel",
                help=f"write stop = {start + 1} or more",
                argument="stop",
            )
        return stop - start, *inputs[0][1:]

    def expression(self, inputs: tuple[Shape, ...], a: Arguments) -> Expression:
        start, stop = self._range(inputs, a)
        values: dict[str, Value] = {}
        if start:
            values["start"] = start
        if stop != inputs[0][0]:
            values["stop"] = stop
        bounds = ":".join(f"{{{n}}}" if n in values else "" for n in ("start", "stop"))
        return Expression(f"{{0}}[:, {bounds}]", values)


class Split(Operator):
    """One of several equal parts of the channels or vector elements, counted from 0."""

    name = "split"
    picture = "part {index} of {parts}"
    parameters = (
        Parameter("parts", Integer(1), "how many parts there are"),
        Parameter("index", Integer(0), "which of them, counted from 0"),
    )
    rule = "[c, h, w] becomes [c / parts, h, w], [n] becomes [n / parts]; parts divides c"
    example = "{ split(2, 0) | split(2, 1) -> conv(32, 3) } -> concat"

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        parts, index = integer(a["parts"]), integer(a["index"])
        channels = inputs[0][0]
        if channels % parts:
            raise Misfit(
                "ARCH205",
                f"split: the {channels} input channels do not fall into {parts} equal parts",
                help=f"parts must divide {channels}; slice takes any range of channels",
                argument="parts",
            )
        if index >= parts:
            raise Misfit(
                "ARCH211",
                f"split: there is no part {index} of {parts}",
                help=f"parts are counted from 0; the last is {parts - 1}",
                argument="index",
            )
        return channels // parts, *inputs[0][1:]

    def expression(self, inputs: tuple[Shape, ...], a: Arguments) -> Expression:
        values = {"parts": a["parts"], "index": a["index"]}
        return Expression("{0}.chunk({parts}, dim=1)[{index}]", values)


class ChannelShuffle(Operator):
    """Deals the channels of all groups out in turn, so that groups mix (ShuffleNet)."""

    name = "channel_shuffle"
    picture = "shuffle {groups}"
    parameters = (Parameter("groups", Integer(1), "groups of channels to deal from"),)
    rule = "[c, h, w] stays as it is; groups divides c"
    example = "conv(128, 1, groups = 4) -> channel_shuffle(4)"

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        c, h, w = feature_map(self.name, inputs)
        check_groups(self.name, integer(a["groups"]), {"input": c})
        return c, h, w

    def expression(self, inputs: tuple[Shape, ...], a: Arguments) -> Expression:
        return Expression("F.channel_shuffle({0}, {groups})", {"groups": a["groups"]})


OPERATORS = (PadChannels(), Slice(), Split(), ChannelShuffle())
