"""What runs are called in a legend: what differs between them, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archdsl.training.results import Measured, Run

_MOST_MARKS = 8
"""A schedule that changes the rate more often has no milestones: it goes on all the time."""


def labels_of(runs: Sequence[Run]) -> list[str]:
    """Return a label for each run: model, data, settings and seed, as far as they differ.

    Runs that differ in nothing of that are called by their folders.
    """
    facts = [_facts(run) for run in runs]
    keys = dict.fromkeys(key for fact in facts for key in fact)
    differing = [key for key in keys if len({fact.get(key) for fact in facts}) > 1]
    labels = [
        ", ".join(_shown(key, fact[key]) for key in differing if key in fact) for fact in facts
    ]
    return [
        label if label and labels.count(label) == 1 else _with_folder(label, run)
        for label, run in zip(labels, runs, strict=True)
    ]


def title_of(runs: Sequence[Run]) -> str:
    """Return what all runs have in common, for above the figure."""
    models = list(dict.fromkeys(run.model for run in runs))
    datasets = list(dict.fromkeys(run.dataset for run in runs))
    title = f"{' and '.join(models[:3]) if len(models) <= 3 else f'{len(models)} models'} on "
    title += " and ".join(datasets)
    if len(runs) == 1:
        (run,) = runs
        title += f", seed {run.seed}" if run.seed is not None else ""
        title += f" ({progress(run)})" if progress(run) else ""
    return title


def progress(run: Run) -> str:
    """Return how far a run is that has not finished; nothing for one that has."""
    if run.is_whole:
        return ""
    of = f" of {run.wanted_epochs}" if run.wanted_epochs is not None else ""
    status = "smoke run" if run.is_smoke else run.status
    return f"{status}, {run.epochs[-1].epoch if run.epochs else 0}{of} epochs"


def milestones(epochs: Sequence[Measured]) -> dict[int, float]:
    """Return the epochs (from 1) from which another learning rate holds, with the rate.

    Only where the rate is the same in the epoch before, so that a schedule that goes down with
    every epoch, or a warm-up, has none.
    """
    rates = [m.learning_rate for m in epochs]
    found = {}
    for index in range(1, len(rates)):
        steady = index == 1 or rates[index - 1] == rates[index - 2]
        stays = index + 1 == len(rates) or rates[index + 1] == rates[index]
        if rates[index] != rates[index - 1] and steady and stays:
            found[epochs[index].epoch] = rates[index]
    return found if len(found) <= _MOST_MARKS else {}


def _facts(run: Run) -> dict[str, str]:
    """Return what sets a run apart, by key, as texts."""
    facts = {"model": run.model, "data": run.dataset}
    parameters = run.record.get("parameters")
    if isinstance(parameters, dict):
        facts |= {k: str(v) for k, v in parameters.items() if k != "classes"}
    facts |= _flat(run.recipe, "")
    for key in ("precision", "engine"):
        if key in run.record:
            facts[key] = str(run.record[key])
    if run.seed is not None:
        facts["seed"] = str(run.seed)
    return facts


def _flat(recipe: Mapping[str, object], prefix: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in recipe.items():
        if not prefix and key in ("name", "seed"):
            continue
        # A setting is {"name": "sgd", "arguments": {"lr": ...}}: train.optimizer.lr in a call.
        if isinstance(value, dict) and isinstance(value.get("arguments"), dict):
            found[f"{prefix}{key}"] = str(value.get("name"))
            found |= _flat(value["arguments"], f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = str(value)
    return found


def _shown(key: str, value: str) -> str:
    return value if key in ("model", "data") else f"{key} {value}"


def _with_folder(label: str, run: Run) -> str:
    return f"{label}, {run.folder.name}" if label else run.folder.name
