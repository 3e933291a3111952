"""Diagnostics as JSON, for editors and other programs."""

from __future__ import annotations

import json
from collections.abc import Iterable

from archdsl.diagnostics.diagnostic import Diagnostic
from archdsl.diagnostics.fix import Fix
from archdsl.source import Span, Use

_NOWHERE: dict[str, object] = dict.fromkeys(("file", "line", "column", "end_line", "end_column"))


def to_json(diagnostics: Iterable[Diagnostic]) -> str:
    """Return a JSON list with an object for each diagnostic, in the order given.

    Lines and columns count from 1, columns in code points; an end is just behind the last
    character. Where there is no place, the five fields that name it are null. ``label`` is what is
    to be seen at that place, ``labels`` are the other places. ``fix`` has a title, whether it is
    ``certain``, and ``edits``: places and what to write there; it is null where there is none.
    """
    # In ASCII, for a lone surrogate has no other form that every reader of JSON can decode.
    return json.dumps([_diagnostic(d) for d in diagnostics], indent=2, ensure_ascii=True)


def _diagnostic(diagnostic: Diagnostic) -> dict[str, object]:
    primary = diagnostic.primary
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        **(_place(primary.span) if primary else _NOWHERE),
        "label": (primary.text or None) if primary else None,
        "help": diagnostic.help,
        "labels": [{**_place(label.span), "text": label.text} for label in diagnostic.labels],
        "notes": list(diagnostic.notes),
        "uses": [_use(use) for use in (diagnostic.use.chain() if diagnostic.use else ())],
        "fix": _fix(diagnostic.fix) if diagnostic.fix else None,
    }


def _fix(fix: Fix) -> dict[str, object]:
    edits = [{**_place(edit.span), "text": edit.text} for edit in fix.edits]
    return {"title": fix.title, "certain": fix.certain, "edits": edits}


def _place(span: Span) -> dict[str, object]:
    line, column = span.source.position(span.start)
    end_line, end_column = span.end_position
    return {
        "file": span.source.name,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
    }


def _use(use: Use) -> dict[str, object]:
    """Return a link of the chain of uses; the innermost comes first in the list."""
    place = _place(use.span)
    return {
        "what": use.what,
        "path": use.path,
        **{key: place[key] for key in ("file", "line", "column")},
    }
