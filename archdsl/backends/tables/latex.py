"""Tables in LaTeX: a tabular of the booktabs package, to be put into a table environment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from archdsl.backends.tables.cells import printable
from archdsl.backends.tables.table import Column, Row, Table

_ESCAPES = {
    **{char: f"\\{char}" for char in "{}$&#_%"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"{\ttfamily\char34}",  # \textquotedbl is not there in all encodings
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    # Behind the end of a line these would be an argument of it.
    "[": "{[}",
    "*": "{*}",
    "×": r"$\times$",
    "–": "--",
}


_LIGATURE = re.compile("(?<=-)(?=-)|(?<=,)(?=,)")
"""Between characters that together would become another: a dash, a turned mark."""


def to_latex(tables: Sequence[Table]) -> str:
    """Return tables in LaTeX, one behind the other, each with its name in a comment."""
    written = ["\n".join(_lines(table)) + "\n" for table in tables]
    return "% needs \\usepackage{booktabs}\n" + "\n".join(written)


def _lines(table: Table) -> Iterator[str]:
    columns = table.latex.filled
    if table.title:
        yield f"% {_comment(table.title)}"
    yield r"\begin{tabular}{" + "".join("r" if c.is_right else "l" for c in columns) + "}"
    yield r"\toprule"
    yield _line([escape(c.heading[:1].upper() + c.heading[1:]) for c in columns])
    yield r"\midrule"
    rows = table.latex.rows
    for at, row in enumerate(rows):
        if row.strong and at + 1 == len(rows):
            yield r"\midrule"
        yield _line(_cells(row, columns))
        if row.below:
            yield _line(_cells_below(row, columns))
    yield r"\bottomrule"
    yield r"\end{tabular}"
    for note in (*table.notes, *(c.note for c in columns if c.note)):
        yield f"% {_comment(note)}"


def _cells(row: Row, columns: Sequence[Column]) -> list[str]:
    """Return the cells of a row; several that are one are a single one of that width."""
    cells = []
    for column in columns:
        if column.key in row.across[1:]:
            continue
        text = escape(row.text(column))
        if row.across[:1] == (column.key,):
            text = _spanned(text, sum(c.key in row.across for c in columns), "l")
        cells.append(text)
    return cells


def _cells_below(row: Row, columns: Sequence[Column]) -> list[str]:
    """Return the cells of the line under a row: one under its span, the others empty."""
    keys = [column.key for column in columns]
    start = next(at for at, key in enumerate(keys) if key in row.span)
    size = sum(key in row.span for key in keys)
    spanned = _spanned(escape(row.below), size, "c")
    return [""] * start + [spanned] + [""] * (len(keys) - start - size)


def _spanned(text: str, columns: int, side: str) -> str:
    if columns == 1:
        return text
    return f"\\multicolumn{{{columns}}}{{{side}}}{{{text}}}"


def _line(cells: list[str]) -> str:
    return " & ".join(cells).strip() + r" \\"


def _comment(text: str) -> str:
    """Return a text for a comment, which ends with its line."""
    return printable(text)


def escape(text: str) -> str:
    r"""Return a text that LaTeX sets as it is, whatever the encoding of its font.

    Characters beyond ASCII, which a font may lack, are told by number.

    >>> escape("VGG1_RA 50% 3×3 é")
    'VGG1\\_RA 50\\% 3$\\times$3 {[}U+00E9]'
    """
    parts = _LIGATURE.split(printable(text))
    return "{}".join("".join(map(_escaped, part)) for part in parts)


def _escaped(char: str) -> str:
    return _ESCAPES.get(char) or (char if char.isascii() else f"{{[}}U+{ord(char):04X}]")
