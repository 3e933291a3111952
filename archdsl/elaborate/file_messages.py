"""The wording of faults of files and their imports: ARCH004, ARCH109 to ARCH111, ARCH119."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics import Diagnostic, Label, Severity, did_you_mean
from archdsl.elaborate.messages import error
from archdsl.source import Span
from archdsl.syntax import nodes


def no_edition(place: Span) -> Diagnostic:
    """Return: the first line is not ``arch 1``."""
    return error(
        "ARCH004",
        "the file does not say which edition of the language it is written in",
        place,
        "write `arch 1` as the first line",
    )


def edition_not_first(place: Span) -> Diagnostic:
    """Return: ``arch 1`` after something else."""
    return error(
        "ARCH004", "the edition is named once, in the first line", place, "remove this line"
    )


def unknown_edition(number: nodes.Name) -> Diagnostic:
    """Return: an edition from the future."""
    return error(
        "ARCH004",
        f"edition `{number.text}` is not known; this compiler knows edition 1",
        number.span,
        "write `arch 1`, or install a newer archdsl",
    )


def unknown_library(name: str, place: Span, known: Sequence[str]) -> Diagnostic:
    """Return: an import from a package that is not the standard library."""
    library = [f"std.{module}" for module in known]
    return error(
        "ARCH109",
        f"there is no library `{name}`",
        place,
        did_you_mean(name, library) or 'a file is imported by name: from "file.arch" import ...',
    )


def cannot_read(name: str, place: Span, reason: str) -> Diagnostic:
    """Return: an imported file that cannot be read."""
    return error(
        "ARCH109",
        f"cannot read {name}: {reason.lower()}",
        place,
        "the path is relative to the file that imports it",
    )


def import_cycle(place: Span, chain: Sequence[str]) -> Diagnostic:
    """Return: files that import each other."""
    return error(
        "ARCH111",
        "imports go in a circle: " + " -> ".join(chain),
        place,
        "move what both need into a third file",
    )


def too_many_files(place: Span, most: int) -> Diagnostic:
    """Return: the limit on files."""
    return error("ARCH903", f"more than {most:,} files are imported", place, "import fewer files")


def no_such_export(
    name: nodes.Name, origin: nodes.Literal | nodes.Path, choices: Sequence[str]
) -> Diagnostic:
    """Return: a name that the imported file does not declare."""
    return error(
        "ARCH110",
        f"`{name.text}` is not declared in {origin.span.text}",
        name.span,
        did_you_mean(name.text, choices),
    )


def unused_import(name: str, place: Span) -> Diagnostic:
    """Return (a warning): an import that nothing needs."""
    return Diagnostic(
        "ARCH119",
        f"`{name}` is imported and never used",
        Label(place),
        help="remove it from the import",
        severity=Severity.WARNING,
    )
