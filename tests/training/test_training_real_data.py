"""The official CIFAR files, where ARCHDSL_DATA names a folder that has them."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from archdsl.recipes import DATASETS, Recipe, Setting
from archdsl.training import Fault, Job, train
from archdsl.training.data import Images, read


def official(name: str) -> Images:
    folder = os.environ.get("ARCHDSL_DATA")
    if not folder:
        pytest.skip("ARCHDSL_DATA is not set to a folder with the official files")
    # A test downloads nothing.
    dataset = replace(DATASETS[name], archives=())
    try:
        return read(dataset, Path(folder), (3, 32, 32), Console(file=io.StringIO()))
    except Fault as fault:
        if fault.diagnostic.code == "ARCH611":
            pytest.skip(f"the files of {name} are not in {folder}")
        raise


@pytest.mark.parametrize(
    ("name", "mean", "std"),
    [
        ("cifar10", (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
        ("cifar100", (0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)),
    ],
)
def test_the_official_files(name: str, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    images = official(name)
    dataset = DATASETS[name]
    assert images.train_x.shape == (dataset.train, 3, 32, 32)
    assert images.test_x.shape == (dataset.test, 3, 32, 32)
    each = dataset.train // dataset.classes
    assert np.bincount(images.train_y).tolist() == [each] * dataset.classes
    assert images.mean == pytest.approx(mean, abs=1e-4)
    assert images.std == pytest.approx(std, abs=1e-4)


def test_a_run_with_the_papers_augmentation(
    make_job: Callable[..., Job], make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    official("cifar10")
    augment = (
        Setting(name="resize", arguments={"size": 40}),
        Setting(name="random_crop", arguments={"size": 32, "padding": 0}),
        Setting(name="hflip"),
    )
    result = train(
        make_job((3, 32, 32)),
        DATASETS["cifar10"],
        make_recipe(epochs=1, augment=augment),
        data=Path(os.environ["ARCHDSL_DATA"]),
        out=tmp_path,
        console=Console(file=io.StringIO()),
        device="cpu",
    )
    assert result.test_accuracy > 0.15
