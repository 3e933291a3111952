"""A diagnostic as data: what is wrong, where, since when, and what to write instead."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from archdsl.diagnostics.fix import Fix
from archdsl.source import Span, Use


class Severity(StrEnum):
    """How grave: an error stops compilation, a warning does not, a note only informs."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Label:
    """A place that takes part in a fault, and what is to be seen there."""

    span: Span
    text: str = ""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One fault.

    ``message`` is lower case, has no full stop, and is true without the snippet; only ``help``
    says what to do. ``primary`` is the smallest span that shows the fault, ``labels`` are the
    other places involved, ``notes`` state facts, ``use`` is the chain of uses that led into a def.
    A diagnostic without a place (a call at fault, a missing data file) has ``primary`` None.
    ``fix`` is what to write instead, where that can be said exactly.
    """

    code: str
    message: str
    primary: Label | None = None
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: str | None = None
    use: Use | None = field(default=None, repr=False)
    severity: Severity = Severity.ERROR
    fix: Fix | None = None


def said_at_length(diagnostic: Diagnostic) -> str:
    """Return message, notes and help, a line each, for formats with one text for all."""
    lines = [diagnostic.message, *(f"note: {note}" for note in diagnostic.notes)]
    if diagnostic.help is not None:
        lines.append(f"help: {diagnostic.help}")
    return "\n".join(lines)
