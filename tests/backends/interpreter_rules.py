"""What each operator computes, for the interpreter.

Written from the language's description and torch's documentation; no expression is the product's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812

if TYPE_CHECKING:
    from interpreter import Context


def conv(a: Context, x: torch.Tensor) -> torch.Tensor:
    padding = a["padding"]
    if padding == "same":
        padding = tuple(d * (k // 2) for d, k in zip(a["dilation"], a["k"], strict=True))
    bias = a.optional("bias", a["bias"])
    return F.conv2d(x, a.own("weight"), bias, a["stride"], padding, a["dilation"], a["groups"])


def dwconv(a: Context, x: torch.Tensor) -> torch.Tensor:
    padding = a["padding"]
    if padding == "same":
        padding = [(d * (k - 1)) // 2 for d, k in zip(a["dilation"], a["k"], strict=True)]
    weight, bias = a.own("weight"), a.optional("bias", a["bias"])
    return F.conv2d(x, weight, bias, a["stride"], padding, a["dilation"], groups=len(weight))


def convtranspose(a: Context, x: torch.Tensor) -> torch.Tensor:
    return torch.convolution(
        x,
        a.own("weight"),
        a.optional("bias", a["bias"]),
        a["stride"],
        a["padding"],
        a["dilation"],
        True,
        a["output_padding"],
        a["groups"],
    )


def batchnorm(a: Context, x: torch.Tensor) -> torch.Tensor:
    if a.training:
        a.own("num_batches_tracked").add_(1)
    return F.batch_norm(
        x,
        a.own("running_mean"),
        a.own("running_var"),
        a.optional("weight", a["affine"]),
        a.optional("bias", a["affine"]),
        a.training,
        a["momentum"],
        a["eps"],
    )


def layernorm(a: Context, x: torch.Tensor) -> torch.Tensor:
    """Over the elements of a vector, or over the channels of each pixel."""
    last = x.movedim(1, -1)
    last = F.layer_norm(last, (x.shape[1],), a.own("weight"), a.own("bias"), a["eps"])
    return last.movedim(-1, 1).clone(memory_format=torch.contiguous_format)


def groupnorm(a: Context, x: torch.Tensor) -> torch.Tensor:
    weight, bias = a.optional("weight", a["affine"]), a.optional("bias", a["affine"])
    return F.group_norm(x, a["groups"], weight, bias, a["eps"])


def instancenorm(a: Context, x: torch.Tensor) -> torch.Tensor:
    weight, bias = a.optional("weight", a["affine"]), a.optional("bias", a["affine"])
    return F.instance_norm(x, weight=weight, bias=bias, eps=a["eps"])


def lrn(a: Context, x: torch.Tensor) -> torch.Tensor:
    """x / (k + alpha * mean of squares over neighbours) ** beta; zeros beyond the channels."""
    before, after = a["size"] // 2, (a["size"] - 1) // 2
    squares = F.pad((x * x).flatten(2).unsqueeze(1), (0, 0, before, after))
    mean = F.avg_pool2d(squares, (a["size"], 1), stride=1).squeeze(1).view_as(x)
    return x / mean.mul(a["alpha"]).add(a["k"]).pow(a["beta"])


def layerscale(a: Context, x: torch.Tensor) -> torch.Tensor:
    weight = a.own("weight")
    assert weight.shape == (x.shape[1], 1, 1)[: x.dim() - 1]
    return x * weight.view(1, -1, *[1] * (x.dim() - 2))


def relu(a: Context, x: torch.Tensor) -> torch.Tensor:
    return F.relu(x)


def relu6(a: Context, x: torch.Tensor) -> torch.Tensor:
    return x.clamp(0, 6)


def leaky_relu(a: Context, x: torch.Tensor) -> torch.Tensor:
    return torch.where(x > 0, x, x * a["negative_slope"])


def prelu(a: Context, x: torch.Tensor) -> torch.Tensor:
    slopes = a.own("weight")
    assert len(slopes) == (x.shape[1] if a["per_channel"] else 1)
    return torch.where(x > 0, x, x * slopes.view(1, -1, *[1] * (x.dim() - 2)))


def gelu(a: Context, x: torch.Tensor) -> torch.Tensor:
    return torch.ops.aten.gelu(x, approximate=a["approximate"] or "none")


def silu(a: Context, x: torch.Tensor) -> torch.Tensor:
    return torch.ops.aten.silu(x)


def hardswish(a: Context, x: torch.Tensor) -> torch.Tensor:
    return torch.ops.aten.hardswish(x)


def sigmoid(a: Context, x: torch.Tensor) -> torch.Tensor:
    return x.sigmoid()


def hardsigmoid(a: Context, x: torch.Tensor) -> torch.Tensor:
    return torch.ops.aten.hardsigmoid(x)


def tanh(a: Context, x: torch.Tensor) -> torch.Tensor:
    return x.tanh()


def softmax(a: Context, x: torch.Tensor) -> torch.Tensor:
    return F.softmax(x, dim=1)


def dropout(a: Context, x: torch.Tensor) -> torch.Tensor:
    return F.dropout(x, a["p"], a.training)


def dropout2d(a: Context, x: torch.Tensor) -> torch.Tensor:
    """Whole channels: one decision for each, shared by its pixels."""
    if not a.training:
        return x
    return x * F.dropout(x.new_ones(*x.shape[:2], 1, 1), a["p"])


def droppath(a: Context, x: torch.Tensor) -> torch.Tensor:
    """Whole images: one decision for each, shared by all of its elements."""
    if not a.training:
        return x
    return x * F.dropout(x.new_ones(len(x), *[1] * (x.dim() - 1)), a["p"])


def identity(a: Context, x: torch.Tensor) -> torch.Tensor:
    return x


def maxpool(a: Context, x: torch.Tensor) -> torch.Tensor:
    stride = a["k"] if a["stride"] is None else a["stride"]
    return F.max_pool2d(x, a["k"], stride, a["padding"], ceil_mode=a["ceil_mode"])


def avgpool(a: Context, x: torch.Tensor) -> torch.Tensor:
    stride = a["k"] if a["stride"] is None else a["stride"]
    border = a["padding"]
    return F.avg_pool2d(x, a["k"], stride, border, a["ceil_mode"], a["count_include_pad"])


def gap(a: Context, x: torch.Tensor) -> torch.Tensor:
    return x.mean((2, 3))


def adaptive_avgpool(a: Context, x: torch.Tensor) -> torch.Tensor:
    """Window i of n covers floor(i h / n) up to ceil((i + 1) h / n)."""
    if a["size"] == (1, 1):
        return x.mean((2, 3))[:, :, None, None]
    return torch.nn.AdaptiveAvgPool2d(a["size"])(x)


def subsample(a: Context, x: torch.Tensor) -> torch.Tensor:
    vertical, horizontal = a["stride"]
    return x[:, :, ::vertical, ::horizontal]


def pad(a: Context, x: torch.Tensor) -> torch.Tensor:
    """Row by row and column by column: which one of the input stands there."""
    left, right, top, bottom = a["padding"]
    if a["mode"] == "constant":
        n, c, h, w = x.shape
        made = x.new_full((n, c, top + h + bottom, left + w + right), a["value"])
        made[:, :, top : top + h, left : left + w] = x
        return made
    for axis, before, after in ((2, top, bottom), (3, left, right)):
        size = x.shape[axis]
        rows = torch.arange(-before, size + after)
        if a["mode"] == "circular":
            rows = rows % size
        elif a["mode"] == "replicate":
            rows = rows.clamp(0, size - 1)
        else:
            rows = (size - 1) - ((size - 1) - rows.abs()).abs()
        x = x.index_select(axis, rows)
    return x


def upsample(a: Context, x: torch.Tensor) -> torch.Tensor:
    vertical, horizontal = a["scale"]
    if a["mode"] == "nearest":
        return x.repeat_interleave(vertical, 2).repeat_interleave(horizontal, 3)
    size = (vertical * x.shape[2], horizontal * x.shape[3])
    return torch.nn.Upsample(size=size, mode="bilinear")(x)


def pixel_shuffle(a: Context, x: torch.Tensor) -> torch.Tensor:
    """Channel c r² + i r + j is pixel (i, j) of each r×r square of channel c."""
    r = a["upscale_factor"]
    squares = x.unflatten(1, (-1, r, r))
    return squares.permute(0, 1, 4, 2, 5, 3).flatten(4, 5).flatten(2, 3)


def pad_channels(a: Context, x: torch.Tensor) -> torch.Tensor:
    return F.pad(x, (0, 0, 0, 0, 0, a["c"] - x.shape[1]))


def slice_(a: Context, x: torch.Tensor) -> torch.Tensor:
    stop = x.shape[1] if a["stop"] is None else a["stop"]
    return x.narrow(1, a["start"], stop - a["start"])


def split(a: Context, x: torch.Tensor) -> torch.Tensor:
    return x.unflatten(1, (a["parts"], -1))[:, a["index"]]


def channel_shuffle(a: Context, x: torch.Tensor) -> torch.Tensor:
    return x.unflatten(1, (a["groups"], -1)).transpose(1, 2).flatten(1, 2)


def flatten(a: Context, x: torch.Tensor) -> torch.Tensor:
    return x.flatten(1)


def linear(a: Context, x: torch.Tensor) -> torch.Tensor:
    return F.linear(x, a.own("weight"), a.optional("bias", a["bias"]))


def add(a: Context, first: torch.Tensor, *others: torch.Tensor) -> torch.Tensor:
    for other in others:
        first = first + other
    return first


def mul(a: Context, first: torch.Tensor, *others: torch.Tensor) -> torch.Tensor:
    """Factors of two axes belong to channels as a whole."""
    is_map = max(factor.dim() for factor in (first, *others)) == 4
    product, *factors = (
        factor.unflatten(1, (-1, 1, 1)) if is_map and factor.dim() == 2 else factor
        for factor in (first, *others)
    )
    for factor in factors:
        product = product * factor
    return product


def concat(a: Context, *inputs: torch.Tensor) -> torch.Tensor:
    return torch.cat(inputs, dim=1)


def lstm(a: Context, *vectors: torch.Tensor) -> torch.Tensor:
    """One layer, zero initial states; gates in torch's order: input, forget, cell, output."""
    size = a["hidden"]
    steps = torch.stack(vectors, dim=1)
    from_input = F.linear(steps, a.own("weight_ih_l0"), a.own("bias_ih_l0"))
    hidden = cell = vectors[0].new_zeros(len(vectors[0]), size)
    states = []
    for t in range(len(vectors)):
        gates = from_input[:, t] + F.linear(hidden, a.own("weight_hh_l0"), a.own("bias_hh_l0"))
        opened = torch.sigmoid(gates[:, :size])
        kept = torch.sigmoid(gates[:, size : 2 * size])
        written = torch.tanh(gates[:, 2 * size : 3 * size])
        shown = torch.sigmoid(gates[:, 3 * size :])
        cell = kept * cell + opened * written
        hidden = shown * torch.tanh(cell)
        states.append(hidden)
    return torch.stack(states, dim=1)


def readout_last(a: Context, states: torch.Tensor) -> torch.Tensor:
    return states[:, -1]


def readout_last_and_feature(
    a: Context, states: torch.Tensor, feature: torch.Tensor
) -> torch.Tensor:
    return torch.cat((states[:, -1], feature), dim=1)


def readout_all(a: Context, states: torch.Tensor) -> torch.Tensor:
    return states.flatten(1)


RULES: dict[str, Callable[..., torch.Tensor]] = {
    rule.__name__.rstrip("_"): rule
    for rule in (
        conv,
        dwconv,
        convtranspose,
        batchnorm,
        layernorm,
        groupnorm,
        instancenorm,
        lrn,
        layerscale,
        relu,
        relu6,
        leaky_relu,
        prelu,
        gelu,
        silu,
        hardswish,
        sigmoid,
        hardsigmoid,
        tanh,
        softmax,
        dropout,
        dropout2d,
        droppath,
        identity,
        maxpool,
        avgpool,
        gap,
        adaptive_avgpool,
        subsample,
        pad,
        upsample,
        pixel_shuffle,
        pad_channels,
        slice_,
        split,
        channel_shuffle,
        flatten,
        linear,
        add,
        mul,
        concat,
        lstm,
        readout_last,
        readout_last_and_feature,
        readout_all,
    )
}
"""The rule of every operator, by its name."""
