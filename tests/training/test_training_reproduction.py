"""The paper's numbers beside ours: what is declared, what is missing, what is marked."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from archdsl.cli import app
from archdsl.recipes import DataSet, Recipe
from archdsl.training import Job, paper
from archdsl.training.paper import EXHIBITS, NETWORKS, PICTURE_ONLY
from archdsl.training.reproduction import (
    cells_of,
    curves_of,
    headings,
    lines,
    mean_of,
    notes,
    to_csv,
    to_json,
    to_markdown,
)
from archdsl.training.reproduction_estimate import duration, estimate, measured_rate
from archdsl.training.results import Measured, Run
from archdsl.training.sweep import Outcome, State, Task, with_seeds

ROOT = Path(__file__).parents[2]


@pytest.fixture
def task(job: Job, digits: DataSet, make_recipe: Callable[..., Recipe]) -> Task:
    return Task(job, digits, make_recipe(epochs=2, batch=479))


def finished(task: Task, *accuracies: float, epochs: int = 2) -> list[Outcome]:
    """Outcomes of a seed each, with these test accuracies in the last epoch."""
    outcomes = []
    for seed, accuracy in enumerate(accuracies):
        measured = [Measured(e, 1.0, 0.5, 1.0, 0.25, 0.1, 2.0) for e in range(1, epochs)]
        measured.append(Measured(epochs, 1.0, 0.5, 1.0, accuracy, 0.1, 2.0))
        record = {"status": "finished", "recipe": {"epochs": epochs}}
        run = Run(Path(f"run{seed}"), record, tuple(measured))
        of = replace(task, recipe=replace(task.recipe, seed=seed, epochs=epochs))
        outcomes.append(Outcome(of, State.TRAINED, run))
    return outcomes


def test_the_gains_that_the_paper_prints_follow_from_its_accuracies() -> None:
    """Table II prints them in parentheses: a slip of the pen in the data would show here."""
    gains = {
        "VGG-1": (0.76, 0.14, 1.80),
        "VGG-2": (0.39, 0.18, 1.82),
        "ResNet": (1.04, 0.19, 1.98),
    }
    reported = EXHIBITS["table2"].reported
    for name, printed in gains.items():
        with_ra, without = reported[f"{name}-RA"], reported[name]
        assert [round(with_ra[d] - without[d], 2) for d in with_ra] == list(printed)


def test_tables_and_figures_agree_where_they_overlap() -> None:
    two, three = EXHIBITS["table2"].reported, EXHIBITS["table3"].reported
    for name in set(two) & set(three):
        assert two[name] == three[name]
    assert {n: r["cifar10"] for n, r in two.items()} == {
        n: r["cifar10"] for n, r in EXHIBITS["figure7"].reported.items()
    }
    assert EXHIBITS["figure8"].datasets == ("cifar100",)


@pytest.mark.parametrize("spec", NETWORKS.values())
def test_every_network_has_a_spec_with_the_papers_recipes(spec: str) -> None:
    import archdsl

    network = archdsl.compile(ROOT / "specs" / spec).network
    for dataset in paper.DATASETS:
        assert network.recipes[dataset].epochs == paper.EPOCHS
        assert network.recipes[dataset].batch == 64


def test_nothing_measured_is_missing_everywhere() -> None:
    exhibit = EXHIBITS["table3"]
    cells = cells_of(exhibit, {})
    assert len(cells) == 12
    assert lines(exhibit, cells)[0] == [
        "ResNet", "93.74", "missing", "", "98.00", "missing", "", "75.87", "missing", "",
    ]  # fmt: skip
    assert "missing: 12 of 12 cells have no finished run" in notes(exhibit, cells)
    assert not any("ours" in note for note in notes(exhibit, cells))
    assert curves_of(cells) == ([], [])


def test_ours_is_mean_spread_and_difference(task: Task) -> None:
    exhibit = EXHIBITS["table2"]
    chosen = {("VGG-1", "cifar10"): finished(task, 0.93, 0.94, epochs=100)}
    cells = cells_of(exhibit, chosen)
    assert cells[0].texts() == ("93.73", "93.50 ± 0.71 (2)", "-0.23")
    assert sum(cell.ours is None for cell in cells) == 17
    row = lines(exhibit, cells)[0]
    assert len(row) == len(headings(exhibit)) == 10
    table = to_markdown(exhibit, cells)
    assert "| VGG-1 | 93.73 | 93.50 ± 0.71 (2) | -0.23 | 97.97 | missing |" in table
    document = json.loads(to_json(exhibit, cells))
    assert document["cells"][0]["difference"] == pytest.approx(-0.23)
    assert document["cells"][1]["ours_mean"] is None
    read = list(csv.DictReader(io.StringIO(to_csv(cells))))
    assert float(read[0]["ours_mean"]) == pytest.approx(93.5) and read[1]["ours_mean"] == ""


def test_runs_that_are_not_finished_are_no_result(task: Task) -> None:
    (outcome,) = finished(task, 0.9)
    assert outcome.run is not None
    unfinished = replace(outcome.run, record={**outcome.run.record, "status": "interrupted"})
    chosen = {("VGG-1", "cifar10"): [replace(outcome, run=unfinished)]}
    assert cells_of(EXHIBITS["table2"], chosen)[0].texts() == ("93.73", "missing", "")


def test_fewer_epochs_than_the_papers_are_marked(task: Task) -> None:
    exhibit = EXHIBITS["figure7"]
    chosen = {("VGG-1", "cifar10"): finished(task, 0.5)}
    cells = cells_of(exhibit, chosen)
    assert cells[0].texts() == ("93.73", "50.00 (1)*", "-43.73")
    said = notes(exhibit, cells)
    assert "* not trained for the paper's 100 epochs, but for 2" in said
    assert PICTURE_ONLY in said
    whole = cells_of(exhibit, {("VGG-1", "cifar10"): finished(task, 0.5, epochs=100)})
    assert not any(note.startswith("*") for note in notes(exhibit, whole))


def test_curves_of_seeds_are_their_mean_over_the_reported_level(task: Task) -> None:
    chosen = {("VGG-1", "cifar10"): finished(task, 0.5, 0.7)}
    series, reported = curves_of(cells_of(EXHIBITS["figure7"], chosen))
    assert [one.label for one in series] == ["VGG-1 (mean of 2 seeds)"]
    assert [m.test_accuracy for m in series[0].epochs] == [0.25, pytest.approx(0.6)]
    assert reported[0].label == series[0].label
    assert reported[0].error == pytest.approx(0.0627)


def test_the_mean_ends_with_the_shortest() -> None:
    one = [Measured(e, 1, 0, 1, 0, 0.1) for e in (1, 2, 3)]
    assert [m.epoch for m in mean_of([one, one[:2]])] == [1, 2]


def test_an_estimate_says_what_it_is_taken_from(task: Task) -> None:
    import os
    import platform

    named = replace(task, job=replace(task.job, network_json='{"macs": 1000}'))
    guess = estimate(named, [], 1e6)
    images = 3 * task.dataset.train + task.dataset.test
    assert guess.seconds == pytest.approx(2 * 1000 * images / 1e6 * 2)
    assert guess.basis == "estimated from one convolution"
    record = {
        "identity": task.job.identity,
        "data": {"name": "digits", "train": task.dataset.train},
        "recipe": {"batch": 479},
        "platform": platform.platform(),
        "cores": os.cpu_count(),
    }
    run = Run(Path("a"), record, (Measured(1, 1, 0, 1, 0, 0.1, 3.0),))
    assert estimate(named, [run], 1e6).seconds == 6
    assert estimate(named, [run], 1e6).basis == "from 1 measured epochs"
    elsewhere = replace(run, record=record | {"platform": "another machine"})
    assert estimate(named, [elsewhere], 1e6) == guess


def test_the_rate_of_this_machine_is_one() -> None:
    assert 1e8 < measured_rate("cpu") < 1e15


def test_durations_are_for_people() -> None:
    assert [duration(s) for s in (0, 99, 100, 5999, 7200)] == ["0 s", "99 s", "2 min", "100 min",
                                                               "2 h"]  # fmt: skip


def reproduce(*arguments: str) -> tuple[int, str, str]:
    run = CliRunner().invoke(app, ["reproduce", *arguments])
    assert run.exception is None or isinstance(run.exception, SystemExit), run.exception
    return run.exit_code, run.stdout, run.stderr


@pytest.fixture
def tiny_cells(task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One cell of Figure 7 stands for a tiny network on digits."""
    tasks = {("VGG-1", "cifar10"): with_seeds(task, [0, 1])}
    monkeypatch.setattr("archdsl.cli.reproduce.tasks_by_cell", lambda *_: tasks)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_trains_what_is_missing_once(tiny_cells: Path) -> None:
    pytest.importorskip("matplotlib")
    status, out, _ = reproduce("figure7", "--runs", "runs", "--device", "cpu", "-o", "f.svg")
    assert status == 0
    (row,) = [line for line in out.splitlines() if re.match(r"VGG-1 ", line)]
    assert re.fullmatch(r"VGG-1 +93\.73 +\d+\.\d\d ± \d+\.\d\d \(2\)\* +[-+]\d+\.\d\d", row)
    assert [line.split()[-1] for line in out.splitlines() if "VGG-2 " in line] == ["missing"]
    svg = (tiny_cells / "f.svg").read_text()
    assert "VGG-1 (mean of 2 seeds)</text>" in svg and PICTURE_ONLY in svg
    status, out, _ = reproduce("figure7", "--runs", "runs", "--device", "cpu", "--format", "json")
    assert status == 0 and json.loads(out)["cells"][0]["runs"] == 2
    assert len(list((tiny_cells / "runs").iterdir())) == 2


def test_a_dry_run_trains_nothing(tiny_cells: Path, task: Task) -> None:
    named = replace(task, job=replace(task.job, network_json='{"macs": 1000}'))
    with pytest.MonkeyPatch.context() as patch:
        tasks = {("VGG-1", "cifar10"): [named]}
        patch.setattr("archdsl.cli.reproduce.tasks_by_cell", lambda *_: tasks)
        status, out, _ = reproduce("table2", "--dry-run", "--device", "cpu")
    assert status == 0 and not (tiny_cells / "runs").exists()
    assert "to be trained (estimated from one convolution)" in out
    assert "an estimate" in out.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["table3", "--networks", "VGG-1"], "ARCH667"),
        (["figure8", "--datasets", "cifar10"], "ARCH667"),
        (["table2", "-o", "a.svg"], "ARCH133"),
        (["figure7", "-o", "a.jpg"], "ARCH710"),
        (["table2", "--seeds", "x"], "ARCH663"),
    ],
)
def test_what_the_paper_does_not_have_is_refused(arguments: list[str], code: str) -> None:
    status, _, err = reproduce(*arguments)
    assert status == 2 and f"error[{code}]" in err
