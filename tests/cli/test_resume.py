"""``archdsl resume`` and the options of training, called within this process."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from archdsl.cli import app, computing
from archdsl.cli.resume import places_of
from archdsl.training import options
from archdsl.training.checkpoint_schedule import Every

pytestmark = pytest.mark.skipif(not find_spec("torch"), reason="needs archdsl[train]")

TINY = """arch 1
from "{lib}/parts.arch" import Unit

model Tiny(classes = 10, width = 4) {{
  input [1, 8, 8]
  backbone {{ stage s1 {{ block b1 {{ Unit(width) -> Unit(width) }} -> tap }} }}
  head {{ gap -> linear(classes) }}
  train digits with short
}}

recipe short {{
  epochs 3
  batch 256
  optimizer sgd(lr = 0.1, momentum = 0.9)
  schedule step(at = [1, 2])
  augment {{ random_crop(8, padding = 1) -> hflip }}
}}
"""
PARTS = """arch 1
from std.blocks import ConvBNReLU

def Unit(c) { ConvBNReLU(c) }
"""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def archdsl(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)


def write_spec(folder: Path, lib: str) -> Path:
    spec = folder / "specs" / "tiny.arch"
    (spec.parent / lib).mkdir(parents=True)
    (spec.parent / lib / "parts.arch").write_text(PARTS)
    spec.write_text(TINY.format(lib=lib))
    return spec


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    return write_spec(tmp_path, "lib")


def interrupt(monkeypatch: pytest.MonkeyPatch, epoch: int, step: int) -> None:
    """Have SIGTERM come to this process at a place of the next run."""
    from archdsl.training.engine import Position
    from archdsl.training.session import Session

    real, left = Session.boundary, [Position(epoch, step)]

    def boundary(session: Session, position: Position) -> None:
        if position in left:
            left.remove(position)
            signal.raise_signal(signal.SIGTERM)
        real(session, position)

    monkeypatch.setattr(Session, "boundary", boundary)


def train(spec: Path | str, runs: Path, *more: object) -> Result:
    where = ("--runs", runs, "-o", runs.with_name("build"), "--no-figures")
    return archdsl("compile", spec, "--train", "digits", "--set", "width=6", *where, *more)


@pytest.mark.parametrize("called", ["absolute", "relative", "above"])
def test_a_run_is_continued_from_its_folder_alone(
    called: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    above = called == "above"
    spec = write_spec(tmp_path, "../lib" if above else "lib")
    monkeypatch.chdir(spec.parent)
    name = spec if called == "absolute" else spec.name
    more = ["--allow-outside"] if above else []
    assert train(name, tmp_path / "whole", *more).exit_code == 0
    interrupt(monkeypatch, 1, 2)
    stopped = train(name, tmp_path / "runs", *more)
    assert stopped.exit_code == 75
    assert "error[ARCH617]: interrupted after 1 epoch and 2 steps, of 3" in stopped.stderr
    (folder,) = (tmp_path / "runs").iterdir()
    # Neither the specs, nor the folder that the command was called in, nor the place of the run.
    for path in tmp_path.rglob("*.arch"):
        if folder not in path.parents and tmp_path / "whole" not in path.parents:
            path.unlink()
    moved = tmp_path / "moved" / "here"
    moved.parent.mkdir()
    folder.rename(moved)
    monkeypatch.chdir("/")
    done = archdsl("resume", moved)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "going on after 1 epoch and 2 steps" in done.stdout
    (whole,) = (tmp_path / "whole").iterdir()
    weights = [run / "weights.safetensors" for run in (whole, moved)]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    again = archdsl("resume", moved)
    assert (again.exit_code, again.stdout) == (2, "")
    assert "error[ARCH621]" in again.stderr


def test_the_same_command_continues_or_begins(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = tmp_path / "runs"
    interrupt(monkeypatch, 0, 3)
    assert train(spec, runs, "--resume").exit_code == 75
    assert train(spec, runs, "--resume").exit_code == 0
    again = train(spec, runs, "--resume")
    assert again.exit_code == 0
    assert "finished before: test accuracy" in again.stdout
    assert len(list(runs.iterdir())) == 1


def test_what_cannot_be_continued(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt(monkeypatch, 0, 3)
    runs = tmp_path / "runs"
    assert train(spec, runs).exit_code == 75
    (folder,) = runs.iterdir()
    (copied,) = folder.rglob("parts.arch")
    text = copied.read_text()
    copied.write_text(text.replace("ConvBNReLU(c)", "ConvBNReLU(c) -> relu"))
    edited = archdsl("resume", folder)
    assert edited.exit_code == 2
    assert re.search(r"error\[ARCH623\]: .*: its spec \(spec/.*parts.arch\) differs", edited.stderr)
    copied.unlink()
    assert "error[ARCH620]" in archdsl("resume", folder).stderr
    copied.write_text(text)
    record = folder / "run.json"
    facts = json.loads(record.read_text())
    record.write_text(json.dumps(facts | {"source_sha256": "0" * 64}))
    older = archdsl("resume", folder)
    assert older.exit_code == 2
    assert "its source_sha256 differs" in older.stderr
    record.write_text(json.dumps(facts | {"model": "Tinier"}))
    assert "error[ARCH120]" in archdsl("resume", folder).stderr
    for bad in ({"parameters": 3}, {"recipe": {}}, {"data": {"name": "x"}}, {"spec_paths": {}}):
        record.write_text(json.dumps(facts | bad))
        refused = archdsl("resume", folder)
        assert (refused.exit_code, refused.stdout) == (2, "")
        assert "error[ARCH620]" in refused.stderr
    record.write_text(json.dumps(facts))
    assert archdsl("resume", folder).exit_code == 0
    for name in (tmp_path, tmp_path / "absent", record):
        refused = archdsl("resume", name)
        assert (refused.exit_code, refused.stdout) == (2, "")
        assert "error[ARCH620]" in refused.stderr


def test_a_lock_from_the_command_line(spec: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    assert train(spec, runs).exit_code == 0
    (folder,) = runs.iterdir()
    refused = train(spec, runs, "--locked", folder, "--seed", 5, "--precision", "float64")
    assert refused.exit_code == 2
    assert "error[ARCH624]: this run would differ from" in refused.stderr
    assert "note: seed: 0 in the lock, 5 here" in refused.stderr
    assert re.search(r"note: precision: \w+ in the lock, float64 here", refused.stderr)
    assert train(spec, runs, "--locked", folder).exit_code == 0


def test_a_smoke_run(spec: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    refused = train(spec, runs, "--smoke", "--resume")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "error[ARCH626]: --smoke and --resume are both given" in refused.stderr
    assert not runs.exists() and not (tmp_path / "build").exists()
    done = train(spec, runs, "--smoke", "--epochs", 9)
    assert done.exit_code == 0
    assert "smoke run: training Tiny" in done.stdout and "2 of 9 epochs" in done.stdout
    assert "its accuracy means nothing" in done.stdout
    (folder,) = runs.iterdir()
    refused = archdsl("resume", folder)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "is a smoke run: there is nothing in it to continue" in refused.stderr
    figure = tmp_path / "curves.svg"
    refused = archdsl("curves", folder, "-o", figure)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "error[ARCH626]: there is nothing to draw" in refused.stderr and not figure.exists()
    evaluated = archdsl("evaluate", folder)
    assert evaluated.exit_code == 0
    assert "a smoke run: its accuracy means nothing" in evaluated.stdout
    facts = json.loads(archdsl("evaluate", folder, "--format", "json").stdout)
    assert (facts["smoke"], facts["recorded"], facts["equal"]) == (True, None, None)


def test_curves_leave_smoke_runs_out(spec: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    runs = tmp_path / "runs"
    assert train(spec, runs, "--smoke", "--epochs", 1).exit_code == 0
    assert train(spec, runs, "--epochs", 1).exit_code == 0
    real, smoke = sorted(runs.iterdir(), key=lambda path: "smoke" in path.name)
    drawn = archdsl("curves", smoke, real, "-o", tmp_path / "both.svg")
    assert drawn.exit_code == 0
    assert f"note: {smoke} is a smoke run: left out" in drawn.stderr
    assert archdsl("curves", real, "-o", tmp_path / "one.svg").exit_code == 0
    assert (tmp_path / "both.svg").read_bytes() == (tmp_path / "one.svg").read_bytes()


def test_the_choices_are_those_of_the_engine() -> None:
    assert tuple(computing.Engine) == options.ENGINES
    assert tuple(computing.Precision) == options.PRECISIONS
    assert tuple(computing.BatchNorm) == options.BATCH_NORMS


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is handed to training, which does nothing."""
    seen: list[dict[str, Any]] = []
    monkeypatch.setattr("archdsl.training.train", lambda *_, **named: seen.append(named))
    return seen


def test_options_are_handed_over(spec: Path, tmp_path: Path, calls: list[dict[str, Any]]) -> None:
    assert train(spec, tmp_path / "runs").exit_code == 0
    one, two, three = "--engine=compile", "--precision=float64", "--bn=sync"
    more = ("--deterministic", "--resume", "--checkpoint-epochs=3", "--checkpoint-seconds=0.5")
    assert train(spec, tmp_path / "runs", one, two, three, *more, "--locked=x").exit_code == 0
    assert calls[0]["options"] == options.Options()
    assert calls[0]["every"] == Every()
    assert (calls[0]["resume"], calls[0]["locked"]) == (False, None)
    assert calls[1]["options"] == options.Options("compile", "float64", "sync", True)
    assert calls[1]["every"] == Every(3, 0.5)
    assert (calls[1]["resume"], calls[1]["locked"]) == (True, Path("x"))


@pytest.mark.parametrize(
    "option",
    [
        *("--engine=eager", "--precision=auto", "--bn=sync", "--deterministic", "--resume"),
        *("--locked=x", "--checkpoint-epochs=1", "--checkpoint-seconds=2", "--smoke"),
    ],
)
def test_options_of_training_without_training(option: str, spec: Path, tmp_path: Path) -> None:
    run = archdsl("compile", spec, "-o", tmp_path / "build", option)
    assert run.exit_code == 2
    assert f"error[ARCH133]: {option.partition('=')[0]} is set for training" in run.stderr


@pytest.mark.parametrize("rank", [0, 1])
def test_of_several_processes_one_writes_and_prints(
    rank: int,
    spec: Path,
    tmp_path: Path,
    calls: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {"RANK": rank, "WORLD_SIZE": 2, "LOCAL_RANK": rank}.items():
        monkeypatch.setenv(name, str(value))
    run = train(spec, tmp_path / "runs")
    assert (run.exit_code, run.stderr) == (0, "")
    assert bool(run.stdout) == (rank == 0)
    assert (tmp_path / "build").exists() == (rank == 0)
    assert calls[0]["console"].quiet == (rank == 1)


@pytest.mark.parametrize("called_in", ["/", "."])
def test_places_of_specs(called_in: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However they were called, they lie to each other as they lay, below the folder."""
    monkeypatch.chdir(called_in)
    base = tmp_path.resolve() / "spec"
    for root, other, way, depth in [
        ("a.arch", "lib/b.arch", "lib/b.arch", 0),
        ("x/a.arch", "x/lib/b.arch", "lib/b.arch", 0),
        ("/x/y/a.arch", "/x/y/lib/b.arch", "lib/b.arch", 0),
        ("a.arch", "../b.arch", "../b.arch", 1),
        ("x/a.arch", "lib/b.arch", "../lib/b.arch", 1),
        ("../x/a.arch", "../../lib/b.arch", "../../lib/b.arch", 2),
    ]:
        places = list(places_of({root: "1", other: "2"}, tmp_path))
        assert all(path.is_relative_to(base) for path in places)
        assert len(places[0].relative_to(base).parts) == depth + 1
        assert os.path.relpath(places[1], places[0].parent) == way
