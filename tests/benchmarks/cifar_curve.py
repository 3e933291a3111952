"""The loss curve of VGG1_RA and VGG1 over 400 steps on 800 real CIFAR-10 images.

    python tests/benchmarks/cifar_curve.py DIR [MODEL ...]

DIR holds the official files. The paper's recipe but for the batch (16) and the length: 8 passes of
50 steps. Training loss and accuracy are of the pass, test ones of 500 images. Some minutes on two
cores for each model.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

import torch
from rich.console import Console

import archdsl
from archdsl.recipes import DATASETS
from archdsl.training.data import read
from archdsl.training.engine import Engine

SPECS = Path(__file__).parent.parent.parent / "specs"


def main() -> None:
    """Print a table for each model."""
    folder, *models = sys.argv[1:]
    full = read(DATASETS["cifar10"], Path(folder), (3, 32, 32), Console())
    images = replace(
        full,
        train_x=full.train_x[:800],
        train_y=full.train_y[:800],
        test_x=full.test_x[:500],
        test_y=full.test_y[:500],
    )
    for name in models or ["vgg1_ra", "vgg1"]:
        compiled = archdsl.compile(SPECS / f"{name}.arch")
        recipe = replace(compiled.network.recipes["cifar10"], epochs=8, batch=16)
        torch.manual_seed(recipe.seed)
        start = time.perf_counter()
        engine = Engine(compiled.build(), images, recipe, torch.device("cpu"))
        print(f"{compiled.network.name}\n| steps | loss | accuracy | test loss | test accuracy |")
        print("| ---: | ---: | ---: | ---: | ---: |")
        for m in engine.epochs():
            print(
                f"| {m.epoch * 50} | {m.loss:.3f} | {m.accuracy:.1%} | {m.test_loss:.3f} "
                f"| {m.test_accuracy:.1%} |",
                flush=True,
            )
        print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
