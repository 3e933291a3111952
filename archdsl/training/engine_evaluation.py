"""Evaluation on the test images: on the device, read by the host once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch  # noqa: TID251
from torch import Tensor  # noqa: TID251
from torch.func import functional_call  # noqa: TID251

from archdsl.training import distributed
from archdsl.training.data import Images
from archdsl.training.distributed import World
from archdsl.training.engine_state import State
from archdsl.training.engine_step import Scaling, loss_of
from archdsl.training.options import Resolved
from archdsl.training.precision import autocast


def images_at_once(device: torch.device, height: int, width: int) -> int:
    """Return how many test images of a size are taken at a time.

    They must fit the caches of a CPU; a GPU is better filled by more, but has to hold what the
    network makes of them. So it is pixels that count: those of 250, or 2,000, of 32 x 32.
    """
    most = 2000 if device.type == "cuda" else 250
    return max(1, min(most, most * 32 * 32 // (height * width)))


class Evaluation:
    """The test images, and what the network makes of them."""

    def __init__(
        self,
        state: State,
        images: Images,
        scaling: Scaling,
        resolved: Resolved,
        device: torch.device,
        world: World,
    ) -> None:
        self._state = state
        self._scaling = scaling
        self._resolved = resolved
        self._device = device
        self._world = world
        self._x = images.test_x.to(device)
        self._y = images.test_y.to(device)
        self._batch = images_at_once(device, *self._x.shape[2:])

    def sums(self, boundary: Callable[[], None]) -> Tensor:
        """Return sum of losses and number of right answers, float64 [2], on the device.

        ``boundary`` is called between batches. With several processes each takes some batches; the
        buffers of rank 0 are those that count, and the sums are of all.
        """
        network: Any = self._state.network
        if self._world.size > 1:
            self._state.share_statistics()
        average = self._state.average
        training = network.training
        network.eval()
        sums = torch.zeros(2, dtype=torch.float64, device=self._device)
        try:
            for start in range(0, len(self._y), self._batch * self._world.size):
                boundary()
                mine = start + self._batch * self._world.rank
                if mine >= len(self._y):
                    continue  # the others have some; the boundary is for all
                part = slice(mine, mine + self._batch)
                with torch.inference_mode(), autocast(self._resolved, self._device):
                    x, labels = self._scaling(self._x[part]), self._y[part]
                    if average is None:
                        logits = network(x)
                    else:
                        logits = functional_call(network, average.tensors, (x,))
                    loss = loss_of(logits, labels).double() * len(labels)
                    right = (logits.argmax(1) == labels).sum()
                    sums += torch.stack((loss, right.double()))
        finally:
            network.train(training)
        distributed.add(sums)
        return sums

    def means(self, sums: Tensor) -> tuple[float, float]:
        """Return mean loss and accuracy of sums that are on the CPU."""
        loss, right = (sums / len(self._y)).tolist()
        return loss, right
