"""Loss after 30, 60 and 120 steps with the emitted initialisation, and with torch's defaults.

The paper's optimizer (SGD, learning rate 0.01, momentum 0.9, weight decay 1e-4) on one batch of 64
handwritten digits, VGG-1(-RA) at an eighth of its width (LSTM and head too); mean of three
seeds. Prints the table of docs/initialisation.md. Takes a few minutes on two cores.

    python tests/benchmarks/initialisation.py
"""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import torch
from rich.console import Console
from torch import nn

import archdsl
from archdsl.recipes import DATASETS
from archdsl.training.data import read

STEPS = (30, 60, 120)

SPEC = """arch 1
from std.blocks import ConvBNReLU

model VGG(classes = 10) {
  input [3, 32, 32]
  backbone {
    stage s1 { block b1 { ConvBNReLU(16) * 2 } -> tap -> maxpool(2) }
    stage s2 { block b2 { ConvBNReLU(32) * 2 } -> tap -> maxpool(2) }
    stage s3 { block b3 { ConvBNReLU(64) * 2 } -> tap -> maxpool(2) }
  }
  head { flatten -> linear(128) -> relu -> linear(128) -> relu -> linear(classes) }
}

model VGG_RA extends VGG {
  aggregate lstm(hidden = 32)
  head { linear(32) -> relu -> linear(classes) }
}

model VGG_RA_B extends VGG_RA { aggregate lstm(hidden = 32) { readout last_and_feature } }

model VGG_RA_C extends VGG_RA { aggregate lstm(hidden = 32) { readout all } }
"""


def use_defaults_of_torch(module: nn.Module) -> None:
    """Initialise as torch does by itself."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        module.reset_parameters()
    elif type(module).__name__ == "LSTM":
        bound = 1 / math.sqrt(module.hidden_size)
        for parameter in module.parameters():
            nn.init.uniform_(parameter, -bound, bound)


def losses(model: str, seed: int, *, ours: bool, path: Path) -> list[float]:
    """Return the losses after each of STEPS on one batch of 64 images."""
    torch.manual_seed(seed)
    module = archdsl.compile(path, model).build()
    if not ours:
        module.apply(use_defaults_of_torch)
    data = read(DATASETS["digits"], None, (3, 32, 32), Console())
    x = data.train_x[:64].float().div(255).sub(0.5).div(0.25)
    y = data.train_y[:64]
    optimizer = torch.optim.SGD(module.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
    found = []
    for step in range(STEPS[-1] + 1):
        loss = nn.functional.cross_entropy(module(x), y)
        if step in STEPS:
            found.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return found


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vgg.arch"
        path.write_text(SPEC)
        titles = [f"{who}, step {step}" for who in ("torch", "ours") for step in STEPS]
        print("| network | " + " | ".join(titles) + " |")
        print("| --- |" + " ---: |" * len(titles))
        for model in ("VGG", "VGG_RA", "VGG_RA_B", "VGG_RA_C"):
            cells = []
            for ours in (False, True):
                runs = [losses(model, seed, ours=ours, path=path) for seed in range(3)]
                cells += [sum(r[i] for r in runs) / len(runs) for i in range(len(STEPS))]
            print(f"| {model} | " + " | ".join(f"{c:.3f}" for c in cells) + " |", flush=True)


if __name__ == "__main__":
    main()
