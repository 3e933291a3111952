"""Source text and spans in it: the ground that every diagnostic and every node stands on."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path


@dataclass(frozen=True, eq=False)
class Source:
    """One text, and the name it is shown under.

    ``path`` is the file it came from (None for text given in memory); imports are relative to it.
    """

    name: str
    text: str
    path: Path | None = field(default=None, repr=False)

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(found.end() for found in re.finditer("\n", self.text))]

    def position(self, offset: int) -> tuple[int, int]:
        """Return line and column (both from 1, in code points) of an offset."""
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def line(self, number: int) -> str:
        """Return the text of line ``number`` (from 1), without its line break."""
        start = self._line_starts[number - 1]
        if number == len(self._line_starts):
            return self.text[start:]
        return self.text[start : self._line_starts[number] - 1].removesuffix("\r")


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open stretch of a source, in code points from its start."""

    source: Source
    start: int
    end: int

    def to(self, other: Span) -> Span:
        """Return the span from the start of this one to the end of ``other``."""
        return Span(self.source, self.start, other.end)

    @property
    def text(self) -> str:
        """The text it covers."""
        return self.source.text[self.start : self.end]

    @property
    def line(self) -> int:
        """Line of its first character, from 1."""
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        """Column of its first character, from 1."""
        return self.source.position(self.start)[1]

    @property
    def end_position(self) -> tuple[int, int]:
        """Line and column just behind its last character."""
        return self.source.position(self.end)

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Use:
    """One link of the chain of uses that made an operator: `what`, used at `span`, within `outer`.

    ``path`` is where in the network the use stands (``backbone.s2.b2``).
    """

    span: Span
    what: str
    path: str
    outer: Use | None = None

    def chain(self) -> tuple[Use, ...]:
        """Return the uses from the innermost to the outermost."""
        links = []
        use: Use | None = self
        while use is not None:
            links.append(use)
            use = use.outer
        return tuple(links)
