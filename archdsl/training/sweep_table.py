"""The results of a sweep as a table: a row for each network and data set, over its seeds."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass

from archdsl.training.results import Run, Spread
from archdsl.training.sweep import Outcome, State

FORMAT = "archdsl-sweep-1"

_KEYS = (
    "model",
    "dataset",
    "seeds",
    "finished",
    "test_accuracy_mean",
    "test_accuracy_deviation",
    "test_loss_mean",
    "test_loss_deviation",
    "epochs",
    "seconds_mean",
)


@dataclass(frozen=True)
class Row:
    """One network on one data set: its outcomes, one for each seed.

    Spreads are over the finished runs alone; None where there are none.
    """

    model: str
    dataset: str
    epochs: int
    outcomes: tuple[Outcome, ...]

    @property
    def whole(self) -> list[Run]:
        """The finished runs."""
        return [o.run for o in self.outcomes if o.run is not None and o.run.is_whole]

    @property
    def accuracy(self) -> Spread | None:
        """The test accuracy (0 to 1) of the final weights."""
        return Spread.of([run.epochs[-1].test_accuracy for run in self.whole])

    @property
    def loss(self) -> Spread | None:
        """The test loss of the final weights, in nats."""
        return Spread.of([run.epochs[-1].test_loss for run in self.whole])

    @property
    def seconds(self) -> Spread | None:
        """How long an epoch took, evaluation included: the mean of each run."""
        times = [Spread.of([m.seconds for m in run.epochs]) for run in self.whole]
        return Spread.of([time.mean for time in times if time is not None])


def rows_of(outcomes: Sequence[Outcome]) -> list[Row]:
    """Return a row for each network, data set and recipe, in order of their first outcome."""
    groups: dict[tuple[str, str, str], list[Outcome]] = {}
    for outcome in outcomes:
        task = outcome.task
        key = (task.job.identity, task.dataset.name, task.recipe.name)
        groups.setdefault(key, []).append(outcome)
    return [
        Row(of[0].task.job.name, of[0].task.dataset.name, of[0].task.recipe.epochs, tuple(of))
        for of in groups.values()
    ]


def percent(spread: Spread | None) -> str:
    """Return a spread of fractions in per cent: ``94.31 ± 0.12``.

    >>> percent(Spread(0.9431, 0.0012, 3))
    '94.31 ± 0.12'
    """
    if spread is None:
        return ""
    deviation = "" if spread.deviation is None else f" ± {100 * spread.deviation:.2f}"
    return f"{100 * spread.mean:.2f}{deviation}"


def plain(spread: Spread | None, digits: int) -> str:
    """Return a spread with so many digits behind the point; nothing where there is none."""
    if spread is None:
        return ""
    deviation = "" if spread.deviation is None else f" ± {spread.deviation:.{digits}f}"
    return f"{spread.mean:.{digits}f}{deviation}"


HEADINGS = ("network", "data", "test accuracy (%)", "test loss", "runs", "epochs", "s/epoch")


def cells(row: Row) -> tuple[str, ...]:
    """Return what stands under :data:`HEADINGS`."""
    total = len(row.outcomes)
    seconds = row.seconds
    return (
        row.model,
        row.dataset,
        percent(row.accuracy) or "missing",
        plain(row.loss, 4),
        f"{len(row.whole)}" if len(row.whole) == total else f"{len(row.whole)} of {total}",
        str(row.epochs),
        f"{seconds.mean:.1f}" if seconds else "",
    )


def to_markdown(rows: Sequence[Row]) -> str:
    """Return the table in Markdown."""
    lines = [HEADINGS, tuple("---" if i < 2 else "---:" for i in range(len(HEADINGS)))]
    lines += [tuple(cell.replace("|", "\\|") for cell in cells(row)) for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def record_of(row: Row) -> dict[str, object]:
    """Return a row for programs: fractions, nats and seconds, None for what is missing."""
    accuracy, loss, seconds = row.accuracy, row.loss, row.seconds
    values = (
        row.model,
        row.dataset,
        [outcome.task.recipe.seed for outcome in row.outcomes],
        len(row.whole),
        accuracy and accuracy.mean,
        accuracy and accuracy.deviation,
        loss and loss.mean,
        loss and loss.deviation,
        row.epochs,
        seconds and seconds.mean,
    )
    return dict(zip(_KEYS, values, strict=True))


def to_csv(rows: Sequence[Row]) -> str:
    """Return the table in CSV (RFC 4180); a list of seeds is JSON in its cell."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_KEYS)
    for row in rows:
        values = record_of(row).values()
        writer.writerow([json.dumps(v) if isinstance(v, list) else v for v in values])
    return out.getvalue()


def to_json(rows: Sequence[Row], outcomes: Sequence[Outcome]) -> str:
    """Return the table, and every run by itself, as one JSON document (ASCII)."""
    runs = [
        {
            "model": o.task.job.name,
            "dataset": o.task.dataset.name,
            "seed": o.task.recipe.seed,
            "state": o.state.value,
            "folder": str(o.run.folder) if o.run else None,
            "epochs": len(o.run.epochs) if o.run else 0,
            "test_accuracy": o.run.test_accuracy if o.run else None,
            "fault": {"code": o.fault.code, "message": o.fault.message} if o.fault else None,
        }
        for o in outcomes
    ]
    document = {"format": FORMAT, "rows": [record_of(row) for row in rows], "runs": runs}
    return json.dumps(document, indent=2) + "\n"


def failures(outcomes: Sequence[Outcome]) -> list[tuple[str, str]]:
    """Return the runs that failed, by name, and why."""
    return [
        (o.task.name, f"{o.fault.message} [{o.fault.code}]")
        for o in outcomes
        if o.state is State.FAILED and o.fault is not None
    ]
