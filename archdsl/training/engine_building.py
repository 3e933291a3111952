"""Putting an engine together: the network on its device, its state, and what runs its steps."""

from __future__ import annotations

import gc
import inspect
import time
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch  # noqa: TID251

from archdsl.recipes import Recipe
from archdsl.training import engine_messages
from archdsl.training.data import Images
from archdsl.training.distributed import World
from archdsl.training.engine_evaluation import Evaluation
from archdsl.training.engine_ledger import Ledger
from archdsl.training.engine_runner import EagerRunner, Runner
from archdsl.training.engine_state import Average, State, begin_optimizer, untouched
from archdsl.training.engine_step import Step
from archdsl.training.graph import GraphRunner, on_side_stream
from archdsl.training.optimization import optimizer_of
from archdsl.training.options import Resolved
from archdsl.training.precision import weights_type


@dataclass(eq=False)
class Built:
    """The parts of an engine."""

    state: State
    step: Step
    evaluation: Evaluation
    ledger: Ledger
    runner: Runner
    costs: dict[str, float] = field(default_factory=dict)


def build_engine(
    model: Any,
    images: Images,
    recipe: Recipe,
    device: torch.device,
    resolved: Resolved,
    world: World,
) -> Built:
    """Return the parts of an engine that trains ``model``, which is brought to the device.

    Raises Fault ARCH633 or ARCH635.
    """
    if device.type == "cuda":
        # A former run of this process lies in cycles of references, with its graphs and all of
        # their memory: it has to be gone before there is another, and not while that is captured.
        gc.collect()
    counts = _counts(len(images.train_y), recipe.batch)
    _demand_shares(counts, recipe.batch, resolved, world)
    network = model.to(device=device, dtype=weights_type(resolved))
    network = network.to(memory_format=torch.channels_last)
    if resolved.bn == "sync" and world.size > 1:
        network = torch.nn.SyncBatchNorm.convert_sync_batchnorm(network)
    captured = device.type == "cuda" and world.size == 1 and resolved.engine != "eager"
    rate = torch.zeros((), device=device) if captured else None
    optimizer = optimizer_of(recipe, network)
    begin_optimizer(optimizer, device, rate)
    average = None if recipe.ema is None else Average(network, recipe.ema)
    state = State(network, optimizer, average)
    step = Step(state, _forward(network, device, resolved, world), images, recipe, resolved, device)
    evaluation = Evaluation(state, images, step.scaling, resolved, device, world)
    ledger = Ledger(counts, device)
    costs: dict[str, float] = {}
    if resolved.engine == "compile":
        costs["compile"] = _compile(step, sorted({counts[0], counts[-1]}), world, device)
    if rate is not None:
        runner: Runner = GraphRunner(step, ledger, recipe.batch, rate, device)
    else:
        runner = EagerRunner(step, ledger, recipe.batch, world, device)
    return Built(state, step, evaluation, ledger, runner, costs)


def _counts(images: int, batch: int) -> list[int]:
    """Return how many images each step of an epoch has, over all processes."""
    return [min(batch, images - start) for start in range(0, images, batch)]


def _demand_shares(counts: list[int], batch: int, resolved: Resolved, world: World) -> None:
    if batch < world.size:
        raise engine_messages.batch_too_small(batch, world.size, "a batch")
    # Statistics over all processes are exchanged in the forward pass, where a process that has no
    # image of its own cannot stand aside.
    if resolved.bn == "sync" and counts[-1] < world.size:
        raise engine_messages.batch_too_small(counts[-1], world.size, "the last batch of an epoch")


def _forward(network: Any, device: torch.device, resolved: Resolved, world: World) -> Any:
    """Return what is called for the network in training."""
    forward = network
    if world.size > 1:
        devices = [device] if device.type == "cuda" else None
        # Each process keeps its own statistics of normalization; rank 0's count.
        parallel = torch.nn.parallel.DistributedDataParallel
        # It has a new name from torch 2.14 on, which warns of the old one.
        known = inspect.signature(parallel).parameters
        name = "forward_sync_buffers" if "forward_sync_buffers" in known else "broadcast_buffers"
        forward = parallel(network, device_ids=devices, **{name: False})
    if resolved.engine == "compile":
        # One program for each size of batch: else the second size, and then the first one again,
        # get one for all sizes, which is slower.
        forward = torch.compile(forward, dynamic=False)
    return forward


def _compile(step: Step, sizes: list[int], world: World, device: torch.device) -> float:
    """Compile for each size of batch, by steps that leave no trace; return the seconds it took."""
    start = time.perf_counter()
    step.state.network.train()
    plan = step.plan(0).to(device)
    try:
        with untouched(step.state.tensors(), device):
            for size in sizes:
                first, end = world.share(size)
                part = slice(first, max(end, first + 1))
                if world.size == 1:
                    # What autograd remembers of a step may be where it ran: what is to be captured
                    # must not wait for the default stream.
                    on_side_stream(partial(step.take, plan, part), device)
                else:
                    step.take(plan, part)
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        # Dynamo's and Inductor's errors are of this kind, and so is a compiler that is missing.
        raise engine_messages.not_captured("compile", engine_messages.first_line(error)) from error
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start
