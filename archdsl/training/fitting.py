"""Whether job, data set and recipe fit together, and test images at the model's input size."""

from __future__ import annotations

from dataclasses import replace

import torch  # noqa: TID251

from archdsl.recipes import DataSet, Recipe
from archdsl.training.augmentation import augmentations
from archdsl.training.data import Images
from archdsl.training.job import Job
from archdsl.training.resizing import resize


def demand_fit(job: Job, dataset: DataSet, recipe: Recipe, images: Images) -> None:
    """Raise ValueError if the augmented training images are not the input, or classes lack.

    The compiler says so first, with the places in the spec; this is for callers without it.
    """
    channels, *size = images.train_x.shape[1:]
    height, width = size
    for setting in recipe.augment:
        if setting.name == "resize":
            side = setting.arguments["size"]
            assert isinstance(side, int)
            height = width = side
    for augmentation in augmentations(recipe):
        height, width = augmentation.size((height, width))
    if (channels, height, width) != job.input:
        raise ValueError(
            f"{job.name} takes {list(job.input)}, but {dataset.name} after the recipe's "
            f"augmentation has {[channels, height, width]}"
        )
    if job.classes < dataset.classes:
        raise ValueError(f"{job.name} has {job.classes} classes, {dataset.name} {dataset.classes}")


def fit_test_images(images: Images, job: Job) -> Images:
    """Return the images with the test images resized where they are not of the input's size."""
    _, height, width = job.input
    return replace(images, test_x=torch.from_numpy(resize(images.test_x.numpy(), height, width)))
