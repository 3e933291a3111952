"""One step of training, as a function of the images' indices: the same for every engine.

Nothing in it depends on values that the host would have to read, so that it can be captured.
"""

from __future__ import annotations

from typing import Any

import torch  # noqa: TID251
from torch import Tensor  # noqa: TID251
from torch.nn.functional import cross_entropy  # noqa: TID251

from archdsl.recipes import Recipe
from archdsl.training.augmentation import augmentations, prepare
from archdsl.training.data import Images
from archdsl.training.engine_state import State
from archdsl.training.options import Resolved
from archdsl.training.plan import EpochPlan
from archdsl.training.precision import autocast, weights_type


class Scaling:
    """From uint8 images to what the network takes: mean 0, deviation 1, channels last."""

    def __init__(self, images: Images, resolved: Resolved, device: torch.device) -> None:
        self._type = weights_type(resolved)
        shape = (1, len(images.mean), 1, 1)
        self._mean = torch.tensor(images.mean, device=device).to(self._type).reshape(shape) * 255
        self._std = torch.tensor(images.std, device=device).to(self._type).reshape(shape) * 255

    def __call__(self, images: Tensor) -> Tensor:
        """Return [B, C, H, W] scaled."""
        # Convolutions are faster with the channels last (1.1 times on a CPU, VGG).
        scaled = images.to(self._type, memory_format=torch.channels_last)
        return scaled.sub_(self._mean).div_(self._std)


class Step:
    """What a step does: images, augmentation, forward, loss, backward, optimizer, average."""

    def __init__(
        self,
        state: State,
        forward: Any,
        images: Images,
        recipe: Recipe,
        resolved: Resolved,
        device: torch.device,
    ) -> None:
        """Bring the training images to the device.

        ``forward`` is the network, or what stands for it: compiled, or shared by processes.
        """
        self.state = state
        self.forward = forward
        self.scaling = Scaling(images, resolved, device)
        self.count = len(images.train_y)
        self._recipe = recipe
        self._resolved = resolved
        self._device = device
        self._x = prepare(images.train_x, recipe).to(device)
        self._y = images.train_y.to(device)
        self._augmentations = augmentations(recipe)
        self._parameters = [p for p in state.network.parameters() if p.requires_grad]
        self._smoothing = float(getattr(recipe, "label_smoothing", 0.0))
        self._clip = float(getattr(recipe, "clip", 0.0) or 0.0)

    def plan(self, epoch: int) -> EpochPlan:
        """Return the plan of an epoch (from 0), on the CPU."""
        size = (self._x.shape[2], self._x.shape[3])
        return EpochPlan.of(self._recipe.seed, epoch, self.count, size, self._augmentations)

    def take(
        self, indices: Tensor, draws: tuple[Tensor, ...], scale: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """Train on the images at ``indices`` [B]; return the loss and how many were right.

        Both are scalars on the device. The loss is the mean over the images times ``scale``, and
        so are the gradients.
        """
        images, labels = self._x[indices], self._y[indices]
        for augmentation, draw in zip(self._augmentations, draws, strict=True):
            images = augmentation.apply(images, draw)
        optimizer = self.state.optimizer
        optimizer.zero_grad()
        with autocast(self._resolved, self._device):
            logits = self.forward(self.scaling(images))
        loss = loss_of(logits, labels, self._smoothing)
        if scale != 1.0:
            loss = loss * scale
        loss.backward()
        if self._clip:
            torch.nn.utils.clip_grad_norm_(self._parameters, self._clip, foreach=True)
        optimizer.step()
        if self.state.average is not None:
            self.state.average.update()
        return loss.detach(), (logits.detach().argmax(1) == labels).sum()


def loss_of(logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    """Return the mean cross entropy in nats, never in less than float32.

    With ``smoothing`` s, the target is 1 - s for the label and s / classes more for every class
    (Szegedy et al. 2016, section 7).
    """
    if logits.dtype not in (torch.float32, torch.float64):
        logits = logits.float()
    return cross_entropy(logits, labels, label_smoothing=smoothing)
