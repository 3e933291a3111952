"""Smoke runs: all that a long run does, on so few images that it is done in seconds.

A smoke run is the beginning of the run that it stands for: the same data, recipe and options, of
which it takes a small part of the images and the first epochs. Whole batches have their size, and
the last one of an epoch has as many images as in the long run, so that nothing else is computed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import torch  # noqa: TID251

from archdsl.recipes import Recipe
from archdsl.training.data import Images
from archdsl.training.engine_evaluation import images_at_once

EPOCHS = 2
"""One before the checkpoint is read back, and one behind it."""

_TRAIN = 32
"""Whole batches of an epoch have at most as many images together, but one of them is always had."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How much of a run a smoke run does: epochs, and images of the training and the test set."""

    epochs: int
    train: int
    test: int

    def part_of(self, images: Images) -> Images:
        """Return that many of the images, spread evenly over each set.

        A set may be in the order of its classes. Mean, deviation and digest are those of all.
        """
        train, test = (
            torch.arange(part) * count // part
            for part, count in ((self.train, len(images.train_y)), (self.test, len(images.test_y)))
        )
        return replace(
            images,
            train_x=images.train_x[train],
            train_y=images.train_y[train],
            test_x=images.test_x[test],
            test_y=images.test_y[test],
        )

    def facts(self) -> dict[str, object]:
        """Return it as JSON-ready facts."""
        return asdict(self)


def extent_of(
    recipe: Recipe, images: Images, device: torch.device, input: tuple[int, int, int]
) -> Extent:
    """Return how much of a run is done: all of it, where it is smaller than that.

    Of the test images as many as a device is given at a time, so that their memory is had, too.
    ``input`` is the model's, [C, H, W]: the test images may have another size yet.
    """
    train, test = len(images.train_y), len(images.test_y)
    part = max(1, _TRAIN // recipe.batch) * recipe.batch + train % recipe.batch
    tested = images_at_once(device, *input[1:])
    return Extent(min(EPOCHS, recipe.epochs), min(part, train), min(tested, test))
