"""Tables as JSON and as CSV, for programs: every row, nothing folded, numbers as numbers."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence

from archdsl.backends.tables.cells import Value, printable
from archdsl.backends.tables.choosing import Per
from archdsl.backends.tables.table import Table

FORMAT = "archdsl-summary-1"

_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
"""What a cell may not begin with: spreadsheets would take it for a formula, and run it."""


def to_json(tables: Sequence[Table], per: Per) -> str:
    """Return tables as one JSON document, a row on a line; docs/summary.md tells of its keys.

    It is ASCII: nothing in it can harm a terminal.
    """
    rows = [_plain(record) for table in tables for record in table.records]
    head = f'"format": {json.dumps(FORMAT)}, "per": {json.dumps(per.value)}'
    lines = ",\n  ".join(json.dumps(row, ensure_ascii=True, allow_nan=False) for row in rows)
    return f'{{{head}, "rows": [\n  {lines}\n]}}\n'


def to_csv(tables: Sequence[Table]) -> str:
    """Return tables as one in CSV (RFC 4180: CRLF, quotes doubled), its first line the keys.

    Lists and objects stand in their cells as JSON, None is empty. Text is of one line, and where
    it begins as a formula does an apostrophe stands before it.
    """
    records = [record for table in tables for record in table.records]
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(records[0])
    writer.writerows([_cell(value) for value in record.values()] for record in records)
    return out.getvalue()


def _cell(value: Value) -> str | int | None:
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, str):
        return f"'{printable(value)}" if value.startswith(_FORMULA) else printable(value)
    return json.dumps(_plain(value), ensure_ascii=True, allow_nan=False)


def _plain(value: Value) -> Value:
    """Return a value as JSON can have it: what is not finite is text there."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
