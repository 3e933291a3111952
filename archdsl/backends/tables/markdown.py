"""Tables in Markdown, as GitHub reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from archdsl.backends.tables.cells import printable
from archdsl.backends.tables.table import Table

_SPECIAL = re.compile(r"[\\`*\[\]|~$]")
_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def to_markdown(tables: Sequence[Table]) -> str:
    """Return tables in Markdown; where there are several, each has its name as a heading."""
    return "\n".join("\n".join(_lines(t, headed=len(tables) > 1)) + "\n" for t in tables)


def _lines(table: Table, *, headed: bool) -> Iterator[str]:
    columns = table.markdown.filled
    if headed:
        yield f"### {escape(table.title)}\n"
    yield _line([escape(column.heading) for column in columns])
    yield _line(["---:" if column.is_right else "---" for column in columns])
    for row in table.markdown.rows:
        cells = [escape(row.text(column)) for column in columns]
        yield _line([f"**{c}**" if c and row.strong else c for c in cells])
    for note in (*table.notes, *(c.note for c in columns if c.note)):
        yield f"\n{escape(note)}"


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def escape(text: str) -> str:
    r"""Return a text of one line that Markdown shows as it is, in a table, too.

    Underscores within words are left alone: there they mean nothing.

    >>> escape("a_b | *c* `d` <e>")
    'a_b \\| \\*c\\* \\`d\\` &lt;e&gt;'
    """
    escaped = _SPECIAL.sub(lambda match: "\\" + match[0], printable(text))
    return _UNDERSCORE.sub(r"\\_", escaped).translate(_ENTITIES)
