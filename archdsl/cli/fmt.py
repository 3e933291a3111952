"""``archdsl fmt``: write specs in the one style that there is."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from archdsl.diagnostics import Diagnostic

NAME = "fmt"

_BOM = b"\xef\xbb\xbf"
_BUG = 70  # as for any internal error


def run(
    files: Annotated[
        list[str],
        typer.Argument(
            help="The .arch files; folders, for all that is in them; - for standard input.",
            show_default=False,
        ),
    ],
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; say which files would change.")
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Write nothing; print what would change.")
    ] = False,
) -> None:
    """Format specs. Comments and blank lines stay, and what a spec says stays the same.

    A file that cannot be parsed is left as it is; one with other faults is formatted. Exit status
    0: all is formatted; 1: a file would change (--check, --diff), or cannot be parsed; 2: the call
    is at fault.
    """
    work = _Work(writes=not (check or diff), diff=diff)
    for path in work.expand(files):
        work.format(path)
    work.report(check=check, has_files=any(name != "-" for name in files))
    raise typer.Exit(work.status)


@dataclass
class _Work:
    """One run over files: what changed, and what went wrong."""

    writes: bool
    diff: bool
    changed: int = 0
    unchanged: int = 0
    status: int = 0
    faults: list[Diagnostic] = field(default_factory=list)

    def fault(self, diagnostics: Sequence[Diagnostic], status: int) -> None:
        """Note what went wrong; the gravest status counts."""
        self.faults += diagnostics
        self.status = max(self.status, status)

    def call_fault(self, code: str, message: str, help: str) -> None:
        """Note a fault of the call."""
        from archdsl.diagnostics import Diagnostic

        self.fault([Diagnostic(code, message, help=help)], 2)

    def expand(self, names: Sequence[str]) -> Iterator[Path | None]:
        """Yield each file once, those of folders in order; None for standard input."""
        seen: set[Path | None] = set()
        for name in names:
            found: list[Path | None] = [None] if name == "-" else [Path(name)]
            if name != "-" and Path(name).is_dir():
                found = [p for p in sorted(Path(name).rglob("*.arch")) if _is_wanted(p, Path(name))]
                if not found:
                    self.call_fault("ARCH109", f"no .arch files in {name}", "name a .arch file")
            yield from (p for p in dict.fromkeys(found) if p not in seen)
            seen.update(found)

    def format(self, path: Path | None) -> None:
        """Format one file."""
        from archdsl.formatting import NotFormatted, format_source
        from archdsl.reading import NotText, TooLarge, decode, read_bytes
        from archdsl.source import Source

        shown = "<stdin>" if path is None else str(path)
        try:
            data = read_bytes(path) if path is not None else _standard_input()
            text = decode(data)
        except NotText as fault:
            from archdsl.elaborate.file_messages import not_utf8

            self.fault([not_utf8(shown, fault)], 2)
            return
        except TooLarge:
            from archdsl.elaborate.file_messages import too_many_bytes

            self.fault([too_many_bytes(shown, None)], 2)
            return
        except (OSError, ValueError) as error:
            self.call_fault("ARCH109", f"cannot read {shown}: {_why(error)}", "name a .arch file")
            return
        bom = _BOM if data.startswith(_BOM) else b""
        try:
            formatted = format_source(Source(shown, text, path))
        except NotFormatted as refusal:
            self.fault(refusal.diagnostics, _BUG if refusal.is_bug else 1)
            return
        self.unchanged += formatted == text
        if self.writes and path is None:
            sys.stdout.buffer.write(bom + formatted.encode())
        elif formatted == text:
            return
        elif path is None or not self.writes:
            self.show(shown, text, formatted)
        else:
            self.replace(path, bom + formatted.encode())

    def show(self, shown: str, text: str, formatted: str) -> None:
        """Say that a file would change, and how."""
        self.changed += 1
        self.status = max(self.status, 1)
        if not self.diff:
            print(f"would format {shown}")
            return
        from difflib import unified_diff

        for line in unified_diff(_lines(text), _lines(formatted), shown, shown):
            print(line, end="" if line.endswith("\n") else "\n\\ No newline at end of file\n")

    def replace(self, path: Path, data: bytes) -> None:
        """Write a file whole or not at all."""
        try:
            _replace(path.resolve(), data)
            self.changed += 1
        except OSError as error:
            help = "the file is as it was; make it and its folder writable"
            self.call_fault("ARCH615", f"cannot write {path}: {_why(error)}", help)

    def report(self, *, check: bool, has_files: bool) -> None:
        """Print the faults, and how many files changed."""
        sys.stdout.flush()
        if self.faults:
            from archdsl.cli.output import console, print_diagnostics

            print_diagnostics(self.faults, console(stderr=True))
        if has_files and self.changed + self.unchanged:
            changes = f"{_files(self.changed)} {'formatted' if self.writes else 'would change'}"
            line = f"{changes}, {self.unchanged} unchanged" if self.unchanged else changes
            if not self.changed:
                line = f"{_files(self.unchanged)} unchanged"
            print(line, file=sys.stderr if self.diff else sys.stdout)


def _standard_input() -> bytes:
    from archdsl.reading import MAX_BYTES, TooLarge

    data = sys.stdin.buffer.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise TooLarge
    return data


def _files(count: int) -> str:
    return f"{count} file{'' if count == 1 else 's'}"


def _lines(text: str) -> list[str]:
    """Return the lines of a text, with their ends."""
    lines = [f"{line}\n" for line in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


def _is_wanted(path: Path, folder: Path) -> bool:
    """Whether a file below a folder is meant: not in `.git`, `.venv` and the like."""
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return path.is_file() and not hidden


def _why(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()


def _replace(path: Path, data: bytes) -> None:
    """Make a file hold ``data``, its permissions kept; untouched if OSError is raised."""
    mode = path.stat().st_mode & 0o7777
    if not os.access(path, os.W_OK):  # replacing it would need no leave
        raise PermissionError(13, "Permission denied")
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(mode)
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
