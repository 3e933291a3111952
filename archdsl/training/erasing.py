"""Blanking parts of images: cutout, and random erasing."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch  # noqa: TID251
from torch import Tensor  # noqa: TID251

Size = tuple[int, int]
"""Height and width in pixels."""

_ATTEMPTS = 10
"""How often a rectangle is drawn anew that does not fit into the image, as in torchvision."""


@dataclass(frozen=True, slots=True)
class Cutout:
    """A square of ``side`` pixels is blanked, as far as it lies within the image.

    DeVries and Taylor 2017: its centre is any pixel. ``fill`` is one value from 0 to 255 for all
    channels, or one for each.
    """

    side: int
    fill: tuple[int, ...]

    def size(self, size: Size) -> Size:
        """Return the size of what comes out: the same. Raises ValueError if nothing is left."""
        if self.side >= 2 * max(size) - 1:
            raise ValueError(f"a square of {self.side} pixels covers all of {size}")
        return size

    def draw(self, generator: torch.Generator, count: int, size: Size) -> Tensor:
        """Return rectangles, int64 [count, 4]: top, left, height, width; they may reach beyond."""
        centres = [torch.randint(length, (count,), generator=generator) for length in size]
        side = torch.full((count,), self.side)
        return torch.stack((*(centre - self.side // 2 for centre in centres), side, side), 1)

    def apply(self, images: Tensor, boxes: Tensor) -> Tensor:
        """Return images [N, C, H, W] with rectangles blanked."""
        return blank(images, boxes, self.fill)


@dataclass(frozen=True, slots=True)
class RandomErase:
    """With probability ``p`` a rectangle is blanked that lies within the image.

    Zhong et al. 2020: its area is evenly distributed over ``scale`` (shares of the image), the
    logarithm of its height by its width over that of ``ratio``. ``fill`` is one value from 0 to
    255 for all channels, or one for each.
    """

    p: float
    scale: tuple[float, float]
    ratio: tuple[float, float]
    fill: tuple[int, ...]

    def size(self, size: Size) -> Size:
        """Return the size of what comes out: the same."""
        return size

    def draw(self, generator: torch.Generator, count: int, size: Size) -> Tensor:
        """Return rectangles, int64 [count, 4]: top, left, height, width (0 where none is blanked).

        Of ten that are drawn the first that is smaller than the image in both directions counts.
        """
        height, width = size
        chosen = torch.rand(count, generator=generator) < self.p
        least, most = self.scale
        area = torch.rand(count, _ATTEMPTS, generator=generator, dtype=torch.float64)
        area = height * width * (least + (most - least) * area)
        low, high = (math.log(ratio) for ratio in self.ratio)
        ratio = torch.rand(count, _ATTEMPTS, generator=generator, dtype=torch.float64)
        ratio = torch.exp(low + (high - low) * ratio)
        tall, wide = (area * ratio).sqrt().round().long(), (area / ratio).sqrt().round().long()
        fits = (tall < height) & (wide < width)
        first = fits.int().argmax(1, keepdim=True)
        drawn = chosen & fits.any(1)
        tall, wide = (side.gather(1, first)[:, 0] * drawn for side in (tall, wide))
        # Any place at which the rectangle lies within the image, each as likely.
        places = torch.rand(2, count, generator=generator, dtype=torch.float64)
        top = (places[0] * (height - tall + 1)).long()
        left = (places[1] * (width - wide + 1)).long()
        return torch.stack((top, left, tall, wide), 1)

    def apply(self, images: Tensor, boxes: Tensor) -> Tensor:
        """Return images [N, C, H, W] with rectangles blanked."""
        return blank(images, boxes, self.fill)


def blank(images: Tensor, boxes: Tensor, fill: tuple[int, ...]) -> Tensor:
    """Return images [N, C, H, W] with rectangles filled: int64 [N, 4], top, left, height, width.

    Raises ValueError where ``fill`` is neither one value nor as many as there are channels.
    """
    channels, height, width = images.shape[1:]
    top, left, tall, wide = (each[:, None] for each in boxes.unbind(1))
    row = torch.arange(height, device=images.device)
    column = torch.arange(width, device=images.device)
    rows, columns = (row >= top) & (row < top + tall), (column >= left) & (column < left + wide)
    within = rows[:, :, None] & columns[:, None, :]
    if len(set(fill)) == 1:
        return images.masked_fill(within[:, None], fill[0])
    if len(fill) != channels:
        raise ValueError(f"{len(fill)} values to fill {channels} channels with")
    # One number at a time: a tensor of them would have to be brought to the device.
    parts = [images[:, c].masked_fill(within, value) for c, value in enumerate(fill)]
    return torch.stack(parts, 1)
