"""Augmentations as operations on whole batches of uint8 images.

What is random is drawn beforehand, for an epoch at once (see ``plan``), so that the operations
themselves are functions of images and draws, the same on every device. None of them waits for
the device or brings anything to it, so that they can be captured in a CUDA graph.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch  # noqa: TID251
from torch import Tensor  # noqa: TID251

from archdsl.recipes import Recipe, Setting
from archdsl.training.erasing import Cutout, RandomErase, Size
from archdsl.training.mixing import Mixup
from archdsl.training.resizing import resize
from archdsl.training.taking import take, windows


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
        each = torch.arange(len(images), device=images.device)
        return self.take(images, each, corners)

    def take(self, images: Tensor, indices: Tensor, corners: Tensor) -> Tensor:
        """Return the windows [B, C, side, side] of the images of ``indices`` [B], in one go."""
        if self.padding:
            images = torch.nn.functional.pad(take(images, indices), (self.padding,) * 4)
            indices = torch.arange(len(indices), device=images.device)
        return windows(images, indices, corners, self.side)


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
        choose = choose_by_launches if images.is_cuda else choose_by_bytes
        return choose(mirrored[:, None, None, None], images.flip(3), images)


def choose_by_bytes(which: Tensor, new: Tensor, images: Tensor) -> Tensor:
    """Return uint8 ``new`` where ``which`` (bool), else ``images``; ``new`` may be written to.

    By masks of whole bytes: on CPUs, six times as fast as torch.where.
    """
    mask = which.to(torch.uint8).neg_()  # 0 or 255
    return new.bitwise_xor_(images).bitwise_and_(mask).bitwise_xor_(images)


def choose_by_launches(which: Tensor, new: Tensor, images: Tensor) -> Tensor:
    """Do the same in one operation: on CUDA, launching five takes longer than what they do."""
    return torch.where(which, new, images)


Augmentation = RandomCrop | HorizontalFlip | Cutout | RandomErase


def _random_crop(mean: Sequence[float], size: int, padding: int) -> Augmentation:
    return RandomCrop(size, padding)


def _hflip(mean: Sequence[float]) -> Augmentation:
    return HorizontalFlip()


def _cutout(mean: Sequence[float], size: int, value: float | str) -> Augmentation:
    return Cutout(size, _fill(value, mean))


def _random_erase(
    mean: Sequence[float],
    p: float,
    scale: tuple[float, float],
    ratio: tuple[float, float],
    value: float | str,
) -> Augmentation:
    return RandomErase(p, scale, ratio, _fill(value, mean))


def _fill(value: float | str, mean: Sequence[float]) -> tuple[int, ...]:
    return tuple(round(255 * m) for m in mean) if isinstance(value, str) else (round(value),)


RANDOM: dict[str, Callable[..., Augmentation]] = {
    "random_crop": _random_crop,
    "hflip": _hflip,
    "cutout": _cutout,
    "random_erase": _random_erase,
}
"""What is done to each batch, by the name of its recipe entry: of the mean and the arguments."""


def _resize(images: Tensor, size: int) -> Tensor:
    return torch.from_numpy(resize(images.numpy(), size, size))


ONCE: dict[str, Callable[..., Tensor]] = {"resize": _resize}
"""What is done to all training images once, before training, by the name of its recipe entry."""

MIXING: dict[str, Callable[..., Mixup]] = {"mixup": Mixup}
"""What blends the images of a batch, behind everything else, by the name of its recipe entry."""


def prepare(images: Tensor, recipe: Recipe) -> Tensor:
    """Return the training images, uint8 [N, C, H, W], after what is done once.

    Their channels lie last in memory, which is the order that is fastest to take from. Raises
    ValueError where such an entry comes after a random one: it could not be done once.
    """
    names = [setting.name for setting in recipe.augment]
    once = [setting for setting in recipe.augment if setting.name in ONCE]
    if any(name in ONCE for name in names[len(once) :]):
        raise ValueError("an entry that is done once must come before the random ones")
    for setting in once:
        images = ONCE[setting.name](images, **setting.arguments)
    return images.contiguous(memory_format=torch.channels_last)


def augmentations(recipe: Recipe, mean: Sequence[float] = ()) -> tuple[Augmentation, ...]:
    """Return the random augmentations of a recipe, in its order; blending is not among them.

    ``mean`` is that of each channel over the training images, from 0 to 1. Without it, what is
    blanked with the mean can be drawn but not applied.
    """
    return tuple(
        RANDOM[setting.name](mean, **setting.arguments)
        for setting in recipe.augment
        if setting.name in RANDOM
    )


def mixup_of(recipe: Recipe) -> Mixup | None:
    """Return what blends the images of a batch, or None.

    Raises ValueError where it is not the last of the row.
    """
    mixing: list[Setting] = [setting for setting in recipe.augment if setting.name in MIXING]
    if not mixing:
        return None
    if len(mixing) > 1 or recipe.augment[-1] is not mixing[0]:
        raise ValueError("images are blended once, behind everything else")
    return MIXING[mixing[0].name](**mixing[0].arguments)


def augment(
    images: Tensor,
    indices: Tensor,
    augmentations: Sequence[Augmentation],
    draws: Sequence[Tensor],
) -> Tensor:
    """Return the augmented images of ``indices`` [B] among uint8 [N, C, H, W]: [B, C, h, w].

    ``draws`` belong to the augmentations one by one, and to the indices row by row.
    """
    first = augmentations[0] if augmentations else None
    if isinstance(first, RandomCrop):
        images = first.take(images, indices, draws[0])  # the images are copied once, not twice
    else:
        images = take(images, indices)
    for augmentation, draw in zip(augmentations, draws, strict=True):
        if augmentation is not first or not isinstance(first, RandomCrop):
            images = augmentation.apply(images, draw)
    return images
