"""Folders that cannot be written and disks that are full: said, and nothing half written."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from runs_of_tests import Improving

from archdsl.recipes import DataSet, Recipe
from archdsl.training import Fault, Job, Result, train, writing
from archdsl.training.engine import Engine


def run(job: Job, dataset: DataSet, recipe: Recipe, out: Path) -> Result:
    console = Console(file=io.StringIO())
    return train(job, dataset, recipe, data=None, out=out, console=console, device="cpu")


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training is an error."""

    def fail(*_: object) -> None:
        raise AssertionError("it was trained")

    monkeypatch.setattr(Engine, "epochs", fail)


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize("below", ["file", "file/runs", "/proc/runs", "/proc/self/runs"])
def test_a_folder_that_cannot_be_made(
    below: str, job: Job, digits: DataSet, recipe: Recipe, tmp_path: Path
) -> None:
    if below.startswith("/proc") and not Path("/proc/self").exists():
        pytest.skip("there is no /proc")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(Fault) as caught:
        run(job, digits, recipe, tmp_path / below)
    assert caught.value.diagnostic.code == "ARCH615"
    assert caught.value.status == 2
    assert below in caught.value.diagnostic.message
    assert (tmp_path / "file").read_text() == "mine"
    if below.startswith("file"):
        what = "it" if below == "file" else tmp_path / "file"
        assert caught.value.diagnostic.message == (
            f"cannot write to {tmp_path / below}: {what} is a file, "
            "and a folder is to have that name"
        )
        assert caught.value.diagnostic.help == f"name another folder, such as {tmp_path / 'runs'}"


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.EPERM])
def test_a_folder_that_may_not_be_written(
    code: int,
    job: Job,
    digits: DataSet,
    recipe: Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(writing.os, "open", refused)
    with pytest.raises(Fault, match=os.strerror(code)) as caught:
        run(job, digits, recipe, tmp_path)
    assert caught.value.diagnostic.code == "ARCH615"
    assert not list(tmp_path.iterdir())


class Full:
    """Makes the n-th call of a function of ``os``, and all after it, find the disk full."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str, calls: int) -> None:
        self.left = calls
        self.real: Callable[..., Any] = getattr(os, name)
        self.name = name
        monkeypatch.setattr(writing.os, name, self)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        self.left -= 1
        if self.left >= 0:
            return self.real(*arguments, **named)
        if self.name == "write":
            self.real(arguments[0], bytes(arguments[1])[:3])  # part of it still found room
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


# Writes: the probe, run.json, the spec, the source, the network, a line for each of two epochs,
# two checkpoints (of the first epoch, which is the best, and of the end), the weights, run.json.
# Replacements: no probe and no lines, but the empty metrics file.
WRITES, REPLACEMENTS = 11, 9


@pytest.mark.parametrize(
    ("name", "calls"),
    [("write", n) for n in range(WRITES)] + [("replace", n) for n in range(REPLACEMENTS)],
)
def test_a_disk_full_at_any_write(
    name: str,
    calls: int,
    job: Job,
    digits: DataSet,
    recipe: Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Improving(monkeypatch, 0.5, 0.4)
    Full(monkeypatch, name, calls)
    with pytest.raises(Fault) as caught:
        run(job, digits, recipe, tmp_path)
    assert caught.value.diagnostic.code == "ARCH616"
    assert caught.value.status == 2
    demand_whole(tmp_path, job)
    # A run that has not begun leaves no folder.
    assert len(list(tmp_path.iterdir())) == int(calls > 4)


def demand_whole(out: Path, job: Job) -> None:
    """Assert that every file that is there is whole, and that there is no other."""
    from safetensors.torch import load_file

    for path in out.rglob("*"):
        if path.is_dir():
            continue
        match path.name:
            case "run.json":
                assert json.loads(path.read_text())["status"] in ("running", "failed")
            case "metrics.jsonl":
                text = path.read_text()
                assert text == "" or text.endswith("\n")
                epochs = [json.loads(line)["epoch"] for line in text.splitlines()]
                assert epochs in ([], [1], [1, 2])
            case "model.py":
                assert path.read_text() == job.source
            case "network.json":
                assert path.read_text() == job.network_json
            case "tiny.arch":
                assert path.read_text() == job.spec_files["tiny.arch"]
            case "weights.safetensors":
                load_file(path)
            case _:
                assert path.parent.name == "checkpoints", f"{path} was left behind"
                assert hashlib.sha256(path.read_bytes()).hexdigest() in path.name


def test_the_counts_above_are_right(
    job: Job, digits: DataSet, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Improving(monkeypatch, 0.5, 0.4)
    writes = Full(monkeypatch, "write", 1000)
    replacements = Full(monkeypatch, "replace", 1000)
    epochs = run(job, digits, recipe, tmp_path).epochs
    assert [metrics.test_accuracy for metrics in epochs] == [0.5, 0.4]
    assert (1000 - writes.left, 1000 - replacements.left) == (WRITES, REPLACEMENTS)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real disk of 128 KiB, where the system lets us have one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=128k", "archdsl-test", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs the right to mount a tmpfs")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_really_is_full_for_a_checkpoint(
    make_job: Callable[..., Job], digits: DataSet, recipe: Recipe, small_disk: Path
) -> None:
    source = make_job().source.replace(
        "    def forward",
        "        self.register_buffer('large', torch.zeros(200_000))\n\n    def forward",
    )
    job = make_job(source=source)
    with pytest.raises(Fault, match=r"checkpoints.* could not be written") as caught:
        run(job, digits, recipe, small_disk)
    assert caught.value.diagnostic.code == "ARCH616"
    demand_whole(small_disk, job)
    (folder,) = small_disk.iterdir()
    assert json.loads((folder / "run.json").read_text())["status"] == "failed"
    assert len((folder / "metrics.jsonl").read_text().splitlines()) == 2
    assert not (folder / "weights.safetensors").exists()


def test_a_disk_that_really_is_full_from_the_start(
    job: Job, digits: DataSet, recipe: Recipe, small_disk: Path
) -> None:
    with pytest.raises(OSError, match="No space"), (small_disk / "filler").open("wb") as filler:
        while filler.write(b"x" * 4096):
            filler.flush()
    with pytest.raises(Fault) as caught:
        run(job, digits, recipe, small_disk)
    assert caught.value.diagnostic.code == "ARCH616"
    assert [path.name for path in small_disk.iterdir()] == ["filler"]


def test_replacing_keeps_the_old_file_on_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    writing.replace_file(path, b"old")
    Full(monkeypatch, "fsync", 0)
    with pytest.raises(Fault):
        writing.replace_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
