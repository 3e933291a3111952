"""The record of a run: every fact that is needed to repeat it, gathered before it starts."""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch  # noqa: TID251

from archdsl.recipes import FOLDER, DataSet, Recipe
from archdsl.training.data import Images
from archdsl.training.job import Job
from archdsl.training.options import Options, Resolved
from archdsl.training.precision import resolve
from archdsl.training.recorded import sha256_of
from archdsl.training.repository import state_of
from archdsl.training.smoke import Extent

Record = dict[str, object]
"""JSON-ready facts."""

_PACKAGES = ("archdsl", "torch", "numpy", "pillow", "safetensors", "scikit-learn", "scipy")


def record_of(
    job: Job,
    dataset: DataSet,
    images: Images,
    recipe: Recipe,
    device: torch.device,
    *,
    options: Options | None = None,
    resolved: Resolved | None = None,
    asked: str = "auto",
    data: Path | None = None,
    extent: Extent | None = None,
    tensorboard: bool = False,
) -> Record:
    """Return the facts of a run: model, data, recipe with all overrides, device, versions.

    ``options`` and the device ``asked`` are what the call said, ``resolved`` and ``device`` what
    it came to; ``data`` is the folder that the images were read from. ``extent`` is how much of
    it a smoke run does: what else is recorded is of the run that it stands for. ``tensorboard`` is
    whether scalars for it are written, which changes nothing else.
    """
    options = options or Options()
    used = resolved or resolve(options, device)
    root = Path(next(iter(job.spec_files), ""))
    return {
        **({"smoke": extent.facts()} if extent else {}),
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
            **images.facts,
        },
        "recipe": asdict(recipe),
        "seed": recipe.seed,
        "options": asdict(options),
        **used.facts(),
        "tensorboard": tensorboard,
        "device_asked": asked,
        "data_folder": str(data.absolute())
        if data and (dataset.files or dataset.name == FOLDER)
        else None,
        "device": _device(device),
        "threads": torch.get_num_threads(),
        "versions": {"python": platform.python_version(), **_versions(device)},
        "platform": platform.platform(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "byte_order": sys.byteorder,
        "repository": state_of(root) if root.is_file() else None,
    }


def digest_of(record: Record) -> str:
    """Return 8 hexadecimal digits of what determines a run: model, data, and how it is trained.

    The machine and the versions are not part of it, nor is the name of the recipe.
    """
    recipe = record["recipe"]
    assert isinstance(recipe, dict)
    facts = {key: record[key] for key in ("identity", "source_sha256", "data")}
    facts["options"] = record[
        "options"
    ]  # as asked for: the same call is the same run on any machine
    facts["recipe"] = {key: value for key, value in recipe.items() if key != "name"}
    if "smoke" in record:
        facts["smoke"] = record["smoke"]
    return sha256_of(json.dumps(facts, sort_keys=True))[:8]


def _device(device: torch.device) -> str:
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return str(device)


def _versions(device: torch.device) -> dict[str, str]:
    versions = {}
    if device.type == "cuda":
        # One version of torch is made with several of these.
        versions = {"cuda": str(torch.version.cuda), "cudnn": str(torch.backends.cudnn.version())}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:  # not every run needs every one, and archdsl may be a checkout
            continue
    return versions
