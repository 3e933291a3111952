"""Fitting Python into lines as ruff formats it at 100 columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 100
INDENT = " " * 4


@dataclass(frozen=True)
class Bracketed:
    """``head(`` items ``)tail``; where it is too long, items on a line of theirs, or one each."""

    head: str
    items: tuple[str | Bracketed, ...]
    tail: str

    @property
    def flat(self) -> str:
        """The text on one line."""
        return self.head + ", ".join(flat(item) for item in self.items) + self.tail


def flat(item: str | Bracketed) -> str:
    """Return an item on one line."""
    return item if isinstance(item, str) else item.flat


def lay_out(item: str | Bracketed, indent: str, suffix: str = "") -> list[str]:
    """Return the lines of an item; ``suffix`` follows it (a comma)."""
    line = indent + flat(item) + suffix
    if len(line) <= WIDTH or isinstance(item, str) or not item.items:
        return [line]
    inner = indent + INDENT + ", ".join(map(flat, item.items))
    if len(inner) <= WIDTH:
        return [indent + item.head, inner, indent + item.tail.lstrip() + suffix]
    lines = [indent + item.head]
    # A generator alone in brackets takes no comma behind it.
    comma = "" if item.tail.startswith(" for ") else ","
    for part in item.items:
        lines += lay_out(part, indent + INDENT, comma)
    lines.append(indent + item.tail.lstrip() + suffix)
    return lines


def comment(lines: list[str], text: str) -> list[str]:
    """Return the lines with a comment beside the last, or above the first where it is too long."""
    if not text:
        return lines
    if len(lines) == 1 and len(lines[0]) + 4 + len(text) <= WIDTH:
        return [f"{lines[0]}  # {text}"]
    indent = lines[0][: len(lines[0]) - len(lines[0].lstrip())]
    return [f"{indent}# {text}", *lines]


def split_call(text: str) -> str | Bracketed:
    """Return an expression that ends in a call as a bracket that can be broken."""
    closer = text[-1:]
    if closer not in (")", "]"):
        return text
    opener = {")": "(", "]": "["}[closer]
    depth = 0
    for index in range(len(text) - 1, -1, -1):
        depth += (text[index] == closer) - (text[index] == opener)
        if depth == 0:
            if closer == "]" and index > 0:
                return text  # a subscript
            items = tuple(split_call(item) for item in split_items(text[index + 1 : -1]))
            return Bracketed(text[: index + 1], items, closer) if items else text
    return text


def split_items(text: str) -> Sequence[str]:
    """Split at the commas outside brackets.

    >>> split_items("a, f(b, c)")
    ['a', 'f(b, c)']
    """
    items, depth, start = [], 0, 0
    for index, char in enumerate(text):
        depth += (char in "([{") - (char in ")]}")
        if char == "," and depth == 0:
            items.append(text[start:index].strip())
            start = index + 1
    last = text[start:].strip()
    return [*items, last] if last else items
