"""A process that watches a spec, for the tests of a module; each leaves it as it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from watched_process import WatchProcess, write_spec


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    return write_spec(tmp_path / "specs")


@pytest.fixture
def watch(spec: Path) -> Iterator[WatchProcess]:
    with WatchProcess(str(spec), "--port", "0", cwd=spec.parent) as process:
        yield process


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WatchProcess]:
    """A process whose spec no test changes."""
    folder = tmp_path_factory.mktemp("shared")
    (folder / "secret.txt").write_text("secret")
    with WatchProcess(str(write_spec(folder)), "--port", "0", cwd=folder) as process:
        yield process
