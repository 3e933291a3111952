"""Templates of defs that fit many shapes, with what they make of a tensor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from generation.tracking import Apply, Definition, Flow, Scope

if TYPE_CHECKING:
    from generation.writing import Writer


WIDEST = 16
"""Tensors wider than this are not widened."""


def _standard(writer: Writer) -> Definition:
    """One of the standard library's."""
    name = writer.one_of(["ConvBNReLU", "Basic", "BasicProjected"])

    def call(flow: Flow, scope: Scope) -> tuple[str, Apply] | None:
        if not flow.is_map:
            return None
        c, stride = writer.integer(1, 8), writer.one_of([1, 1, 2])
        if name == "Basic":
            c += flow.c
        given = f", stride = {writer.number(stride, scope)}" if stride != 1 else ""
        text = f"{name}({writer.number(c, scope)}{given})"

        def apply(x: Flow) -> Flow:
            made = x.window(c, (3, 3), (stride, stride), (1, 1))
            return replace(made, convs=x.convs + (1 if name == "ConvBNReLU" else 2))

        return text, apply

    return Definition(name, call)


def _template(writer: Writer, body: str, apply: Callable[[Flow, int], Flow | None]) -> Definition:
    """A def of one parameter ``c``; ``apply`` gives None where it does not fit."""
    if len(writer.names_of_defs) > 8:
        return writer.one_of(writer.definitions)
    name = writer.def_name()
    default = writer.integer(1, 6) if writer.chance(30) else None
    signature = "(c)" if default is None else f"(c = {default})"
    writer.define(name, signature, body.replace("SELF", name))

    def call(flow: Flow, scope: Scope) -> tuple[str, Apply] | None:
        c = writer.integer(1, 5)
        text = f"{name}({writer.number(c, scope)})"
        if default is not None and writer.chance(40):
            c, text = default, name
        if apply(flow, c) is None:
            return None
        return text, lambda x: apply(x, c) or Flow((0,))

    definition = Definition(name, call)
    writer.definitions.append(definition)
    return definition


def _map(flow: Flow, c: int, *, convs: int, stride: int = 1) -> Flow | None:
    if not flow.is_map:
        return None
    made = flow.window(c, (1, 1), (stride, stride), (0, 0))
    return replace(made, convs=flow.convs + convs)


def _unit(writer: Writer) -> Definition:
    tail = writer.one_of(["", " -> relu", " -> batchnorm -> relu", " -> dropout(0.5)"])
    return _template(writer, f"conv(c, bias = false){tail}", lambda x, c: _map(x, c, convs=1))


def _gated(writer: Writer) -> Definition:
    body = """gate = in -> conv(c, 1) -> softmax
value = in -> conv(c, [3, 1])
out = mul(gate, value) -> batchnorm"""
    return _template(writer, body, lambda x, c: _map(x, c, convs=1))


def _projected(writer: Writer) -> Definition:
    body = """skip = if in.c != c { in -> conv(c, 1, bias = false) -> batchnorm } else { in }
out = add(in -> relu -> conv(c) -> relu -> conv(c), skip)"""
    return _template(writer, body, lambda x, c: _map(x, c, convs=2))


def _branches(writer: Writer) -> Definition:
    body = "{ conv(c, 1) | conv(c) -> relu | in } -> concat"

    def apply(x: Flow, c: int) -> Flow | None:
        return _map(x, 2 * c + x.c, convs=1) if x.c < WIDEST else None

    return _template(writer, body, apply)


def _recursive(writer: Writer) -> Definition:
    return _template(
        writer,
        "conv(c) -> relu -> if c > 1 { SELF(c - 1) }",
        lambda x, c: _map(x, 1, convs=c),
    )


def _dense(writer: Writer) -> Definition:
    body = """both = concat(in, in -> conv(2, 1))
out = if c > 1 { both -> SELF(c - 1) } else { both }"""

    def apply(x: Flow, c: int) -> Flow | None:
        return _map(x, x.c + 2 * c, convs=c) if x.c < WIDEST else None

    return _template(writer, body, apply)


def _halving(writer: Writer) -> Definition:
    body = "subsample(2) -> conv(c, 1) as narrow -> relu -> add(narrow)"
    return _template(writer, body, lambda x, c: _map(x, c, convs=1, stride=2))


def _nothing(writer: Writer) -> Definition:
    body = writer.one_of(["if c > 100 { conv(c) }", "let unused = c\nidentity", "identity * c"])
    return _template(writer, body, lambda x, c: x)


def _dense_layer(writer: Writer) -> Definition:
    body = "linear(c) -> relu -> linear(c + 1)"
    return _template(writer, body, lambda x, c: None if x.is_map else Flow((c + 1,)))


def _either(writer: Writer) -> Definition:
    body = "if c % 2 == 0 { relu -> dropout(0.2) } else { batchnorm }"
    return _template(writer, body, lambda x, c: x)


TEMPLATES: list[Callable[[Writer], Definition]] = [
    _standard,
    _standard,
    _unit,
    _gated,
    _projected,
    _branches,
    _recursive,
    _dense,
    _halving,
    _nothing,
    _dense_layer,
    _either,
]
