"""Augmentations as operations on whole batches of uint8 images.

What is random is drawn beforehand, for an epoch at once (see ``plan``), so that the operations
themselves are functions of images and draws, the same on every device.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch  # noqa: TID251
from torch import Tensor  # noqa: TID251

from archdsl.recipes import Recipe, Setting
from archdsl.training.resizing import resize

Size = tuple[int, int]
"""Height and width in pixels."""


@dataclass(frozen=True, slots=True)
class RandomCrop:
    """A window of ``side`` x ``side`` pixels, after ``padding`` black pixels at each side."""

    side: int
    padding: int

    def size(self, size: Size) -> Size:
        """Return the size of what comes out; raises ValueError if the window does not fit."""
        if self.side > min(size) + 2 * self.padding:
            raise ValueError(f"a crop of {self.side} pixels from {size} with {self.padding} more")
        return (self.side, self.side)

    def draw(self, generator: torch.Generator, count: int, size: Size) -> Tensor:
        """Return the windows' upper left corners, int64 [count, 2], rows before columns."""
        rows, columns = (length + 2 * self.padding - self.side + 1 for length in size)
        row = torch.randint(rows, (count,), generator=generator)
        column = torch.randint(columns, (count,), generator=generator)
        return torch.stack((row, column), 1)

    def apply(self, images: Tensor, corners: Tensor) -> Tensor:
        """Return the windows [N, C, side, side] of images [N, C, H, W], one to the image."""
        if self.padding:
            images = torch.nn.functional.pad(images, (self.padding,) * 4)
        windows = images.unfold(2, self.side, 1).unfold(3, self.side, 1)  # a view, no copy
        each = torch.arange(len(images), device=images.device)
        return windows[each, :, corners[:, 0], corners[:, 1]]


@dataclass(frozen=True, slots=True)
class HorizontalFlip:
    """Mirror left to right, with probability one half."""

    def size(self, size: Size) -> Size:
        """Return the size of what comes out: the same."""
        return size

    def draw(self, generator: torch.Generator, count: int, size: Size) -> Tensor:
        """Return which images are mirrored, bool [count]."""
        return torch.rand(count, generator=generator) < 0.5

    def apply(self, images: Tensor, mirrored: Tensor) -> Tensor:
        """Return images [N, C, H, W] with some mirrored."""
        return torch.where(mirrored[:, None, None, None], images.flip(3), images)


Augmentation = RandomCrop | HorizontalFlip


def _random_crop(size: int, padding: int) -> Augmentation:
    return RandomCrop(size, padding)


def _hflip() -> Augmentation:
    return HorizontalFlip()


RANDOM: dict[str, Callable[..., Augmentation]] = {"random_crop": _random_crop, "hflip": _hflip}
"""What is done to each batch, by the name of its recipe entry."""


def _resize(images: Tensor, size: int) -> Tensor:
    return torch.from_numpy(resize(images.numpy(), size, size))


ONCE: dict[str, Callable[..., Tensor]] = {"resize": _resize}
"""What is done to all training images once, before training, by the name of its recipe entry."""


def prepare(images: Tensor, recipe: Recipe) -> Tensor:
    """Return the training images, uint8 [N, C, H, W], after what is done once.

    Raises ValueError where such an entry comes after a random one: it could not be done once.
    """
    names = [setting.name for setting in recipe.augment]
    once = [setting for setting in recipe.augment if setting.name in ONCE]
    if any(name in ONCE for name in names[len(once) :]):
        raise ValueError("an entry that is done once must come before the random ones")
    for setting in once:
        images = ONCE[setting.name](images, **setting.arguments)
    return images


def augmentations(recipe: Recipe) -> tuple[Augmentation, ...]:
    """Return the random augmentations of a recipe, in its order."""
    return tuple(_made(setting) for setting in recipe.augment if setting.name not in ONCE)


def _made(setting: Setting) -> Augmentation:
    return RANDOM[setting.name](**setting.arguments)
