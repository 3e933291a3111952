"""Sweeps: what is kept, what goes on, what fails alone, and the table of it all."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from calling import archdsl
from rich.console import Console

from archdsl.diagnostics import Diagnostic
from archdsl.recipes import DataSet, Recipe
from archdsl.training import Fault, Job, sweep_ray
from archdsl.training.options import Options
from archdsl.training.results import Spread
from archdsl.training.sweep import (
    Outcome,
    Setup,
    State,
    Task,
    exit_status,
    find_run,
    parse_seeds,
    read_all,
    sweep,
    with_seeds,
)
from archdsl.training.sweep_table import (
    cells,
    failures,
    percent,
    rows_of,
    to_csv,
    to_json,
    to_markdown,
)

CRASH = """
from torch import nn


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        raise RuntimeError("no memory is left\\nand more")
"""


@pytest.fixture
def tasks(job: Job, digits: DataSet, make_recipe: Callable[..., Recipe]) -> list[Task]:
    return with_seeds(Task(job, digits, make_recipe(epochs=1, batch=479)), [0, 1])


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    return Setup(tmp_path / "runs", "cpu")


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("3", (3,)), ("0..4", (0, 1, 2, 3, 4)), ("0, 7,5..6", (0, 7, 5, 6)), ("1,1..2", (1, 2))],
)
def test_seeds_are_read(text: str, seeds: tuple[int, ...]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "0-4", "a", "4..0", "0..", "-1", "1,,2", "0..99999999", "²"])
def test_what_is_no_seeds_is_refused(text: str) -> None:
    with pytest.raises(Fault, match="ARCH663"):
        parse_seeds(text)


def test_every_seed_is_trained_once(tasks: list[Task], setup: Setup, console: Console) -> None:
    told: list[Outcome] = []
    first = sweep(tasks, setup, console, told.append)
    assert [o.state for o in first] == [State.TRAINED] * 2
    assert told == first and exit_status(first) == 0
    runs = sorted(path.name for path in setup.runs.iterdir())
    again = sweep([*tasks, *with_seeds(tasks[0], [2])], setup, console)
    assert [o.state for o in again] == [State.KEPT, State.KEPT, State.TRAINED]
    assert [o.run and o.run.folder for o in again[:2]] == [o.run and o.run.folder for o in first]
    assert len(list(setup.runs.iterdir())) == len(runs) + 1


def test_nothing_is_read_where_all_is_kept(
    tasks: list[Task], setup: Setup, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep(tasks, setup, console)
    monkeypatch.setattr("archdsl.training.sweep.train", None)
    assert [o.state for o in sweep(tasks, setup, console)] == [State.KEPT] * 2


@pytest.mark.parametrize(
    "change",
    [
        lambda t: replace(t, job=replace(t.job, identity="f" * 64)),
        lambda t: replace(t, job=replace(t.job, source=t.job.source + "\n")),
        lambda t: replace(t, recipe=replace(t.recipe, batch=100)),
        lambda t: replace(t, recipe=replace(t.recipe, seed=9)),
        lambda t: replace(t, dataset=replace(t.dataset, name="cifar10")),
    ],
)
def test_another_run_is_not_taken_for_it(
    change: Callable[[Task], Task], tasks: list[Task], setup: Setup, console: Console
) -> None:
    sweep(tasks[:1], setup, console)
    runs = read_all(setup.runs)
    assert find_run(tasks[0], runs, Options(), whole=True) is not None
    assert find_run(change(tasks[0]), runs, Options(), whole=True) is None
    assert find_run(tasks[0], runs, Options(deterministic=True), whole=True) is None


def test_a_renamed_recipe_is_the_same_run(
    tasks: list[Task], setup: Setup, console: Console
) -> None:
    sweep(tasks[:1], setup, console)
    renamed = replace(tasks[0], recipe=replace(tasks[0].recipe, name="other"))
    assert sweep([renamed], setup, console)[0].state is State.KEPT


def test_what_fails_does_not_stop_the_others(
    tasks: list[Task], setup: Setup, console: Console, make_job: Callable[..., Job]
) -> None:
    wild = replace(tasks[0].recipe.optimizer, arguments={"lr": 1e300, "momentum": 0.9})
    lost = replace(tasks[0], recipe=replace(tasks[0].recipe, epochs=3, optimizer=wild))
    crashed = replace(tasks[0], job=make_job(source=CRASH))
    outcomes = sweep([lost, crashed, tasks[0]], setup, console)
    assert [o.state for o in outcomes] == [State.FAILED, State.FAILED, State.TRAINED]
    assert [o.fault.code if o.fault else None for o in outcomes] == ["ARCH619", "ARCH661", None]
    assert exit_status(outcomes) == 3
    assert [why for _, why in failures(outcomes)][1] == (
        "training ended with RuntimeError: no memory is left [ARCH661]"
    )


def test_an_interruption_ends_the_sweep_and_the_same_call_goes_on(
    tasks: list[Task], setup: Setup, console: Console
) -> None:
    long = [replace(t, recipe=replace(t.recipe, epochs=3, batch=50)) for t in tasks]
    straight = sweep(long, replace(setup, runs=setup.runs / "straight"), console)

    class Breaking(Console):
        def print(self, *objects: Any, **options: Any) -> None:
            if any(str(o).startswith("epoch 1/") for o in objects):
                os.kill(os.getpid(), signal.SIGINT)

    outcomes = sweep(long, setup, Breaking(file=io.StringIO()))
    assert [o.state for o in outcomes] == [State.INTERRUPTED, State.PENDING]
    assert exit_status(outcomes) == 75
    assert outcomes[0].run is not None and outcomes[0].run.status == "interrupted"
    again = sweep(long, setup, console)
    assert [o.state for o in again] == [State.TRAINED] * 2
    assert len(list(setup.runs.glob("Tiny*"))) == 2  # the first one went on in its folder
    for one, other in zip(straight, again, strict=True):
        assert one.run is not None and other.run is not None
        assert one.run.epochs[-1].test_loss == other.run.epochs[-1].test_loss


def test_the_table_has_mean_and_spread_over_seeds(
    tasks: list[Task], setup: Setup, console: Console
) -> None:
    outcomes = sweep(tasks, setup, console)
    failed = Outcome(
        with_seeds(tasks[0], [5])[0], State.FAILED, None, Diagnostic("ARCH619", "lost"), 3
    )
    (row,) = rows_of([*outcomes, failed])
    values = [o.run.test_accuracy for o in outcomes if o.run and o.run.test_accuracy is not None]
    spread = Spread.of(values)
    assert len(values) == 2 and row.accuracy == spread
    text = cells(row)
    assert text[:3] == ("Tiny", "digits", percent(spread)) and "±" in text[2]
    assert text[4] == "2 of 3"
    assert to_markdown([row]).splitlines()[2].startswith(f"| Tiny | digits | {percent(spread)} |")
    document = json.loads(to_json([row], [*outcomes, failed]))
    assert document["rows"][0]["test_accuracy_mean"] == pytest.approx(sum(values) / 2)
    assert [run["state"] for run in document["runs"]] == ["trained", "trained", "failed"]
    assert document["runs"][2]["test_accuracy"] is None
    (read,) = csv.DictReader(io.StringIO(to_csv([row])))
    assert json.loads(read["seeds"]) == [0, 1, 5] and read["finished"] == "2"
    assert float(read["test_accuracy_mean"]) == pytest.approx(sum(values) / 2)


def test_what_was_not_measured_is_missing(tasks: list[Task]) -> None:
    (row,) = rows_of([Outcome(task, State.PENDING) for task in tasks])
    assert cells(row)[2:5] == ("missing", "", "0 of 2")


def test_without_ray_a_cluster_is_refused(
    tasks: list[Task], setup: Setup, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep_ray, "find_spec", lambda name: None)
    with pytest.raises(Fault, match="ARCH664"):
        sweep_ray.sweep_on_ray(tasks, setup, console, None, lambda _: None)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere", "ray://x:y", "127.0.0.1:99999"])
def test_where_no_cluster_answers_it_is_said_at_once(
    address: str, tasks: list[Task], setup: Setup, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep_ray, "find_spec", lambda name: True)
    start = time.monotonic()
    with pytest.raises(Fault, match="ARCH665"):
        sweep_ray.sweep_on_ray(tasks, setup, console, address, lambda _: None)
    assert time.monotonic() - start < 10


SPEC = """arch 1
from std.recipes import digits

model Tiny(classes = 10) {
  input [1, 8, 8]
  backbone { stage s1 { block b1 { conv(4) -> relu -> conv(4) -> relu } -> tap } }
  head { gap -> linear(classes) }
  train digits with digits
}
"""


def process(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "archdsl", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=240)


def test_the_command_trains_tells_and_is_silent_for_programs(tmp_path: Path) -> None:
    (tmp_path / "tiny.arch").write_text(SPEC)
    sweeping = ("sweep", "tiny.arch", "--train", "digits", "--seeds", "0..1")
    run = process(*sweeping, "--set", "train.batch=479", "--format", "json", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    document = json.loads(run.stdout)
    assert [r["state"] for r in document["runs"]] == ["trained", "trained"]
    assert "1/2  Tiny on digits, seed 0" in run.stderr
    folders = [r["folder"] for r in document["runs"]]
    curves = process("curves", *folders, "-o", "a.svg", "-o", "a.png", cwd=tmp_path)
    assert curves.stdout == "wrote a.svg\nwrote a.png\n", curves.stderr
    assert "seed 1</text>" in (tmp_path / "a.svg").read_text()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["sweep", "tiny.arch", "--train", "digits", "--seeds", "0-4"], "ARCH663"),
        (["sweep", "tiny.arch", "--train", "cifar10"], "ARCH607"),
        (["curves", "nowhere"], "ARCH620"),
        (["curves", "empty"], "ARCH668"),
        (["curves", "empty", "-o", "a.jpg"], "ARCH710"),
    ],
)
def test_calls_at_fault_end_before_anything_is_trained(
    arguments: list[str], code: str, tmp_path: Path
) -> None:
    (tmp_path / "tiny.arch").write_text(SPEC)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "run.json").write_text('{"status": "running"}')
    run = archdsl(*arguments, cwd=tmp_path)
    assert run.returncode == 2 and f"error[{code}]" in run.stderr
    assert not (tmp_path / "runs").exists()


def test_a_failed_run_is_told_again_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "tiny.arch").write_text(SPEC)
    lost = ("--set", "train.optimizer.lr=1e17", "--set", "train.batch=479")
    run = archdsl("sweep", "tiny.arch", "--train", "digits", *lost, cwd=tmp_path)
    assert run.returncode == 3
    assert "error[ARCH619]" in run.stderr
    assert "error[ARCH660]: 1 of 1 runs failed" in run.stderr
    assert "missing" in run.stdout.splitlines()[-1]


def test_an_interruption_outside_of_training_is_one(
    tasks: list[Task], setup: Setup, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("archdsl.training.sweep.train", interrupted)
    outcomes = sweep(tasks, setup, console)
    assert [o.state for o in outcomes] == [State.INTERRUPTED, State.PENDING]
    assert exit_status(outcomes) == 130


def test_under_torchrun_there_is_no_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tiny.arch").write_text(SPEC)
    monkeypatch.setenv("WORLD_SIZE", "2")
    run = archdsl("sweep", "tiny.arch", "--train", "digits", cwd=tmp_path)
    assert run.returncode == 2 and "error[ARCH133]: torchrun" in run.stderr


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed")
def test_a_cluster_on_this_machine_gives_the_same_results(tmp_path: Path) -> None:
    (tmp_path / "tiny.arch").write_text(SPEC)
    sweeping = ["sweep", "tiny.arch", "--train", "digits", "--set", "train.batch=479"]
    sweeping += ["--format", "json", "--device", "cpu"]
    here = process(*sweeping, "--seeds", "0..1", "--runs", "here", cwd=tmp_path)
    there = process(*sweeping, "--seeds", "0..1", "--runs", "there", "--ray", cwd=tmp_path)
    assert there.returncode == 0, there.stderr
    one, other = json.loads(here.stdout), json.loads(there.stdout)
    assert [r["state"] for r in other["runs"]] == ["trained", "trained"]
    for name in ("test_accuracy_mean", "test_accuracy_deviation"):
        assert one["rows"][0][name] == pytest.approx(other["rows"][0][name], abs=0.02)
    again = process(*sweeping, "--seeds", "0..2", "--runs", "there", "--ray", cwd=tmp_path)
    states = [r["state"] for r in json.loads(again.stdout)["runs"]]
    assert states == ["kept", "kept", "trained"]


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed")
def test_an_interrupted_cluster_leaves_checkpoints_to_go_on_from(tmp_path: Path) -> None:
    (tmp_path / "tiny.arch").write_text(SPEC)
    sweeping = [sys.executable, "-m", "archdsl", "sweep", "tiny.arch", "--train", "digits"]
    sweeping += ["--seeds", "0..1", "--epochs", "100000", "--device", "cpu", "--ray"]
    sweep = subprocess.Popen(
        sweeping, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not all(path.stat().st_size for path in tmp_path.glob("runs/*/metrics.jsonl")) or not (
        list(tmp_path.glob("runs/*/metrics.jsonl"))
    ):
        assert sweep.poll() is None and time.monotonic() < deadline
        time.sleep(0.2)
    os.kill(sweep.pid, signal.SIGINT)
    out, err = sweep.communicate(timeout=120)
    assert sweep.returncode == 75, err
    assert "interrupted: waiting for checkpoints" in out and "missing" in out
    records = [json.loads(path.read_text()) for path in tmp_path.glob("runs/*/run.json")]
    assert records and {record["status"] for record in records} == {"interrupted"}
    assert list(tmp_path.glob("runs/*/checkpoints/*.pt"))
