"""Diagnostics as workflow commands of GitHub Actions: annotations beside the changed lines."""

from __future__ import annotations

import os
from collections.abc import Iterable

from archdsl.diagnostics.catalogue import CATALOGUE
from archdsl.diagnostics.diagnostic import Diagnostic, Severity, said_at_length
from archdsl.diagnostics.escaping import visible

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def to_github(diagnostics: Iterable[Diagnostic]) -> str:
    """Return ``::error file=...,line=...,col=...::message`` for each diagnostic, a line each.

    Columns are given where the span is within one line, as GitHub wants it; ``endColumn`` is just
    behind the last character. Notes and help are further lines of the message.
    """
    return "\n".join(_command(diagnostic) for diagnostic in diagnostics)


def _command(diagnostic: Diagnostic) -> str:
    entry = CATALOGUE.get(diagnostic.code)
    properties = {}
    if diagnostic.primary is not None:
        span = diagnostic.primary.span
        end_line, end_column = span.end_position
        properties["file"] = span.source.name.replace(os.sep, "/")
        properties["line"] = str(span.line)
        properties["endLine"] = str(end_line)
        if end_line == span.line:
            properties["col"] = str(span.column)
            properties["endColumn"] = str(end_column)
    properties["title"] = f"{diagnostic.code} {entry.slug}" if entry else diagnostic.code
    given = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{_COMMANDS[diagnostic.severity]} {given}::" + _data(said_at_length(diagnostic))


def _data(text: str) -> str:
    """Escape a message: the line breaks in it stay line breaks, all else is made visible."""
    lines = text.replace("\r\n", "\n").split("\n")
    return "%0A".join(visible(line).replace("%", "%25") for line in lines)


def _property(value: str) -> str:
    """Escape a property; a line break in a path is kept, for GitHub looks the path up."""
    escaped = value.replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
    return "%0A".join("%0D".join(map(visible, line.split("\r"))) for line in escaped.split("\n"))
