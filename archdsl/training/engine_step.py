"""One step of training, as a function of places in a plan: the same for every engine.

Nothing in it depends on values that the host would have to read, so that it can be captured.
"""

from __future__ import annotations

from typing import Any

import torch  # noqa: TID251
from torch import Tensor  # noqa: TID251
from torch.nn.functional import cross_entropy  # noqa: TID251

from archdsl.recipes import Recipe
from archdsl.training.augmentation import augment, augmentations, mixup_of, prepare
from archdsl.training.data import Images
from archdsl.training.engine_state import State
from archdsl.training.engine_update import Update
from archdsl.training.mixing import mix
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
        self._whole: dict[tuple[int, int], list[Tensor]] = {}  # as images of a size, [1, C, H, W]

    def __call__(self, images: Tensor) -> Tensor:
        """Return [B, C, H, W] scaled."""
        # Convolutions are faster with the channels last (1.1 times on a CPU, VGG).
        scaled = images.to(self._type, memory_format=torch.channels_last)
        size = (images.shape[2], images.shape[3])
        if size not in self._whole:
            # Subtracting a number from each channel takes six times as long as an image from an
            # image, as the channels lie side by side (CPU).
            self._whole[size] = [
                each.expand(1, -1, *size).contiguous(memory_format=torch.channels_last)
                for each in (self._mean, self._std)
            ]
        mean, std = self._whole[size]
        return scaled.sub_(mean).div_(std)


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
        self.update = Update(state.optimizer)
        self.count = len(images.train_y)
        self._recipe = recipe
        self._resolved = resolved
        self._device = device
        self._x = prepare(images.train_x, recipe).to(device)
        self._y = images.train_y.to(device)
        self._augmentations = augmentations(recipe, images.mean)
        self._mixup = mixup_of(recipe)
        self._parameters = [p for p in state.network.parameters() if p.requires_grad]

    def plan(self, epoch: int) -> EpochPlan:
        """Return the plan of an epoch (from 0), on the CPU."""
        size = (self._x.shape[2], self._x.shape[3])
        recipe = self._recipe
        return EpochPlan.of(
            recipe.seed, epoch, self.count, size, self._augmentations, self._mixup, recipe.batch
        )

    def take(
        self, plan: EpochPlan, which: slice | Tensor, scale: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """Train on the images that come at some places of a plan; plan and places on the device.

        Return the loss, and how many were right (of blended images: by the label of the first),
        both scalars on the device. The loss is the mean over the images times ``scale``, and so
        are the gradients.
        """
        self.update.clear()
        x, labels = self._batch(plan, which)
        smoothing = self._recipe.label_smoothing
        if plan.partners is None or plan.shares is None:
            logits = self._forward(x)
            loss = loss_of(logits, labels, smoothing)
        else:
            others, shares = self._batch(plan, plan.partners[which]), plan.shares[which]
            logits = self._forward(mix(x, others[0], shares))
            losses = [
                loss_of(logits, each, smoothing, reduction="none") for each in (labels, others[1])
            ]
            loss = mix(losses[0], losses[1], shares).mean()
        if scale != 1.0:
            loss = loss * scale
        loss.backward()
        if self._recipe.clip is not None:
            torch.nn.utils.clip_grad_norm_(self._parameters, self._recipe.clip, foreach=True)
        self.update.apply()
        if self.state.average is not None:
            self.state.average.update()
        return loss.detach(), (logits.detach().argmax(1) == labels).sum()

    def _batch(self, plan: EpochPlan, which: slice | Tensor) -> tuple[Tensor, Tensor]:
        """Return images, augmented and scaled, and labels."""
        indices, draws = plan.rows(which)
        images = augment(self._x, indices, self._augmentations, draws)
        return self.scaling(images), self._y[indices]

    def _forward(self, x: Tensor) -> Tensor:
        if self._resolved.precision != "bfloat16":
            return self.forward(x)
        with autocast(self._resolved, self._device):
            return self.forward(x)


def loss_of(
    logits: Tensor, labels: Tensor, smoothing: float = 0.0, reduction: str = "mean"
) -> Tensor:
    """Return the cross entropy in nats, never in less than float32: its mean, or one by one.

    With ``smoothing`` s, the target is 1 - s for the label and s / classes more for every class
    (Szegedy et al. 2016, section 7).
    """
    if logits.dtype not in (torch.float32, torch.float64):
        logits = logits.float()
    return cross_entropy(logits, labels, label_smoothing=smoothing, reduction=reduction)
