"""Whole runs of a tiny model on digits: what they yield, leave behind, and how they end."""

from __future__ import annotations

import hashlib
import io
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter
from rich.console import Console
from runs_of_tests import Improving

from archdsl.recipes import DataSet, Recipe, Setting
from archdsl.training import EpochMetrics, Fault, Job, Result, build, requirements, train
from archdsl.training.data import read
from archdsl.training.engine import Engine, Hooks, Position, choose_device
from archdsl.training.run_folder import spec_paths

MakeJob = Callable[..., Job]
MakeRecipe = Callable[..., Recipe]
TIMES = ("images_per_second", "seconds")


def run(
    job: Job, dataset: DataSet, recipe: Recipe, out: Path, console: Console | None = None
) -> Result:
    console = console or Console(file=io.StringIO())
    return train(job, dataset, recipe, data=None, out=out, console=console, device="cpu")


def untimed(metrics: EpochMetrics) -> dict[str, Any]:
    return {name: value for name, value in asdict(metrics).items() if name not in TIMES}


def weights(result: Result) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(result.weights)


def test_a_run_learns(job: Job, digits: DataSet, make_recipe: MakeRecipe, tmp_path: Path) -> None:
    result = run(job, digits, make_recipe(epochs=8, batch=32), tmp_path)
    assert [metrics.epoch for metrics in result.epochs] == list(range(1, 9))
    assert result.epochs[-1].loss < result.epochs[0].loss
    assert result.test_accuracy > 0.5
    assert result.test_accuracy == result.epochs[-1].test_accuracy


def test_the_folder_tells_all(
    job: Job, digits: DataSet, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Improving(monkeypatch, 0.5, 0.4)
    result = run(job, digits, recipe, tmp_path / "a" / "runs")
    folder = result.folder
    assert folder.parent == tmp_path / "a" / "runs"
    assert re.fullmatch(r"Tiny-digits-[0-9a-f]{8}", folder.name)
    best, last = sorted(path.name for path in (folder / "checkpoints").iterdir())
    assert best.startswith("000001-000000-") and last.startswith("000002-000000-")
    assert [metrics.test_accuracy for metrics in result.epochs] == [0.5, 0.4]
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == {
        "run.json",
        f"checkpoints/{best}",
        f"checkpoints/{last}",
        "metrics.jsonl",
        "model.py",
        "network.json",
        "spec/tiny.arch",
        "weights.safetensors",
    }
    assert (folder / "model.py").read_text() == job.source
    assert (folder / "network.json").read_text() == job.network_json
    assert (folder / "spec/tiny.arch").read_text() == job.spec_files["tiny.arch"]
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    assert [EpochMetrics(**json.loads(line)) for line in lines] == list(result.epochs)


def test_the_record_has_what_is_needed_to_repeat_the_run(
    job: Job, digits: DataSet, recipe: Recipe, tmp_path: Path
) -> None:
    result = run(job, digits, recipe, tmp_path)
    record = json.loads((result.folder / "run.json").read_text())
    assert record["status"] == "finished"
    assert record["reason"] is None
    assert record["model"] == "Tiny"
    assert record["parameters"] == {"width": 8}
    assert record["identity"] == job.identity
    assert record["source_sha256"] == hashlib.sha256(job.source.encode()).hexdigest()
    assert set(record["spec_sha256"]) == {"tiny.arch"}
    assert TypeAdapter(Recipe).validate_python(record["recipe"]) == recipe
    assert record["seed"] == recipe.seed
    assert record["device"] == "cpu"
    assert record["threads"] == 1
    assert {"python", "torch", "numpy"} <= set(record["versions"])
    assert record["data"]["name"] == "digits"
    assert len(record["data"]["sha256"]) == 64
    assert len(record["data"]["mean"]) == len(record["data"]["std"]) == 1
    assert record["final"] == asdict(result.epochs[-1])
    assert record["duration_seconds"] > 0


def test_the_weights_are_those_that_were_tested(
    job: Job, digits: DataSet, recipe: Recipe, tmp_path: Path, console: Console
) -> None:
    from safetensors import safe_open

    result = run(job, digits, recipe, tmp_path)
    with safe_open(result.weights, "pt") as file:
        assert file.metadata() == {"identity": job.identity}
    model = build(job)
    model.load_state_dict(weights(result))
    model.eval()
    images = read(digits, None, job.input, console)
    x = (images.test_x.float() / 255 - images.mean[0]) / images.std[0]
    with torch.inference_mode():
        right = (model(x).argmax(1) == images.test_y).float().mean()
    assert float(right) == pytest.approx(result.test_accuracy, abs=0.003)


def test_the_same_seed_gives_the_same_run(
    make_job: MakeJob, digits: DataSet, make_recipe: MakeRecipe, tmp_path: Path
) -> None:
    crop = Setting(name="random_crop", arguments={"size": 8, "padding": 1})
    augment = (crop, Setting(name="hflip"))
    plain = make_job()
    dropping = make_job(
        source=plain.source.replace(
            "return self.head(torch.relu(self.norm(self.conv(x))).mean((2, 3)))",
            "x = nn.functional.dropout(self.norm(self.conv(x)), training=self.training)\n"
            "        return self.head(x.mean((2, 3)))",
        )
    )
    assert dropping.source != plain.source
    for job in (plain, dropping):
        one, two, other = (
            run(job, digits, make_recipe(seed=seed, augment=augment), tmp_path)
            for seed in (3, 3, 4)
        )
        assert list(map(untimed, one.epochs)) == list(map(untimed, two.epochs))
        assert one.weights.read_bytes() == two.weights.read_bytes()
        assert untimed(one.epochs[0]) != untimed(other.epochs[0])
        assert two.folder.name == f"{one.folder.name}-2"
        assert other.folder.name not in two.folder.name


def test_an_old_run_is_never_touched(
    job: Job, digits: DataSet, recipe: Recipe, tmp_path: Path
) -> None:
    first = run(job, digits, recipe, tmp_path)
    before = {path: path.read_bytes() for path in first.folder.iterdir() if path.is_file()}
    names = [run(job, digits, recipe, tmp_path).folder.name for _ in range(2)]
    assert names == [f"{first.folder.name}-2", f"{first.folder.name}-3"]
    assert before == {path: path.read_bytes() for path in before}


def test_the_name_of_the_recipe_is_not_part_of_the_folders(
    job: Job, digits: DataSet, make_recipe: MakeRecipe, tmp_path: Path
) -> None:
    names = [
        run(job, digits, make_recipe(**changes), tmp_path).folder.name
        for changes in ({"epochs": 1}, {"epochs": 1, "name": "other"}, {"epochs": 1, "batch": 64})
    ]
    assert names[1] == f"{names[0]}-2"
    assert names[0] not in names[2]


def test_lines_where_there_is_no_terminal(
    job: Job, digits: DataSet, recipe: Recipe, tmp_path: Path, console: Console
) -> None:
    result = run(job, digits, recipe, tmp_path, console)
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("training Tiny on scikit-learn's handwritten digits: 1,437 images")
    assert lines[1].startswith("epoch 1/2  loss ")
    assert lines[2].startswith("epoch 2/2  loss ")
    assert lines[3] == f"test accuracy {result.test_accuracy:.2%}  {result.folder}"


def test_a_bar_on_a_terminal(job: Job, digits: DataSet, recipe: Recipe, tmp_path: Path) -> None:
    file = io.StringIO()
    run(job, digits, recipe, tmp_path, Console(file=file, force_terminal=True, width=120))
    assert "\x1b[" in file.getvalue()
    assert "epoch 2/2" in file.getvalue()


def test_progress_is_noticed_at_most_four_times_a_second(
    job: Job,
    digits: DataSet,
    make_recipe: MakeRecipe,
    console: Console,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    clock = SimpleNamespace(monotonic=lambda: now, perf_counter=time.perf_counter)
    monkeypatch.setattr("archdsl.training.engine.time", clock)
    calls: list[float] = []

    class Slow(Hooks):
        def boundary(self, position: Position) -> None:
            nonlocal now
            now += 0.004

        def notice(self, epoch: int, images: int, loss: float | None) -> None:
            calls.append(now)

    engine = Engine(
        build(job),
        read(digits, None, job.input, console),
        make_recipe(epochs=1, batch=8),
        torch.device("cpu"),
        hooks=Slow(),
    )
    list(engine.epochs())
    assert len(calls) >= 2
    assert all(b - a >= 0.25 for a, b in pairwise(calls))


def test_a_loss_that_is_not_finite(
    job: Job, digits: DataSet, make_recipe: MakeRecipe, tmp_path: Path
) -> None:
    with pytest.raises(Fault, match=r"nan|inf") as caught:
        run(job, digits, make_recipe(lr=1e30), tmp_path)
    assert caught.value.diagnostic.code == "ARCH619"
    assert caught.value.status == 3
    (folder,) = tmp_path.iterdir()
    record = json.loads((folder / "run.json").read_text())
    assert record["status"] == "failed"
    assert "ARCH619" in record["reason"]
    assert not (folder / "weights.safetensors").exists()


def test_a_test_loss_that_is_not_finite(
    make_job: MakeJob, digits: DataSet, recipe: Recipe, tmp_path: Path
) -> None:
    source = make_job().source.replace(
        "return self.head(",
        "x = x if self.training else x * float('nan')\n        return self.head(",
    )
    with pytest.raises(Fault, match="on the test images is nan in epoch 1"):
        run(make_job(source=source), digits, recipe, tmp_path)


def test_a_fault_in_the_model_is_recorded_and_passed_on(
    make_job: MakeJob, digits: DataSet, recipe: Recipe, tmp_path: Path
) -> None:
    source = make_job().source.replace("return self.head(", "return self.absent(")
    with pytest.raises(AttributeError, match="absent"):
        run(make_job(source=source), digits, recipe, tmp_path)
    (folder,) = tmp_path.iterdir()
    assert json.loads((folder / "run.json").read_text())["status"] == "failed"


def test_a_package_that_is_missing(
    job: Job, digits: DataSet, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = {"sklearn", "safetensors"}
    monkeypatch.setattr(requirements, "find_spec", lambda name: None if name in absent else name)
    with pytest.raises(Fault, match="needs safetensors, scikit-learn, which are") as caught:
        run(job, digits, recipe, tmp_path)
    assert caught.value.diagnostic.code == "ARCH618"
    assert caught.value.diagnostic.help == 'install the extra: pip install "archdsl[train]"'
    assert not list(tmp_path.iterdir())


def test_what_does_not_fit_together(
    make_job: MakeJob, digits: DataSet, make_recipe: MakeRecipe, tmp_path: Path
) -> None:
    crop = Setting(name="random_crop", arguments={"size": 7, "padding": 0})
    with pytest.raises(ValueError, match=r"takes \[1, 8, 8\], but .* has \[1, 7, 7\]"):
        run(make_job(), digits, make_recipe(augment=(crop,)), tmp_path)
    with pytest.raises(ValueError, match="5 classes"):
        run(make_job(classes=5), digits, make_recipe(), tmp_path)
    with pytest.raises(ValueError, match="not a device"):
        choose_device("tpux")
    assert not list(tmp_path.iterdir())


def test_test_images_come_at_the_input_size(
    make_job: MakeJob,
    make_recipe: MakeRecipe,
    make_cifar: Callable[..., DataSet],
    parts: dict[str, bytes],
    place: Callable[..., None],
    tmp_path: Path,
    console: Console,
) -> None:
    place(tmp_path, parts)
    resize = Setting(name="resize", arguments={"size": 40})
    crop = Setting(name="random_crop", arguments={"size": 32, "padding": 0})
    for augment, side in (((resize, crop), 32), ((resize,), 40), ((), 32)):
        source = make_job().source.replace(
            "        return self.head(",
            f"        assert x.shape[1:] == (3, {side}, {side})\n        return self.head(",
        )
        result = train(
            make_job((3, side, side), source=source.replace("Conv2d(1", "Conv2d(3")),
            make_cifar(parts),
            make_recipe(augment=augment, epochs=1, batch=16),
            data=tmp_path,
            out=tmp_path / "runs",
            console=console,
            device="cpu",
        )
        assert result.folder.name.startswith("Tiny-cifar10-")


def test_shared_and_strided_weights_are_written(
    make_job: MakeJob, digits: DataSet, make_recipe: MakeRecipe, tmp_path: Path
) -> None:
    source = make_job().source.replace(
        "    def forward",
        "        self.again = self.head\n"
        "        self.register_buffer('turned', torch.arange(6.0).reshape(2, 3).t())\n\n"
        "    def forward",
    )
    result = run(make_job(source=source), digits, make_recipe(epochs=1), tmp_path)
    state = weights(result)
    assert torch.equal(state["again.weight"], state["head.weight"])
    assert torch.equal(state["turned"], torch.arange(6.0).reshape(2, 3).t())


def test_spec_files_keep_their_places_where_they_are_safe() -> None:
    assert spec_paths(["a.arch", "lib/b.arch"]) == {
        "a.arch": "spec/a.arch",
        "lib/b.arch": "spec/lib/b.arch",
    }
    assert spec_paths(["/x/a.arch", "../a.arch", "<text>", ".."]) == {
        "/x/a.arch": "spec/a.arch",
        "../a.arch": "spec/a-2.arch",
        "<text>": "spec/_text_",
        "..": "spec/_",
    }


def test_importing_the_package_does_not_import_torch() -> None:
    code = "import sys, archdsl.training; print({'torch', 'numpy', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
