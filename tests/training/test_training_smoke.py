"""Smoke runs: all that a long run does, on a few images; and never taken for the long run."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

from archdsl.recipes import DataSet, Recipe, Setting
from archdsl.training import EpochMetrics, Fault, Job, Result, course, resume, session, train
from archdsl.training.checkpoint_schedule import Every
from archdsl.training.checkpoint_store import CheckpointStore
from archdsl.training.curves_labels import progress
from archdsl.training.data import Images, read
from archdsl.training.engine import Engine, Position
from archdsl.training.engine_evaluation import Evaluation
from archdsl.training.options import Options
from archdsl.training.reproduction_estimate import estimate
from archdsl.training.results import read_run
from archdsl.training.session import Session
from archdsl.training.smoke import Extent, extent_of
from archdsl.training.sweep import Setup, State, Task, find_run, read_all, sweep
from archdsl.training.trained import load_trained

MakeRecipe = Callable[..., Recipe]
CPU = torch.device("cpu")


@pytest.fixture
def recipe(make_recipe: MakeRecipe) -> Recipe:
    crop = Setting("random_crop", {"size": 8, "padding": 1})
    return make_recipe(epochs=5, batch=32, augment=(crop, Setting("hflip")))


@pytest.fixture
def images(digits: DataSet, console: Console) -> Images:
    return read(digits, None, (1, 8, 8), console)


def begin(job: Job, dataset: DataSet, recipe: Recipe, out: Path, **more: Any) -> tuple[Result, str]:
    file = io.StringIO()
    console = Console(file=file, width=500)
    given = {"data": None} | more
    result = train(job, dataset, recipe, out=out, console=console, device="cpu", **given)
    return result, file.getvalue()


def facts(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "run.json").read_text())
    return found


@pytest.mark.parametrize(
    ("batch", "epochs", "extent"),
    [
        (8, 100, Extent(2, 32 + 1437 % 8, 250)),
        (64, 100, Extent(2, 64 + 1437 % 64, 250)),
        (100, 1, Extent(1, 100 + 37, 250)),
        (479, 100, Extent(2, 479, 250)),  # the long run has no tail, either
        (2000, 2, Extent(2, 1437, 250)),
    ],
)
def test_whole_batches_and_the_tail_of_the_long_run(
    batch: int, epochs: int, extent: Extent, images: Images, make_recipe: MakeRecipe
) -> None:
    recipe = make_recipe(epochs=epochs, batch=batch)
    assert extent_of(recipe, images, CPU, (1, 8, 8)) == extent
    assert extent.train % batch == 1437 % batch
    cuda = extent_of(recipe, images, torch.device("cuda"), (1, 8, 8))
    assert cuda == replace(extent, test=360)


def test_test_images_are_counted_at_the_size_of_the_input(
    make_job: Callable[..., Job],
    make_cifar: Callable[..., DataSet],
    parts: dict[str, bytes],
    place: Callable[[Path, dict[str, bytes]], None],
    make_recipe: MakeRecipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They are 32 x 32 until they are fitted to it, and an evaluation takes as many at a time."""
    place(tmp_path / "data", parts)
    recipe = make_recipe(batch=32, augment=(Setting("resize", {"size": 128}),))
    taken: list[Any] = []
    real = Evaluation.__init__

    def init(evaluation: Evaluation, *arguments: Any) -> None:
        real(evaluation, *arguments)
        taken.append((evaluation._batch, tuple(evaluation._x.shape)))

    monkeypatch.setattr(Evaluation, "__init__", init)
    job = make_job(input=(3, 128, 128))
    where = {"data": tmp_path / "data", "out": tmp_path / "runs"}
    result, _ = begin(job, make_cifar(parts), recipe, smoke=True, **where)
    assert taken == [(15, (15, 3, 128, 128))]  # of 20
    assert facts(result.folder)["smoke"]["test"] == 15


def test_the_part_is_spread_over_the_set_and_scaled_as_the_whole(images: Images) -> None:
    by_class = replace(images, train_y=images.train_y.sort().values)
    part = Extent(2, 69, 250).part_of(by_class)
    assert (len(part.train_x), len(part.test_x)) == (69, 250)
    assert set(part.train_y.tolist()) == set(range(10))
    assert torch.equal(part.train_x[1], images.train_x[1437 // 69])
    assert (part.mean, part.std, part.sha256) == (images.mean, images.std, images.sha256)


def test_it_goes_through_everything_and_says_that_it_did(
    job: Job, digits: DataSet, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    restored: list[tuple[Any, dict[str, Any]]] = []
    real = Engine.restore

    def restore(engine: Engine, snapshot: dict[str, Any]) -> None:
        restored.append((engine.position, snapshot))
        real(engine, snapshot)

    monkeypatch.setattr(Engine, "restore", restore)
    result, said = begin(job, digits, recipe, tmp_path, smoke=True)
    folder = result.folder
    assert re.fullmatch(r"Tiny-digits-smoke-[0-9a-f]{8}", folder.name)
    ((position, snapshot),) = restored  # read back where it was taken
    assert position == Position(1, 0) and (snapshot["epoch"], snapshot["step"]) == (1, 0)
    record = facts(folder)
    assert record["smoke"] == {"epochs": 2, "train": 61, "test": 250}
    assert list(record).index("smoke") == 2  # behind status and reason
    assert (record["data"]["train"], record["recipe"]["epochs"]) == (1437, 5)
    assert record["status"] == "finished" and record["final"]["epoch"] == 2
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    assert [EpochMetrics(**json.loads(line)) for line in lines] == list(result.epochs)
    assert len(lines) == 2
    assert [s.place.epoch for s in CheckpointStore(folder).stored()] == [2, 1]
    assert result.weights.is_file()
    first, *_, last, after = said.splitlines()
    assert first == (
        "smoke run: training Tiny on scikit-learn's handwritten digits: "
        "61 of 1,437 images, 2 of 5 epochs, batch 32, cpu"
    )
    assert f"checkpoint written and read back: {folder}" in said
    assert last == f"smoke run done: all of it works  {folder}"
    assert after == "its accuracy means nothing; train without --smoke to know"
    assert progress(read_run(folder)) == "smoke run, 2 of 5 epochs"


def test_reading_back_changes_nothing(
    job: Job, digits: DataSet, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = begin(job, digits, recipe, tmp_path, smoke=True)
    monkeypatch.setattr(course.Course, "_read_back", lambda *_: None)
    other, _ = begin(job, digits, recipe, tmp_path, smoke=True)
    assert other.folder.name == f"{one.folder.name}-2"
    assert one.weights.read_bytes() == other.weights.read_bytes()


def test_it_is_the_beginning_of_the_long_run(
    job: Job, digits: DataSet, make_recipe: MakeRecipe, tmp_path: Path
) -> None:
    """The schedule is that of the long run, and a batch of all images is the same one."""
    recipe = make_recipe(epochs=10, batch=1437, schedule=Setting("cosine", {"final": 0.0}))
    short, _ = begin(job, digits, recipe, tmp_path, smoke=True)
    long, _ = begin(job, digits, recipe, tmp_path)
    for a, b in zip(short.epochs, long.epochs[:2], strict=True):
        assert (a.loss, a.accuracy, a.learning_rate) == (b.loss, b.accuracy, b.learning_rate)


def test_it_is_never_taken_for_the_run_itself(
    job: Job, digits: DataSet, make_recipe: MakeRecipe, tmp_path: Path, console: Console
) -> None:
    """Not even where it has all epochs of it: by sweeps, by --resume, by estimates."""
    recipe = make_recipe(epochs=2, batch=479)
    smoke, _ = begin(job, digits, recipe, tmp_path, smoke=True)
    run = read_run(smoke.folder)
    assert (run.status, run.is_smoke, run.is_whole, run.test_accuracy) == (
        *("finished", True, False, None),
    )
    task = Task(job, digits, recipe)
    assert find_run(task, [run], Options(), whole=False) is None
    sized = replace(task, job=replace(job, network_json='{"macs": 1000000}'))
    assert estimate(sized, [run], 1e9).basis == "estimated from one convolution"
    (outcome,) = sweep([task], Setup(tmp_path, "cpu"), console)
    assert outcome.state is State.TRAINED and outcome.run and outcome.run.is_whole
    long, said = begin(job, digits, recipe, tmp_path, resume=True)
    assert long.folder == outcome.run.folder != smoke.folder and "finished before" in said
    assert len(read_all(tmp_path)) == 2


def test_the_lock_is_of_what_it_stands_for(
    job: Job, digits: DataSet, recipe: Recipe, make_recipe: MakeRecipe, tmp_path: Path
) -> None:
    smoke, _ = begin(job, digits, recipe, tmp_path, smoke=True)
    long, _ = begin(job, digits, recipe, tmp_path, locked=smoke.folder)
    begin(job, digits, recipe, tmp_path, locked=long.folder, smoke=True)
    with pytest.raises(Fault, match="ARCH624"):
        other = replace(recipe, seed=5)
        begin(job, digits, other, tmp_path, locked=long.folder, smoke=True)


def test_it_is_not_continued(
    job: Job, digits: DataSet, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Fault, match="ARCH626"):
        begin(job, digits, recipe, tmp_path / "runs", smoke=True, resume=True)
    assert not (tmp_path / "runs").exists()
    import signal

    real = Session.boundary

    def boundary(session: Session, position: Position) -> None:
        if position == Position(1, 1):
            signal.raise_signal(signal.SIGTERM)
        real(session, position)

    monkeypatch.setattr(Session, "boundary", boundary)
    with pytest.raises(Fault) as caught:
        begin(job, digits, recipe, tmp_path / "runs", smoke=True)
    assert caught.value.status == 75
    assert caught.value.diagnostic.message == "interrupted after 1 epoch and 1 step, of 2"
    assert caught.value.diagnostic.help == "start it again: a smoke run is not continued"
    assert caught.value.diagnostic.notes == ()
    (folder,) = (tmp_path / "runs").iterdir()
    before = (folder / "run.json").read_bytes()
    with pytest.raises(Fault, match="ARCH626"):
        resume(folder, job, console=Console(quiet=True))
    assert (folder / "run.json").read_bytes() == before


def test_a_disk_that_does_not_keep_what_is_written(
    job: Job, digits: DataSet, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CheckpointStore, "load", lambda _: None)
    with pytest.raises(Fault, match=r"just written in .* cannot be read back") as caught:
        begin(job, digits, recipe, tmp_path, smoke=True)
    assert caught.value.diagnostic.code == "ARCH622"
    (folder,) = tmp_path.iterdir()
    assert facts(folder)["status"] == "failed"


def test_a_state_that_is_not_finite_is_not_blamed_on_the_disk(
    job: Job, digits: DataSet, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is an earlier checkpoint taken for the one that there would be."""
    real = session.is_finite
    monkeypatch.setattr(session, "is_finite", lambda found: found["epoch"] == 0 and real(found))
    with pytest.raises(Fault, match="are not finite after 1 epoch") as caught:
        begin(job, digits, recipe, tmp_path, smoke=True, every=Every(seconds=0))
    assert (caught.value.diagnostic.code, caught.value.status) == ("ARCH619", 3)
    assert caught.value.diagnostic.notes == (
        "no checkpoint was taken: what is not finite is not saved",
    )
    (folder,) = tmp_path.iterdir()
    assert facts(folder)["status"] == "failed"
    assert {s.place.epoch for s in CheckpointStore(folder).stored()} == {0}


def test_nothing_is_compared_with_its_metrics(
    job: Job, digits: DataSet, recipe: Recipe, tmp_path: Path
) -> None:
    smoke, _ = begin(job, digits, recipe, tmp_path, smoke=True)
    assert load_trained(smoke.folder).metrics == {}


# Slow: two processes that import torch.
@pytest.mark.slow
def test_two_processes(tmp_path: Path) -> None:
    spec = Path(__file__).parents[2] / "specs" / "vgg1_ra.arch"
    program = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    call = ["-m", "archdsl", "compile", spec, "--train", "digits", "--smoke", "--device", "cpu"]
    where = ["--runs", tmp_path / "runs", "-o", tmp_path / "build", "--no-figures"]
    done = subprocess.run(
        [*program, *map(str, (*call, *where))],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("smoke run done") == 1
    (folder,) = (tmp_path / "runs").iterdir()
    assert facts(folder)["world_size"] == 2 and facts(folder)["smoke"]
