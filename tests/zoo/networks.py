"""The twenty networks: where each is written down, what builds it elsewhere, what was published."""

from __future__ import annotations

import warnings
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
    "googlenet": {"aux_logits": False, "init_weights": False},
    "inception_v3": {"aux_logits": False, "init_weights": False},
    "squeezenet1_1": {},
    "mobilenet_v2": {},
    "mobilenet_v3_large": {},
    "shufflenet_v2_x1_0": {},
    "mnasnet1_0": {},
    "efficientnet_b0": {},
    "regnet_y_400mf": {},
    "convnext_tiny": {},
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


def torchvision_module(name: str) -> Any:
    """Build torchvision's network on the meta device, as its constructor has it: no weights."""
    import torch
    from torchvision import models

    # RegNet's constructor works its widths out with tensors, and reads them.
    with torch.device("cpu" if name.startswith("regnet") else "meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torchvision, on its own future
        return models.get_model(name, weights=None, **TORCHVISION[name]).to("meta")
