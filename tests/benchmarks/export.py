"""How near ONNX files come to their modules: every network of the paper, as a table of Markdown.

    python tests/benchmarks/export.py

Each is exported twice: as it is initialised, and with statistics of normalization that are of
images (16 random ones), which training gives within its first steps. Distances are the largest of a
logit, over the batches that every export is tried with.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import torch

import archdsl
from archdsl.training.export import _converted
from archdsl.training.export_parity import Parity, parity_of

ROOT = Path(__file__).parents[2]


def see_images(network: torch.nn.Module, input: tuple[int, int, int]) -> None:
    """Let normalizations have the statistics of images."""
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # the mean of all batches, which is one
    with torch.no_grad():
        network.train()(torch.randn(16, *input))
    network.eval()


def row(name: str, state: str, found: dict[int, Parity]) -> str:
    """Return a line of the table."""
    each = ("largest", "difference", "file", "module")
    largest, *apart = (max(getattr(parity, key) for parity in found.values()) for key in each)
    distances = " | ".join(f"{value:.1e}" for value in apart)
    return f"| `{name}` | {state} | {largest:,.2f} | {distances} |"


def main() -> None:
    """Print the table."""
    print("| spec | statistics | largest logit | file to module | file to float64 | module to it |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    for path in sorted((ROOT / "specs").glob("*.arch")):
        compiled = archdsl.compile(path)
        torch.manual_seed(0)
        network = compiled.build().eval()
        name, input = compiled.network.name, compiled.network.input
        trained = SimpleNamespace(recorded=SimpleNamespace(name=name), input=input)
        for state in ("initial", "of images"):
            if state == "of images":
                see_images(network, input)
            data = _converted(trained, network, {})  # type: ignore[arg-type]
            found = parity_of(data, network, input, normalise=False)
            print(row(path.stem, state, found), flush=True)


if __name__ == "__main__":
    main()
