"""Certain fixes applied to specs: tried in memory, kept where they help, written whole."""

from __future__ import annotations

import difflib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import IO, TypeAlias

from archdsl.diagnostics import Diagnostic, Fix, Severity
from archdsl.diagnostics.escaping import visible
from archdsl.diagnostics.fix import apply
from archdsl.reading import decode, read_bytes

MAX_CHECKS = 500
"""After so many checks of the specs no further fix is tried."""

_MARK = b"\xef\xbb\xbf"  # the byte order mark, which is no part of a text and stays in its file

Check: TypeAlias = Callable[["Files"], Sequence[Diagnostic]]
"""Returns all faults of the specs, given their files."""


@dataclass(frozen=True)
class Files:
    """The files of specs, each read once, with the texts that are to be written in their place."""

    originals: dict[Path, bytes] = field(default_factory=dict)
    texts: Mapping[Path, str] = field(default_factory=dict)

    def read(self, path: Path) -> str:
        """Return a text as fixed so far. Raises what :func:`archdsl.reading.read_text` does."""
        real = _real(path)
        if real in self.texts:
            return self.texts[real]
        if real not in self.originals:
            self.originals[real] = read_bytes(path)
        return decode(self.originals[real])

    def original(self, path: Path) -> str:
        """Return a text as it was."""
        return decode(self.originals[path])

    def edited(self, fixes: Iterable[Fix]) -> Files:
        """Return the files with fixes made that do not overlap."""
        edits: dict[Path, set[tuple[int, int, str]]] = {}
        texts = dict(self.texts)
        for fix in fixes:
            path = _path(fix)
            texts[path] = self.read(path)
            found = edits.setdefault(path, set())
            found.update((edit.span.start, edit.span.end, edit.text) for edit in fix.edits)
        for path, made in edits.items():
            texts[path] = apply(texts[path], made)
        return Files(self.originals, texts)

    def changed(self) -> dict[Path, str]:
        """Return the new texts of files that differ from what they were."""
        return {path: text for path, text in self.texts.items() if text != self.original(path)}

    def write(self) -> None:
        """Write what has changed, each file as a whole; its mode stays as it is.

        Raises :class:`archdsl.training.faults.Fault` where a file cannot be written.
        """
        from archdsl.training.messages import unwritable
        from archdsl.training.writing import replace_file

        for path, text in self.changed().items():
            if not os.access(path, os.W_OK):
                raise unwritable(path, "the file is read-only")
            mode = path.stat().st_mode & 0o7777
            mark = _MARK if self.originals[path].startswith(_MARK) else b""
            replace_file(path, mark + text.encode())
            path.chmod(mode)


@dataclass(frozen=True, slots=True)
class Fixed:
    """What was fixed: the fix, and the fault for which it was made."""

    fix: Fix
    fault: Diagnostic

    def __str__(self) -> str:
        return visible(f"{self.fix.edits[0].span}: {self.fix.title} [{self.fault.code}]")


@dataclass(frozen=True)
class Outcome:
    """The files as fixed, what was done, and the faults that remain."""

    files: Files
    fixed: tuple[Fixed, ...]
    remaining: Sequence[Diagnostic]


def fix_files(check: Check, files: Files | None = None) -> Outcome:
    """Make the certain fixes of the user's own files until none is left that helps.

    A fix helps if fewer faults are left and no code has more errors than before: whatever it
    brings to light that was not there, it is not made. All that do not overlap are tried at once,
    then one by one. The packaged library has no path and is left alone.
    """
    files = files or Files()
    remaining = check(files)
    fixed: list[Fixed] = []
    refused: set[tuple[str, str, str]] = set()
    checks = 1
    while checks < MAX_CHECKS:
        wanted = [
            Fixed(fault.fix, fault)
            for fault in remaining
            if fault.fix is not None and _is_offered(fault.fix) and _key(fault) not in refused
        ]
        for batch in _batches(wanted):
            tried = files.edited(item.fix for item in batch)
            found = check(tried)
            checks += 1
            if helps(remaining, found):
                files, remaining = tried, found
                fixed += batch
                break
            if len(batch) == 1:
                refused.add(_key(batch[0].fault))
            if checks >= MAX_CHECKS:
                break
        else:
            break
    return Outcome(files, tuple(fixed), remaining)


def helps(before: Iterable[Diagnostic], after: Iterable[Diagnostic]) -> bool:
    """Whether fewer faults are left, and of no code more errors than before."""
    before, after = list(before), list(after)
    if _errors(after) - _errors(before):
        return False
    return _size(after) < _size(before)


def _errors(faults: Sequence[Diagnostic]) -> Counter[str]:
    return Counter(fault.code for fault in faults if fault.severity is Severity.ERROR)


def _size(faults: Sequence[Diagnostic]) -> tuple[int, int]:
    warnings = sum(fault.severity is Severity.WARNING for fault in faults)
    return _errors(faults).total(), warnings


def _is_offered(fix: Fix) -> bool:
    return fix.certain and fix.source.path is not None


def _key(fault: Diagnostic) -> tuple[str, str, str]:
    """Return what stays the same of a fault when text before it changes."""
    assert fault.fix is not None
    return fault.code, fault.message, f"{fault.fix.source.name}: {fault.fix.title}"


def _batches(wanted: Sequence[Fixed]) -> Iterator[list[Fixed]]:
    """Yield all that do not overlap, then each alone."""
    chosen: list[Fixed] = []
    taken: list[tuple[Path, int, int]] = []
    for item in wanted:
        places = [(_path(item.fix), e.span.start, e.span.end) for e in item.fix.edits]
        if not any(_overlap(place, other) for place in places for other in taken):
            chosen.append(item)
            taken += places
    if len(chosen) > 1:
        yield chosen
    yield from ([item] for item in wanted)


def _overlap(one: tuple[Path, int, int], other: tuple[Path, int, int]) -> bool:
    """Whether two stretches share text, or touch: then their order would matter."""
    return one[0] == other[0] and one[1] <= other[2] and other[1] <= one[2]


def _path(fix: Fix) -> Path:
    assert fix.source.path is not None
    return _real(fix.source.path)


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def print_fixed(verb: str, fixed: Sequence[Fixed], to: IO[str]) -> None:
    """Print how many faults were fixed, and a line for each; nothing if there were none."""
    if fixed:
        lines = "".join(f"  {item}\n" for item in fixed)
        print(f"{verb} {len(fixed)}:\n{lines}", file=to)


def diff(files: Files, fixed: Iterable[Fixed]) -> str:
    """Return what would be written as a unified diff that `patch -p0` can apply."""
    names = {_path(item.fix): item.fix.source.name for item in fixed}
    parts: list[str] = []
    for path, text in files.changed().items():
        name = names[path]
        # Split at line feeds alone: a form feed is no end of a line to `patch`.
        old, new = (list(StringIO(part, newline="\n")) for part in (files.original(path), text))
        for line in difflib.unified_diff(old, new, name, name):
            parts.append(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")
    return "".join(parts)
