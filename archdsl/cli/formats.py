"""The formats in which commands print diagnostics, and the option that chooses one."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

if TYPE_CHECKING:
    from archdsl.diagnostics import Diagnostic


class Format(StrEnum):
    """How diagnostics are printed; docs/output_formats.md has an example of each."""

    TEXT = "text"
    CONCISE = "concise"
    JSON = "json"
    GITHUB = "github"
    SARIF = "sarif"


CHOSEN: ContextVar[Format] = ContextVar("CHOSEN", default=Format.TEXT)
"""The format that the command at hand was asked for."""


def _choose(format: Format) -> Format:
    CHOSEN.set(format)
    return format


FormatOption: TypeAlias = Annotated[
    Format,
    typer.Option(
        callback=_choose,
        is_eager=True,  # faults of other options are printed in it too
        help="How faults are printed: for people (text), a line each (concise), "
        "for programs (json, sarif), as annotations of a workflow (github).",
    ),
]
"""``--format``."""


def rendered(diagnostics: Sequence[Diagnostic], format: Format) -> str:
    """Return diagnostics as a format wants them; notes are in JSON and SARIF alone."""
    from archdsl.diagnostics import Severity

    faults = [d for d in diagnostics if d.severity is not Severity.NOTE]
    match format:
        case Format.TEXT:
            from archdsl.diagnostics.text import render_text

            return render_text(faults).plain
        case Format.CONCISE:
            from archdsl.diagnostics.concise import to_concise

            return to_concise(faults)
        case Format.JSON:
            from archdsl.diagnostics.structured import to_json

            return to_json(diagnostics)
        case Format.GITHUB:
            from archdsl.diagnostics.github import to_github

            return to_github(faults)
        case Format.SARIF:
            from archdsl.diagnostics.sarif import to_sarif

            return to_sarif(diagnostics)
