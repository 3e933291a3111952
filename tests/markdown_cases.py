"""Markdown as tests: reads specs with their expected diagnostics, and compares."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from archdsl.aggregators import AGGREGATORS, READOUTS
from archdsl.analysis import analyse
from archdsl.analysis.points import check_points
from archdsl.backbones import LIBRARIES
from archdsl.compiler import Spec
from archdsl.diagnostics import Diagnostic, Problems
from archdsl.diagnostics.text import render_text
from archdsl.elaborate import elaborate, load
from archdsl.ir import Network
from archdsl.ir.laws import check_laws
from archdsl.operators import OPERATORS
from archdsl.operators.foreign import FOREIGN
from archdsl.source import Source

DECLARED = {
    **OPERATORS,
    **FOREIGN,
    **AGGREGATORS,
    **{readout.name: readout for readout in READOUTS.values()},
}
"""Everything that a node of a network can be."""


@dataclass(frozen=True)
class Snapshot:
    """A block that holds the rendered diagnostics; ``start`` and ``end`` are its lines, from 0."""

    text: str
    start: int
    end: int


@dataclass
class Case:
    """One spec: its files by name (the first is the main one), and where it stands."""

    name: str
    line: int
    files: dict[str, str] = field(default_factory=dict)
    snapshot: Snapshot | None = None


@dataclass(frozen=True)
class Expected:
    """One assertion: ``# error: 9-13 [ARCH103] "text"``; ``last`` is the last column marked."""

    severity: str
    column: int | None
    last: int | None
    code: str
    text: str


_TITLED = re.compile(r"arch\s+title=\"([^\"]+)\"")
_ASSERTION = re.compile(
    r"#\s*(error|warning|note):\s+(?:(\d+)(?:-(\d+))?\s+)?\[(\w+)\](?:\s+\"((?:[^\"\\]|\\.)*)\")?"
)
_SHAPE = re.compile(r"#\s*shape:\s*\[([\d, ]+)\]")


@dataclass(frozen=True)
class Block:
    """A fenced block: the words behind its fence, its lines from ``start`` up to ``end``, from 0.

    ``headings`` are those above it, without that of the file.
    """

    info: str
    content: str
    start: int
    end: int
    headings: tuple[str, ...]


def headed_blocks(text: str) -> Iterator[Block]:
    """Give the fenced blocks of a Markdown text."""
    lines = text.splitlines()
    headings: list[str] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if line.startswith("#"):
            level = len(line) - len(line.lstrip("#"))
            headings[level - 1 :] = [line.lstrip("# ").strip()]
        if not line.startswith("```"):
            continue
        start = at
        while lines[at] != "```":
            at += 1
        content = "".join(f"{row}\n" for row in lines[start:at])
        yield Block(line[3:].strip(), content, start, at, tuple(headings[1:] or headings))
        at += 1


def read_cases(text: str) -> list[Case]:
    """Return the tests of a Markdown text.

    Each ``arch`` block without a title is a test of its own, named after the headings above it;
    blocks with a title are further files of the test before them.
    """
    cases: list[Case] = []
    for block in headed_blocks(text):
        title = _TITLED.fullmatch(block.info)
        if block.info == "arch":
            name = " / ".join(block.headings)
            count = sum(case.name.partition(" #")[0] == name for case in cases)
            numbered = f"{name} #{count + 1}" if count else name
            cases.append(Case(numbered, block.start, {"main.arch": block.content}))
        elif title is not None:
            cases[-1].files[title[1]] = block.content
        elif block.info == "snapshot":
            assert cases[-1].snapshot is None, f"line {block.start}: a second snapshot"
            cases[-1].snapshot = Snapshot(block.content, block.start, block.end)
    return cases


def missing_library(case: Case) -> str | None:
    """Return a library that the case's backbones come from and that is not installed."""
    text = "".join(case.files.values())
    used = [name for name in LIBRARIES if f"backbone {name}(" in text]
    return next((n for n in (*used, *["torch"][: len(used)]) if find_spec(n) is None), None)


def load_files(files: Mapping[str, str]) -> Spec:
    """Load a spec from texts by name; the first is the main file."""

    def read(path: Path) -> str:
        name = os.path.relpath(path)
        if name not in files:
            raise FileNotFoundError(2, "No such file or directory")
        return files[name]

    main = next(iter(files))
    problems = Problems()
    program, resolution = load(Source(main, files[main], Path(main)), read, problems)
    return Spec(program, resolution, problems)


def check(files: Mapping[str, str]) -> tuple[tuple[Diagnostic, ...], list[Network]]:
    """Return all diagnostics of a spec, and its networks; clean ones are held to the laws."""
    spec = load_files(files)
    networks = []
    for symbol in spec.models:
        elaborated = elaborate(symbol, spec.resolution, spec.problems)
        if elaborated is not None:
            networks.append(analyse(elaborated, spec.problems))
            silent = elaborated.poisoned and not spec.problems.has_errors
            assert not silent, f"unknown, but nothing was reported: {elaborated.poisoned}"
    for grid in spec.grids:
        points = check_points(grid, spec.resolution, spec.problems)
        networks += [network for _, network in points]
    if not spec.problems.has_errors:
        for network in networks:
            check_laws(network, DECLARED)
    return spec.problems.sorted(), networks


def check_text(text: str) -> tuple[Diagnostic, ...]:
    """Return all diagnostics of a spec of one file."""
    return check({"main.arch": text})[0]


def faults(case: Case) -> tuple[list[str], str]:
    """Return what of a test does not hold, and its diagnostics as text."""
    diagnostics, networks = check(case.files)
    wrong: list[str] = []
    expected = [
        (name, number, assertion)
        for name, text in case.files.items()
        for number, line in enumerate(text.split("\n"), 1)
        for assertion in _assertions(line)
    ]
    for diagnostic in diagnostics:
        match = next((e for e in expected if _fits(diagnostic, *e)), None)
        if match is not None:
            expected.remove(match)
        else:
            wrong.append(f"unexpected: {_describe(diagnostic)}")
    wrong += [f"missing: {name}:{number}: {assertion}" for name, number, assertion in expected]
    wrong += _wrong_shapes(case, networks)
    return wrong, render_text(diagnostics).plain + "\n"


def _assertions(line: str) -> Iterator[Expected]:
    for match in _ASSERTION.finditer(line):
        severity, column, last, code, text = match.groups()
        yield Expected(
            severity,
            int(column) if column else None,
            int(last) if last else None,
            code,
            (text or "").replace('\\"', '"'),
        )


def _fits(diagnostic: Diagnostic, name: str, number: int, expected: Expected) -> bool:
    assert diagnostic.primary is not None
    span = diagnostic.primary.span
    return (
        (span.source.name, span.line) == (name, number)
        and diagnostic.severity.value == expected.severity
        and diagnostic.code == expected.code
        and expected.column in (None, span.column)
        and expected.last in (None, span.end_position[1] - 1)
        and expected.text in diagnostic.message
    )


def _describe(diagnostic: Diagnostic) -> str:
    assert diagnostic.primary is not None
    span = diagnostic.primary.span
    return (
        f"{span.source.name}:{span.line}: {diagnostic.severity}: "
        f'{span.column}-{span.end_position[1] - 1} [{diagnostic.code}] "{diagnostic.message}"'
    )


def _wrong_shapes(case: Case, networks: list[Network]) -> Iterator[str]:
    """Compare ``# shape: [c, h, w]`` with the last operator that begins on the line."""
    for name, text in case.files.items():
        for number, line in enumerate(text.split("\n"), 1):
            match = _SHAPE.search(line)
            if match is None:
                continue
            wanted = tuple(int(size) for size in match[1].split(","))
            found = [
                node.shape
                for network in networks
                for node in network.nodes
                for use in network.origins[node.id].chain()
                if (use.span.source.name, use.span.line) == (name, number)
            ]
            if not found or found[-1] != wanted:
                yield f"{name}:{number}: shape {found[-1] if found else None}, not {wanted}"
