"""What tests do with runs: begin, end and continue them, and compare what they end with."""

from __future__ import annotations

import io
import json
import signal
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

from archdsl.recipes import DataSet, Recipe
from archdsl.training import EpochMetrics, Job, Result, resume, train
from archdsl.training.checkpoint_store import CheckpointStore
from archdsl.training.engine import Position
from archdsl.training.session import Session


class SignalAt:
    """Sends a signal to this very process when the run comes to a position."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at: list[tuple[int, int]] = []
        self.number = signal.SIGTERM
        real = Session.boundary

        def boundary(session: Session, position: Position) -> None:
            if (position.epoch, position.step) in self.at:
                self.at.remove((position.epoch, position.step))
                signal.raise_signal(self.number)
            real(session, position)

        monkeypatch.setattr(Session, "boundary", boundary)


class Improving:
    """Makes test accuracies what they are to be, epoch by epoch."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *accuracies: float) -> None:
        real = Session.end_epoch

        def end_epoch(session: Session, metrics: EpochMetrics) -> None:
            real(session, replace(metrics, test_accuracy=accuracies[metrics.epoch - 1]))

        monkeypatch.setattr(Session, "end_epoch", end_epoch)


def begin(job: Job, dataset: DataSet, recipe: Recipe, out: Path, **more: Any) -> Result:
    console = more.pop("console", Console(file=io.StringIO()))
    return train(job, dataset, recipe, data=None, out=out, console=console, device="cpu", **more)


def go_on(folder: Path, job: Job, **more: Any) -> tuple[Result, str]:
    file = io.StringIO()
    return resume(folder, job, console=Console(file=file, width=500), **more), file.getvalue()


def final_state(result: Result) -> dict[str, Any]:
    """Everything that a run ends with but times: weights, momentum, metrics, generators."""
    loaded = CheckpointStore(result.folder).load()
    assert loaded is not None
    return {
        "engine": loaded.payload["engine"],
        "best": loaded.payload["best"],
        "metrics": [untimed(line) for line in loaded.payload["metrics"].splitlines()],
        "weights": result.weights.read_bytes(),
        "result": [untimed(json.dumps(asdict(m))) for m in result.epochs],
        "file": [untimed(x) for x in (result.folder / "metrics.jsonl").read_text().splitlines()],
    }


def untimed(line: str) -> dict[str, Any]:
    values = json.loads(line)
    return {k: v for k, v in values.items() if k not in ("seconds", "images_per_second")}


def demand_equal(one: Any, other: Any, where: str = "") -> None:
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other), where
    elif isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key in one:
            demand_equal(one[key], other[key], f"{where}.{key}")
    elif isinstance(one, list):
        assert len(one) == len(other), where
        for index, (a, b) in enumerate(zip(one, other, strict=True)):
            demand_equal(a, b, f"{where}[{index}]")
    else:
        assert one == other, where
