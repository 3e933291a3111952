"""The engine: trains one model step by step, the images resident on the device.

Within an epoch nothing waits for the device: sums of loss and of right answers stay there, and are
read once an epoch.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
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
from archdsl.training.options import Options
from archdsl.training.plan import EpochPlan
from archdsl.training.precision import resolve
from archdsl.training.result import EpochMetrics

_NOTICE_SECONDS = 0.25
_TEST_BATCH = 250

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

        It may take a snapshot, or raise to end the run. Between the batches of an evaluation the
        position is at the last step of the epoch; the evaluation is done anew after a restore.
        """

    def notice(self, epoch: int, images: int, loss: float | None) -> None:
        """Be called after steps, at most four times a second.

        ``epoch`` counts from 1, ``images`` are those seen in it; ``loss`` is the mean over the
        epoch so far, as last known without waiting for the device, or None.
        """


class Engine:
    """Trains one model; iterate over :meth:`epochs`."""

    def __init__(
        self,
        model: Any,
        images: Images,
        recipe: Recipe,
        device: torch.device,
        options: Options | None = None,
        hooks: Hooks | None = None,
    ) -> None:
        """Bring model and images to the device."""
        self.position = Position()
        self.resolved = resolve(options or Options(), device)
        # Convolutions are faster with the channels last (1.1 times, VGG, CPU); the values and the
        # shapes are the same.
        self._model = model.to(device=device, memory_format=torch.channels_last)
        self._recipe = recipe
        self._device = device
        self._hooks = hooks or Hooks()
        self._train_x = prepare(images.train_x, recipe).to(device)
        self._train_y = images.train_y.to(device)
        self._test_x = images.test_x.to(device)
        self._test_y = images.test_y.to(device)
        channels = (1, len(images.mean), 1, 1)
        self._mean = torch.tensor(images.mean, device=device).reshape(channels) * 255
        self._std = torch.tensor(images.std, device=device).reshape(channels) * 255
        self._augmentations = augmentations(recipe)
        self._optimizer = optimizer_of(recipe, self._model.parameters())
        for parameter in self._model.parameters():
            self._optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
        self._sums = torch.zeros(2, dtype=torch.float64, device=device)
        self._count = len(self._train_y)
        self._steps = math.ceil(self._count / recipe.batch)

    def epochs(self) -> Iterator[EpochMetrics]:
        """Train on from the position, yielding the metrics of each epoch that is completed.

        Raises Fault ARCH619 on a loss that is not finite.
        """
        while self.position.epoch < self._recipe.epochs:
            start = time.perf_counter()
            epoch, step = self.position.epoch, self.position.step
            rate = learning_rate(self._recipe, epoch)
            set_learning_rate(self._optimizer, rate)
            loss, accuracy = self._train(epoch, rate)
            trained = time.perf_counter()
            test_loss, test_accuracy = self._evaluate()
            self._demand_finite(test_loss, "test", epoch, rate)
            self.position = Position(epoch + 1)
            self._sums.zero_()
            images = self._count - min(step * self._recipe.batch, self._count)
            yield EpochMetrics(
                epoch + 1,
                loss,
                accuracy,
                test_loss,
                test_accuracy,
                rate,
                images / (trained - start),
                time.perf_counter() - start,
            )

    def state(self) -> dict[str, Tensor]:
        """Return the weights and buffers by name: contiguous copies on the CPU."""
        tensors = self._model.state_dict().items()
        return {
            name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
            for name, tensor in tensors
        }

    def snapshot(self) -> Snapshot:
        """Return copies, on the CPU, of all that the rest of the run depends on."""
        optimizer: dict[str, dict[str, Any]] = {}
        for name, parameter in self._model.named_parameters():
            optimizer[name] = {
                key: value.detach().cpu().clone() if isinstance(value, Tensor) else value
                for key, value in self._optimizer.state[parameter].items()
            }
        generators = {"cpu": torch.get_rng_state()}
        if self._device.type == "cuda":
            generators["cuda"] = torch.cuda.get_rng_state(self._device)
        return {
            "format": 1,
            "epoch": self.position.epoch,
            "step": self.position.step,
            "model": self.state(),
            "optimizer": optimizer,
            "ema": {},
            "sums": self._sums.cpu().clone(),
            "generators": generators,
        }

    def restore(self, snapshot: Snapshot) -> None:
        """Go back, or on, to where a snapshot was taken; :meth:`epochs` goes on from there."""
        with torch.no_grad():
            for name, tensor in self._model.state_dict().items():
                tensor.copy_(snapshot["model"][name])
            for name, parameter in self._model.named_parameters():
                for key, value in snapshot["optimizer"][name].items():
                    state = self._optimizer.state[parameter]
                    if isinstance(value, Tensor):
                        state[key].copy_(value)
                    else:
                        state[key] = value
            self._sums.copy_(snapshot["sums"])
        torch.set_rng_state(snapshot["generators"]["cpu"])
        if self._device.type == "cuda" and "cuda" in snapshot["generators"]:
            torch.cuda.set_rng_state(snapshot["generators"]["cuda"], self._device)
        self.position = Position(snapshot["epoch"], snapshot["step"])

    def _train(self, epoch: int, rate: float) -> tuple[float, float]:
        size = tuple(self._train_x.shape[2:])
        plan = EpochPlan.of(self._recipe.seed, epoch, self._count, size, self._augmentations)
        noticed = time.monotonic()
        self._model.train()
        batches = list(plan.to(self._device).batches(self._recipe.batch))
        for step in range(self.position.step, self._steps):
            self._hooks.boundary(self.position)
            self._step(*batches[step])
            self.position = Position(epoch, step + 1)
            if time.monotonic() - noticed >= _NOTICE_SECONDS:
                seen = min((step + 1) * self._recipe.batch, self._count)
                loss = self._sums[0].item() / seen
                self._demand_finite(loss, "training", epoch, rate)
                self._hooks.notice(epoch + 1, seen, loss)
                noticed = time.monotonic()
        loss, accuracy = (self._sums / self._count).tolist()
        self._demand_finite(loss, "training", epoch, rate)
        return loss, accuracy

    def _step(self, indices: Tensor, draws: tuple[Tensor, ...]) -> None:
        images, labels = self._train_x[indices], self._train_y[indices]
        for augmentation, draw in zip(self._augmentations, draws, strict=True):
            images = augmentation.apply(images, draw)
        self._optimizer.zero_grad()
        with self._autocast():
            logits = self._model(self._normalized(images))
        loss = cross_entropy(logits.float(), labels)
        loss.backward()
        self._optimizer.step()
        self._tally(self._sums, loss, logits, labels)

    def _evaluate(self) -> tuple[float, float]:
        sums = torch.zeros_like(self._sums)
        self._model.eval()
        for start in range(0, len(self._test_y), _TEST_BATCH):
            self._hooks.boundary(self.position)
            with torch.inference_mode(), self._autocast():
                part = slice(start, start + _TEST_BATCH)
                logits = self._model(self._normalized(self._test_x[part]))
                labels = self._test_y[part]
                self._tally(sums, cross_entropy(logits.float(), labels), logits, labels)
        loss, accuracy = (sums / len(self._test_y)).tolist()
        return loss, accuracy

    @staticmethod
    def _tally(sums: Tensor, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        right = (logits.detach().argmax(1) == labels).sum()
        sums += torch.stack((loss.detach().double() * len(labels), right.double()))

    def _autocast(self) -> Any:
        half = self.resolved.precision == "bfloat16"
        return torch.autocast(self._device.type, torch.bfloat16, enabled=half)

    def _normalized(self, images: Tensor) -> Tensor:
        """Return float32 of uint8 [B, C, H, W], with mean 0 and deviation 1 per channel."""
        scaled = (images.float() - self._mean) / self._std
        return scaled.contiguous(memory_format=torch.channels_last)

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
