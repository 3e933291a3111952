"""Calls of operators with random arguments, beside what torch itself makes of them.

``in_torch`` is written from torch's documentation, with nothing of the declarations. Tensors are
tiny and not on the meta device, where torch lets pass some of what it refuses elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import strategies as st
from torch import Tensor, nn

Draw: TypeAlias = Callable[[st.SearchStrategy[Any]], Any]
Pair: TypeAlias = tuple[int, int]
Shape: TypeAlias = tuple[int, ...]


@dataclass(frozen=True)
class Call:
    """A step of a spec, what it is fed with, and what torch makes of that."""

    text: str
    shape: Shape
    in_torch: Callable[[Tensor], Tensor]


def _map(draw: Draw) -> Shape:
    side = st.integers(1, 14)
    return draw(st.integers(1, 12)), draw(side), draw(side)


def _any(draw: Draw) -> Shape:
    return (draw(st.integers(1, 12)),) if draw(st.booleans()) else _map(draw)


def _pair(draw: Draw, low: int, high: int) -> Pair:
    return draw(st.integers(low, high)), draw(st.integers(low, high))


def _show(value: Pair) -> str:
    return str(value[0]) if value[0] == value[1] else f"[{value[0]}, {value[1]}]"


def _word(value: bool) -> str:
    return str(value).lower()


def conv(draw: Draw) -> Call:
    shape = _map(draw)
    c, groups = draw(st.integers(1, 12)), draw(st.sampled_from([1, 1, 2, 3, 4]))
    k, stride, dilation = _pair(draw, 1, 5), _pair(draw, 1, 3), _pair(draw, 1, 3)
    padding, bias = draw(st.none() | st.tuples(*[st.integers(0, 4)] * 2)), draw(st.booleans())
    shown = "same" if padding is None else _show(padding)
    text = (
        f"conv({c}, {_show(k)}, {_show(stride)}, {shown}, {_show(dilation)}, {groups},"
        f" {_word(bias)})"
    )

    def in_torch(x: Tensor) -> Tensor:
        border = padding
        if border is None:
            if k[0] % 2 == 0 or k[1] % 2 == 0:
                raise RuntimeError("an even kernel has no symmetric padding")
            border = (dilation[0] * (k[0] - 1) // 2, dilation[1] * (k[1] - 1) // 2)
        return nn.Conv2d(shape[0], c, k, stride, border, dilation, groups, bias)(x)

    return Call(text, shape, in_torch)


def dwconv(draw: Draw) -> Call:
    shape, k, stride = _map(draw), draw(st.sampled_from([1, 3, 5])), _pair(draw, 1, 3)
    text = f"dwconv({k}, stride = {_show(stride)})"
    return Call(
        text,
        shape,
        lambda x: nn.Conv2d(shape[0], shape[0], k, stride, k // 2, groups=shape[0])(x),
    )


def convtranspose(draw: Draw) -> Call:
    shape = _map(draw)
    c, groups = draw(st.integers(1, 12)), draw(st.sampled_from([1, 1, 2, 3]))
    k, stride, dilation = _pair(draw, 1, 4), _pair(draw, 1, 3), _pair(draw, 1, 2)
    padding, extra = _pair(draw, 0, 3), _pair(draw, 0, 2)
    text = (
        f"convtranspose({c}, {_show(k)}, {_show(stride)}, {_show(padding)}, {_show(extra)},"
        f" {groups}, dilation = {_show(dilation)})"
    )
    return Call(
        text,
        shape,
        lambda x: nn.ConvTranspose2d(
            shape[0], c, k, stride, padding, extra, groups, dilation=dilation
        )(x),
    )


def maxpool(draw: Draw) -> Call:
    shape, k, padding, ceil = _map(draw), _pair(draw, 1, 4), _pair(draw, 0, 2), draw(st.booleans())
    stride = draw(st.none() | st.tuples(*[st.integers(1, 4)] * 2))
    step = f"stride = {_show(stride)}, " if stride else ""
    text = f"maxpool({_show(k)}, {step}padding = {_show(padding)}, ceil_mode = {_word(ceil)})"
    return Call(text, shape, lambda x: F.max_pool2d(x, k, stride, padding, 1, ceil))


def avgpool(draw: Draw) -> Call:
    shape, k, padding, ceil = _map(draw), _pair(draw, 1, 4), _pair(draw, 0, 2), draw(st.booleans())
    stride, count = _pair(draw, 1, 4), draw(st.booleans())
    text = (
        f"avgpool({_show(k)}, {_show(stride)}, {_show(padding)}, {_word(ceil)},"
        f" count_include_pad = {_word(count)})"
    )
    return Call(text, shape, lambda x: F.avg_pool2d(x, k, stride, padding, ceil, count))


def adaptive_avgpool(draw: Draw) -> Call:
    shape, size = _map(draw), _pair(draw, 1, 16)
    text = f"adaptive_avgpool({_show(size)})"
    return Call(text, shape, lambda x: nn.AdaptiveAvgPool2d(size)(x))


def gap(draw: Draw) -> Call:
    return Call("gap", _map(draw), lambda x: nn.AdaptiveAvgPool2d(1)(x).flatten(1))


def pad(draw: Draw) -> Call:
    shape = _map(draw)
    left, right, top, bottom = (draw(st.integers(0, 6)) for _ in range(4))
    mode = draw(st.sampled_from(["constant", "reflect", "replicate", "circular"]))
    text = f"pad([{left}, {right}, {top}, {bottom}], mode = {mode})"
    return Call(text, shape, lambda x: F.pad(x, (left, right, top, bottom), mode))


def upsample(draw: Draw) -> Call:
    shape, scale = _map(draw), _pair(draw, 1, 4)
    mode = draw(st.sampled_from(["nearest", "bilinear"]))
    text = f"upsample({_show(scale)}, {mode})"
    return Call(text, shape, lambda x: nn.Upsample(scale_factor=scale, mode=mode)(x))


def pixel_shuffle(draw: Draw) -> Call:
    shape, r = _map(draw), draw(st.integers(1, 3))
    return Call(f"pixel_shuffle({r})", shape, lambda x: nn.PixelShuffle(r)(x))


def subsample(draw: Draw) -> Call:
    shape, (v, h) = _map(draw), _pair(draw, 1, 4)
    return Call(f"subsample({_show((v, h))})", shape, lambda x: x[:, :, ::v, ::h])


def pad_channels(draw: Draw) -> Call:
    shape, c = _map(draw), draw(st.integers(1, 20))

    def in_torch(x: Tensor) -> Tensor:
        if c < shape[0]:
            raise RuntimeError("zeros take no channels away")
        return torch.cat([x, x.new_zeros(len(x), c - shape[0], *shape[1:])], 1)

    return Call(f"pad_channels({c})", shape, in_torch)


def slice_(draw: Draw) -> Call:
    shape = _any(draw)
    start, stop = draw(st.integers(0, 12)), draw(st.none() | st.integers(1, 13))
    text = f"slice({start})" if stop is None else f"slice({start}, {stop})"

    def in_torch(x: Tensor) -> Tensor:
        length = (shape[0] if stop is None else stop) - start
        if length < 1:
            raise RuntimeError("no channels are left")
        return x.narrow(1, start, length)

    return Call(text, shape, in_torch)


def split(draw: Draw) -> Call:
    shape, parts, index = _any(draw), draw(st.integers(1, 5)), draw(st.integers(0, 5))
    text = f"split({parts}, {index})"
    return Call(text, shape, lambda x: x.unflatten(1, (parts, -1)).select(1, index))


def channel_shuffle(draw: Draw) -> Call:
    shape, groups = _map(draw), draw(st.integers(1, 5))
    text = f"channel_shuffle({groups})"
    return Call(text, shape, lambda x: x.unflatten(1, (groups, -1)).transpose(1, 2).flatten(1, 2))


def linear(draw: Draw) -> Call:
    shape, n, bias = (draw(st.integers(1, 20)),), draw(st.integers(1, 20)), draw(st.booleans())
    return Call(f"linear({n}, {_word(bias)})", shape, lambda x: nn.Linear(shape[0], n, bias)(x))


def flatten(draw: Draw) -> Call:
    return Call("flatten", _any(draw), lambda x: nn.Flatten()(x))


def batchnorm(draw: Draw) -> Call:
    shape, affine = _any(draw), draw(st.booleans())
    kind = nn.BatchNorm1d if len(shape) == 1 else nn.BatchNorm2d
    text = f"batchnorm(affine = {_word(affine)})"
    return Call(text, shape, lambda x: kind(shape[0], affine=affine)(x))


def groupnorm(draw: Draw) -> Call:
    shape, groups, affine = _any(draw), draw(st.integers(1, 6)), draw(st.booleans())

    def in_torch(x: Tensor) -> Tensor:
        made = nn.GroupNorm(groups, shape[0], affine=affine)(x)
        F.group_norm(x[:1], groups)  # refuses single values only in a batch of one
        return made

    return Call(f"groupnorm({groups}, affine = {_word(affine)})", shape, in_torch)


def instancenorm(draw: Draw) -> Call:
    shape, affine = _map(draw), draw(st.booleans())
    text = f"instancenorm(affine = {_word(affine)})"
    return Call(text, shape, lambda x: nn.InstanceNorm2d(shape[0], affine=affine)(x))


def layernorm(draw: Draw) -> Call:
    shape = _any(draw)
    return Call(
        "layernorm", shape, lambda x: nn.LayerNorm(shape[0])(x.movedim(1, -1)).movedim(-1, 1)
    )


def lrn(draw: Draw) -> Call:
    shape, size = _map(draw), draw(st.integers(1, 7))
    return Call(f"lrn({size})", shape, lambda x: nn.LocalResponseNorm(size)(x))


def prelu(draw: Draw) -> Call:
    shape, each = _any(draw), draw(st.booleans())
    text = f"prelu({_word(each)})"
    return Call(text, shape, lambda x: nn.PReLU(shape[0] if each else 1)(x))


def mul(draw: Draw) -> Call:
    c, h, w = _map(draw)
    gate = draw(st.sampled_from(["gap", "adaptive_avgpool(1)", "conv(1)", "relu", "slice(0, 1)"]))
    shapes = {"gap": (c, 1, 1), "adaptive_avgpool(1)": (c, 1, 1), "relu": (c, h, w)}
    shape = shapes.get(gate, (1, h, w))
    return Call(f"mul({gate})", (c, h, w), lambda x: x * x.new_empty(len(x), *shape))


CALLS = (
    conv,
    dwconv,
    convtranspose,
    maxpool,
    avgpool,
    adaptive_avgpool,
    gap,
    pad,
    upsample,
    pixel_shuffle,
    subsample,
    pad_channels,
    slice_,
    split,
    channel_shuffle,
    linear,
    flatten,
    batchnorm,
    groupnorm,
    instancenorm,
    layernorm,
    lrn,
    prelu,
    mul,
)
