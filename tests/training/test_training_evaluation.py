"""A run's network, loaded again: what it says on the test images, and what is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

from archdsl.recipes import DataSet, Recipe
from archdsl.training import Fault, Job, evaluation, train
from archdsl.training.checkpoint_schedule import Every
from archdsl.training.evaluation import Evaluated, data_for, evaluate
from archdsl.training.trained import Which, load_trained

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {"": tmp_path_factory.mktemp("runs")}


@pytest.fixture
def finished(
    made: dict[str, Path],
    job: Job,
    digits: DataSet,
    make_recipe: Callable[..., Recipe],
    console: Console,
    tmp_path: Path,
) -> Path:
    """A copy of a finished run of two epochs, with a checkpoint at the end of each."""
    if "run" not in made:
        recipe = make_recipe(epochs=2, batch=128)
        every = Every(epochs=1)
        made["run"] = train(
            *(job, digits, recipe),
            data=None,
            out=made[""],
            console=console,
            device="cpu",
            every=every,
        ).folder
    return Path(shutil.copytree(made["run"], tmp_path / "run"))


def measure(
    folder: Path, console: Console, which: Which = "final", batch: int | None = None
) -> Evaluated:
    trained = load_trained(folder, which)
    images, same = data_for(trained, None, console)
    return evaluate(trained, images, CPU, batch, same_data=same)


def change(folder: Path, **facts: Any) -> None:
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(record | facts))


def fault_of(code: str, folder: Path, which: Which = "final") -> str:
    with pytest.raises(Fault) as caught:
        load_trained(folder, which)
    assert caught.value.diagnostic.code == code and caught.value.status == 2
    assert caught.value.diagnostic.help
    return f"{caught.value.diagnostic.message}; {caught.value.diagnostic.help}"


def test_final_weights_give_what_was_recorded_to_the_bit(finished: Path, console: Console) -> None:
    found = measure(finished, console)
    final = json.loads((finished / "run.json").read_text())["final"]
    assert (found.loss, found.accuracy) == (final["test_loss"], final["test_accuracy"])
    assert found.same_data and sum(found.images) == 360 and len(found.images) == 10
    assert sum(found.right) / 360 == pytest.approx(found.accuracy)
    assert all(
        0 <= right <= images for right, images in zip(found.right, found.images, strict=True)
    )


def test_the_best_epoch_gives_what_was_recorded_then(finished: Path, console: Console) -> None:
    trained = load_trained(finished, "best")
    lines = [json.loads(line) for line in (finished / "metrics.jsonl").read_text().splitlines()]
    best = max(lines, key=lambda line: line["test_accuracy"])
    assert trained.epoch == best["epoch"] and trained.metrics == best
    found = measure(finished, console, "best")
    assert (found.loss, found.accuracy) == (best["test_loss"], best["test_accuracy"])


def test_another_batch_gives_the_same_but_for_rounding(finished: Path, console: Console) -> None:
    one, other = measure(finished, console), measure(finished, console, batch=7)
    assert other.loss == pytest.approx(one.loss, rel=1e-3)
    assert other.images == one.images


def test_what_a_class_gets_right_is_counted_by_hand(finished: Path, console: Console) -> None:
    change(finished, precision="float32")
    trained = load_trained(finished)
    images, _ = data_for(trained, None, console)
    found = evaluate(trained, images, CPU)
    mean, std = torch.tensor(trained.mean), torch.tensor(trained.std)
    x = (images.test_x / 255 - mean.reshape(1, -1, 1, 1)) / std.reshape(1, -1, 1, 1)
    with torch.inference_mode():
        answers = trained.network(x).argmax(1)
    by_hand = [int(((answers == c) & (images.test_y == c)).sum()) for c in range(10)]
    assert sum(abs(a - b) for a, b in zip(by_hand, found.right, strict=True)) <= 1


@pytest.mark.parametrize("where", ["on the way to it", "on it"])
def test_a_device_without_enough_memory(
    finished: Path, console: Console, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def takes_too_much(*_: Any, **__: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nmore")

    if where == "on it":
        monkeypatch.setattr(evaluation, "loss_of", takes_too_much)
    else:
        monkeypatch.setattr(torch.nn.Module, "to", takes_too_much)
    with pytest.raises(Fault, match="not enough memory for this evaluation") as caught:
        measure(finished, console)
    found = caught.value.diagnostic
    assert (found.code, caught.value.status) == ("ARCH638", 2)
    assert found.notes == ("torch says: CUDA out of memory. Tried to allocate 2.00 GiB.",)
    assert "--batch" in str(found.help)


def test_a_run_that_is_not_finished(finished: Path) -> None:
    change(finished, status="interrupted")
    assert "the run is interrupted" in fault_of("ARCH655", finished)
    change(finished, status="finished")
    (finished / "weights.safetensors").unlink()
    assert "has no weights" in fault_of("ARCH655", finished)
    shutil.rmtree(finished / "checkpoints")
    said = fault_of("ARCH655", finished, "best")
    assert "no checkpoint of its best epoch" in said
    assert "leave --best out" in said
    change(finished, status="interrupted")
    assert "archdsl resume" in fault_of("ARCH655", finished, "best")


def test_another_source_is_not_executed(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (finished / "model.py").open("a") as file:
        file.write("print('executed')\n")
    assert "its SHA-256 begins with" in fault_of("ARCH656", finished)
    assert capsys.readouterr().out == ""
    (finished / "model.py").write_bytes(b"\xff")
    assert "not UTF-8" in fault_of("ARCH656", finished)
    (finished / "model.py").unlink()
    assert "no such file" in fault_of("ARCH656", finished)


@pytest.mark.parametrize("length", [0, 4, 100, -1])
def test_weights_that_are_cut_short(finished: Path, length: int) -> None:
    path = finished / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:length])
    assert "weights.safetensors is not what the run has written" in fault_of("ARCH656", finished)


def test_weights_of_another_network(finished: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = finished / "weights.safetensors"
    state = load_file(path)
    identity = {"identity": json.loads((finished / "run.json").read_text())["identity"]}
    for name, tensor, reason in (
        ("head.bias", torch.zeros(11), r"`head.bias` is torch.float32 \[11\], not \[10\]"),
        ("head.bias", torch.zeros(10).double(), r"`head.bias` is torch.float64"),
        ("more", torch.zeros(1), "`more` is not of the network"),
    ):
        save_file(state | {name: tensor}, path, metadata=identity)
        with pytest.raises(Fault, match=reason) as caught:
            load_trained(finished)
        assert caught.value.diagnostic.code == "ARCH656"
    save_file({k: v for k, v in state.items() if k != "head.bias"}, path, metadata=identity)
    assert "`head.bias` is missing" in fault_of("ARCH656", finished)
    save_file(state, path, metadata={"identity": "ff" * 32})
    assert "weights of the network ffffffffffff" in fault_of("ARCH656", finished)


def test_a_damaged_checkpoint_of_the_best_epoch(finished: Path) -> None:
    for path in (finished / "checkpoints").iterdir():
        path.write_bytes(b"?")
    assert fault_of("ARCH622", finished, "best")


@pytest.mark.parametrize(
    "facts",
    [
        {"input": [1, 8]},
        {"input": "wide"},
        {"classes": "ten"},
        {"data": {"name": "digits"}},
        {"data": {"name": "digits", "mean": [0.5], "std": ["a"]}},
    ],
)
def test_a_record_that_lacks_what_is_needed(finished: Path, facts: dict[str, Any]) -> None:
    change(finished, **facts)
    assert "run.json" in fault_of("ARCH656", finished)


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    assert fault_of("ARCH620", tmp_path)
    assert fault_of("ARCH620", tmp_path / "absent")


def test_other_data_are_refused_or_said_to_be_other(
    finished: Path, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = load_trained(finished)
    images, same = data_for(trained, None, console)
    assert same
    from dataclasses import replace

    other = replace(images, sha256="0" * 64, mean=(0.0,), std=(1.0,))
    monkeypatch.setattr(evaluation, "read", lambda *_: other)
    with pytest.raises(Fault, match="not those of") as caught:
        data_for(trained, None, console)
    assert caught.value.diagnostic.code == "ARCH657"
    found, same = data_for(trained, None, console, other=True)
    assert not same
    # Scaled as in training, whatever the others' own mean is.
    assert evaluate(trained, found, CPU).loss == evaluate(trained, images, CPU).loss
