"""The plan of an epoch: every random choice about the images, from the seed and the epoch alone.

It does not depend on the device, the batch size, or what was drawn before: any epoch can be
planned, or planned again, on its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch  # noqa: TID251
from torch import Tensor  # noqa: TID251

from archdsl.training.augmentation import Augmentation, Size


@dataclass(frozen=True, eq=False)
class EpochPlan:
    """One epoch: ``order`` is a permutation of the images, int64 [N].

    ``draws`` has one tensor [N, ...] for each random augmentation; row i belongs to the image
    that comes i-th.
    """

    order: Tensor
    draws: tuple[Tensor, ...]

    @classmethod
    def of(
        cls, seed: int, epoch: int, count: int, size: Size, augmentations: Sequence[Augmentation]
    ) -> EpochPlan:
        """Return the plan for ``count`` images of ``size`` in an epoch (from 0), on the CPU."""
        digest = hashlib.sha256(f"{seed}:{epoch}".encode()).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))
        order = torch.randperm(count, generator=generator)
        draws = []
        for augmentation in augmentations:
            draws.append(augmentation.draw(generator, count, size))
            size = augmentation.size(size)
        return cls(order, tuple(draws))

    def to(self, device: torch.device) -> EpochPlan:
        """Return the plan on a device."""
        return EpochPlan(self.order.to(device), tuple(draw.to(device) for draw in self.draws))

    def batches(self, size: int) -> Iterator[tuple[Tensor, tuple[Tensor, ...]]]:
        """Yield the images' indices [B] and their draws, ``size`` at a time; the tail is kept."""
        for start in range(0, len(self.order), size):
            part = slice(start, start + size)
            yield self.order[part], tuple(draw[part] for draw in self.draws)
