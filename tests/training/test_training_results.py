"""Runs read back: spreads, damaged lines, what is no run; labels and bytes of curves."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from archdsl.diagnostics import Severity
from archdsl.training import Fault
from archdsl.training.curves import Reported, Series, draw, draw_runs, write_curves
from archdsl.training.curves_labels import labels_of, milestones, title_of
from archdsl.training.results import Measured, Run, Spread, read_metrics, read_run, read_runs


def line(epoch: int, rate: float = 0.1, **changes: Any) -> str:
    facts = {"epoch": epoch, "loss": 2 / epoch, "accuracy": 0.5, "test_loss": 2.5 / epoch}
    facts |= {"test_accuracy": 1 - 0.5 / epoch, "learning_rate": rate, "seconds": 1.5}
    return json.dumps(facts | {"images_per_second": 10.0, "of_the_future": [1]} | changes) + "\n"


def make(folder: Path, lines: str, status: str = "finished", **record: Any) -> Path:
    folder.mkdir(parents=True)
    facts = {"status": status, "model": "Tiny", "seed": 0, "data": {"name": "digits"}}
    facts |= {"parameters": {"classes": 10}, "recipe": {"epochs": 3, "seed": 0}}
    (folder / "run.json").write_text(json.dumps(facts | record))
    (folder / "metrics.jsonl").write_text(lines)
    return folder


THREE = line(1) + line(2) + line(3, 0.01)


def test_a_run_is_read_with_what_the_future_adds(tmp_path: Path) -> None:
    run = read_run(make(tmp_path / "a", THREE))
    assert [m.epoch for m in run.epochs] == [1, 2, 3]
    assert run.epochs[1] == Measured(2, 1.0, 0.5, 1.25, 0.75, 0.1, 1.5, 10.0)
    assert (run.model, run.dataset, run.seed, run.wanted_epochs) == ("Tiny", "digits", 0, 3)
    assert run.is_whole and run.test_accuracy == 1 - 0.5 / 3 and not run.problems


def test_only_a_whole_run_has_a_result(tmp_path: Path) -> None:
    assert read_run(make(tmp_path / "a", THREE, "interrupted")).test_accuracy is None
    assert read_run(make(tmp_path / "b", line(1) + line(3))).test_accuracy is None


@pytest.mark.parametrize(
    ("damaged", "reason"),
    [
        ('{"epoch": 2, "lo', "it is not JSON, or cut short"),
        ("[1]", "it is not a JSON object"),
        (line(2).replace("2", '"two"', 1), "it has no epoch"),
        (line(2, loss=math.nan), "its loss is not a finite number"),
        (line(2, test_accuracy=None), "its test_accuracy is not a finite number"),
        (line(1), "epoch 1 stands after epoch 1"),
        ("\udcff", "it is not JSON, or cut short"),
    ],
)
def test_a_damaged_line_is_told_with_file_and_line(
    damaged: str, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes((line(1) + damaged.strip() + "\n" + line(3)).encode(errors="surrogateescape"))
    epochs, problems = read_metrics(path)
    assert [m.epoch for m in epochs] == [1, 3]
    (problem,) = problems
    assert (problem.code, problem.severity) == ("ARCH662", Severity.WARNING)
    assert problem.message.startswith(f"{path}:2 is left out: {reason}")


def test_a_last_line_without_its_end_is_told(tmp_path: Path) -> None:
    run = read_run(make(tmp_path / "a", line(1) + line(2)[:20], "running"))
    assert len(run.epochs) == 1
    assert f"{tmp_path / 'a' / 'metrics.jsonl'}:2 is left out" in run.problems[0].message


def test_what_is_no_run_is_a_fault_alone_and_a_warning_among_others(tmp_path: Path) -> None:
    make(tmp_path / "a", THREE)
    make(tmp_path / "b", line(1)).joinpath("run.json").write_text("{")
    (tmp_path / "notes").mkdir()
    with pytest.raises(Fault, match="ARCH620"):
        read_run(tmp_path / "notes")
    runs, problems = read_runs(tmp_path)
    assert [run.folder.name for run in runs] == ["a"]
    assert [(p.code, p.severity) for p in problems] == [("ARCH620", Severity.WARNING)]
    assert read_runs(tmp_path / "nowhere") == ([], [])


def test_a_spread_is_that_of_a_sample() -> None:
    values = [0.91, 0.93, 0.98]
    spread = Spread.of(values)
    assert spread is not None and spread.deviation is not None
    mean = sum(values) / 3
    assert spread.mean == pytest.approx(mean)
    assert spread.deviation**2 == pytest.approx(sum((v - mean) ** 2 for v in values) / 2)
    assert Spread.of([0.5]) == Spread(0.5, None, 1)
    assert Spread.of([]) is None


def test_labels_are_what_differs(tmp_path: Path) -> None:
    def run(name: str, **record: Any) -> Run:
        return read_run(make(tmp_path / name, THREE, **record))

    other = {"parameters": {"classes": 10, "n": 4}}
    assert labels_of([run("a"), run("b", model="Other")]) == ["Tiny", "Other"]
    assert labels_of([run("c", seed=1), run("d", seed=2)]) == ["seed 1", "seed 2"]
    assert labels_of([run("e", seed=1, **other), run("f", **other)]) == ["seed 1", "seed 0"]
    assert labels_of([run("g", data={"name": "svhn"}), run("h")]) == ["svhn", "digits"]
    assert labels_of([run("i"), run("j")]) == ["i", "j"]
    sgd = [{"optimizer": {"name": "sgd", "arguments": {"lr": lr}}, "epochs": 3} for lr in (1, 2)]
    found = labels_of([run("k", recipe=sgd[0]), run("l", recipe=sgd[1])])
    assert found == ["optimizer.lr 1", "optimizer.lr 2"]
    assert title_of([run("m", status="running")]) == (
        "Tiny on digits, seed 0 (running, 3 of 3 epochs)"
    )


def test_milestones_are_where_a_steady_rate_changes() -> None:
    def at(*rates: float) -> dict[int, float]:
        return milestones([Measured(i, 1, 0, 1, 0, r) for i, r in enumerate(rates, 1)])

    assert at(0.1, 0.1, 0.01, 0.01, 0.001, 0.001) == {3: 0.01, 5: 0.001}
    assert at(0.1, 0.01) == {2: 0.01}
    assert at(0.1, 0.08, 0.05, 0.01) == {}
    assert at(0.1) == at() == {}


def test_curves_are_the_same_bytes_each_time_and_leave_pyplot_alone(tmp_path: Path) -> None:
    import sys

    pytest.importorskip("matplotlib")
    former = "matplotlib.pyplot" in sys.modules
    runs = [read_run(make(tmp_path / n, THREE, seed=i)) for i, n in enumerate(("a", "b"))]
    first = draw_runs(runs, ["svg", "png", "pdf"])
    assert draw_runs(runs, ["svg", "png", "pdf"]) == first
    svg = first["svg"].decode()
    assert "seed 0</text>" in svg and "seed 1</text>" in svg and "DejaVu Sans" in svg
    assert "lr 0.01</text>" in svg and "<title>Tiny on digits</title>" in svg
    assert "date" not in svg.lower()
    assert first["png"].startswith(b"\x89PNG") and first["pdf"].startswith(b"%PDF")
    assert ("matplotlib.pyplot" in sys.modules) == former


def test_a_curve_that_changes_is_drawn_otherwise(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    one = read_run(make(tmp_path / "a", THREE))
    other = read_run(make(tmp_path / "b", line(1) + line(2) + line(3, test_loss=9)))
    assert draw_runs([one], ["svg"]) != draw_runs([other], ["svg"])


def test_reported_levels_and_notes_are_in_the_figure() -> None:
    pytest.importorskip("matplotlib")
    series = [Series("VGG-1", (Measured(1, 2, 0.2, 2, 0.3, 0.1),))]
    plain = draw(series, "title", ["svg"])["svg"].decode()
    drawn = draw(series, "title", ["svg"], reported=[Reported("VGG-1", 0.06)], notes=["said so"])
    svg = drawn["svg"].decode()
    assert "said so" in svg and "as the paper reports it" in svg
    assert "as the paper reports it" not in plain


def test_curves_are_written_into_a_run_folder(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    folder = make(tmp_path / "a", line(1), "interrupted")
    assert [path.name for path in write_curves(folder)] == ["curves.svg", "curves.png"]
    assert "(interrupted, 1 of 3 epochs)" in (folder / "curves.svg").read_text()
    assert write_curves(make(tmp_path / "b", "")) == []


def test_without_matplotlib_a_run_has_no_curves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from archdsl.backends.figures.faults import FigureFault
    from archdsl.training import curves

    monkeypatch.setattr(curves, "find_spec", lambda name: None)
    assert write_curves(make(tmp_path / "a", line(1))) == []
    with pytest.raises(FigureFault, match="ARCH701"):
        draw([], "title", ["svg"])
