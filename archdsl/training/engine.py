"""The engine: trains one model, epoch by epoch, from wherever it stands.

Within an epoch nothing waits for the device: loss and right answers are noted there, and read once
an epoch. Everything that the rest of a run depends on is in a snapshot.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch  # noqa: TID251
from torch import Tensor  # noqa: TID251

from archdsl.recipes import Recipe
from archdsl.training import distributed, engine_messages
from archdsl.training.data import Images
from archdsl.training.devices import Clock, at_work
from archdsl.training.devices import choose_device as choose_device
from archdsl.training.engine_building import Built, build_engine
from archdsl.training.engine_messages import Divergence
from archdsl.training.engine_state import copies, load_generators, save_generators
from archdsl.training.optimization import rates_of_epoch
from archdsl.training.options import Options, Resolved
from archdsl.training.plan import EpochPlan
from archdsl.training.precision import arithmetic, resolve
from archdsl.training.result import EpochMetrics

_NOTICE_SECONDS = 0.25
_FORMAT = 1

Snapshot = dict[str, Any]
"""All that a run depends on: tensors on the CPU, ints, floats, strings, bools, lists, dicts."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """How far a run is: epochs done, and steps done in the running one."""

    epoch: int = 0
    step: int = 0


class Hooks:
    """What the engine calls; by themselves they do nothing."""

    def boundary(self, position: Position) -> None:
        """Be called before every step, and between the batches of an evaluation.

        It may take a snapshot, or raise to end the run. Within an evaluation the position is
        behind the last step of the epoch; the evaluation is done anew after a restore. With
        several processes each calls it at the same places, so that they can agree there.
        """

    def notice(self, epoch: int, images: int, loss: float | None) -> None:
        """Be called after steps, at most four times a second.

        ``epoch`` counts from 1, ``images`` are those seen in it; ``loss`` is the mean over the
        epoch so far, as last known without waiting for the device, or None.
        """


class Engine:
    """Trains one model; iterate over :meth:`epochs`.

    ``resolved`` tells what is used of the options, ``position`` how far the run is, ``costs`` what
    preparing took, in seconds by name.
    """

    def __init__(
        self,
        model: Any,
        images: Images,
        recipe: Recipe,
        device: torch.device,
        options: Options | None = None,
        hooks: Hooks | None = None,
    ) -> None:
        """Bring model and images to the device, and meet the other processes, if there are any.

        Raises Fault ARCH630 to ARCH635, ARCH637 and ARCH638.
        """
        self.world = distributed.connect(device.type)
        self.resolved: Resolved = resolve(options or Options(), device, self.world)
        self.position = Position()
        self._hooks = hooks or Hooks()
        self._recipe = recipe
        self._device = device
        self._count = len(images.train_y)
        self._steps = math.ceil(self._count / recipe.batch)
        with distributed.watched(), arithmetic(self.resolved), at_work(device):
            self._built: Built = build_engine(
                model, images, recipe, device, self.resolved, self.world
            )
        self._plans: dict[int, EpochPlan] = {}
        if self.world.rank > 0:
            # What is random within the network (dropout) must not be the same in each process.
            digest = hashlib.sha256(f"{recipe.seed}:rank {self.world.rank}".encode()).digest()
            torch.manual_seed(int.from_bytes(digest[:7], "big"))

    @property
    def costs(self) -> dict[str, float]:
        """What preparing took beyond the first steps themselves, in seconds by name."""
        return dict(self._built.costs)

    def epochs(self) -> Iterator[EpochMetrics]:
        """Train on from the position, yielding the metrics of each epoch that is completed.

        Raises :class:`Divergence` (ARCH619) on a loss that is not finite, Fault ARCH633 where the
        network does not go with the engine, ARCH634 when another process is lost, and ARCH638
        where the device has not enough memory.
        """
        while self.position.epoch < self._recipe.epochs:
            # Not around the yield: what the caller does meanwhile is not the engine's.
            with distributed.watched(), arithmetic(self.resolved), at_work(self._device):
                metrics = self._epoch()
            yield metrics

    def state(self) -> dict[str, Tensor]:
        """Return the weights and buffers that are tested, by name: copies on the CPU."""
        return copies(self._built.state.evaluated())

    def snapshot(self) -> Snapshot:
        """Return copies, on the CPU, of all that the rest of the run depends on.

        With several processes each must call it, between the same two steps; all get the same.
        Raises :class:`Divergence` rather than copy what is no longer finite.
        """
        with distributed.watched(), at_work(self._device):
            ledger = self._ledger_of_all()
            self._demand_finite(ledger, self.position.step)
            if self.world.size > 1:
                self._built.state.share_statistics()
            return {
                "format": _FORMAT,
                "epoch": self.position.epoch,
                "step": self.position.step,
                **self._built.state.save(),
                "ledger": ledger,
                "generators": save_generators(self._device),
            }

    def restore(self, snapshot: Snapshot) -> None:
        """Go back, or on, to where a snapshot was taken; :meth:`epochs` goes on from there.

        The number of processes may be another one. Raises Fault ARCH636, with nothing changed, for
        a snapshot of another model, optimizer or number of steps, and ARCH638 where the device has
        not enough memory.
        """
        if snapshot.get("format") != _FORMAT:
            raise engine_messages.snapshot_mismatch(f"its format is {snapshot.get('format')}")
        values = self._built.ledger.values
        if snapshot["ledger"].shape != values.shape:
            steps = snapshot["ledger"].shape[1]
            reason = f"its epochs have {steps} steps, and those of this run {self._steps}"
            raise engine_messages.snapshot_mismatch(reason)
        with at_work(self._device):
            self._built.state.load(snapshot)
            self._built.ledger.forget()
            if self.world.rank == 0:  # the sum over all processes is what counts
                values.copy_(snapshot["ledger"])
            load_generators(snapshot["generators"], self._device, self.world.rank)
        self.position = Position(snapshot["epoch"], snapshot["step"])

    def _epoch(self) -> EpochMetrics:
        start = time.perf_counter()
        epoch, first = self.position.epoch, self.position.step
        rates = self._rates(epoch)
        clock = Clock(self._device)
        self._train(epoch, rates)
        clock.stop()
        if self._device.type == "cpu":  # known at once: no need to test what is lost
            self._demand_finite(self._ledger_of_all(), self._steps)
        sums = self._built.evaluation.sums(lambda: self._hooks.boundary(self.position))
        # Planned while the device is still busy.
        self._plans = {epoch + 1: self._built.step.plan(epoch + 1)}
        ledger = self._ledger_of_all()
        self._demand_finite(ledger, self._steps)
        test_loss, test_accuracy = self._built.evaluation.means(sums.cpu())
        if not math.isfinite(test_loss):
            raise Divergence(test_loss, "test", epoch + 1, rates[-1], None, ())
        self.position = Position(epoch + 1)
        self._built.ledger.forget()
        images = self._count - min(first * self._recipe.batch, self._count)
        return EpochMetrics(
            epoch + 1,
            self._built.ledger.mean(ledger, self._steps),
            self._built.ledger.accuracy(ledger),
            test_loss,
            test_accuracy,
            rates[-1],
            images / clock.seconds(),
            time.perf_counter() - start,
        )

    def _train(self, epoch: int, rates: list[float]) -> None:
        step, first = self._built.step, self.position.step
        plan = self._plans.pop(epoch, None) or step.plan(epoch)
        step.state.network.train()
        runner, boundary = self._built.runner, self._hooks.boundary
        if first < self._steps:
            runner.begin(plan, rates, first)
        noticed = time.monotonic()
        for index in range(first, self._steps):
            boundary(self.position)
            runner.run(index)
            self.position = Position(epoch, index + 1)
            now = time.monotonic()
            if now - noticed >= _NOTICE_SECONDS:
                self._notice(index + 1)
                noticed = now

    def _notice(self, steps: int) -> None:
        """Tell how far the epoch is, and end the run if it is known to have diverged."""
        loss = None
        known = self._built.ledger.glimpse(steps)
        if known is not None:
            values, seen = known
            if self.world.size == 1:  # else all must find it, at the end of the epoch
                self._demand_finite(values, seen)
            # Of this process's images: about what it is of all.
            loss = self._built.ledger.mean(values, seen) * self.world.size
        images = min(steps * self._recipe.batch, self._count)
        self._hooks.notice(self.position.epoch + 1, images, loss)

    def _rates(self, epoch: int) -> list[float]:
        rates: list[float] = rates_of_epoch(self._recipe, self._steps, epoch).tolist()
        return rates

    def _ledger_of_all(self) -> Tensor:
        """Return the ledger, summed over the processes, on the CPU; this waits for the device."""
        values = self._built.ledger.values.clone()
        distributed.add(values)
        return values.cpu()

    def _demand_finite(self, values: Tensor, steps: int) -> None:
        found = self._built.ledger.diverged(values, steps)
        if found is None:
            return
        step, loss = found
        epoch, batch = self.position.epoch, self._recipe.batch
        order = self._built.step.plan(epoch).order
        images = order[step * batch : (step + 1) * batch].tolist()
        rate = self._rates(epoch)[step]
        raise Divergence(loss, "training", epoch + 1, rate, step, images)
