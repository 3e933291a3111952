"""What formatting must hold to on any text: judged without the formatter's own proof."""

from __future__ import annotations

import re

from archdsl import format_text
from archdsl.diagnostics import Problems
from archdsl.source import Source, Span
from archdsl.syntax.build import Builder, TooDeep
from archdsl.syntax.parser import read_tree
from archdsl.syntax.recursion import room_to_recurse

_COMMENT = re.compile(r'"[^"\n]*"|(#[^\n]*)')


def hold(text: str) -> str:
    """Format a text, check all that must hold, and return it."""
    formatted = format_text(text)
    assert meaning(formatted) == meaning(text)
    assert comments(formatted) == comments(text)
    assert format_text(formatted) == formatted
    if "\r\n" in formatted:
        assert formatted.count("\r\n") == formatted.count("\n")
    lines = formatted.replace("\r\n", "\n").split("\n")
    assert lines.pop() == "" and (not lines or lines[-1])
    assert all(line == line.rstrip() for line in lines)
    assert "\n\n\n" not in "\n".join(lines)
    return formatted


def meaning(text: str) -> object:
    """Return the syntax tree of a text without the places in it."""
    source = Source("text", text)
    with room_to_recurse():
        try:
            return _plain(Builder(source, Problems()).build(read_tree(source, Problems())).items)
        except TooDeep as too_deep:  # more than is built; the tree is there all the same
            return "".join(too_deep.span.text.split())


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    fields = getattr(type(value), "__slots__", None)
    if not fields or isinstance(value, Span):
        return value
    return [
        type(value).__name__,
        *(_plain(v) for f in fields if not isinstance(v := getattr(value, f), Span)),
    ]


def comments(text: str) -> list[str]:
    """Return the comments of a text, in order."""
    return [found[1].rstrip() for found in _COMMENT.finditer(text) if found[1]]
