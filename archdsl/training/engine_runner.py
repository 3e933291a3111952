"""Running the steps of an epoch one by one, each launched by the host."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch  # noqa: TID251
from torch import Tensor  # noqa: TID251

from archdsl.training.distributed import World
from archdsl.training.engine_ledger import Ledger
from archdsl.training.engine_step import Step
from archdsl.training.plan import EpochPlan


class Runner(Protocol):
    """What runs steps."""

    def begin(self, plan: EpochPlan, rates: Sequence[float], step: int) -> None:
        """Take the plan (on the CPU) and the learning rates of an epoch, to go on from a step."""

    def run(self, step: int) -> None:
        """Run a step; steps come in order."""


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
        self._parts: list[tuple[Tensor, tuple[Tensor, ...]]] = []

    def begin(self, plan: EpochPlan, rates: Sequence[float], step: int) -> None:
        """Cut the plan into batches."""
        self._parts = list(plan.to(self._device).batches(self._batch))
        self._rates = rates

    def run(self, step: int) -> None:
        """Run a step on this process's part of the batch."""
        rate = self._rates[step]
        if rate != self._rate:
            for group in self._step.state.optimizer.param_groups:
                group["lr"] = rate
            self._rate = rate
        indices, draws = self._parts[step]
        if self._world.size == 1:
            loss, right = self._step.take(indices, draws)
            self._ledger.write(step, loss, right)
        else:
            self._share(step, indices, draws)

    def _share(self, step: int, indices: Tensor, draws: tuple[Tensor, ...]) -> None:
        # The gradients of the processes are averaged. So that this is the gradient of the mean
        # over the whole batch however unequal the parts are, the sum over a part is weighted by
        # size / batch.
        whole, size = len(indices), self._world.size
        start, end = self._world.share(whole)
        part = slice(start, end)
        scale = (end - start) * size / whole
        if start == end:
            # It must take part in the exchange of gradients all the same: with images of others,
            # which count nothing.
            part, scale = slice(0, 2), 0.0
        loss, right = self._step.take(indices[part], tuple(d[part] for d in draws), scale)
        if start == end:
            # Not times zero: what is not a number would stay so.
            loss, right = torch.zeros_like(loss), torch.zeros_like(right)
        self._ledger.write(step, loss / size, right)
