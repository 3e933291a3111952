"""The same training in three ways: a plain loop, Lightning, and the engine.

All have the same network, precision, layout, optimizer and augmentation; they differ in where the
images come from, and in what is done around a step.
"""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from archdsl.recipes import Recipe, Setting
from archdsl.training.data import Images
from archdsl.training.engine import Engine
from archdsl.training.options import Options

SGD = {"lr": 0.01, "momentum": 0.9, "weight_decay": 1e-4, "nesterov": False}
RESIZE, CROP = 40, 32


@dataclass(frozen=True)
class Setup:
    """What is trained, and how."""

    make: Callable[[], nn.Module]
    images: Images
    device: torch.device
    batch: int
    half: bool
    """Whether products are bfloat16."""
    workers: int

    @property
    def precision(self) -> str:
        return "bfloat16" if self.half else "float32"

    def recipe(self, **changes: Any) -> Recipe:
        augment = (
            Setting("resize", {"size": RESIZE}),
            Setting("random_crop", {"size": CROP, "padding": 0}),
            Setting("hflip", {}),
        )
        values = {"batch": self.batch, "augment": augment, "optimizer": Setting("sgd", SGD)}
        return Recipe(**({"name": "paper", "epochs": 10**6} | values | changes))


def settle(device: torch.device) -> None:
    """Wait for the device."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class _Pictures(torch.utils.data.Dataset):  # type: ignore[type-arg]
    """Images as torchvision's data sets give them: one PIL picture after another."""

    def __init__(self, images: Images) -> None:
        from torchvision import transforms

        self._pixels = images.train_x.permute(0, 2, 3, 1).contiguous().numpy()
        self._labels = images.train_y.tolist()
        self._transform = transforms.Compose(
            [
                transforms.Resize(RESIZE),
                transforms.RandomCrop(CROP),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(images.mean, images.std),
            ]
        )

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        from PIL import Image

        return self._transform(Image.fromarray(self._pixels[index])), self._labels[index]


def _loader(setup: Setup) -> Any:
    return torch.utils.data.DataLoader(
        _Pictures(setup.images),
        batch_size=setup.batch,
        shuffle=True,
        num_workers=setup.workers,
        persistent_workers=setup.workers > 0,
        pin_memory=setup.device.type == "cuda",
    )


def plain_loop(setup: Setup) -> Callable[[int], float]:
    """Return a function that trains some steps and returns images a second."""
    device = setup.device
    model = setup.make().to(device=device, memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), **SGD)
    loader = _loader(setup)

    def endless() -> Iterator[Any]:
        while True:
            yield from loader

    batches = endless()

    def run(steps: int) -> float:
        settle(device)
        start, seen, total = time.perf_counter(), 0, 0.0
        for _ in range(steps):
            x, y = next(batches)
            x = x.to(device, non_blocking=True, memory_format=torch.channels_last)
            y = y.to(device, non_blocking=True)
            with torch.autocast(device.type, torch.bfloat16, enabled=setup.half):
                loss = cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
            seen += len(y)
        settle(device)
        return seen / (time.perf_counter() - start)

    return run


def lightning_loop(setup: Setup) -> Callable[[int], float] | None:
    """Return the same for Lightning's Trainer, or None where Lightning is not installed."""
    try:
        import lightning
    except ImportError:
        return None
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network = setup.make().to(memory_format=torch.channels_last)

        def training_step(self, batch: Any, _: int) -> Tensor:
            x, y = batch
            loss = cross_entropy(self.network(x.contiguous(memory_format=torch.channels_last)), y)
            self.log("loss", loss)
            return loss

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), **SGD)

    class Watch(lightning.Callback):
        """Times the steps behind the first few, which warm up."""

        def __init__(self, skipped: int) -> None:
            self.skipped, self.seen, self.start, self.end = skipped, 0, 0.0, 0.0

        def on_train_batch_end(self, *arguments: Any, **_: Any) -> None:
            index, labels = arguments[4], arguments[3][1]
            if index + 1 == self.skipped:
                settle(setup.device)
                self.start = time.perf_counter()
            elif index + 1 > self.skipped:
                self.seen += len(labels)

        def on_train_end(self, *_: Any) -> None:
            settle(setup.device)
            self.end = time.perf_counter()

    module, loader = Module(), _loader(setup)

    def run(steps: int) -> float:
        skipped = max(1, min(5, len(loader) // 4))
        watch = Watch(skipped)
        limit = min(steps + skipped, len(loader))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            trainer = lightning.Trainer(
                max_epochs=1,
                limit_train_batches=limit,
                accelerator="gpu" if setup.device.type == "cuda" else "cpu",
                devices=1,
                precision="bf16-mixed" if setup.half else "32-true",
                callbacks=[watch],
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
            )
            trainer.fit(module, loader)
        return watch.seen / (watch.end - watch.start)

    return run


def engine_of(setup: Setup, engine: str = "auto", **changes: Any) -> Engine:
    """Return an engine on the setup; ``changes`` are of its recipe."""
    torch.manual_seed(0)
    options = Options(
        engine=engine,  # type: ignore[arg-type]
        precision=setup.precision,  # type: ignore[arg-type]
    )
    return Engine(setup.make(), setup.images, setup.recipe(**changes), setup.device, options)


def engine_loop(setup: Setup, engine: str = "auto") -> Callable[[int], float]:
    """Return the same for the engine, which trains whole epochs, however many steps are asked."""
    epochs = engine_of(setup, engine).epochs()

    def run(_: int) -> float:
        return next(epochs).images_per_second

    return run
