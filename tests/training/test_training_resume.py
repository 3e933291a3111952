"""Runs that are interrupted and continued: the same in the end, to the bit, or refused."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console
from runs_of_tests import SignalAt, begin, demand_equal, final_state, go_on

from archdsl.recipes import DataSet, Recipe, Setting
from archdsl.training import Fault, Job, attempt, course
from archdsl.training.checkpoint_schedule import Every
from archdsl.training.checkpoint_store import CheckpointStore
from archdsl.training.engine import Engine, Position
from archdsl.training.folder_claim import Claim
from archdsl.training.session import Session

MakeRecipe = Callable[..., Recipe]


@pytest.fixture
def dropping(make_job: Callable[..., Job]) -> Job:
    """A model with batch normalization and dropout: with buffers, and draws of torch's own."""
    plain = make_job()
    source = plain.source.replace(
        "return self.head(torch.relu(self.norm(self.conv(x))).mean((2, 3)))",
        "x = nn.functional.dropout(torch.relu(self.norm(self.conv(x))), 0.1, self.training)\n"
        "        return self.head(x.mean((2, 3)))",
    )
    assert source != plain.source
    return replace(plain, source=source)


@pytest.fixture
def recipe(make_recipe: MakeRecipe) -> Recipe:
    crop = Setting("random_crop", {"size": 8, "padding": 1})
    return make_recipe(epochs=3, batch=256, augment=(crop, Setting("hflip")))  # six steps an epoch


@pytest.fixture
def signals(monkeypatch: pytest.MonkeyPatch) -> SignalAt:
    return SignalAt(monkeypatch)


# Before the first step, in the middle, before an evaluation (which is at step 6), after an epoch.
@pytest.mark.parametrize(
    "stops", [[(0, 0)], [(0, 6)], [(1, 0)], [(0, 3), (0, 4), (1, 5), (2, 6)]], ids=str
)
def test_a_run_that_is_continued_ends_as_one_that_was_not(
    stops: list[tuple[int, int]],
    dropping: Job,
    digits: DataSet,
    recipe: Recipe,
    signals: SignalAt,
    tmp_path: Path,
) -> None:
    whole = begin(dropping, digits, recipe, tmp_path / "whole")
    signals.at = list(stops)
    with pytest.raises(Fault) as caught:
        begin(dropping, digits, recipe, tmp_path / "runs")
    (folder,) = (tmp_path / "runs").iterdir()
    assert (caught.value.status, caught.value.diagnostic.code) == (75, "ARCH617")
    assert caught.value.diagnostic.help == f"continue it: archdsl resume {folder}"
    for _ in stops[1:]:
        with pytest.raises(Fault):
            go_on(folder, dropping)
    result, said = go_on(folder, dropping)
    assert ("going on after" in said) == (stops != [(0, 0)])
    demand_equal(final_state(result), final_state(whole))
    record = json.loads((folder / "run.json").read_text())
    assert record["status"] == "finished"
    reached = [(r["epoch"], r["step"]) for r in record["resumed"]]
    assert reached == stops


def test_resume_with_the_command_that_began_it(
    job: Job, digits: DataSet, recipe: Recipe, signals: SignalAt, tmp_path: Path
) -> None:
    whole = begin(job, digits, recipe, tmp_path / "whole")
    signals.at = [(1, 2)]
    out = tmp_path / "runs"
    with pytest.raises(Fault):
        begin(job, digits, recipe, out, resume=True)  # there is none: it begins
    result = begin(job, digits, recipe, out, resume=True)
    demand_equal(final_state(result), final_state(whole))
    before = {path: path.stat().st_mtime_ns for path in result.folder.rglob("*")}
    file = io.StringIO()
    again = begin(job, digits, recipe, out, resume=True, console=Console(file=file, width=300))
    assert again == result
    assert file.getvalue().startswith("finished before: test accuracy")
    assert before == {path: path.stat().st_mtime_ns for path in result.folder.rglob("*")}
    other = begin(job, digits, replace(recipe, seed=5), out, resume=True)
    assert other.folder != result.folder


def killed(
    job: Job, digits: DataSet, recipe: Recipe, out: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A run as SIGKILL leaves it in the third epoch: no word at the end, metrics of two epochs."""

    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(course.Course, "_close", lambda *_: None)
        real = Session.end_epoch

        def end(session: Session, metrics: Any) -> None:
            real(session, metrics)
            session._writer.wait()  # type: ignore[union-attr]
            if metrics.epoch == 2:
                die()

        patched.setattr(Session, "end_epoch", end)
        with pytest.raises(Killed):
            begin(job, digits, recipe, out, every=Every(epochs=1))
    (folder,) = out.iterdir()
    assert json.loads((folder / "run.json").read_text())["status"] == "running"
    return folder


def test_what_is_not_as_it_was_is_said_and_recorded(
    job: Job, digits: DataSet, recipe: Recipe, signals: SignalAt, tmp_path: Path
) -> None:
    signals.at = [(0, 2)]
    with pytest.raises(Fault):
        begin(job, digits, recipe, tmp_path)
    (folder,) = tmp_path.iterdir()
    torch.set_num_threads(2)
    record = json.loads((folder / "run.json").read_text())
    version = record["versions"]["torch"]
    record["versions"]["torch"] = "1.0"
    (folder / "run.json").write_text(json.dumps(record))
    result, said = go_on(folder, job)
    assert (
        f"note: threads was 1, and is 2 now\nnote: versions.torch was 1.0, and is {version} now"
        in said
    )
    after = json.loads((result.folder / "run.json").read_text())
    assert after["resumed"][0]["changes"] == [
        ["threads", "1", "2"],
        ["versions.torch", "1.0", version],
    ]
    assert (after["threads"], after["versions"]["torch"]) == (1, "1.0")


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 4
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [cut, flip])
def test_a_damaged_checkpoint_is_said_and_the_one_before_is_used(
    damage: Callable[[Path], None],
    dropping: Job,
    digits: DataSet,
    recipe: Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = begin(dropping, digits, recipe, tmp_path / "whole")
    folder = killed(dropping, digits, recipe, tmp_path / "runs", monkeypatch)
    newest, _ = CheckpointStore(folder).stored()
    damage(newest.path)
    metrics = folder / "metrics.jsonl"
    assert len(metrics.read_text().splitlines()) == 2  # one more than the checkpoint before
    result, said = go_on(folder, dropping)
    lines = said.splitlines()
    assert lines[1].startswith("warning: a checkpoint is damaged: its SHA-256 begins with")
    assert str(newest.path) in lines[1]
    assert lines[2].startswith("going on after 1 epoch: ")
    demand_equal(final_state(result), final_state(whole))


def test_when_every_checkpoint_is_damaged_nothing_is_changed(
    job: Job, digits: DataSet, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = killed(job, digits, recipe, tmp_path / "runs", monkeypatch)
    for stored in CheckpointStore(folder).stored():
        cut(stored.path)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(Fault, match="all 2 checkpoints") as caught:
        go_on(folder, job)
    assert caught.value.diagnostic.code == "ARCH622"
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("damage", "text"),
    [(lambda lines: lines[:1], "short"), (lambda lines: ["{" + lines[1]], "other"), (None, "gone")],
    ids=["short", "other", "gone"],
)
def test_metrics_that_were_lost_are_put_back(
    damage: Callable[[list[str]], list[str]] | None,
    text: str,
    job: Job,
    digits: DataSet,
    recipe: Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A power cut may take lines that were not on the disk yet: the checkpoint has them."""
    folder = killed(job, digits, recipe, tmp_path / "runs", monkeypatch)
    metrics = folder / "metrics.jsonl"
    lines = metrics.read_text().splitlines(keepends=True)
    if damage is None:
        metrics.unlink()
    else:
        metrics.write_text("".join(damage(lines)))
    result, _ = go_on(folder, job)
    assert metrics.read_text().splitlines(keepends=True)[:2] == lines
    assert [m.epoch for m in result.epochs] == [1, 2, 3]


def refused(code: str, match: str, folder: Path, job: Job, **more: Any) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(Fault, match=match) as caught:
        go_on(folder, job, **more)
    assert (caught.value.diagnostic.code, caught.value.status) == (code, 2)
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_cannot_be_continued(
    job: Job,
    digits: DataSet,
    recipe: Recipe,
    signals: SignalAt,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    signals.at = [(0, 2)]
    with pytest.raises(Fault):
        begin(job, digits, recipe, tmp_path / "runs")
    (folder,) = (tmp_path / "runs").iterdir()
    refused("ARCH623", "identity differs", folder, replace(job, identity="f" * 64))
    refused("ARCH623", "source_sha256 differs", folder, replace(job, source=f"{job.source}\n"))
    claim = Claim(folder)
    refused("ARCH625", "by another process", folder, job)
    claim.release()
    claim.release()
    with monkeypatch.context() as patched:
        real = attempt.read
        patched.setattr(attempt, "read", lambda *a: replace(real(*a), sha256="0" * 64))
        refused("ARCH623", r"data\.sha256 differs", folder, job)
    other = tmp_path / "other"
    with pytest.raises(Fault):
        signals.at = [(0, 2)]
        begin(job, digits, replace(recipe, seed=9), other)
    (theirs,) = other.glob("*/checkpoints/*")
    mine = next((folder / "checkpoints").iterdir())
    (mine.parent / theirs.name.replace("000000-", "000001-", 1)).write_bytes(theirs.read_bytes())
    refused("ARCH623", "seed in .* differs", folder, job)
    next(mine.parent.glob("000001-*")).unlink()
    result, _ = go_on(folder, job)
    refused("ARCH621", "is finished", result.folder, job)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (None, r"it has no run\.json"),
        ("{", r"run\.json is not JSON"),
        ("[]", "is not an object"),
        ('{"status": "running"}', "does not say"),
        ('{"status": "running", "identity": 3, "source_sha256": 4}', "identity differs"),
    ],
)
def test_folders_that_are_not_of_runs(
    text: str | None, match: str, job: Job, tmp_path: Path
) -> None:
    if text is not None:
        (tmp_path / "run.json").write_text(text)
    with pytest.raises(Fault, match=match) as caught:
        go_on(tmp_path, job)
    assert caught.value.diagnostic.code in ("ARCH620", "ARCH623")
    with pytest.raises(Fault, match="there is no such folder"):
        go_on(tmp_path / "absent", job)


def test_a_loss_that_is_lost_leaves_the_last_good_state_and_a_report(
    job: Job,
    digits: DataSet,
    make_recipe: MakeRecipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from archdsl.training.checkpoint_writer import CheckpointWriter
    from archdsl.training.data import read
    from archdsl.training.plan import EpochPlan

    # However slow the disk is, the checkpoint behind each epoch is taken.
    monkeypatch.setattr(CheckpointWriter, "busy", False)
    # The learning rate is multiplied by 1e30 in the third epoch.
    step = Setting("step", {"at": (2,), "factor": 1e30})
    recipe = make_recipe(epochs=4, batch=256, schedule=step, seed=11)
    with pytest.raises(Fault) as caught:
        begin(job, digits, recipe, tmp_path, every=Every(epochs=1))
    assert (caught.value.diagnostic.code, caught.value.status) == ("ARCH619", 3)
    (folder,) = tmp_path.iterdir()
    assert json.loads((folder / "run.json").read_text())["status"] == "failed"
    report = json.loads((folder / "nan_report.json").read_text())
    loaded = CheckpointStore(folder).load()
    assert loaded is not None
    assert report["last_good"] == f"checkpoints/{loaded.stored.path.name}"
    assert loaded.stored.place.epoch == 2
    assert all(bool(v.isfinite().all()) for v in loaded.payload["engine"]["model"].values())
    assert (report["epoch"], report["seed"], report["batch"]) == (3, 11, 256)
    # The report can be replayed: the images are those of the plan, and the loss is lost there.
    images = read(digits, None, job.input, Console(quiet=True))
    plan = EpochPlan.of(11, 2, len(images.train_y), (8, 8), ())
    start = report["step"] * 256
    assert report["images"] == plan.order[start : start + 256].tolist()
    assert not torch.tensor(float(report["loss"])).isfinite()
    assert report["step"] >= 1  # the first step still had finite weights


def test_a_step_that_loses_the_weights_is_not_saved(
    job: Job,
    digits: DataSet,
    recipe: Recipe,
    signals: SignalAt,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The loss was finite, the gradient was not: a signal right behind it must not save that."""
    real = Engine.snapshot

    def snapshot(engine: Engine) -> dict[str, Any]:
        found = real(engine)
        if engine.position == Position(1, 3):
            next(iter(found["model"].values())).fill_(float("nan"))
        return found

    monkeypatch.setattr(Engine, "snapshot", snapshot)
    signals.at = [(1, 3)]
    with pytest.raises(Fault):
        begin(job, digits, recipe, tmp_path, every=Every(epochs=1))
    (folder,) = tmp_path.iterdir()
    newest = CheckpointStore(folder).load()
    assert newest is not None and newest.stored.place.epoch == 1 and newest.stored.place.step == 0


def test_an_error_of_the_thread_ends_the_run(
    job: Job, digits: DataSet, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the disk is made of cheese")

    monkeypatch.setattr(CheckpointStore, "save", fail)
    with pytest.raises(RuntimeError, match="cheese"):
        begin(job, digits, replace(recipe, epochs=50), tmp_path, every=Every(epochs=1))
    (folder,) = tmp_path.iterdir()
    record = json.loads((folder / "run.json").read_text())
    assert (record["status"], record["reason"]) == ("failed", "the disk is made of cheese")
    assert record["final"]["epoch"] < 50
