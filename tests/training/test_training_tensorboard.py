"""What a finished run gets beside its metrics: curves, and scalars for TensorBoard if asked for."""

from __future__ import annotations

import io
import warnings
from importlib.util import find_spec
from pathlib import Path

import pytest
from rich.console import Console

from archdsl.recipes import DataSet, Recipe
from archdsl.training import EpochMetrics, Fault, Job, tensorboard, train
from archdsl.training.curves import record_curves

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
