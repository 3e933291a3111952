"""Planted faults: reads edits of real specs with what a careful reader would mark, and compares."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copytree

from markdown_cases import Snapshot, headed_blocks

from archdsl.compiler import check_spec, load_spec
from archdsl.diagnostics import Diagnostic, Severity
from archdsl.diagnostics.text import render_text

ROOT = Path(__file__).parent.parent
CORPUS = Path(__file__).parent / "corpus"

_BASE = re.compile(r"fault (\S+)")
_PLACE = re.compile(
    r"(?P<before> *)(?P<marks>\^+) (?:(?P<severity>warning|note) )?"
    r'\[(?P<code>\w+)\] "(?P<text>.*?)"(?: in (?P<use>.+))?'
)
_INSTEAD = re.compile(r"(?P<before> *)(?P<marks>~+) is marked")


@dataclass(eq=False)
class Line:
    """A line of a spec; known by identity, as its number changes while edits are made."""

    text: str


@dataclass
class Expected:
    """What is to be reported on a line: the columns that a reader would mark, and the words.

    ``use`` is how the chain of uses begins, for a fault inside a def. ``instead`` are the columns
    that the compiler marks where they are others.
    """

    line: Line
    columns: tuple[int, int]
    severity: str
    code: str
    text: str
    use: str | None
    instead: tuple[int, int] | None = None


@dataclass
class Hunk:
    """Lines of a file as they are in the base spec, and as they are with the fault."""

    before: list[str] = field(default_factory=list)
    after: list[Line] = field(default_factory=list)


@dataclass
class Fault:
    """One planted fault: the texts of the files that are edited, and what is expected.

    ``main`` is the spec that is checked, relative to the root of the repository.
    """

    name: str
    line: int
    main: str
    files: dict[str, str] = field(default_factory=dict)
    expected: list[tuple[str, int, Expected]] = field(default_factory=list)
    snapshot: Snapshot | None = None


def read_faults(text: str) -> list[Fault]:
    """Return the planted faults of a Markdown text, each named after the headings above it."""
    faults: list[Fault] = []
    for block in headed_blocks(text):
        if match := _BASE.fullmatch(block.info):
            fault = Fault(" / ".join(block.headings), block.start, match[1])
            plant(fault, block.content.splitlines())
            faults.append(fault)
        elif block.info == "snapshot":
            assert faults[-1].snapshot is None, f"line {block.start}: a second snapshot"
            faults[-1].snapshot = Snapshot(block.content, block.start, block.end)
    return faults


def plant(fault: Fault, rows: Sequence[str]) -> None:
    """Edit the base specs as the rows of a block say; see tests/corpus/README.md."""
    name = fault.main
    hunks: dict[str, list[Hunk]] = {name: [Hunk()]}
    expected: list[tuple[str, Expected]] = []
    for row in rows:
        sign, text = row[:2], row[2:]
        if sign == "@ ":
            name = text
            hunks[name] = [Hunk()]
        elif row == "...":
            hunks[name].append(Hunk())
        elif sign == "? " and (match := _INSTEAD.fullmatch(text)):
            expected[-1][1].instead = _columns(match)
        elif sign == "? ":
            place = _PLACE.fullmatch(text)
            assert place is not None, f"not a place: {row}"
            severity, code, message, use = place.group("severity", "code", "text", "use")
            line = hunks[name][-1].after[-1]
            found = Expected(line, _columns(place), severity or "error", code, message, use)
            expected.append((name, found))
        else:
            assert sign in ("- ", "+ ", "  ", ""), f"not a row of an edit: {row}"
            if sign != "+ ":
                hunks[name][-1].before.append(text)
            if sign != "- ":
                hunks[name][-1].after.append(Line(text))
    for file, edits in hunks.items():
        lines = [Line(row) for row in base_text(file).split("\n")]
        for hunk in edits:
            replace(lines, hunk, file)
        fault.files[file] = "\n".join(line.text for line in lines)
        numbers = {id(line): number for number, line in enumerate(lines, 1)}
        fault.expected += [(f, numbers[id(e.line)], e) for f, e in expected if f == file]
    use_copies(fault)


def _columns(match: re.Match[str]) -> tuple[int, int]:
    first = len(match["before"]) + 1
    return first, first + len(match["marks"]) - 1


def base_text(file: str) -> str:
    """Return the text of a file of the repository; a file that is not there yet is empty."""
    path = ROOT / file
    return path.read_text(encoding="utf-8") if path.exists() else ""


def replace(lines: list[Line], hunk: Hunk, file: str) -> None:
    """Put what a hunk has afterwards in the place of what it has before."""
    count = len(hunk.before)
    if count == 0:
        lines[:0] = hunk.after
        return
    texts = [line.text for line in lines]
    places = [i for i in range(len(texts)) if texts[i : i + count] == hunk.before]
    assert len(places) == 1, f"{file} has this {len(places)} times:\n" + "\n".join(hunk.before)
    lines[places[0] : places[0] + count] = hunk.after


def use_copies(fault: Fault) -> None:
    """Let all specs import the edited files of the standard library, as copies of their own."""
    copies = [Path(file) for file in fault.files if file.startswith("specs/std/")]
    if not copies or Path(fault.main) in copies:
        return
    for path in sorted((ROOT / "specs").rglob("*.arch")):
        file = path.relative_to(ROOT).as_posix()
        for copy in copies:
            relative = os.path.relpath(copy, Path(file).parent)
            text = fault.files.get(file, base_text(file))
            if f"from std.{copy.stem} import" in text:
                local = f'from "{relative}" import'
                fault.files[file] = text.replace(f"from std.{copy.stem} import", local)


def check(fault: Fault) -> tuple[Diagnostic, ...]:
    """Return all diagnostics of the edited spec, as ``archdsl.check`` would of files like that."""
    texts = {ROOT / name: text for name, text in fault.files.items()}

    def read(path: Path) -> str:
        return texts[path] if path in texts else path.read_text(encoding="utf-8")

    spec = load_spec(ROOT / fault.main, allow_outside=True, read=read)
    diagnostics = check_spec(spec)
    for module in spec.program.modules:
        # Names from the root of the repository: how long they are decides where text stands.
        name = Path(os.path.relpath(module.source.name, ROOT)).as_posix()
        object.__setattr__(module.source, "name", name)
    return diagnostics


def faults(fault: Fault) -> tuple[list[str], str]:
    """Return what of a test does not hold, and its diagnostics as text."""
    diagnostics = check(fault)
    wrong: list[str] = []
    if not any(d.severity is Severity.ERROR for d in diagnostics):
        wrong.append("not rejected")
    missing = list(fault.expected)
    for diagnostic in diagnostics:
        match = next((m for m in missing if _fits(diagnostic, *m)), None)
        if match is None:
            wrong.append(f"unexpected:\n{render([diagnostic])}")
            continue
        missing.remove(match)
        wrong += _differences(diagnostic, match[2])
    wrong += [f"missing: {name}:{number}: {e}" for name, number, e in missing]
    return wrong, render(diagnostics)


def marked(diagnostic: Diagnostic) -> tuple[int, int]:
    """Return the first and last column marked; a span of several lines is marked on its first."""
    assert diagnostic.primary is not None
    span = diagnostic.primary.span
    line, column = span.end_position
    last = column - 1 if line == span.line else len(span.source.line(span.line).rstrip())
    return span.column, max(last, span.column)


def render(diagnostics: Sequence[Diagnostic]) -> str:
    """Return diagnostics as text, with paths from the root of the repository."""
    text = render_text(diagnostics).plain
    return text.replace(f"{ROOT}/", "") + "\n"


@dataclass(frozen=True)
class Score:
    """How often the line that a reader would name is reported, and the columns are marked."""

    places: int = 0
    lines: int = 0
    spans: int = 0

    def __add__(self, other: Score) -> Score:
        sums = (self.places + other.places, self.lines + other.lines, self.spans + other.spans)
        return Score(*sums)


def score(fault: Fault) -> Score:
    """Return what the compiler hits of a fault's places; columns against the reader's only."""
    diagnostics = check(fault)
    total = Score()
    for name, number, expected in fault.expected:
        found = [marked(d) for d in diagnostics if _fits(d, name, number, expected)]
        total += Score(1, int(bool(found)), int(expected.columns in found))
    return total


def _fits(diagnostic: Diagnostic, name: str, number: int, expected: Expected) -> bool:
    if diagnostic.primary is None:
        return False
    span = diagnostic.primary.span
    return (
        (span.source.name, span.line) == (name, number)
        and diagnostic.severity.value == expected.severity
        and diagnostic.code == expected.code
        and expected.text in diagnostic.message
    )


def _differences(diagnostic: Diagnostic, expected: Expected) -> Iterator[str]:
    """Compare the columns, and the chain of uses: a fault in a def says how it was reached."""
    if marked(diagnostic) != (expected.instead or expected.columns):
        yield f"columns {marked(diagnostic)} are marked, not {expected}"
    if diagnostic.use is None and expected.use is None:
        return
    shown = render([diagnostic]).splitlines()[1]
    if expected.use is None or f"in {expected.use}" not in shown:
        yield f"the chain of uses is not {expected.use!r}, but: {shown}"


def write(fault: Fault, folder: Path) -> Path:
    """Write all specs into a folder, with the fault; return the path of the one to check."""
    copytree(ROOT / "specs", folder / "specs")
    for file, text in fault.files.items():
        (folder / file).write_text(text, encoding="utf-8")
    return folder / fault.main
