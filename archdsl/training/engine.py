"""The training loop: plain float32 steps, the images resident on the device, metrics an epoch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch  # noqa: TID251
from torch import Tensor  # noqa: TID251
from torch.nn.functional import cross_entropy  # noqa: TID251

from archdsl.recipes import Recipe
from archdsl.training import messages
from archdsl.training.augmentation import augmentations, prepare
from archdsl.training.data import Images
from archdsl.training.faults import DeviceError
from archdsl.training.optimization import learning_rate, optimizer_of, set_learning_rate
from archdsl.training.plan import EpochPlan
from archdsl.training.result import EpochMetrics

_NOTICE_SECONDS = 0.25
_TEST_BATCH = 250

Notice = Callable[[int, int, float], None]
"""Called with the epoch (from 1), the images seen in it, and the mean loss so far."""


class Tally:
    """Sums of loss and of right answers, kept on the device so that no step waits for them."""

    def __init__(self, device: torch.device) -> None:
        self._sums = torch.zeros(2, dtype=torch.float64, device=device)
        self.images = 0

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Add a batch: its mean loss (scalar), its logits [B, classes], its labels [B]."""
        right = (logits.detach().argmax(1) == labels).sum()
        self._sums += torch.stack((loss.detach().double() * len(labels), right.double()))
        self.images += len(labels)

    def means(self) -> tuple[float, float]:
        """Return mean loss and accuracy so far; this waits for the device."""
        loss, right = (self._sums / self.images).tolist()
        return loss, right


class Engine:
    """Trains one model; iterate over :meth:`epochs`."""

    def __init__(
        self,
        model: Any,
        images: Images,
        recipe: Recipe,
        device: torch.device,
        check: Callable[[], None],
        notice: Notice,
    ) -> None:
        """Bring model and images to the device.

        ``check`` is called before every step and may raise, to end the run; ``notice`` is called
        after steps, at most four times a second.
        """
        # On CPUs the convolutions are faster with the channels last (1.1 times, VGG); the values
        # and the shapes are the same.
        last = device.type == "cpu"
        self._format = torch.channels_last if last else torch.contiguous_format
        self._model = model.to(device=device, memory_format=self._format)
        self._recipe = recipe
        self._device = device
        self._check = check
        self._notice = notice
        self._train_x = prepare(images.train_x, recipe).to(device)
        self._train_y = images.train_y.to(device)
        self._test_x = images.test_x.to(device)
        self._test_y = images.test_y.to(device)
        channels = (1, len(images.mean), 1, 1)
        self._mean = torch.tensor(images.mean, device=device).reshape(channels) * 255
        self._std = torch.tensor(images.std, device=device).reshape(channels) * 255
        self._augmentations = augmentations(recipe)
        self._optimizer = optimizer_of(recipe, self._model.parameters())

    def epochs(self) -> Iterator[EpochMetrics]:
        """Train, yielding the metrics of each epoch; raises Fault ARCH619 on a non-finite loss."""
        for epoch in range(self._recipe.epochs):
            start = time.perf_counter()
            rate = learning_rate(self._recipe, epoch)
            set_learning_rate(self._optimizer, rate)
            loss, accuracy = self._train(epoch, rate)
            trained = time.perf_counter()
            test_loss, test_accuracy = self._evaluate()
            self._demand_finite(test_loss, "test", epoch, rate)
            yield EpochMetrics(
                epoch + 1,
                loss,
                accuracy,
                test_loss,
                test_accuracy,
                rate,
                len(self._train_y) / (trained - start),
                time.perf_counter() - start,
            )

    def state(self) -> dict[str, Tensor]:
        """Return the weights and buffers by name: contiguous copies on the CPU."""
        tensors = self._model.state_dict().items()
        return {
            name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
            for name, tensor in tensors
        }

    def _train(self, epoch: int, rate: float) -> tuple[float, float]:
        size = tuple(self._train_x.shape[2:])
        count = len(self._train_y)
        plan = EpochPlan.of(self._recipe.seed, epoch, count, size, self._augmentations)
        tally = Tally(self._device)
        noticed = time.monotonic()
        self._model.train()
        for indices, draws in plan.to(self._device).batches(self._recipe.batch):
            self._check()
            images, labels = self._train_x[indices], self._train_y[indices]
            for augmentation, draw in zip(self._augmentations, draws, strict=True):
                images = augmentation.apply(images, draw)
            logits = self._model(self._normalized(images))
            loss = cross_entropy(logits, labels)
            self._optimizer.zero_grad()
            loss.backward()
            self._optimizer.step()
            tally.add(loss, logits, labels)
            if time.monotonic() - noticed >= _NOTICE_SECONDS:
                # The one place within an epoch that waits for the device; a loss that is lost
                # shows here too, long before the end of a long epoch.
                mean = tally.means()[0]
                self._demand_finite(mean, "training", epoch, rate)
                self._notice(epoch + 1, tally.images, mean)
                noticed = time.monotonic()
        loss, accuracy = tally.means()
        self._demand_finite(loss, "training", epoch, rate)
        return loss, accuracy

    def _evaluate(self) -> tuple[float, float]:
        tally = Tally(self._device)
        self._model.eval()
        with torch.inference_mode():
            for start in range(0, len(self._test_y), _TEST_BATCH):
                self._check()
                part = slice(start, start + _TEST_BATCH)
                logits = self._model(self._normalized(self._test_x[part]))
                tally.add(cross_entropy(logits, self._test_y[part]), logits, self._test_y[part])
        return tally.means()

    def _normalized(self, images: Tensor) -> Tensor:
        """Return float32 of uint8 [B, C, H, W], with mean 0 and deviation 1 per channel."""
        return ((images.float() - self._mean) / self._std).contiguous(memory_format=self._format)

    def _demand_finite(self, loss: float, on: str, epoch: int, rate: float) -> None:
        if not math.isfinite(loss):
            raise messages.not_finite(loss, on, epoch + 1, rate)


def choose_device(name: str) -> torch.device:
    """Return the device called ``name``; ``auto`` is the first CUDA device, or else the CPU.

    Raises DeviceError for a device that torch does not know or that is not there.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceError(f"{name} is not a device") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise DeviceError("there is no CUDA device")
    return device
