"""Two real processes (gloo): they train as one does, and none outlives the other for long."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import distributed_program as program
import pytest
import torch

from archdsl.training import Fault, distributed
from archdsl.training.engine import Position


@pytest.fixture(scope="module")
def one() -> dict[str, Any]:
    """What one process does alone, with a snapshot from the middle."""
    keep = program.Keep(Position(0, 2))
    keep.engine = program.engine_of(hooks=keep)
    return {
        "whole": (program.trained(keep.engine), keep.engine.snapshot()),
        "middle": keep.snapshot,
    }


@pytest.fixture(scope="module")
def two(one: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What rank 0 of two finds: one pair for all tests, as starting torch twice takes seconds."""
    folder = tmp_path_factory.mktemp("two")
    torch.save(one["middle"], folder / "one.pt")
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    environment = os.environ | {
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "OMP_NUM_THREADS": "1",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": "2",
    }
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "error", program.__file__, str(folder)],
            env=environment | {"RANK": rank, "LOCAL_RANK": rank},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in ("0", "1")
    ]
    texts = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 9], texts
    result: dict[str, Any] = torch.load(folder / "rank0.pt", weights_only=True)
    return result


def differ(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> float:
    assert a.keys() == b.keys()
    return max(float((a[name] - b[name]).abs().max()) for name in a)


def close(a: tuple[Any, Any], b: tuple[Any, Any]) -> None:
    """Metrics and everything in a snapshot agree to 1e-12."""
    for mine, other in zip(a[0], b[0], strict=True):
        assert mine == pytest.approx(other, rel=1e-12, abs=1e-12)
    for part in ("model", "ema"):
        assert differ(a[1][part], b[1][part]) <= 1e-12
    for name, values in a[1]["optimizer"].items():
        assert differ(values, b[1]["optimizer"][name]) <= 1e-12
    assert a[1]["epoch"] == b[1]["epoch"] and a[1]["step"] == b[1]["step"]


def test_two_processes_train_as_one(one: dict[str, Any], two: dict[str, Any]) -> None:
    close(two["whole"], one["whole"])
    assert two["world"]["world_size"] == 2 and two["world"]["engine"] == "eager"


def test_two_go_on_from_where_one_was(one: dict[str, Any], two: dict[str, Any]) -> None:
    close(two["rest"], one["whole"])


def test_one_goes_on_from_where_two_were(one: dict[str, Any], two: dict[str, Any]) -> None:
    engine = program.engine_of()
    engine.restore(two["middle"])
    assert engine.position == Position(1, 1)
    metrics = program.trained(engine)
    close((metrics, engine.snapshot()), (one["whole"][0][1:], one["whole"][1]))


def test_two_go_on_bit_for_bit_from_where_two_were(two: dict[str, Any]) -> None:
    assert two["again"][0] == two["whole"][0][1:]
    for part in ("model", "ema"):
        for name, value in two["whole"][1][part].items():
            assert torch.equal(two["again"][1][part][name], value)


def test_statistics_of_each_are_its_own(two: dict[str, Any]) -> None:
    alone = program.engine_of(norm=True)
    metrics = program.trained(alone)
    together, state = two["norm"]
    assert together[-1]["loss"] != pytest.approx(metrics[-1]["loss"], rel=1e-9)
    assert together[-1]["loss"] == pytest.approx(metrics[-1]["loss"], rel=0.2)
    assert int(state["norm.num_batches_tracked"]) == 8


def test_what_is_tested_is_what_is_saved(two: dict[str, Any]) -> None:
    """The averages of rank 0, of its own statistics too: also where another rank tests."""
    metrics, state = two["norm"]
    network = program.Net(norm=True).double().eval()
    network.load_state_dict(state)
    found = program.images()
    with torch.inference_mode():
        logits = network((found.test_x.double() / 255 - found.mean[0]) / found.std[0])
    loss = torch.nn.functional.cross_entropy(logits, found.test_y)
    # The mean and deviation of the images are float32 ones there.
    assert metrics[-1]["test_loss"] == pytest.approx(float(loss), rel=1e-8)


def test_what_one_is_asked_for_all_know(two: dict[str, Any]) -> None:
    assert two["agreed"] == [7, 0]
    assert distributed.agree(7) == 7  # alone


def test_a_batch_must_have_an_image_for_each(two: dict[str, Any]) -> None:
    assert two["small"] == "ARCH635: a batch of 1 images cannot be shared by 2 processes"


def test_a_process_that_dies_ends_the_other_at_once(two: dict[str, Any]) -> None:
    text, seconds = two["lost"]
    assert text.startswith("ARCH634: rank 0 has lost another process of the run: ")
    assert seconds < 5


def test_a_fault_of_ones_own_is_not_the_loss_of_another() -> None:
    with pytest.raises(RuntimeError, match="gloo") as caught, distributed.watched():
        raise RuntimeError("gloo")  # alone, it cannot be
    assert not isinstance(caught.value, Fault)
