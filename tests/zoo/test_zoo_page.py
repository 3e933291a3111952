"""docs/zoo.md is what the specs say of themselves, with their figures."""

from __future__ import annotations

import re

import pytest
from networks import CIFAR, FOLDER, NETWORKS, ROOT, TORCHVISION, compiled

PAGE = ROOT / "docs" / "zoo.md"
START = """# The zoo

Well-known networks in `specs/zoo/`, written with the blocks of the standard library. `tests/zoo/`
holds each to what was published. Those for ImageNet are torchvision's: the same layers in the same
order, with the same shapes, parameters, multiply-accumulates and settings; with the weights carried
over, outputs agree to 1e-5 of the largest. Those for CIFAR have the parameter counts of their
papers, and agree in the same way with a second version written in torch straight from the paper.

Each has stages, blocks and taps, so that this compiles for every one:

    from "zoo/resnet50.arch" import ResNet50

    model ResNet50_RA extends ResNet50 {
      aggregate lstm(hidden = 256)
      head { linear(256) -> relu -> linear(classes) }
    }

MACs are those of convolutions and linear layers for one image, half of what torch's
`FlopCounterMode` counts. Biases, normalisation, activations, pooling and the products of gates are
not counted. `pytest tests/zoo --update` writes this page: publications and omissions stand in the
comment of each spec.
"""
HEADING = """
| network | lines | parameters | MACs | published | left out |
| --- | --- | --- | --- | --- | --- |
"""


def description(name: str) -> str:
    """Return the comment above the model, in one line."""
    text = (FOLDER / f"{name}.arch").read_text()
    comment = re.search(r"((?:#[^\n]*\n)+)model ", text)
    assert comment is not None, f"{name}.arch does not say what it is"
    return re.sub(r"\n?# ?", " ", comment[1]).strip()


def row(name: str) -> str:
    text = description(name)
    source = re.search(r"\(([^()]*?)arXiv:([\d.]+[\d])([^()]*)\)", text)
    assert source is not None, f"{name}.arch does not say where it was published"
    link = f"[arXiv:{source[2]}](https://arxiv.org/abs/{source[2]})"
    left_out = re.search(r"Left out: (.*?)\.(?: |$)", text)
    network = compiled(name).network
    cells = (
        f"[{name}](../specs/zoo/{name}.arch)",
        len((FOLDER / f"{name}.arch").read_text().splitlines()),
        f"{network.params:,}",
        f"{network.macs:,}",
        source[1] + link + source[3],
        left_out[1] if left_out else "",
    )
    return "| " + " | ".join(map(str, cells)) + " |\n"


def page() -> str:
    text = START
    for group, names in (("ImageNet", TORCHVISION), ("CIFAR", CIFAR)):
        text += f"\n## {group}\n{HEADING}" + "".join(map(row, names))
    return text


def test_page(pytestconfig: pytest.Config) -> None:
    if pytestconfig.getoption("--update"):
        PAGE.write_text(page())
    assert PAGE.read_text() == page(), "pytest tests/zoo --update writes it"


def test_every_spec_of_the_folder_is_in_the_zoo() -> None:
    assert {path.stem for path in FOLDER.glob("*.arch")} == set(NETWORKS)


def test_each_is_short() -> None:
    sizes = {n: len((FOLDER / f"{n}.arch").read_text().splitlines()) for n in NETWORKS}
    assert sizes["resnet50"] <= 30
    assert max(sizes.values()) <= 80, sizes
