"""The record of a run: every fact that is needed to repeat it, gathered before it starts."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version

import torch  # noqa: TID251

from archdsl.recipes import DataSet, Recipe
from archdsl.training.data import Images
from archdsl.training.job import Job

Record = dict[str, object]
"""JSON-ready facts."""

_PACKAGES = ("archdsl", "torch", "numpy", "pillow", "safetensors", "scikit-learn", "scipy")


def sha256_of(text: str) -> str:
    """Return the SHA-256 of a text in UTF-8, hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def record_of(
    job: Job, dataset: DataSet, images: Images, recipe: Recipe, device: torch.device
) -> Record:
    """Return the facts of a run: model, data, recipe with all overrides, device, versions."""
    return {
        "model": job.name,
        "parameters": job.parameters,
        "input": job.input,
        "classes": job.classes,
        "identity": job.identity,
        "source_sha256": sha256_of(job.source),
        "spec_sha256": {name: sha256_of(text) for name, text in job.spec_files.items()},
        "data": {
            "name": dataset.name,
            "train": len(images.train_y),
            "test": len(images.test_y),
            "sha256": images.sha256,
            "mean": images.mean,
            "std": images.std,
        },
        "recipe": asdict(recipe),
        "seed": recipe.seed,
        "device": _device(device),
        "threads": torch.get_num_threads(),
        "versions": {"python": platform.python_version(), **_versions()},
        "platform": platform.platform(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "byte_order": sys.byteorder,
    }


def digest_of(record: Record) -> str:
    """Return 8 hexadecimal digits of what determines a run: model, data, and how it is trained.

    The machine and the versions are not part of it, nor is the name of the recipe.
    """
    recipe = record["recipe"]
    assert isinstance(recipe, dict)
    facts = {key: record[key] for key in ("identity", "source_sha256", "data")}
    facts["recipe"] = {key: value for key, value in recipe.items() if key != "name"}
    return sha256_of(json.dumps(facts, sort_keys=True))[:8]


def _device(device: torch.device) -> str:
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return str(device)


def _versions() -> dict[str, str]:
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:  # not every run needs every one, and archdsl may be a checkout
            continue
    return versions
