"""The twenty networks: where each is written down, what builds it elsewhere, what was published."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from archdsl import Compiled, compile
from archdsl.compiler import load_spec

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "specs" / "zoo"


@dataclass(frozen=True)
class Published:
    """A parameter count as a paper prints it, in millions with so many decimals."""

    millions: float
    decimals: int
    where: str


# Arguments of torchvision's constructors, so that they build the network alone: auxiliary
# classifiers run in training only, and initialisations that take minutes are overwritten.
TORCHVISION: dict[str, dict[str, Any]] = {
    "alexnet": {},
    "vgg16_bn": {},
    "resnet18": {},
    "resnet50": {},
    "resnext50_32x4d": {},
    "wide_resnet50_2": {},
    "densenet121": {},
}

CIFAR: dict[str, Published] = {
    "resnet56": Published(0.85, 2, "He et al. 2016, arXiv:1512.03385, Table 6"),
    "wrn_28_10": Published(36.5, 1, "Zagoruyko and Komodakis 2016, arXiv:1605.07146, Table 5"),
    "densenet_bc_100_12": Published(0.8, 1, "Huang et al. 2017, arXiv:1608.06993, Table 2"),
}

NETWORKS = [*TORCHVISION, *CIFAR]


@cache
def compiled(name: str) -> Compiled:
    """Compile a network of the zoo."""
    return compile(FOLDER / f"{name}.arch")


@cache
def model_name(name: str) -> str:
    """Return the name of the model that a file of the zoo declares."""
    (model,) = load_spec(FOLDER / f"{name}.arch").models
    return model.name


def builder(name: str) -> Callable[[], Any]:
    """Return what builds torchvision's network, with weights drawn at random."""
    from torchvision import models

    return lambda: models.get_model(name, weights=None, **TORCHVISION[name])
