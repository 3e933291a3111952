"""Mixup: each image is blended with another of its batch, and its loss with that of its label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch  # noqa: TID251
from torch import Tensor  # noqa: TID251


@dataclass(frozen=True, slots=True)
class Mixup:
    """Zhang et al. 2018: the share of the image itself is drawn from Beta(alpha, alpha), once a
    batch; the other image is that of a permutation of the batch.
    """

    alpha: float

    def draw(self, generator: torch.Generator, count: int, batch: int) -> tuple[Tensor, Tensor]:
        """Return partners, int64 [count], and shares, float32 [count], of an epoch.

        The image that comes i-th is blended with the one that comes ``partners[i]``-th: both are
        of one batch of ``batch`` images, however many processes share it.
        """
        which = torch.arange(count) // batch
        keys = torch.rand(count, generator=generator, dtype=torch.float64)
        whole = count // batch * batch  # the tail is a batch of its own
        orders = (keys[:whole].view(-1, batch).argsort(1).view(-1), keys[whole:].argsort())
        partners = torch.cat(orders) + which * batch
        # torch draws no Beta from a generator of one's own.
        seed = int(torch.randint(2**62, (), generator=generator))
        shares = np.random.Generator(np.random.Philox(key=seed)).beta(
            self.alpha, self.alpha, -(-count // batch)
        )
        return partners, torch.from_numpy(shares).float()[which]


def mix(values: Tensor, others: Tensor, shares: Tensor) -> Tensor:
    """Return values [B, ...] blended with others: ``shares`` [B] of the first, the rest of these.

    For normalised images, and for losses one by one: the loss of a blended image is the blend of
    its losses for the two labels.
    """
    shares = shares.to(values.dtype).reshape(-1, *(1,) * (values.ndim - 1))
    return others + shares * (values - others)
