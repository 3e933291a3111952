"""Collects Markdown files as test suites: see tests/language/README.md, tests/corpus/README.md."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import corpus_cases
import hypothesis  # noqa: F401 - it asks the collector who refers to what, before all is frozen
import markdown_cases
import pytest
from corpus_cases import Fault
from markdown_cases import Case, Snapshot

# Workers share the cores; threads of torch that wait for each other would eat them.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Hundreds of processes are started here; without bytecode each would compile the compiler anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

_TESTS = Path(__file__).parent
_SUITES = {
    _TESTS / "language": (markdown_cases.read_cases, markdown_cases.faults),
    corpus_cases.CORPUS: (corpus_cases.read_faults, corpus_cases.faults),
}
"""How the tests of a folder's files are read, and how one is run."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite snapshots in Markdown tests")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return a worker for each core, few at most; one alone rewrites snapshots."""
    return 0 if config.getoption("update") else min(4, os.cpu_count() or 1)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    is_suite = file_path.suffix == ".md" and file_path.name != "README.md"
    if is_suite and file_path.parent in _SUITES:
        return MarkdownFile.from_parent(parent, path=file_path)
    return None


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what stays, and run less often.

    With torch that is 300,000 objects, and a tree of a spec is thousands of which none is garbage.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000)


class MarkdownFile(pytest.File):
    """One Markdown file."""

    def collect(self) -> Iterator[pytest.Item]:
        read, faults = _SUITES[self.path.parent]
        for case in read(self.path.read_text(encoding="utf-8")):
            yield MarkdownTest.from_parent(self, name=case.name, case=case, faults=faults)


class MarkdownTest(pytest.Item):
    """One spec of a Markdown file, with its files; ``faults`` says what does not hold."""

    def __init__(
        self,
        *,
        case: Case | Fault,
        faults: Callable[[Case | Fault], tuple[list[str], str]],
        **arguments: object,
    ) -> None:
        super().__init__(**arguments)  # type: ignore[arg-type]
        self.case = case
        self.faults = faults

    def runtest(self) -> None:
        missing = isinstance(self.case, Case) and markdown_cases.missing_library(self.case)
        if missing:
            pytest.skip(f"{missing} is not installed")
        wrong, rendered = self.faults(self.case)
        snapshot = self.case.snapshot
        if snapshot is not None and snapshot.text != rendered:
            if self.config.getoption("--update"):
                pending = self.config.stash.setdefault(_UPDATES, {})
                pending.setdefault(self.path, []).append((snapshot, rendered))
            else:
                wrong.append(f"the snapshot differs (pytest --update rewrites it):\n{rendered}")
        if wrong:
            pytest.fail("\n".join(wrong), pytrace=False)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.case.line - 1, self.name


_UPDATES = pytest.StashKey[dict[Path, list[tuple[Snapshot, str]]]]()


def pytest_sessionfinish(session: pytest.Session) -> None:
    for path, updates in session.config.stash.get(_UPDATES, {}).items():
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        for snapshot, text in sorted(updates, key=lambda u: u[0].start, reverse=True):
            lines[snapshot.start : snapshot.end] = [text]
        path.write_text("".join(lines), encoding="utf-8")
