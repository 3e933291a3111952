"""Runs as they lie on the disk, finished or not: what each is, and what it measured."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, stdev

from archdsl.diagnostics import Diagnostic, Severity
from archdsl.training.faults import Fault
from archdsl.training.recorded import RECORD, is_smoke, read_recorded
from archdsl.training.results_messages import metrics_damaged

METRICS = "metrics.jsonl"

_MEASURES = ("loss", "accuracy", "test_loss", "test_accuracy", "learning_rate")
_OPTIONAL = ("seconds", "images_per_second")


@dataclass(frozen=True, slots=True)
class Measured:
    """One epoch, as a line of ``metrics.jsonl`` tells it.

    ``epoch`` counts from 1; losses are in nats, accuracies fractions (0 to 1). ``seconds`` (for
    training and evaluation together) and ``images_per_second`` (training alone) are 0 where they
    are not recorded.
    """

    epoch: int
    loss: float
    accuracy: float
    test_loss: float
    test_accuracy: float
    learning_rate: float
    seconds: float = 0.0
    images_per_second: float = 0.0


@dataclass(frozen=True)
class Run:
    """One run folder.

    ``record`` is its ``run.json``, ``epochs`` are those measured so far, in order; ``problems``
    are warnings about lines that could not be read.
    """

    folder: Path
    record: Mapping[str, object]
    epochs: tuple[Measured, ...]
    problems: tuple[Diagnostic, ...] = ()

    @property
    def status(self) -> str:
        """How the run stands: ``running``, ``finished``, ``interrupted`` or ``failed``."""
        return str(self.record.get("status", "unknown"))

    @property
    def is_smoke(self) -> bool:
        """Whether it is a smoke run, whose numbers mean nothing."""
        return is_smoke(self.record)

    @property
    def model(self) -> str:
        """The name of the model in its spec."""
        return str(self.record.get("model", self.folder.name))

    @property
    def dataset(self) -> str:
        """The name of the data set."""
        return str(_inner(self.record, "data").get("name", "?"))

    @property
    def seed(self) -> int | None:
        """The seed of every random choice; None where the record has none."""
        seed = self.record.get("seed")
        return seed if isinstance(seed, int) else None

    @property
    def recipe(self) -> Mapping[str, object]:
        """The recipe with all its changes, as JSON has it."""
        return _inner(self.record, "recipe")

    @property
    def wanted_epochs(self) -> int | None:
        """How many epochs the recipe asks for."""
        epochs = self.recipe.get("epochs")
        return epochs if isinstance(epochs, int) else None

    @property
    def test_accuracy(self) -> float | None:
        """The test accuracy (0 to 1) of the final weights; None unless the run is whole."""
        return self.epochs[-1].test_accuracy if self.is_whole else None

    @property
    def is_whole(self) -> bool:
        """Whether it is finished, with every epoch there to be read; no smoke run is."""
        return (
            self.status == "finished"
            and not self.is_smoke
            and len(self.epochs) == self.wanted_epochs
        )


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and spread of ``n`` values: ``deviation`` is that of a sample, None of one value."""

    mean: float
    deviation: float | None
    n: int

    @staticmethod
    def of(values: Sequence[float]) -> Spread | None:
        """Return mean and sample standard deviation (divided by n - 1); None of no values.

        >>> Spread.of([0.5, 0.75, 1.0])
        Spread(mean=0.75, deviation=0.25, n=3)
        """
        if not values:
            return None
        return Spread(fmean(values), stdev(values) if len(values) > 1 else None, len(values))


def read_run(folder: Path) -> Run:
    """Read a run folder; raises Fault ARCH620 where it is none, or its record is damaged."""
    facts = read_recorded(folder).facts
    epochs, problems = read_metrics(folder / METRICS)
    return Run(folder, facts, epochs, problems)


def read_runs(runs: Path) -> tuple[list[Run], list[Diagnostic]]:
    """Return every run below a folder by name, and warnings about what could not be read.

    Folders without a record are not runs, and are passed over; a folder that is not there has none.
    """
    found, problems = [], []
    for record in sorted(runs.glob(f"*/{RECORD}")):
        try:
            run = read_run(record.parent)
        except Fault as fault:
            problems.append(_as_warning(fault.diagnostic))
            continue
        found.append(run)
        problems += run.problems
    return found, problems


def read_metrics(path: Path) -> tuple[tuple[Measured, ...], tuple[Diagnostic, ...]]:
    """Return the epochs of a ``metrics.jsonl``, and a warning (ARCH662) for each damaged line.

    A damaged line is left out: the epochs beside it are as good as before. A file that is not
    there has no epochs.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return (), ()
    except OSError as error:
        return (), (metrics_damaged(path, None, error.strerror or str(error)),)
    epochs: list[Measured] = []
    problems = []
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            measured = _measured(line)
            if epochs and measured.epoch <= epochs[-1].epoch:
                raise ValueError(f"epoch {measured.epoch} stands after epoch {epochs[-1].epoch}")
        except ValueError as error:
            problems.append(metrics_damaged(path, number, str(error)))
        else:
            epochs.append(measured)
    return tuple(epochs), tuple(problems)


def _measured(line: bytes) -> Measured:
    """Read a line of metrics; raises ValueError that says what is wrong with it."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON, or cut short") from None
    if not isinstance(fields, dict):
        raise ValueError("it is not a JSON object")
    epoch = fields.get("epoch")
    if type(epoch) is not int or epoch < 1:
        raise ValueError("it has no epoch: a whole number from 1")
    values = {}
    for name in (*_MEASURES, *_OPTIONAL):
        value = fields.get(name, 0.0 if name in _OPTIONAL else None)
        if type(value) not in (int, float) or value is None or not math.isfinite(value):
            raise ValueError(f"its {name} is not a finite number")
        values[name] = float(value)
    return Measured(epoch, **values)


def _inner(record: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = record.get(key)
    return value if isinstance(value, dict) else {}


def _as_warning(diagnostic: Diagnostic) -> Diagnostic:
    return replace(diagnostic, severity=Severity.WARNING)
