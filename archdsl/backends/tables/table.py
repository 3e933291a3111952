"""A table as data: what its columns are, and its rows; each format writes it in its own way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from archdsl.backends.tables.cells import Kind, Value, written


@dataclass(frozen=True, slots=True)
class Column:
    """A column for people; ``key`` says which cell of a row stands in it.

    ``lesser`` columns are left out where a terminal is too narrow: those of the highest number
    first. Of 0 and below, none is. The cells of one that ``wraps`` may take several lines.
    """

    key: str
    heading: str
    kind: Kind = Kind.TEXT
    lesser: int = 0
    wraps: bool = False
    note: str = ""
    """What is to be said under a table that has it."""

    @property
    def is_right(self) -> bool:
        """Whether its cells stand at the right: numbers and shapes do."""
        return self.kind is not Kind.TEXT


@dataclass(frozen=True, slots=True)
class Row:
    """One row: cells by key. ``depth`` is how deep it is nested, ``strong`` a sum of others.

    ``across`` says that the cells of these keys are one: what the first of them holds. ``below`` is
    a line of its own under the row, across the columns of ``span``.
    """

    cells: Mapping[str, Value]
    depth: int = 0
    strong: bool = False
    across: tuple[str, ...] = ()
    below: str = ""
    span: tuple[str, ...] = ()

    def text(self, column: Column) -> str:
        """Return a cell as people read it; sums are written even where they are nought."""
        value = self.cells.get(column.key)
        return "0" if value == 0 and self.strong else written(column.kind, value)


@dataclass(frozen=True, slots=True)
class Sheet:
    """Columns and rows for people."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    @property
    def filled(self) -> tuple[Column, ...]:
        """The columns in which any row has something; the first one anyway."""
        first, *others = self.columns
        return (first, *(c for c in others if any(row.text(c) for row in self.rows)))


@dataclass(frozen=True, slots=True)
class Table:
    """A table as each kind of reader wants it.

    ``records`` are for programs, all with the same keys in the same order, nothing folded. ``text``
    is indented, for a terminal; ``markdown`` and ``latex`` are flat.
    """

    title: str
    records: tuple[Mapping[str, Value], ...]
    text: Sheet
    markdown: Sheet
    latex: Sheet
    notes: tuple[str, ...] = ()
    """What is to be said under the table, to people."""
