"""The paper's tables beside what was measured here: never a number that was not."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from archdsl.training.curves import Reported, Series
from archdsl.training.paper import DATASETS, EPOCHS, PICTURE_ONLY, Exhibit
from archdsl.training.results import Measured, Run, Spread
from archdsl.training.sweep import Outcome
from archdsl.training.sweep_table import percent

FORMAT = "archdsl-reproduction-1"
MARK = "*"
"""Stands behind what was trained for fewer epochs than the paper's."""


@dataclass(frozen=True)
class Cell:
    """One number of the paper beside ours.

    ``paper`` is in per cent; ``ours`` is a spread of fractions over the seeds of finished runs,
    None where there is none; ``epochs`` are those of the recipe that was trained.
    """

    network: str
    dataset: str
    paper: float
    runs: tuple[Run, ...]
    epochs: int | None

    @property
    def ours(self) -> Spread | None:
        """The test accuracy of the final weights."""
        return Spread.of([run.epochs[-1].test_accuracy for run in self.runs])

    @property
    def difference(self) -> float | None:
        """Ours less the paper's, in points of per cent."""
        return None if self.ours is None else 100 * self.ours.mean - self.paper

    @property
    def is_shorter(self) -> bool:
        """Whether ours was trained for fewer epochs than the paper's."""
        return bool(self.runs) and self.epochs is not None and self.epochs < EPOCHS

    def texts(self) -> tuple[str, str, str]:
        """Return the paper's number, ours with its spread and its runs, and the difference."""
        paper = f"{self.paper:.2f}"
        if self.ours is None or self.difference is None:
            return paper, "missing", ""
        mark = MARK if self.is_shorter else ""
        return paper, f"{percent(self.ours)} ({self.ours.n}){mark}", f"{self.difference:+.2f}"


Chosen = Mapping[tuple[str, str], Sequence[Outcome]]
"""The outcomes of a network (by the paper's name) on a data set."""


def cells_of(exhibit: Exhibit, chosen: Chosen) -> list[Cell]:
    """Return every cell of a table, row by row; those of which nothing is chosen are empty."""
    return [
        _cell(network, dataset, paper, chosen.get((network, dataset), ()))
        for network, row in exhibit.reported.items()
        for dataset, paper in row.items()
    ]


def _cell(network: str, dataset: str, paper: float, outcomes: Sequence[Outcome]) -> Cell:
    runs = tuple(o.run for o in outcomes if o.run is not None and o.run.is_whole)
    epochs = min((o.task.recipe.epochs for o in outcomes), default=None)
    return Cell(network, dataset, paper, runs, epochs)


def headings(exhibit: Exhibit) -> list[str]:
    """Return the heading of every column: three for each data set."""
    names = [DATASETS[dataset] for dataset in exhibit.datasets]
    return ["network", *(h for n in names for h in (f"{n}: paper", "ours", "difference"))]


def lines(exhibit: Exhibit, cells: Sequence[Cell]) -> list[list[str]]:
    """Return a row of texts for each network."""
    return [
        [network, *(text for cell in cells if cell.network == network for text in cell.texts())]
        for network in exhibit.reported
    ]


def notes(exhibit: Exhibit, cells: Sequence[Cell]) -> list[str]:
    """Return what is to be said below a table or a figure."""
    said = [f"accuracies in per cent of the test images; paper: {exhibit.source}"]
    if any(cell.ours is not None for cell in cells):
        said.append(
            "ours: mean ± sample standard deviation over seeds (how many), of the final weights"
        )
    shorter = sorted({cell.epochs for cell in cells if cell.is_shorter and cell.epochs})
    if shorter:
        trained = " and ".join(map(str, shorter))
        said.append(f"{MARK} not trained for the paper's {EPOCHS} epochs, but for {trained}")
    if missing := sum(cell.ours is None for cell in cells):
        said.append(f"missing: {missing} of {len(cells)} cells have no finished run")
    if exhibit.is_figure:
        said.append(PICTURE_ONLY)
        said += [f"the paper says: {statement}" for statement in exhibit.statements]
    return said


def to_markdown(exhibit: Exhibit, cells: Sequence[Cell]) -> str:
    """Return the table in Markdown, with its notes."""
    head = headings(exhibit)
    rule = ["---", *("---:" for _ in head[1:])]
    table = [
        head,
        rule,
        *([c.replace(MARK, f"\\{MARK}") for c in r] for r in lines(exhibit, cells)),
    ]
    below = "".join(f"* {note.replace(MARK, chr(92) + MARK)}\n" for note in notes(exhibit, cells))
    return "".join(f"| {' | '.join(row)} |\n" for row in table) + f"\n{below}"


def records(cells: Sequence[Cell]) -> list[dict[str, object]]:
    """Return the cells for programs: per cent and points, None for what is missing."""
    return [
        {
            "network": cell.network,
            "dataset": cell.dataset,
            "paper": cell.paper,
            "ours_mean": 100 * cell.ours.mean if cell.ours else None,
            "ours_deviation": 100 * cell.ours.deviation
            if cell.ours and cell.ours.deviation is not None
            else None,
            "runs": len(cell.runs),
            "epochs": cell.epochs if cell.runs else None,
            "difference": cell.difference,
        }
        for cell in cells
    ]


def to_csv(cells: Sequence[Cell]) -> str:
    """Return the cells in CSV (RFC 4180), a line each."""
    out = io.StringIO()
    rows = records(cells)
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def to_json(exhibit: Exhibit, cells: Sequence[Cell]) -> str:
    """Return the cells and notes as JSON (ASCII)."""
    document = {
        "format": FORMAT,
        "exhibit": exhibit.name,
        "source": exhibit.source,
        "paper_epochs": EPOCHS,
        "cells": records(cells),
        "notes": notes(exhibit, cells),
    }
    return json.dumps(document, indent=2) + "\n"


def curves_of(cells: Sequence[Cell]) -> tuple[list[Series], list[Reported]]:
    """Return the curves of a figure, the mean over seeds each, and the paper's final errors.

    Networks without a finished run have a level, and no curve.
    """
    series, reported = [], []
    for cell in cells:
        label = cell.network
        if cell.runs:
            label += f" (mean of {len(cell.runs)} seeds)" if len(cell.runs) > 1 else ""
            series.append(Series(label, mean_of([run.epochs for run in cell.runs])))
            reported.append(Reported(label, 1 - cell.paper / 100))
    return series, reported


def mean_of(runs: Sequence[Sequence[Measured]]) -> tuple[Measured, ...]:
    """Return the mean of each measure in each epoch that all runs have."""
    names = ("loss", "accuracy", "test_loss", "test_accuracy", "learning_rate")
    return tuple(
        Measured(epochs[0].epoch, *(fmean(getattr(m, name) for m in epochs) for name in names))
        for epochs in zip(*runs, strict=False)
    )
