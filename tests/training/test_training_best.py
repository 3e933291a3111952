"""The checkpoint of the best epoch: kept in memory, and written with the next that is due."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from runs_of_tests import Improving, SignalAt, begin, demand_equal, final_state, go_on

from archdsl.recipes import DataSet, Recipe, Setting
from archdsl.training import Fault, Job
from archdsl.training.checkpoint import Place, decode
from archdsl.training.checkpoint_schedule import Every
from archdsl.training.checkpoint_store import CheckpointStore

MakeRecipe = Callable[..., Recipe]


@pytest.mark.parametrize("every", [1, 4, 100])
def test_the_best_is_the_best_of_all_epochs(
    job: Job,
    digits: DataSet,
    make_recipe: MakeRecipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    every: int,
) -> None:
    """Whether a checkpoint was due behind it or not."""
    # The seventh is the best, and the ninth no better.
    Improving(monkeypatch, 0.1, 0.3, 0.2, 0.5, 0.4, 0.4, 0.7, 0.6, 0.7, 0.3, 0.2, 0.1)
    every_so = Every(epochs=every, seconds=1e9)
    result = begin(job, digits, make_recipe(epochs=12), tmp_path, every=every_so)
    store = CheckpointStore(result.folder)
    loaded = store.load()
    assert loaded is not None
    accuracies = [metrics.test_accuracy for metrics in result.epochs]
    best = accuracies.index(max(accuracies)) + 1
    assert best == 7
    assert loaded.payload["best"] == [best, max(accuracies)]
    (stored,) = (each for each in store.stored() if each.place.epoch == best)
    kept = decode(stored.path, stored.sha256)  # a whole checkpoint, like any other
    assert (kept["best"], kept["engine"]["epoch"]) == (loaded.payload["best"], best)
    assert len(kept["metrics"].splitlines()) == best


def watch_saves(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Return a list that will hold the places of checkpoints, in the order they are written."""
    seen: list[tuple[int, int]] = []
    real = CheckpointStore.save

    def save(store: CheckpointStore, payload: Any, place: Place, best: Any) -> Any:
        seen.append((place.epoch, place.step))
        return real(store, payload, place, best)

    monkeypatch.setattr(CheckpointStore, "save", save)
    return seen


def stored_places(folder: Path) -> list[tuple[int, int]]:
    return [(s.place.epoch, s.place.step) for s in CheckpointStore(folder).stored()]


def test_the_best_is_written_with_the_next_that_is_due(
    job: Job,
    digits: DataSet,
    make_recipe: MakeRecipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Improving(monkeypatch, 0.1, 0.2, 0.3, 0.2, 0.2, 0.3, 0.4, 0.5, 0.1, 0.1)
    seen = watch_saves(monkeypatch)
    recipe = make_recipe(epochs=10, batch=1437)
    result = begin(job, digits, recipe, tmp_path, every=Every(epochs=5, seconds=1e9))
    # 3 with 5, though 1 and 2 were best in their time; 8 with 10; 6 is no better than 3.
    assert seen == [(3, 0), (5, 0), (8, 0), (10, 0)]
    assert stored_places(result.folder) == [(10, 0), (8, 0)]


def test_a_signal_saves_the_best_too_and_a_kill_loses_nothing_for_good(
    job: Job,
    digits: DataSet,
    make_recipe: MakeRecipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Improving(monkeypatch, 0.1, 0.4, 0.3, 0.2, 0.2, 0.1)
    recipe = make_recipe(epochs=6, batch=479)
    never = Every(epochs=100, seconds=1e9)
    whole = begin(job, digits, recipe, tmp_path / "whole", every=never)
    assert stored_places(whole.folder) == [(6, 0), (2, 0)]
    seen = watch_saves(monkeypatch)
    SignalAt(monkeypatch).at = [(3, 1)]
    with pytest.raises(Fault):
        begin(job, digits, recipe, tmp_path / "runs", every=never)
    (folder,) = (tmp_path / "runs").iterdir()
    assert seen == stored_places(folder)[::-1] == [(2, 0), (3, 1)]
    # As if it had been killed before the second of them was written.
    CheckpointStore(folder).stored()[0].path.unlink()
    result, said = go_on(folder, job, every=never)
    assert "going on after 2 epochs" in said
    demand_equal(final_state(result), final_state(whole))
    # As if before both: what was best is had again on the way.
    for stored in CheckpointStore(folder).stored():
        stored.path.unlink()
    (folder / "run.json").write_text(
        (folder / "run.json").read_text().replace('"finished"', '"running"')
    )
    result, _ = go_on(folder, job, every=never)
    demand_equal(final_state(result), final_state(whole))
    assert stored_places(folder) == [(6, 0), (2, 0)]


def test_the_best_is_written_when_the_loss_is_lost(
    job: Job,
    digits: DataSet,
    make_recipe: MakeRecipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Improving(monkeypatch, 0.1, 0.2, 0.1, 0.1)
    step = Setting("step", {"at": (3,), "factor": 1e30})
    recipe = make_recipe(epochs=5, batch=256, schedule=step)
    with pytest.raises(Fault, match="ARCH619"):
        begin(job, digits, recipe, tmp_path, every=Every(epochs=100, seconds=1e9))
    (folder,) = tmp_path.iterdir()
    assert stored_places(folder) == [(2, 0)]
    report = json.loads((folder / "nan_report.json").read_text())
    assert report["last_good"].startswith("checkpoints/000002-000000-")
