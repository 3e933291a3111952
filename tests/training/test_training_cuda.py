"""What would go wrong on a CUDA device, as far as it shows without one."""

from __future__ import annotations

import gc
import os
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from fake_cuda import DEVICE, Notes, fake_cuda, has_fakes
from test_training_engine import COSINE, CROP, MIXUP, Net

from archdsl.recipes import Recipe, Setting
from archdsl.training import Fault, distributed, engine_building, graph, record
from archdsl.training.data import Images
from archdsl.training.devices import at_work, choose_device
from archdsl.training.distributed import World
from archdsl.training.engine import Engine
from archdsl.training.engine_building import Built, build_engine
from archdsl.training.engine_evaluation import images_at_once
from archdsl.training.engine_ledger import Ledger
from archdsl.training.engine_runner import rates_on
from archdsl.training.engine_state import State
from archdsl.training.engine_step import Step
from archdsl.training.faults import DeviceError
from archdsl.training.graph import GraphRunner, Replay, cuda_graph
from archdsl.training.options import Resolved
from archdsl.training.precision import arithmetic

MakeRecipe = Callable[..., Recipe]
ADAMW = Setting("adamw", {"lr": 0.1, "betas": (0.9, 0.99), "eps": 1e-8, "weight_decay": 0.1})
EVERYTHING = (
    CROP,
    Setting("hflip", {}),
    Setting("cutout", {"size": 4, "value": "mean"}),
    Setting("random_erase", {"p": 0.5, "scale": (0.02, 0.3), "ratio": (0.3, 3.0), "value": 0.0}),
    MIXUP,
)


@pytest.fixture(scope="module")
def fakes() -> None:
    if not has_fakes():
        pytest.skip("this torch has no fake tensors of a device without its driver")


@pytest.fixture
def images() -> Images:
    x = torch.zeros(70, 1, 8, 8, dtype=torch.uint8)
    y = torch.zeros(70, dtype=torch.int64)
    return Images(x[:50], y[:50], x[50:], y[50:], (0.5,), (0.3,), "0" * 64)


@pytest.fixture
def recipe(make_recipe: MakeRecipe) -> Recipe:
    return make_recipe(batch=16, schedule=COSINE, augment=(CROP, Setting("hflip", {})))


def built_on_cuda(images: Images, recipe: Recipe, engine: Any, precision: Any) -> Built:
    resolved = Resolved(engine, precision, "local", False)
    built = build_engine(Net(), images, recipe, DEVICE, resolved, World())
    built.state.network.train()
    return built


@pytest.mark.usefixtures("fakes")
@pytest.mark.parametrize("precision", ["bfloat16", "float32"])
@pytest.mark.parametrize("changes", [{}, {"ema": 0.9, "clip": 1.0, "label_smoothing": 0.1}])
@pytest.mark.parametrize("engine", ["graph", "eager"])
def test_nothing_within_an_epoch_leaves_the_device(
    images: Images,
    make_recipe: MakeRecipe,
    recipe: Recipe,
    monkeypatch: pytest.MonkeyPatch,
    engine: str,
    changes: dict[str, Any],
    precision: str,
) -> None:
    if changes:
        recipe = make_recipe(batch=16, augment=EVERYTHING, **changes)
        recipe = replace(recipe, optimizer=ADAMW)
    captured = []

    def capture(function: Replay, device: torch.device) -> Replay:
        captured.append(function)
        return function

    monkeypatch.setattr(graph, "cuda_graph", capture)
    with fake_cuda():
        built = built_on_cuda(images, recipe, engine, precision)
        built.runner.begin(built.step.plan(0), [0.1] * 4, 0)
        assert len(captured) == (2 if engine == "graph" else 0)
        with Notes() as notes:
            for step in range(4):
                built.runner.run(step)
        assert notes.not_on_the_device == []
        with Notes() as notes:
            built.evaluation.sums(lambda: None)
        assert notes.not_on_the_device == []
    assert len(notes.operations) > 20


@pytest.mark.usefixtures("fakes")
def test_what_waits_for_the_device_would_be_noticed() -> None:
    from torch._subclasses.fake_tensor import DataDependentOutputException

    with fake_cuda(), Notes() as notes:
        value = torch.ones(3, device=DEVICE)
        value.cpu()
        assert [name for name, _ in notes.not_on_the_device] == ["aten._to_copy.default"]
        with pytest.raises(DataDependentOutputException):
            float(value.sum())
        with pytest.raises(RuntimeError, match="device"):
            value + torch.ones(3)


def test_a_ledger_that_finds_its_place_has_no_index_that_the_host_reads() -> None:
    ledger = Ledger([2, 2, 1], torch.device("cpu"))
    with Notes() as notes:
        for step, loss in enumerate((0.5, float("nan"), 0.25)):
            ledger.write_at(torch.tensor([step]), torch.tensor(loss), torch.tensor(step + 1))
    assert ledger.values[0].tolist() == [0.5, pytest.approx(float("nan"), nan_ok=True), 0.25]
    assert ledger.values[1].tolist() == [1, 2, 3]
    # Among deterministic algorithms, these read their indices on the host in torch 2.6.
    assert not [n for n, _ in notes.operations if "index_copy" in n or "index_put" in n]


@pytest.fixture
def two_devices(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    chosen: list[Any] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    return chosen


def test_a_device_that_is_named_is_the_current_one(two_devices: list[Any]) -> None:
    assert choose_device("cuda:1") == torch.device("cuda", 1)
    assert two_devices == [torch.device("cuda", 1)]
    assert choose_device("auto") == torch.device("cuda")
    assert len(two_devices) == 1
    with pytest.raises(DeviceError, match="no cuda:2: 2 CUDA devices"):
        choose_device("cuda:2")


def test_each_process_has_its_own_device(
    two_devices: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distributed, "world", lambda: World(1, 3, 1))
    assert choose_device("cuda") == torch.device("cuda", 1)
    assert two_devices == [torch.device("cuda", 1)]
    monkeypatch.setattr(distributed, "world", lambda: World(2, 3, 2))
    with pytest.raises(DeviceError, match="3 processes here, but 2 CUDA devices"):
        choose_device("auto")


def test_an_engine_works_on_its_device_whichever_is_current(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entered = []

    @contextmanager
    def device(which: torch.device) -> Iterator[None]:
        entered.append(which)
        yield

    monkeypatch.setattr(torch.cuda, "device", device)
    with at_work(torch.device("cpu")):
        assert entered == []
    with at_work(DEVICE):
        assert entered == [DEVICE]
    with pytest.raises(Fault, match="cuda:0 has not enough memory") as caught, at_work(DEVICE):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nmore")
    assert caught.value.diagnostic.code == "ARCH638"
    assert caught.value.diagnostic.notes == (
        "torch says: CUDA out of memory. Tried to allocate 2.00 GiB.",
    )


def test_a_snapshot_that_the_device_has_no_memory_for(
    images: Images, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(Net(), images, recipe, torch.device("cpu"))
    snapshot = engine.snapshot()

    def takes_too_much(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(State, "load", takes_too_much)
    with pytest.raises(Fault, match="ARCH638"):
        engine.restore(snapshot)


class Broken:
    """A capture in which something is not permitted, after which it cannot be ended either."""

    def __init__(self, *_: Any, **options: Any) -> None:
        self.options = options

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: Any) -> None:
        raise RuntimeError("operation failed due to a previous error during capture")


def test_why_a_step_cannot_be_captured_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    streams = []
    monkeypatch.setattr(graph, "_side_stream", lambda index: f"side stream {index}")
    monkeypatch.setattr(torch.cuda, "graph", Broken)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", SimpleNamespace)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda _: "the former")
    monkeypatch.setattr(torch.cuda, "set_stream", streams.append)

    def reads() -> None:
        raise RuntimeError("operation not permitted when stream is capturing\nmore")

    with pytest.raises(Fault, match="captured: operation not permitted when stream is") as caught:
        cuda_graph(reads, DEVICE)
    assert caught.value.diagnostic.code == "ARCH633"

    def takes_too_much() -> None:
        raise torch.OutOfMemoryError

    with pytest.raises(torch.OutOfMemoryError):
        cuda_graph(takes_too_much, DEVICE)
    assert streams == ["the former", "the former"]


def test_cublas_is_told_before_it_is_first_used(monkeypatch: pytest.MonkeyPatch) -> None:
    # Torch looks once in the life of a process: a deterministic run may come second.
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    with arithmetic(Resolved("eager", "float32", "local", False)):
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"


def test_images_are_tested_by_their_pixels() -> None:
    cpu = torch.device("cpu")
    assert images_at_once(DEVICE, 32, 32) == 2000 and images_at_once(cpu, 32, 32) == 250
    assert images_at_once(DEVICE, 8, 8) == 2000 and images_at_once(cpu, 8, 8) == 250
    assert images_at_once(DEVICE, 224, 224) == 40 and images_at_once(cpu, 224, 224) == 5
    assert images_at_once(cpu, 4000, 4000) == 1


def test_launched_and_captured_steps_have_the_same_rates() -> None:
    rates = [0.1, 0.01]
    assert rates_on(torch.device("cpu"), rates) == rates
    assert rates_on(DEVICE, rates) == torch.tensor(rates).tolist() != rates


@pytest.mark.parametrize(
    ("backend", "fails", "left"),
    [
        ("cpu:gloo,cuda:nccl", False, ["barrier", "destroy"]),
        ("cpu:gloo,cuda:nccl", True, []),
        ("gloo", True, ["destroy"]),
    ],
)
def test_nobody_waits_for_nccl_behind_a_fault(
    monkeypatch: pytest.MonkeyPatch, backend: str, fails: bool, left: list[str]
) -> None:
    done: list[str] = []
    group = SimpleNamespace(
        get_backend_config=lambda: backend,
        barrier=lambda: done.append("barrier"),
        destroy_process_group=lambda: done.append("destroy"),
    )
    monkeypatch.setattr(distributed, "_group", lambda: group)
    try:
        if fails:
            raise KeyError
    except KeyError:
        distributed.disconnect()
    else:
        distributed.disconnect()
    assert done == left


def test_each_size_of_batch_is_compiled_for_itself(
    images: Images, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes: list[Any] = []
    real = torch.compile

    def compile(forward: Any, **options: Any) -> Any:
        def backend(module: Any, inputs: list[torch.Tensor]) -> Any:
            (x,) = (x for x in inputs if tuple(x.shape[1:]) == (1, 8, 8))
            shapes.append(x.shape[0])
            return module

        return real(forward, backend=backend, **options)

    monkeypatch.setattr(torch, "compile", compile)
    torch._dynamo.reset()
    resolved = Resolved("compile", "float32", "local", False)
    built = build_engine(Net(0.0), images, recipe, torch.device("cpu"), resolved, World())
    built.runner.begin(built.step.plan(0), [0.1] * 4, 0)
    for step in range(4):
        built.runner.run(step)
    # Not a symbol for the second: that would be a program for every size, and a slower one.
    assert sorted(shapes) == [2, 16] and all(type(size) is int for size in shapes)


def test_what_torch_was_made_with_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 92400)
    found = record._versions(DEVICE)
    assert (found["cuda"], found["cudnn"]) == ("13.0", "92400") and "torch" in found
    assert record._versions(torch.device("cpu")).keys().isdisjoint({"cuda", "cudnn"})


@pytest.mark.usefixtures("fakes")
def test_a_former_run_is_gone_before_there_is_another(
    images: Images, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Former:
        """What refers to itself, as an engine and its session do to each other."""

        def __init__(self) -> None:
            self.self = self

    former = weakref.ref(Former())
    brought = []
    real = Step.__init__

    def init(*arguments: Any) -> None:
        brought.append(former())
        real(*arguments)

    monkeypatch.setattr(Step, "__init__", init)
    gc.disable()
    try:
        with fake_cuda():
            built_on_cuda(images, recipe, "eager", "float32")
    finally:
        gc.enable()
    assert brought == [None]


@pytest.mark.usefixtures("fakes")
def test_what_is_compiled_to_be_captured_runs_where_it_is_captured(
    images: Images, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = []

    def on_side_stream(function: Callable[[], object], device: torch.device) -> None:
        ran.append(device)
        function()

    monkeypatch.setattr(torch, "compile", lambda forward, **_: forward)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda _: None)
    monkeypatch.setattr(engine_building, "on_side_stream", on_side_stream)
    with fake_cuda():
        built = built_on_cuda(images, recipe, "compile", "bfloat16")
    assert ran == [DEVICE, DEVICE]  # the full batch, and the tail
    assert isinstance(built.runner, GraphRunner) and "compile" in built.costs
