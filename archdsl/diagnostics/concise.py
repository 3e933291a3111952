"""Diagnostics as one line each, as compilers and grep print them, for editors and logs."""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.diagnostics.diagnostic import Diagnostic
from archdsl.diagnostics.escaping import visible


def to_concise(diagnostics: Iterable[Diagnostic]) -> str:
    """Return ``path:line:column: severity[CODE] message`` for each diagnostic, a line each.

    One without a place has no path. Whatever would break the line is escaped.
    """
    return "\n".join(_line(diagnostic) for diagnostic in diagnostics)


def _line(diagnostic: Diagnostic) -> str:
    place = f"{diagnostic.primary.span}: " if diagnostic.primary else ""
    return visible(f"{place}{diagnostic.severity}[{diagnostic.code}] {diagnostic.message}")
