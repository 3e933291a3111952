"""``run.json`` and ``--locked``: what is recorded, and that every difference is named."""

from __future__ import annotations

import io
import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from archdsl.recipes import DataSet, Recipe
from archdsl.training import Fault, Job, Result, repository, train
from archdsl.training.lock import FIELDS, differences
from archdsl.training.options import Options

Locked = Callable[..., Result]


@pytest.fixture
def run(job: Job, digits: DataSet, make_recipe: Callable[..., Recipe], tmp_path: Path) -> Locked:
    """Trains one epoch, as called with some changes."""

    def call(**changes: Any) -> Result:
        given = {"job": job, "recipe": make_recipe(epochs=1, batch=512)} | changes
        console = Console(file=io.StringIO())
        return train(
            dataset=digits, data=None, out=tmp_path / "runs", console=console, device="cpu", **given
        )

    return call


def facts(result: Result) -> dict[str, Any]:
    found = json.loads((result.folder / "run.json").read_text())
    assert isinstance(found, dict)
    return found


def test_what_is_recorded_beside_the_recipe(run: Locked) -> None:
    record = facts(run(options=Options(engine="eager", precision="float32", deterministic=True)))
    assert record["options"] == {
        "engine": "eager",
        "precision": "float32",
        "bn": "local",
        "deterministic": True,
    }
    assert (record["engine"], record["precision"], record["bn"]) == ("eager", "float32", "local")
    assert (record["deterministic"], record["world_size"]) == (True, 1)
    assert record["device_asked"] == record["device"] == "cpu"
    assert record["repository"] is None  # the spec is not a file
    assert facts(run())["options"]["precision"] == "auto"
    assert facts(run())["precision"] in ("float32", "bfloat16")
    assert set(FIELDS) <= set(record)


def test_a_lock_that_holds(run: Locked) -> None:
    first = run()
    second = run(locked=first.folder)
    assert second.weights.read_bytes() == first.weights.read_bytes()
    # Where specs lie does not matter, what they say does.
    third = run(locked=second.folder)
    assert third.folder != second.folder


def test_a_lock_that_does_not_hold_names_every_field_with_both_values(
    run: Locked, job: Job, make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    first = run()
    with pytest.raises(Fault) as caught:
        run(
            job=replace(
                job, source=f"{job.source}\n", spec_files={"tiny.arch": "model Tiny # 2\n"}
            ),
            recipe=make_recipe(epochs=1, batch=128, seed=7),
            options=Options(precision="float64"),
            locked=first.folder,
        )
    fault = caught.value
    assert (fault.diagnostic.code, fault.status) == ("ARCH624", 2)
    notes = dict(note.split(": ", 1) for note in fault.diagnostic.notes)
    used = facts(first)["precision"]
    assert notes["seed"] == "0 in the lock, 7 here"
    assert notes["recipe.seed"] == "0 in the lock, 7 here"
    assert notes["recipe.batch"] == "512 in the lock, 128 here"
    assert notes["options.precision"] == "auto in the lock, float64 here"
    assert notes["precision"] == f"{used} in the lock, float64 here"
    assert notes.keys() == {
        *("source_sha256", "spec_sha256.tiny.arch", "recipe.batch", "recipe.seed", "seed"),
        *("options.precision", "precision"),
    }
    assert f"in {len(notes)} fields" in fault.diagnostic.message
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [first.folder.name]


@pytest.mark.parametrize("field", FIELDS)
def test_each_field_is_compared(field: str, run: Locked) -> None:
    record = facts(run())
    assert differences(record, record) == []
    changed = record | {field: "something else"}
    assert [name for name, _, _ in differences(changed, record)] == [field]
    del changed[field]
    assert [(n, one) for n, one, _ in differences(changed, record)] == [(field, "absent")]


def test_versions_are_named_one_by_one(run: Locked) -> None:
    record = facts(run())
    other = record | {"versions": {**record["versions"], "torch": "1.0", "abacus": "3"}}
    del other["versions"]["numpy"]
    assert differences(other, record) == [
        ("versions.torch", "1.0", record["versions"]["torch"]),
        ("versions.abacus", "3", "absent"),
        ("versions.numpy", "absent", record["versions"]["numpy"]),
    ]


def test_specs_are_compared_wherever_they_lie() -> None:
    one = {"spec_sha256": {"specs/a.arch": "1", "specs/lib/b.arch": "2", "std/c.arch": "3"}}
    two = {"spec_sha256": {"/home/x/specs/a.arch": "1", "/home/x/specs/lib/b.arch": "2"}}
    two["spec_sha256"]["std/c.arch"] = "3"
    assert differences(one, two) == []
    two["spec_sha256"]["/home/x/specs/lib/b.arch"] = "4"
    assert differences(one, two) == [("spec_sha256.lib/b.arch", "2", "4")]


def test_a_lock_that_is_no_run(run: Locked, tmp_path: Path) -> None:
    with pytest.raises(Fault) as caught:
        run(locked=tmp_path / "absent")
    assert caught.value.diagnostic.code == "ARCH620"
    assert not (tmp_path / "runs").exists()


def git(folder: Path, *arguments: str) -> str:
    environment = os.environ | {
        **{f"GIT_{who}_{what}": "x@example.org" for who in ("AUTHOR", "COMMITTER") for what in
           ("NAME", "EMAIL")},
        "GIT_CONFIG_GLOBAL": os.devnull,
    }  # fmt: skip
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A spec in a repository with one commit."""
    folder = tmp_path / "repository"
    folder.mkdir()
    spec = folder / "a.arch"
    spec.write_text("arch 1\n")
    try:
        git(folder, "init", "-q")
    except FileNotFoundError:
        pytest.skip("needs git")
    git(folder, "add", "a.arch")
    git(folder, "commit", "-q", "-m", "First")
    return spec


def test_the_repository_of_a_spec(spec: Path) -> None:
    commit = git(spec.parent, "rev-parse", "HEAD")
    clean = {"commit": commit, "dirty": False, "diff_sha256": None}
    assert repository.state_of(spec) == clean
    (spec.parent / "runs").mkdir()
    (spec.parent / "runs" / "file").write_text("git does not know it")
    assert repository.state_of(spec) == clean
    new = spec.with_name("new.arch")
    new.write_text("arch 1\n")
    assert repository.state_of(new) == clean | {"dirty": True}
    spec.write_text("arch 1\n# changed\n")
    changed = repository.state_of(spec)
    assert changed is not None and changed["dirty"] is True
    spec.write_text("arch 1\n# changed again\n")
    again = repository.state_of(spec)
    assert again is not None and again["diff_sha256"] != changed["diff_sha256"]


def test_looking_at_a_repository_runs_no_program_of_its_own(spec: Path, tmp_path: Path) -> None:
    script = tmp_path / "program"
    script.write_text(f"#!/bin/sh\ntouch {tmp_path}/owned\ncat $2 2> /dev/null\n")
    script.chmod(0o755)
    for name in ("core.fsmonitor", "diff.external", "core.pager", "diff.x.textconv"):
        git(spec.parent, "config", name, str(script))
    (spec.parent / ".gitattributes").write_text("*.arch diff=x\n")
    spec.write_text("arch 1\n# changed\n")
    state = repository.state_of(spec)
    assert state is not None and state["dirty"] is True
    assert not (tmp_path / "owned").exists()


def test_where_there_is_no_repository_or_no_git(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert repository.state_of(tmp_path / "b.arch") is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert repository.state_of(spec) is None


def test_a_spec_in_a_repository_is_recorded(
    run: Locked, job: Job, spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(spec.parent)
    record = facts(run(job=replace(job, spec_files={"a.arch": "arch 1\n"})))
    assert record["repository"] == {
        "commit": git(spec.parent, "rev-parse", "HEAD"),
        "dirty": False,
        "diff_sha256": None,
    }
