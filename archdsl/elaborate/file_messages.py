"""The wording of faults of files and imports: ARCH004, 007, 109 to 111, 119, 903 to 905."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from archdsl.diagnostics import Diagnostic, Fix, Label, Severity, did_you_mean, nearest
from archdsl.diagnostics.fix import insert, remove, remove_item, respell, write
from archdsl.elaborate.messages import error
from archdsl.reading import MAX_BYTES, NotText
from archdsl.source import Source, Span
from archdsl.syntax import nodes


def no_edition(place: Span) -> Diagnostic:
    """Return: the first line is not ``arch 1``."""
    return error(
        "ARCH004",
        "the file does not say which edition of the language it is written in",
        place,
        "write `arch 1` as the first line",
        insert(Span(place.source, 0, 0), "arch 1\n"),
    )


def edition_not_first(place: Span) -> Diagnostic:
    """Return: ``arch 1`` after something else."""
    return error(
        "ARCH004",
        "the edition is named once, in the first line",
        place,
        "remove this line",
        remove(place),
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
    help = did_you_mean(name, library)
    if name.split(".")[0] != "std" and nearest(name, library) is None:
        path = name.replace(".", "/")
        help = f'a file is imported by its path: from "{_short(path)}.arch" import ...'
    fix = respell(place, library)
    return error("ARCH109", f"there is no library `{_short(name)}`", place, help, fix)


def bad_import(path: str, place: Span) -> Diagnostic | None:
    """Return: a path that is not one of an .arch file on every system; None where it is."""
    if path.endswith(".arch") and "\\" not in path:
        return None
    help = 'name a file, relative to this one: from "folder/file.arch" import ...'
    fix = None
    if "\\" in path:
        help = "write `/` between a folder and a file"
        fix = write(place, place.text.replace("\\", "/"))
    message = f"{_quoted(path)} is not the path of an .arch file"
    return error("ARCH109", message, place, help, fix)


def outside(path: str, place: Span, found: Path, base: Path, root: Path) -> Diagnostic:
    """Return: a path that leads out of the root folder, and how."""
    fix = None
    what = f"{_quoted(path)} lies outside of the root folder"
    help = "move the file into the root folder, or trust it with --allow-outside"
    if Path(path).anchor:
        what = f"{_quoted(path)} is an absolute path"
        if found.is_relative_to(root):
            short = os.path.relpath(found, base).replace(os.sep, "/")
            help = f'write it relative to this file: "{short}"'
            fix = write(place, f'"{short}"')
    elif Path(os.path.normpath(base / path)).is_relative_to(root):
        what = f"a link in {_quoted(path)} leads out of the root folder"
    notes = (f"it leads to {found}", f"the root is the folder of the first file, {root}")
    return Diagnostic("ARCH905", what, Label(place), notes=notes, help=help, fix=fix)


def not_utf8(name: str, fault: NotText, imported: Span | None = None) -> Diagnostic:
    """Return: bytes that are no UTF-8, at the first of them."""
    what = "a NUL byte is no text" if not fault.byte else f"byte 0x{fault.byte:02x} is not UTF-8"
    at = Span(Source(name, fault.text), fault.offset, fault.offset + 1)
    labels = (Label(imported, "imported here"),) if imported is not None else ()
    return Diagnostic(
        "ARCH007",
        f"{name} is not UTF-8 text",
        Label(at, what),
        labels,
        help="save the file as UTF-8",
    )


def too_many_bytes(name: str, place: Span | None) -> Diagnostic:
    """Return: a file that is too large to be read."""
    return Diagnostic(
        "ARCH904",
        f"{name} has more than {MAX_BYTES:,} bytes",
        Label(place) if place is not None else None,
        help="split it into files and import them",
    )


def cannot_read(name: str, place: Span, reason: str) -> Diagnostic:
    """Return: an imported file that cannot be read."""
    return error(
        "ARCH109",
        f"cannot read {_short(name)}: {reason.lower()}",
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
        respell(name.span, choices),
    )


def unused_import(name: str, place: Span, item: nodes.Import) -> Diagnostic:
    """Return (a warning): an import that nothing needs."""
    return Diagnostic(
        "ARCH119",
        f"`{name}` is imported and never used",
        Label(place),
        help="remove it from the import",
        severity=Severity.WARNING,
        fix=without(item, place),
    )


def without(item: nodes.Import, name: Span) -> Fix:
    """Return the fix that removes a name from an import, and the import with its last name."""
    names = [other.span for other in item.names]
    return remove_item(name, names) if len(names) > 1 else remove(item.span)


def _quoted(path: str) -> str:
    return f'"{_short(path)}"'


def _short(path: str) -> str:
    return path if len(path) <= 200 else f"{path[:199]}…"
