"""Running the steps of an epoch one by one, each launched by the host."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch  # noqa: TID251
from torch import Tensor  # noqa: TID251

from archdsl.training.distributed import World
from archdsl.training.engine_ledger import Ledger
from archdsl.training.engine_step import Step
from archdsl.training.optimization import set_learning_rate
from archdsl.training.plan import EpochPlan


class Runner(Protocol):
    """What runs steps."""

    def begin(self, plan: EpochPlan, rates: Sequence[float], step: int) -> None:
        """Take the plan (on the CPU) and the learning rates of an epoch, to go on from a step."""

    def run(self, step: int) -> None:
        """Run a step; steps come in order."""


def tensors_of(plan: EpochPlan) -> dict[str, Tensor]:
    """Return the tensors of a plan by name."""
    found = {"order": plan.order, "partners": plan.partners, "shares": plan.shares}
    found |= {f"draws.{index}": draw for index, draw in enumerate(plan.draws)}
    return {name: tensor for name, tensor in found.items() if tensor is not None}


def on_device(plan: EpochPlan, device: torch.device) -> EpochPlan:
    """Return a plan on a device, without waiting for it."""

    def moved(tensor: Tensor) -> Tensor:
        # Torch keeps pinned memory until the copy is done.
        pinned = tensor.pin_memory() if device.type == "cuda" else tensor
        return pinned.to(device, non_blocking=True)

    new = {name: moved(tensor) for name, tensor in tensors_of(plan).items()}
    draws = tuple(new[f"draws.{index}"] for index in range(len(plan.draws)))
    return EpochPlan(new["order"], draws, new.get("partners"), new.get("shares"))


def rates_on(device: torch.device, rates: Sequence[float]) -> list[float]:
    """Return learning rates as a device has them.

    Captured steps read them from CUDA memory, where the fused optimizers want float32; launched
    ones take the same there, so that both do the same to the bit.
    """
    if device.type != "cuda":
        return list(rates)
    rounded: list[float] = np.asarray(rates, dtype=np.float32).tolist()
    return rounded


class EagerRunner:
    """Launches every operation of every step."""

    def __init__(
        self, step: Step, ledger: Ledger, batch: int, world: World, device: torch.device
    ) -> None:
        self._step = step
        self._ledger = ledger
        self._batch = batch
        self._world = world
        self._device = device
        self._rates: Sequence[float] = ()
        self._rate: float | None = None
        self._plan: EpochPlan | None = None

    def begin(self, plan: EpochPlan, rates: Sequence[float], step: int) -> None:
        """Bring the plan to the device."""
        self._plan = on_device(plan, self._device)
        self._rates = rates_on(self._device, rates)

    def run(self, step: int) -> None:
        """Run a step on this process's part of the batch."""
        assert self._plan is not None, "begin comes first"
        rate = self._rates[step]
        if rate != self._rate:
            set_learning_rate(self._step.state.optimizer, rate)
            self._rate = rate
        start = step * self._batch
        if self._world.size == 1:
            loss, right = self._step.take(self._plan, slice(start, start + self._batch))
            self._ledger.write(step, loss, right)
        else:
            self._share(self._plan, step, start)

    def _share(self, plan: EpochPlan, step: int, start: int) -> None:
        # The gradients of the processes are averaged. So that this is the gradient of the mean
        # over the whole batch however unequal the parts are, the sum over a part is weighted by
        # size / batch.
        whole, size = min(self._batch, self._step.count - start), self._world.size
        first, end = self._world.share(whole)
        part, scale = slice(start + first, start + end), (end - first) * size / whole
        if first == end:
            # It must take part in the exchange of gradients all the same: with images of others,
            # which count nothing.
            part, scale = slice(0, 2), 0.0
        loss, right = self._step.take(plan, part, scale)
        if first == end:
            # Not times zero: what is not a number would stay so.
            loss, right = torch.zeros_like(loss), torch.zeros_like(right)
        self._ledger.write(step, loss / size, right)
