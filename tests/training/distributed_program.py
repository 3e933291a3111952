"""One of two processes that train together: what they find is saved for the tests to read."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from archdsl.recipes import Recipe, Setting
from archdsl.training import Fault, distributed
from archdsl.training.data import Images
from archdsl.training.engine import Engine, Hooks, Position, Snapshot
from archdsl.training.options import Options

CPU = torch.device("cpu")
AUGMENT = (
    Setting("random_crop", {"size": 8, "padding": 1}),
    Setting("hflip", {}),
    Setting("mixup", {"alpha": 0.4}),
)
RECIPE = Recipe(
    "short",
    2,
    16,
    Setting("sgd", {"lr": 0.2, "momentum": 0.9, "weight_decay": 0.01, "nesterov": True}),
    augment=AUGMENT,
    clip=2.0,
    ema=0.75,
    label_smoothing=0.1,
)


class Net(torch.nn.Module):
    def __init__(self, norm: bool = False) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 4, 3, stride=2, padding=1)
        self.norm = torch.nn.BatchNorm2d(4) if norm else torch.nn.Identity()
        self.head = torch.nn.Linear(4, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(torch.relu(self.norm(self.conv(x))).mean((2, 3)))


def images() -> Images:
    """49 to train, so that the last batch has one image: one of two processes has none."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(256, (349, 1, 8, 8), generator=generator, dtype=torch.uint8)
    y = torch.randint(10, (349,), generator=generator)
    return Images(x[:49], y[:49], x[49:], y[49:], (0.5,), (0.3,), "0" * 64)


def engine_of(recipe: Recipe = RECIPE, hooks: Hooks | None = None, norm: bool = False) -> Engine:
    torch.manual_seed(5)
    return Engine(Net(norm), images(), recipe, CPU, Options(precision="float64"), hooks)


class Keep(Hooks):
    """Takes a snapshot at a position."""

    engine: Engine
    snapshot: Snapshot

    def __init__(self, at: Position) -> None:
        self._at = at

    def boundary(self, position: Position) -> None:
        if position == self._at and not hasattr(self, "snapshot"):
            self.snapshot = self.engine.snapshot()


class Die(Hooks):
    """Ends rank 1 without a word."""

    at = 0.0

    def boundary(self, position: Position) -> None:
        if position == Position(0, 2):
            self.at = time.time()
            if os.environ["RANK"] == "1":
                os._exit(9)


def trained(engine: Engine) -> list[dict[str, float]]:
    return [
        {"loss": m.loss, "accuracy": m.accuracy, "test_loss": m.test_loss, "test": m.test_accuracy}
        for m in engine.epochs()
    ]


def main() -> None:
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    found: dict[str, Any] = {}
    keep = Keep(Position(1, 1))
    keep.engine = engine_of(hooks=keep)
    found["world"] = keep.engine.resolved.facts()
    found["whole"] = trained(keep.engine), keep.engine.snapshot()
    found["middle"] = keep.snapshot
    rest = engine_of()
    rest.restore(torch.load(folder / "one.pt", weights_only=True))
    found["rest"] = trained(rest), rest.snapshot()
    again = engine_of()
    again.restore(keep.snapshot)
    found["again"] = trained(again), again.snapshot()
    found["norm"] = trained(normed := engine_of(norm=True)), normed.state()
    found["agreed"] = [distributed.agree(distributed.world().rank * 7), distributed.agree(0)]
    try:
        engine_of(replace(RECIPE, batch=1))
    except Fault as fault:
        found["small"] = str(fault)
    die = Die()
    try:
        trained(engine_of(replace(RECIPE, epochs=1), die))
    except Fault as fault:
        found["lost"] = str(fault), time.time() - die.at
    torch.save(found, folder / f"rank{os.environ['RANK']}.pt")
    distributed.disconnect()  # rank 1 is gone: there is nothing to wait for
    distributed.end_process(0)


if __name__ == "__main__":
    main()
