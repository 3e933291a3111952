"""Tables for a terminal: aligned, indented, fitted to its width."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len
from rich.text import Text

from archdsl.backends.tables.cells import printable
from archdsl.backends.tables.table import Column, Row, Sheet, Table

GAP = "  "
"""What stands between columns."""

NARROWEST = 12
"""Columns that a cell which wraps has at least."""


def render_text(tables: Sequence[Table], width: int | None, *, ascii_only: bool = False) -> Text:
    """Return tables as text, one behind the other.

    Their lines are no longer than ``width``, if that can be: indentation becomes less, remarks
    take several lines, and then the lesser columns are left out, and named. Names and numbers are
    never cut.
    """
    text = Text()
    for at, table in enumerate(tables):
        if at:
            text.append("\n")
        for line, style in _lines(table, width, "-" if ascii_only else "─"):
            text.append(line.rstrip() + "\n", style)
    return text


def _lines(table: Table, width: int | None, rule: str) -> Iterator[tuple[str, str]]:
    """Yield the lines of a table, each with its style."""
    layout = _fit(table.text, width)
    if table.title:
        yield printable(table.title), "bold"
        yield "", ""
    yield from ((line, "bold") for line in layout.lines([c.heading for c in layout.columns]))
    yield rule * layout.width, ""
    for row in table.text.rows:
        style = "bold" if row.strong else ""
        yield from ((line, style) for line in layout.lines(layout.cells(row)))
    notes = [*table.notes, *(c.note for c in layout.columns if c.note)]
    if left_out := [c.heading for c in table.text.filled if c not in layout.columns]:
        notes.append(f"left out, for this terminal is too narrow: {', '.join(left_out)}")
    if notes:
        yield "", ""
    for note in map(printable, notes):
        yield from ((line, "dim") for line in textwrap.wrap(note, width or len(note) or 1))


@dataclass(frozen=True, slots=True)
class _Layout:
    """Columns, their widths in characters, and by how much a row is indented for each depth."""

    columns: tuple[Column, ...]
    widths: tuple[int, ...]
    indent: int

    @property
    def width(self) -> int:
        """That of a line."""
        return sum(self.widths) + len(GAP) * (len(self.widths) - 1)

    def cells(self, row: Row) -> list[str]:
        """Return the cells of a row, the first one indented."""
        first, *others = (row.text(column) for column in self.columns)
        return [" " * (self.indent * row.depth) + first, *others]

    def lines(self, cells: Sequence[str]) -> Iterator[str]:
        """Yield the lines of a row: one, or as many as the longest of what wraps takes."""
        stacks = [
            textwrap.wrap(cell, width) if column.wraps else [cell]
            for cell, column, width in zip(cells, self.columns, self.widths, strict=True)
        ]
        for at in range(max(map(len, stacks))):
            parts = [stack[at] if at < len(stack) else "" for stack in stacks]
            yield GAP.join(map(_padded, parts, self.columns, self.widths))


def _padded(text: str, column: Column, width: int) -> str:
    blank = " " * (width - cell_len(text))
    return blank + text if column.is_right else text + blank


def _fit(sheet: Sheet, width: int | None) -> _Layout:
    """Return the first of ever narrower layouts that is not too wide, or else the narrowest."""
    columns = sheet.filled
    layout = _natural(sheet, columns, 2)
    if width is None or layout.width <= width:
        return layout
    numbers = sorted({column.lesser for column in columns}, reverse=True)
    for number in [numbers[0] + 1, *(n for n in numbers if n > 0)]:
        kept = tuple(column for column in columns if column.lesser < number)
        for indent in (2, 1):
            layout = _wrapped(_natural(sheet, kept, indent), width)
            if layout.width <= width:
                return layout
    return layout


def _natural(sheet: Sheet, columns: tuple[Column, ...], indent: int) -> _Layout:
    """Return the layout in which every cell has the room that it wants."""
    layout = _Layout(columns, (0,) * len(columns), indent)
    rows = [[c.heading for c in columns], *map(layout.cells, sheet.rows)]
    widths = tuple(max(map(cell_len, cells)) for cells in zip(*rows, strict=True))
    return replace(layout, widths=widths)


def _wrapped(layout: _Layout, width: int) -> _Layout:
    """Return a layout in which what wraps is as narrow as is needed, and possible."""
    excess = max(0, layout.width - width)
    widths = (
        max(min(size, NARROWEST), size - excess) if column.wraps else size
        for column, size in zip(layout.columns, layout.widths, strict=True)
    )
    return replace(layout, widths=tuple(widths))
