"""Operators with arguments, as the writer of specs writes them: each says what flows out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

from generation.tracking import Flow, Scope

if TYPE_CHECKING:
    from generation.writing import Writer

Writing: TypeAlias = "Callable[[Writer, Flow, Scope], tuple[str, Flow]]"


def elementwise(writer: Writer, flow: Flow, scope: Scope) -> tuple[str, Flow]:
    """An operator that keeps the shape, of a map or a vector."""
    options = """batchnorm batchnorm relu relu identity softmax dropout relu6 silu hardswish sigmoid
        hardsigmoid tanh gelu leaky_relu prelu layerscale droppath layernorm groupnorm
        batchnorm(eps=1e-3) batchnorm(momentum=0.3,affine=false)"""
    maps = "dropout2d lrn instancenorm" if flow.is_map and min(flow.size) > 1 else ""
    text = writer.one_of(options.split() + maps.split())
    chances = ["0", "0.0", "0.25", "p = 0.9", "1e-1"]
    match text:
        case "dropout" | "dropout2d":
            if writer.chance(70):
                text += f"({writer.one_of(chances)})"
        case "droppath":
            text += f"({writer.one_of(chances)})"
        case "layerscale":
            text += f"({writer.one_of(['1', '1e-2', 'init = -0.5', '2 // 1'])})"
        case "leaky_relu":
            text += writer.one_of(["", "(0.3)", "(negative_slope = 0)"])
        case "prelu":
            text += writer.one_of(["", "(true)", "(per_channel = true, init = 0.1)", "(init = 1)"])
        case "gelu":
            text += writer.one_of(["", "(tanh)", "(approximate = none)"])
        case "layernorm":
            text += writer.one_of(["", "(eps = 1e-3)"])
        case "lrn":
            size = writer.number(writer.integer(1, 5), scope)
            text += f"({size}{writer.one_of(['', ', alpha = 0.1, k = 2', ', beta = 0.5'])})"
        case "instancenorm":
            text += writer.one_of(["", "(affine = true)", "(eps = 0.1)"])
        case "groupnorm":
            size = flow.c
            for n in flow.size:
                size *= n
            groups = [g for g in range(1, flow.c + 1) if flow.c % g == 0 and g < size]
            if not groups:
                return "identity", flow
            group = writer.number(writer.one_of(groups), scope)
            text += f"({group}{writer.one_of(['', '', ', affine = false'])})"
        case "relu" | "batchnorm" if writer.chance(10):
            text += "()"
    return text, flow


def depthwise(writer: Writer, flow: Flow, scope: Scope) -> tuple[str, Flow]:
    text = writer.one_of(["", "()", "(5)", "([1, 3], bias = false)", "(3, dilation = 2)"])
    return f"dwconv{text}", replace(flow, convs=flow.convs + 1)


def channels(writer: Writer, flow: Flow, scope: Scope) -> tuple[str, Flow]:
    """A part of the channels, or all of them in another order."""
    divisors = [n for n in range(1, flow.c + 1) if flow.c % n == 0]
    parts = writer.one_of(divisors)
    kind = writer.integer(0, 2)
    if kind == 0 and flow.is_map:
        return f"channel_shuffle({writer.number(parts, scope)})", flow
    if kind <= 1:
        index = writer.integer(0, parts - 1)
        made = (flow.c // parts, *flow.size)
        return f"split({writer.number(parts, scope)}, {index})", replace(flow, shape=made)
    start = writer.integer(0, flow.c - 1)
    stop = writer.integer(start + 1, flow.c)
    made = (stop - start, *flow.size)
    to_the_end = stop == flow.c and writer.chance(50)
    end = "" if to_the_end else f", {writer.number(stop, scope)}"
    return f"slice({writer.number(start, scope)}{end})", replace(flow, shape=made)


def gate(writer: Writer, flow: Flow, scope: Scope) -> tuple[str, Flow]:
    """Squeeze-and-excitation, with vectors or with maps of one pixel; or one value a pixel."""
    c = flow.c
    text, convs = writer.one_of(
        [
            (f"gap -> linear(2) -> relu -> linear({c}) -> sigmoid", 0),
            (f"gap -> linear({c}) -> hardsigmoid", 0),
            (f"adaptive_avgpool(1) -> conv(2, 1) -> silu -> conv({c}, 1) -> sigmoid", 2),
            ("conv(1) -> sigmoid", 1),
            ("gap -> softmax", 0),
        ]
    )
    pair = writer.one_of([f"in | {text}", f"{text} | in", f"in | {text} | in"])
    return f"{{ {pair} }} -> mul", replace(flow, convs=flow.convs + convs)


def same_pool(writer: Writer, flow: Flow, scope: Scope) -> tuple[str, Flow]:
    k = writer.one_of([1, 3])
    kind = writer.one_of(["maxpool", "avgpool"])
    count = writer.one_of(["", ", count_include_pad = false"]) if kind == "avgpool" else ""
    return f"{kind}({k}, stride = 1, padding = {k // 2}{count})", flow


def ceil_pool(writer: Writer, flow: Flow, scope: Scope) -> tuple[str, Flow]:
    """A pool whose last window may be a partial one."""
    kind, k = writer.one_of(["maxpool", "avgpool"]), writer.integer(2, 3)
    height, width = (-(-n // k) for n in flow.size)
    made = Flow((flow.c, height, width), (flow.stride[0] * k, flow.stride[1] * k), flow.convs)
    if min(made.size) < 2:
        return f"{kind}(1, ceil_mode = true)", flow
    return f"{kind}({writer.number(k, scope)}, ceil_mode = true)", made


def larger(writer: Writer, flow: Flow, scope: Scope) -> tuple[str, Flow]:
    """An operator that makes a map larger, or gives it a border."""
    c, (h, w) = flow.c, flow.size
    if h * w > 100:
        return adaptive(writer, flow, scope)
    kind = writer.integer(0, 3)
    if kind == 0:
        left, right, top, bottom = (writer.integer(0, 1) for _ in range(4))
        mode = writer.one_of(["", ", mode = reflect", ", replicate", ", circular", ", value = 0.5"])
        text = f"pad([{left}, {right}, {top}, {bottom}]{mode})"
        return text, replace(flow, shape=(c, h + top + bottom, w + left + right))
    stride = (flow.stride[0] * Fraction(1, 2), flow.stride[1] * Fraction(1, 2))
    doubled = Flow((c, 2 * h, 2 * w), stride, flow.convs)  # type: ignore[arg-type]
    if kind == 1 and c % 4 == 0:
        return "pixel_shuffle(2)", replace(doubled, shape=(c // 4, 2 * h, 2 * w))
    if kind == 2:
        made = writer.integer(1, 6)
        text, convs = f"convtranspose({writer.number(made, scope)}", flow.convs + 1
        more = writer.one_of(
            [", 2, stride = 2)", ", 3, 2, 1, output_padding = 1, bias = false)", ", 4, 2, 1)"]
        )
        return text + more, replace(doubled, shape=(made, 2 * h, 2 * w), convs=convs)
    return f"upsample({writer.one_of(['2', '[2, 2]', '2, mode = bilinear'])})", doubled


def adaptive(writer: Writer, flow: Flow, scope: Scope) -> tuple[str, Flow]:
    size = (writer.integer(2, 4), writer.integer(2, 4))
    stride = tuple(s * Fraction(n, m) for s, n, m in zip(flow.stride, flow.size, size, strict=True))
    made = Flow((flow.c, *size), stride, flow.convs)  # type: ignore[arg-type]
    return f"adaptive_avgpool({writer.pair(size, scope)})", made


def there_and_back(writer: Writer, flow: Flow, scope: Scope) -> tuple[str, Flow]:
    """A map made larger, and as small as it was."""
    if flow.size[0] * flow.size[1] > 150:
        return same_pool(writer, flow, scope)
    if writer.chance(30):
        mode = writer.one_of(["", ", replicate", ", value = -1"])
        return f"pad(1{mode}) -> {writer.one_of(['maxpool', 'avgpool'])}(3, 1)", flow
    text, convs, c = writer.one_of(
        [
            ("upsample(2)", 0, flow.c),
            ("upsample(2, bilinear)", 0, flow.c),
            ("convtranspose(3, 2, 2)", 1, 3),
            ("conv(8, 1) -> pixel_shuffle(2)", 1, 2),
        ]
    )
    back = writer.one_of(["subsample(2)", "avgpool(2)"])
    return f"{text} -> {back}", replace(flow, shape=(c, *flow.size), convs=flow.convs + convs)


KEEPING: list[Writing] = [depthwise, channels, gate, same_pool, there_and_back]
"""What a map goes through at the same size."""

RESIZING: list[Writing] = [ceil_pool, larger, adaptive]
"""What changes a map's size."""
