"""The ledger of an epoch: loss and right answers of each step, on the device.

It is read once an epoch. What is seen of it meanwhile is as old as the last copy that has arrived:
nothing waits for the device.
"""

from __future__ import annotations

import math

import torch  # noqa: TID251
from torch import Tensor  # noqa: TID251


class Ledger:
    """``values`` is float64 [2, steps]: what each step adds to loss and right answers.

    The loss of a step is the sum of this process's images over the images of the whole batch, so
    that those of all processes add up to the batch's mean.
    """

    def __init__(self, counts: list[int], device: torch.device) -> None:
        """``counts`` are the images of each step, over all processes."""
        self.values = torch.zeros((2, len(counts)), dtype=torch.float64, device=device)
        self._losses = self.values[0].unbind()
        self._rights = self.values[1].unbind()
        self._places = torch.arange(len(counts), device=device)
        self._counts = torch.tensor(counts, dtype=torch.float64)
        self._cuda = device.type == "cuda"
        self._copy: Tensor | None = None
        self._arrived: torch.cuda.Event | None = None
        self._steps = 0

    def write(self, step: int, loss: Tensor, right: Tensor) -> None:
        """Note what a step came to (two scalars)."""
        self._losses[step].copy_(loss)
        self._rights[step].copy_(right)

    def write_at(self, step: Tensor, loss: Tensor, right: Tensor) -> None:
        """Do the same where only the device knows the step (int64 [1])."""
        # Not index_copy_: among deterministic algorithms it reads the index on the host, in some
        # versions of torch, which cannot be captured.
        column = torch.stack((loss.double(), right.double()))[:, None]
        torch.where(self._places == step, column, self.values, out=self.values)

    def glimpse(self, steps: int) -> tuple[Tensor, int] | None:
        """Return the values as last known on the CPU, and of how many steps, without waiting.

        ``steps`` are done by now as far as the host knows. None if nothing has arrived yet.
        """
        if not self._cuda:
            return self.values, steps
        known = None
        if self._copy is not None and self._arrived is not None and self._arrived.query():
            known = self._copy.clone(), self._steps
            self._arrived = None
        if self._arrived is None:
            if self._copy is None:
                self._copy = torch.empty(self.values.shape, dtype=torch.float64, pin_memory=True)
            self._copy.copy_(self.values, non_blocking=True)
            self._arrived, self._steps = torch.cuda.Event(), steps
            self._arrived.record()
        return known

    def forget(self) -> None:
        """Make it empty, for the next epoch; a copy that is under way is not used."""
        self.values.zero_()
        self._arrived = None

    def mean(self, values: Tensor, steps: int) -> float:
        """Return the mean loss over the images of the first steps; ``values`` are on the CPU."""
        counts = self._counts[:steps]
        return float((values[0, :steps] * counts).sum() / counts.sum())

    def accuracy(self, values: Tensor) -> float:
        """Return the fraction of all images that were classified rightly."""
        return float(values[1].sum() / self._counts.sum())

    @staticmethod
    def diverged(values: Tensor, steps: int) -> tuple[int, float] | None:
        """Return the first step with a loss that is not finite, and that loss; or None."""
        for step, loss in enumerate(values[0, :steps].tolist()):
            if not math.isfinite(loss):
                return step, loss
        return None
