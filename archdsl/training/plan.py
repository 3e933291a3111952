"""The plan of an epoch: every random choice about the images, from the seed and the epoch alone.

It does not depend on the device, the number of processes, or what was drawn before: any epoch can
be planned, or planned again, on its own. On the batch size depends only which images are blended.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch  # noqa: TID251
from torch import Tensor  # noqa: TID251

from archdsl.training.augmentation import Augmentation
from archdsl.training.erasing import Size
from archdsl.training.mixing import Mixup


@dataclass(frozen=True, eq=False)
class EpochPlan:
    """One epoch: ``order`` is a permutation of the images, int64 [N].

    ``draws`` has one tensor [N, ...] for each random augmentation; row i belongs to the image
    that comes i-th. Where images are blended, ``partners``, int64 [N], says with the how-manieth
    image each is, and ``shares``, float32 [N], how much of itself is left; else both are None.
    """

    order: Tensor
    draws: tuple[Tensor, ...]
    partners: Tensor | None = None
    shares: Tensor | None = None

    @classmethod
    def of(
        cls,
        seed: int,
        epoch: int,
        count: int,
        size: Size,
        augmentations: Sequence[Augmentation],
        mixup: Mixup | None = None,
        batch: int = 1,
    ) -> EpochPlan:
        """Return the plan for ``count`` images of ``size`` in an epoch (from 0), on the CPU.

        ``batch`` is the number of images per step over all processes; only ``mixup`` needs it.
        """
        digest = hashlib.sha256(f"{seed}:{epoch}".encode()).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))
        order = torch.randperm(count, generator=generator)
        draws = []
        for augmentation in augmentations:
            draws.append(augmentation.draw(generator, count, size))
            size = augmentation.size(size)
        if mixup is None:
            return cls(order, tuple(draws))
        return cls(order, tuple(draws), *mixup.draw(generator, count, batch))

    def to(self, device: torch.device) -> EpochPlan:
        """Return the plan on a device."""
        return EpochPlan(
            self.order.to(device),
            tuple(draw.to(device) for draw in self.draws),
            None if self.partners is None else self.partners.to(device),
            None if self.shares is None else self.shares.to(device),
        )

    def rows(self, which: slice | Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return the indices [B] and the draws of the images that come at these places.

        With ``partners[which]`` in place of ``which``: of the images that those are blended with.
        """
        return self.order[which], tuple(draw[which] for draw in self.draws)

    def batches(self, size: int) -> Iterator[tuple[Tensor, tuple[Tensor, ...]]]:
        """Yield the images' indices [B] and their draws, ``size`` at a time; the tail is kept."""
        for start in range(0, len(self.order), size):
            yield self.rows(slice(start, start + size))
