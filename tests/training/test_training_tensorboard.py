"""What a finished run gets beside its metrics: curves, and scalars for TensorBoard if asked for."""

from __future__ import annotations

import io
import json
import signal
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from archdsl.recipes import DataSet, Recipe
from archdsl.training import EpochMetrics, Fault, Job, resume, tensorboard, train
from archdsl.training.curves import record_curves
from archdsl.training.engine import Position
from archdsl.training.session import Session

needs_tensorboard = pytest.mark.skipif(
    find_spec("tensorboard") is None, reason="tensorboard is not installed"
)


def scalars(folder: Path) -> dict[str, dict[int, float]]:
    """Read all event files of a folder as TensorBoard does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        read = EventAccumulator(str(folder))
        read.Reload()
        return {t: {e.step: e.value for e in read.Scalars(t)} for t in read.Tags()["scalars"]}


@needs_tensorboard
def test_scalars_are_those_of_the_metrics(
    job: Job, digits: DataSet, recipe: Recipe, tmp_path: Path, console: Console
) -> None:
    result = train(
        job, digits, recipe, data=None, out=tmp_path, console=console, device="cpu",
        tensorboard=True,
    )  # fmt: skip
    found = scalars(result.folder)
    assert set(found) == set(tensorboard.TAGS)
    for tag, name in tensorboard.TAGS.items():
        assert found[tag] == {m.epoch: pytest.approx(getattr(m, name)) for m in result.epochs}


@needs_tensorboard
def test_a_run_that_goes_on_has_each_epoch_once(tmp_path: Path) -> None:
    def epoch(number: int, loss: float) -> EpochMetrics:
        return EpochMetrics(number, loss, 0.5, loss, 0.5, 0.1, 1.0, 1.0)

    first = tensorboard.Scalars(tmp_path)
    for number in (1, 2, 3):
        first.append(epoch(number, 1.0))
    first.close()
    again = tensorboard.Scalars(tmp_path, done=1)
    again.append(epoch(2, 2.0))
    again.close()
    assert scalars(tmp_path)["loss/test"] == {1: 1.0, 2: 2.0}


class Stop:
    """Sends a signal to this very process in front of an epoch of the next run, once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, epoch: int) -> None:
        real, left = Session.boundary, [Position(epoch, 0)]

        def boundary(session: Session, position: Position) -> None:
            if position in left:
                left.remove(position)
                signal.raise_signal(signal.SIGTERM)
            real(session, position)

        monkeypatch.setattr(Session, "boundary", boundary)


@pytest.fixture
def interrupted(
    job: Job,
    digits: DataSet,
    make_recipe: Callable[..., Recipe],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Path]:
    """Begins a run of three epochs that is interrupted behind the first, and returns its folder."""

    def begin(**more: Any) -> Path:
        Stop(monkeypatch, 1)
        recipe = make_recipe(epochs=3, batch=479)
        quiet = Console(quiet=True)
        with pytest.raises(Fault, match="ARCH617"):
            train(job, digits, recipe, data=None, out=tmp_path, console=quiet, device="cpu", **more)
        (folder,) = tmp_path.iterdir()
        return folder

    return begin


@needs_tensorboard
@pytest.mark.parametrize("by", ["resume", "same command", "as recorded before"])
def test_a_run_goes_on_with_them(
    by: str,
    job: Job,
    digits: DataSet,
    make_recipe: Callable[..., Recipe],
    interrupted: Callable[..., Path],
    console: Console,
) -> None:
    folder = interrupted(tensorboard=True)
    record = folder / "run.json"
    facts = json.loads(record.read_text())
    assert facts["tensorboard"] is True
    if by == "as recorded before":
        del facts["tensorboard"]
        record.write_text(json.dumps(facts))
    assert set(scalars(folder)["loss/test"]) == {1}
    if by == "same command":
        recipe = make_recipe(epochs=3, batch=479)
        result = train(
            job, digits, recipe, data=None, out=folder.parent, console=console, device="cpu",
            resume=True,
        )  # fmt: skip
    else:
        result = resume(folder, job, console=console)
    assert result.folder == folder
    found = scalars(folder)["loss/test"]
    assert found == {m.epoch: pytest.approx(m.test_loss) for m in result.epochs}
    assert json.loads(record.read_text())["tensorboard"] is True


@needs_tensorboard
def test_a_run_without_them_goes_on_without(
    job: Job, interrupted: Callable[..., Path], console: Console
) -> None:
    folder = interrupted()
    result = resume(folder, job, console=console)
    assert not list(result.folder.glob("events.*"))
    assert json.loads((folder / "run.json").read_text())["tensorboard"] is False


@needs_tensorboard
def test_where_the_package_is_missing_a_run_goes_on_without_and_says_so(
    job: Job, interrupted: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = interrupted(tensorboard=True)
    monkeypatch.setattr(tensorboard, "find_spec", lambda name: None)
    out = Console(file=io.StringIO(), width=200)
    resume(folder, job, console=out)
    assert isinstance(out.file, io.StringIO)
    assert "note: tensorboard is not installed: the run goes on without" in out.file.getvalue()
    assert set(scalars(folder)["loss/test"]) == {1}
    assert json.loads((folder / "run.json").read_text())["status"] == "finished"


def test_without_the_package_nothing_is_trained(
    job: Job,
    digits: DataSet,
    recipe: Recipe,
    tmp_path: Path,
    console: Console,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tensorboard, "find_spec", lambda name: None)
    with pytest.raises(Fault, match="ARCH666"):
        train(
            job, digits, recipe, data=None, out=tmp_path / "runs", console=console,
            tensorboard=True,
        )  # fmt: skip
    assert not (tmp_path / "runs").exists()


def test_a_finished_run_has_its_curves(
    job: Job,
    digits: DataSet,
    recipe: Recipe,
    tmp_path: Path,
    console: Console,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.setattr("archdsl.training.run.record_curves", record_curves)
    result = train(job, digits, recipe, data=None, out=tmp_path, console=console, device="cpu")
    svg = result.folder / "curves.svg"
    assert "Tiny on digits, seed 0" in svg.read_text()
    assert (result.folder / "curves.png").is_file()
    drawn = svg.stat().st_mtime_ns
    record_curves(result.folder, console)
    assert svg.stat().st_mtime_ns == drawn  # nothing is drawn twice


def test_a_run_is_whole_without_curves(
    job: Job, digits: DataSet, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(folder: Path) -> None:
        raise RuntimeError("no font at all")

    monkeypatch.setattr("archdsl.training.curves.write_curves", broken)
    monkeypatch.setattr("archdsl.training.run.record_curves", record_curves)
    out = Console(file=io.StringIO(), width=200)
    result = train(job, digits, recipe, data=None, out=tmp_path, console=out, device="cpu")
    assert result.weights.is_file()
    assert isinstance(out.file, io.StringIO)
    assert "note: no curves were drawn: no font at all" in out.file.getvalue()
