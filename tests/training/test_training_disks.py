"""Runs on disks that are slow, full, or cannot be written any more, and by clocks that jump."""

from __future__ import annotations

import io
import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from archdsl.recipes import DataSet, Recipe
from archdsl.training import Fault, Job, Result, attempt, resume, train
from archdsl.training.checkpoint_schedule import Every
from archdsl.training.checkpoint_store import CheckpointStore, Stored
from archdsl.training.engine import Position
from archdsl.training.session import Session

MakeRecipe = Callable[..., Recipe]


def begin(job: Job, dataset: DataSet, recipe: Recipe, out: Path, **more: Any) -> Result:
    given = {"data": None, "device": "cpu", "console": Console(file=io.StringIO())} | more
    return train(job, dataset, recipe, out=out, **given)


def go_on(folder: Path, job: Job) -> Result:
    return resume(folder, job, console=Console(file=io.StringIO()))


def at(monkeypatch: pytest.MonkeyPatch, when: Position, work: Callable[[], object]) -> None:
    """Have something happen when a run comes to a position, once."""
    real, left = Session.boundary, [when]

    def boundary(session: Session, position: Position) -> None:
        if position in left:
            left.remove(position)
            session._writer.wait()  # type: ignore[union-attr]
            work()
        real(session, position)

    monkeypatch.setattr(Session, "boundary", boundary)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A real disk of 512 KiB, where the system lets us have one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=512k", "archdsl-test", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs the right to mount a tmpfs")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> None:
    with pytest.raises(OSError, match="No space"), (folder / "filler").open("wb") as filler:
        while filler.write(b"x" * 512):
            filler.flush()


def lock(folder: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(folder)], check=True)


@pytest.mark.parametrize(
    ("spoil", "mend", "code"),
    [
        (fill, lambda folder: (folder / "filler").unlink(), "ARCH616"),
        (lambda folder: lock(folder, "ro"), lambda folder: lock(folder, "rw"), "ARCH615"),
    ],
    ids=["full", "read-only"],
)
def test_a_disk_that_fails_in_the_middle_loses_nothing(
    spoil: Callable[[Path], None],
    mend: Callable[[Path], None],
    code: str,
    job: Job,
    digits: DataSet,
    make_recipe: MakeRecipe,
    disk: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe = make_recipe(epochs=4, batch=256)
    whole = begin(job, digits, recipe, tmp_path / "whole")
    with monkeypatch.context() as patched:
        at(patched, Position(2, 1), lambda: spoil(disk))
        with pytest.raises(Fault) as caught:
            begin(job, digits, recipe, disk / "runs", every=Every(epochs=1))
    assert caught.value.diagnostic.code == code
    (folder,) = (disk / "runs").iterdir()
    newest = CheckpointStore(folder).load()
    assert newest is not None and newest.stored.place.epoch in (1, 2) and not newest.damaged
    mend(disk)
    assert go_on(folder, job).weights.read_bytes() == whole.weights.read_bytes()


def test_a_slow_disk_does_not_hold_up_training(
    job: Job,
    digits: DataSet,
    make_recipe: MakeRecipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The disk takes the first checkpoint only when all epochs are trained."""
    trained = threading.Event()
    saving: list[int] = []
    real_save, real_last = CheckpointStore.save, Session.take_last

    def save(store: CheckpointStore, payload: Any, place: Any, best: Any) -> Stored:
        saving.append(place.epoch)
        assert trained.wait(60)
        return real_save(store, payload, place, best)

    def take_last(session: Session) -> Stored | None:
        trained.set()
        return real_last(session)

    monkeypatch.setattr(CheckpointStore, "save", save)
    monkeypatch.setattr(Session, "take_last", take_last)
    result = begin(
        job, digits, make_recipe(epochs=6, batch=512), tmp_path, every=Every(epochs=1, seconds=0)
    )
    # One was being written all the time, so that no other was taken; then the last one, and before
    # it what was best, which had waited in memory.
    accuracies = [metrics.test_accuracy for metrics in result.epochs]
    best = accuracies.index(max(accuracies)) + 1
    assert saving == [0, *([best] if best < 6 else []), 6]
    assert [metrics.epoch for metrics in result.epochs] == [1, 2, 3, 4, 5, 6]


def test_a_clock_that_goes_backwards(
    job: Job,
    digits: DataSet,
    make_recipe: MakeRecipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It loses a second with every look at it: then checkpoints come by epochs."""
    now = [1e6]

    def clock() -> float:
        now[0] -= 1
        return now[0]

    recipe = make_recipe(epochs=4, batch=512)
    whole = begin(job, digits, recipe, tmp_path / "whole")
    seen: list[int] = []
    real = CheckpointStore.save

    def save(store: CheckpointStore, payload: Any, place: Any, best: Any) -> Stored:
        seen.append(place.epoch)
        return real(store, payload, place, best)

    monkeypatch.setattr(CheckpointStore, "save", save)
    monkeypatch.setattr(attempt, "Session", partial(Session, clock=clock))
    result = begin(job, digits, recipe, tmp_path / "runs", every=Every(epochs=2, seconds=60))
    assert [epoch for epoch in seen if epoch in (2, 4)] == [2, 4]
    # What else there was is what was best when one of these was due.
    accuracies = [metrics.test_accuracy for metrics in result.epochs]
    best = {accuracies[:due].index(max(accuracies[:due])) + 1 for due in (2, 4)}
    assert set(seen) == {2, 4} | best
    assert result.weights.read_bytes() == whole.weights.read_bytes()
    assert json.loads((result.folder / "run.json").read_text())["duration_seconds"] > 0


def test_a_data_file_that_was_damaged_since(
    make_job: Callable[..., Job],
    make_recipe: MakeRecipe,
    make_cifar: Callable[..., DataSet],
    parts: dict[str, bytes],
    place: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dataset = make_cifar(parts)
    monkeypatch.setattr("archdsl.training.recorded.DATASETS", {"cifar10": dataset})
    place(tmp_path / "data", parts)
    job = make_job((3, 32, 32))
    recipe = make_recipe(epochs=3, batch=16)

    def stop() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        at(patched, Position(1, 1), stop)
        with pytest.raises(Fault, match="interrupted after 1 epoch and 1 step, of 3") as caught:
            begin(job, dataset, recipe, tmp_path / "runs", data=tmp_path / "data")
    assert caught.value.status == 130
    (folder,) = (tmp_path / "runs").iterdir()
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    name = next(iter(parts))
    file = tmp_path / "data" / name
    file.write_bytes(parts[name][:-9] + bytes([parts[name][-9] ^ 1]) + parts[name][-8:])
    with pytest.raises(Fault, match="is not the official file") as caught:
        go_on(folder, job)
    assert caught.value.diagnostic.code == "ARCH612"
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    file.write_bytes(parts[name])
    assert len(go_on(folder, job).epochs) == 3
