"""The document algebra: what may be broken where, and its fitting into lines (Wadler's way).

A document is a string or one of the classes below; documents in a row are a list. A group is
written on one line where it fits, and otherwise broken at every one of its lines. A block, which
stands for braces, is broken by what lies in it alone: the group around it may stay on one line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias, Union

WIDTH = 100
"""Columns of a line; comments behind it do not count."""

STEP = 2
"""Columns of one level of indentation."""

_BREAK, _FLAT, _WHOLE = range(3)  # broken; on one line but for blocks; on one line altogether


class Line:
    """A place to break: a line end where its group is broken, else ``flat`` (None: always broken).

    ``inner``: the new line is indented by one more level. ``blank``: behind a blank line.
    """

    __slots__ = ("blank", "flat", "inner")

    def __init__(self, flat: str | None, *, inner: bool = True, blank: bool = False) -> None:
        self.flat = flat
        self.inner = inner
        self.blank = blank


class Group:
    """Broken as a whole or not at all; ``broken``: it must be."""

    __slots__ = ("broken", "parts")

    def __init__(self, parts: list[Doc], *, broken: bool = False) -> None:
        self.parts = parts
        self.broken = broken


class Block(Group):
    """Braces and what lies between them."""

    __slots__ = ()


class Nest:
    """Lines in it are indented relative to the line it begins in.

    ``column``: relative to the place where it begins, so many columns to the right.
    """

    __slots__ = ("column", "parts")

    def __init__(self, parts: list[Doc], column: int | None = None) -> None:
        self.parts = parts
        self.column = column


class Margin:
    """What follows in its line is indented as if the line began here."""

    __slots__ = ()


class WhenBroken:
    """A text that is there only if its group is broken."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


class Suffix:
    """A comment that goes to the end of the line; ``apart``: it stood in a column of its own."""

    __slots__ = ("apart", "text")

    def __init__(self, text: str, *, apart: bool = False) -> None:
        self.text = text
        self.apart = apart


Doc: TypeAlias = Union[str, Line, Group, Nest, Margin, WhenBroken, Suffix]  # noqa: UP007


def break_where_needed(parts: list[Doc]) -> None:
    """Break the groups that hold a line end, or a comment with a line still to come."""
    _break(parts, [], False)


def _break(parts: Iterable[Doc], around: list[Group], pending: bool) -> bool:
    """Return whether a comment waits for the end of the line."""
    for part in parts:
        if isinstance(part, Line):
            if part.flat is None or pending:
                for group in around:
                    group.broken = True
                pending = False
        elif isinstance(part, Suffix):
            pending = True
        elif isinstance(part, Block):
            pending = _break(part.parts, [part], pending)
        elif isinstance(part, Group):
            pending = _break(part.parts, [*around, part] if around else [part], pending)
        elif isinstance(part, Nest):
            pending = _break(part.parts, around, pending)
    return pending


class Renderer:
    """Writes one document."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.suffixes: dict[int, Suffix] = {}  # by the number of the line
        self.parts: list[str] = []  # of the current line
        self.pending: list[Suffix] = []
        self.column = 0
        self.indent = 0
        self.margin = 0
        self.stack: list[tuple[int, int, Doc]] = []

    def render(self, parts: list[Doc]) -> str:
        """Return the text, with a line end at its end."""
        self.push(_BREAK, 0, parts)
        while self.stack:
            mode, base, doc = self.stack.pop()
            if isinstance(doc, str):
                self.write(doc)
            elif isinstance(doc, Line):
                if mode == _BREAK or doc.flat is None:
                    self.end_line(base + STEP if doc.inner else base, blank=doc.blank)
                else:
                    self.write(doc.flat)
            elif isinstance(doc, Group):
                self.push(self.mode_of(doc, mode), base, doc.parts)
            elif isinstance(doc, Nest):
                inner = self.margin if doc.column is None else self.column + doc.column
                self.push(mode, inner, doc.parts)
            elif isinstance(doc, Suffix):
                self.pending.append(doc)
            elif isinstance(doc, Margin):
                self.margin = self.column
            elif mode == _BREAK:
                self.write(doc.text)
        self.end_line(0, blank=False)
        self.align_suffixes()
        return "".join(f"{line}\n" for line in self.lines) if any(self.lines) else ""

    def push(self, mode: int, base: int, parts: list[Doc]) -> None:
        """Put a row of documents on the stack."""
        self.stack.extend([(mode, base, part) for part in reversed(parts)])

    def write(self, text: str) -> None:
        """Write a text into the line."""
        if not self.parts:
            self.parts.append(" " * self.indent)
        self.parts.append(text)
        self.column += len(text)

    def end_line(self, indent: int, *, blank: bool) -> None:
        """End the line; a second comment in it gets a line of its own."""
        if self.pending and self.parts:
            self.suffixes[len(self.lines)] = self.pending.pop(0)
        self.lines.append("".join(self.parts))
        self.lines += [" " * indent + suffix.text for suffix in self.pending]
        if blank:
            self.lines.append("")
        self.parts.clear()
        self.pending.clear()
        self.column = self.indent = self.margin = indent

    def mode_of(self, group: Group, mode: int) -> int:
        """Return how a group is written within one that is written in ``mode``."""
        if group.broken:
            return _BREAK
        is_block = isinstance(group, Block)
        if mode == _WHOLE or (mode == _FLAT and not is_block):
            return mode
        if self.fits(group, whole=is_block):
            return _WHOLE if is_block else _FLAT
        return _BREAK

    def fits(self, group: Group, *, whole: bool) -> bool:
        """Whether a group fits on the line, with what follows up to the next line end.

        Braces may be broken: of a block no more than the first has to fit. But ``whole``, for a
        block itself: all that may stand on the line has to; a body goes before what is around it.
        """
        room = WIDTH - self.column
        row: list[tuple[int, Iterator[Doc]]] = [(_FLAT, iter(group.parts))]
        at = len(self.stack)
        while True:
            if not row:
                if at == 0:
                    return True
                at -= 1
                mode, _, doc = self.stack[at]
                row.append((mode, iter((doc,))))
            mode, docs = row[-1]
            for doc in docs:
                if isinstance(doc, str):
                    room -= len(doc)
                elif isinstance(doc, Line):
                    if mode == _BREAK or doc.flat is None:
                        return True
                    room -= len(doc.flat)
                elif isinstance(doc, Nest):
                    row.append((mode, iter(doc.parts)))
                    break
                elif isinstance(doc, Group):
                    if isinstance(doc, Block) and (doc.broken or not (whole or mode == _WHOLE)):
                        return room >= 1
                    broken = doc.broken or (mode == _BREAK and not whole)
                    row.append((_BREAK if broken else max(mode, _FLAT), iter(doc.parts)))
                    break
                elif isinstance(doc, WhenBroken) and mode == _BREAK:
                    room -= len(doc.text)
                if room < 0:
                    return False
            else:
                row.pop()

    def align_suffixes(self) -> None:
        """Put the comments behind lines: two blanks away, or in the column that they had."""
        numbers = sorted(self.suffixes)
        at = 0
        while at < len(numbers):
            end = at + 1
            while end < len(numbers) and numbers[end] == numbers[end - 1] + 1:
                end += 1
            run = numbers[at:end]
            at = end
            widest = max(len(self.lines[n]) for n in run)
            apart = any(self.suffixes[n].apart for n in run)
            for number in run:
                column = (widest if apart else len(self.lines[number])) + 2
                self.lines[number] = self.lines[number].ljust(column) + self.suffixes[number].text
