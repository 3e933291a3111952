"""Whole steps over tensors that keep their place: on the CPU as far as it goes, and on CUDA."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import pytest
import torch
from test_training_engine import COSINE, CROP, MIXUP, Net, equal

from archdsl.recipes import Recipe, Setting
from archdsl.training import Fault
from archdsl.training.data import Images
from archdsl.training.distributed import World
from archdsl.training.engine import Engine
from archdsl.training.engine_building import build_engine
from archdsl.training.engine_state import untouched
from archdsl.training.graph import GraphRunner, Replay
from archdsl.training.options import Options, Resolved

MakeRecipe = Callable[..., Recipe]
CPU = torch.device("cpu")
RESOLVED = Resolved("eager", "float32", "local", False)
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


@pytest.fixture
def images() -> Images:
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(256, (70, 1, 8, 8), generator=generator, dtype=torch.uint8)
    y = torch.randint(10, (70,), generator=generator)
    return Images(x[:50], y[:50], x[50:], y[50:], (0.5,), (0.3,), "0" * 64)


@pytest.fixture
def recipe(make_recipe: MakeRecipe) -> Recipe:
    # Rates that float32 has exactly: the tensor of the rate is float32.
    step = Setting("step", {"at": (1,), "factor": 0.5})
    return make_recipe(lr=0.125, batch=16, augment=(CROP, MIXUP), schedule=step, ema=0.75, clip=2.0)


def replayed(images: Images, recipe: Recipe, epochs: int) -> tuple[list[Any], dict[str, Any]]:
    """Train as a graph does, but with functions in the place of graphs."""
    torch.manual_seed(0)
    built = build_engine(Net(), images, recipe, CPU, RESOLVED, World())
    rate = torch.zeros(())
    captured: list[Replay] = []

    def capture(function: Replay, device: torch.device) -> Replay:
        captured.append(function)
        return function

    for group in built.state.optimizer.param_groups:
        group["lr"] = rate
    runner = GraphRunner(built.step, built.ledger, recipe.batch, rate, CPU, capture)
    ledgers = []
    for epoch in range(epochs):
        built.state.network.train()
        value = 0.125 * 0.5**epoch
        runner.begin(built.step.plan(epoch), [value] * 4, 0)
        for step in range(4):
            runner.run(step)
            assert rate.item() == value
        ledgers.append(built.ledger.values.clone())
    assert len(captured) == 2  # the full batch, and the tail of two
    return ledgers, built.state.save()


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_step_that_finds_its_batch_by_itself_does_the_same(
    images: Images, recipe: Recipe, optimizer: str
) -> None:
    if optimizer == "adamw":
        arguments = {"lr": 0.125, "betas": (0.9, 0.99), "eps": 1e-8, "weight_decay": 0.1}
        recipe = replace(recipe, optimizer=Setting("adamw", arguments))
    torch.manual_seed(0)
    engine = Engine(Net(), images, recipe, CPU, Options(precision="float32"))
    metrics = list(engine.epochs())
    ledgers, state = replayed(images, recipe, 2)
    snapshot = engine.snapshot()
    # Warming up has left no trace in weights, momentum, statistics, averages, or generators.
    assert equal(state, {name: snapshot[name] for name in state})
    counts = torch.tensor([16, 16, 16, 2])
    losses = [float((ledger[0] * counts).sum() / 50) for ledger in ledgers]
    assert losses == [m.loss for m in metrics]
    assert [float(ledger[1].sum() / 50) for ledger in ledgers] == [m.accuracy for m in metrics]
    assert int(state["model"]["norm.num_batches_tracked"]) == 8


def test_fewer_images_than_a_batch_are_one_graph(images: Images, recipe: Recipe) -> None:
    recipe = replace(recipe, batch=64)
    built = build_engine(Net(), images, recipe, CPU, RESOLVED, World())
    sizes = []

    def capture(function: Replay, device: torch.device) -> Replay:
        sizes.append(len(sizes))
        return function

    rate = torch.zeros(())
    runner = GraphRunner(built.step, built.ledger, 64, rate, CPU, capture)
    runner.begin(built.step.plan(0), [0.125], 0)
    runner.run(0)
    assert sizes == [0]


def test_what_warms_up_leaves_no_trace() -> None:
    network = Net()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    generator = torch.get_rng_state()
    with (
        pytest.raises(KeyError),
        untouched(list(network.state_dict(keep_vars=True).values()), CPU),
    ):
        network(torch.rand(4, 1, 8, 8)).sum().backward()
        with torch.no_grad():
            network.head.weight.add_(1)
        assert not torch.equal(network.norm.running_mean, before["norm.running_mean"])
        raise KeyError
    assert equal(dict(network.state_dict()), before)
    assert torch.equal(torch.get_rng_state(), generator)


@pytest.mark.slow
def test_a_compiled_network_does_about_the_same(images: Images, recipe: Recipe) -> None:
    engines = []
    for name in ("eager", "compile"):
        torch.manual_seed(0)
        network = Net(dropout=0.0)
        options = Options(engine=name, precision="float32")
        engine = Engine(network, images, recipe, CPU, options)
        engines.append((engine, [asdict(metrics) for metrics in engine.epochs()]))
    eager, compiled = engines
    assert compiled[0].resolved.engine == "compile"
    assert compiled[0].costs["compile"] > 0.1 and eager[0].costs == {}
    assert compiled[1][-1]["loss"] == pytest.approx(eager[1][-1]["loss"], rel=1e-4)
    assert equal(compiled[0].state().keys(), eager[0].state().keys())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("No working C++ compiler found\nmore", "No working C++ compiler found"),
        (
            "backend='inductor' raised:\nRuntimeError: no Triton\n",
            "backend='inductor' raised: RuntimeError: no Triton",
        ),
        ("", "RuntimeError"),
    ],
)
def test_a_network_that_cannot_be_compiled(
    images: Images, recipe: Recipe, monkeypatch: pytest.MonkeyPatch, text: str, reason: str
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        def forward(x: torch.Tensor) -> torch.Tensor:
            raise RuntimeError(text)

        return forward

    monkeypatch.setattr(torch, "compile", refuse)
    with pytest.raises(Fault, match=f"could not be compiled: {re.escape(reason)}$") as caught:
        Engine(Net(), images, recipe, CPU, Options(engine="compile", precision="float32"))
    assert caught.value.diagnostic.code == "ARCH633"


@needs_cuda
def test_a_step_that_reads_a_value_cannot_be_captured() -> None:
    # In a process of its own: after a capture that fails, some versions of torch take its
    # generator to be captured still, and every dropout raises.
    program = """
import torch
from archdsl.training import Fault
from archdsl.training.graph import cuda_graph

device = torch.device("cuda")
value = torch.ones((), device=device)
former = torch.cuda.current_stream()
try:
    cuda_graph(lambda: value.add_(float(value)), device)
except Fault as fault:
    print(fault.diagnostic.code, torch.cuda.current_stream() == former)
"""
    command = [sys.executable, "-c", program]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found.stdout == "ARCH633 True\n"


@needs_cuda
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_graph_and_eager_are_equal_on_cuda(images: Images, recipe: Recipe, optimizer: str) -> None:
    recipe = replace(recipe, epochs=13, schedule=COSINE)  # 52 steps
    if optimizer == "adamw":
        arguments = {"lr": 0.125, "betas": (0.9, 0.99), "eps": 1e-8, "weight_decay": 0.1}
        recipe = replace(recipe, optimizer=Setting("adamw", arguments))
    snapshots = []
    for name in ("eager", "graph"):
        torch.manual_seed(0)
        options = Options(engine=name, precision="float32", deterministic=True)
        engine = Engine(Net(dropout=0.0), images, recipe, torch.device("cuda"), options)
        list(engine.epochs())
        snapshots.append(engine.snapshot())
    eager, graph = snapshots
    for part in ("model", "ema"):
        for key, value in eager[part].items():
            assert torch.allclose(graph[part][key], value, rtol=1e-5, atol=1e-7), key
    count = graph["model"]["norm.num_batches_tracked"]
    assert torch.equal(count, eager["model"]["norm.num_batches_tracked"])


@needs_cuda
@pytest.mark.parametrize("name", ["eager", "graph"])
def test_nothing_waits_for_the_device_within_an_epoch(
    images: Images, recipe: Recipe, name: str
) -> None:
    options = Options(engine=name)
    engine = Engine(Net(), images, recipe, torch.device("cuda"), options)
    epochs = engine.epochs()
    next(epochs)  # captures
    train = engine._train

    def strict(*arguments: Any) -> None:
        torch.cuda.set_sync_debug_mode("error")
        try:
            train(*arguments)
        finally:
            torch.cuda.set_sync_debug_mode("default")

    engine._train = strict  # type: ignore[method-assign]
    next(epochs)


@needs_cuda
def test_a_run_on_cuda_goes_on_from_a_snapshot(images: Images, recipe: Recipe) -> None:
    options = Options(deterministic=True)
    torch.manual_seed(0)
    whole = Engine(Net(), images, recipe, torch.device("cuda"), options)
    epochs = whole.epochs()
    next(epochs)
    snapshot = whole.snapshot()
    next(epochs)
    rest = Engine(Net(), images, recipe, torch.device("cuda"), options)
    rest.restore(snapshot)
    list(rest.epochs())
    assert equal(rest.snapshot(), whole.snapshot())
