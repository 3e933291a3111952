"""Blanking parts of images: cutout, and random erasing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

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
        least, most = self.scale
        low, high = (math.log(ratio) for ratio in self.ratio)
        sides = torch.zeros(2, count, dtype=torch.int64)
        open_ = (torch.rand(count, generator=generator) < self.p).nonzero()[:, 0]
        for _ in range(_ATTEMPTS):
            drawn = torch.rand(2, len(open_), generator=generator, dtype=torch.float64)
            area = height * width * (least + (most - least) * drawn[0])
            ratio = torch.exp(low + (high - low) * drawn[1])
            tall, wide = (area * ratio).sqrt().round(), (area / ratio).sqrt().round()
            fits = (tall < height) & (wide < width)
            sides[:, open_[fits]] = torch.stack((tall, wide))[:, fits].long()
            open_ = open_[~fits]
        tall, wide = sides.unbind(0)
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
    count, channels, height, width = images.shape
    if len(fill) not in (1, channels):
        raise ValueError(f"{len(fill)} values to fill {channels} channels with")
    top, left, tall, wide = (each[:, None] for each in boxes.unbind(1))
    row = torch.arange(height, device=images.device)
    column = torch.arange(width * channels, device=images.device)  # of each byte of a line
    column.div_(channels, rounding_mode="floor")
    rows, columns = (row >= top) & (row < top + tall), (column >= left) & (column < left + wide)
    # Rows of an image as bytes, the channels of a pixel side by side, are chosen by masks of 0 or
    # 255: on CPUs, six times as fast as masked_fill.
    chosen = rows.to(torch.uint8).neg_()[:, :, None] & columns.to(torch.uint8).neg_()[:, None, :]
    lines = images.permute(0, 2, 3, 1).reshape(count, height, width * channels)
    filling = _line(fill * (channels // len(fill)), width, images.device)
    filled = chosen.bitwise_and_(lines ^ filling).bitwise_xor_(lines)
    return filled.view(count, height, width, channels).permute(0, 3, 1, 2)


@cache
def _line(fill: tuple[int, ...], width: int, device: torch.device) -> Tensor:
    """Return the bytes of one line of filled pixels, [width * C].

    Made on the device, since what is brought to one is waited for, and kept for good, since a CUDA
    graph reads it where it lies.
    """
    pixel = [torch.full((), value, dtype=torch.uint8, device=device) for value in fill]
    return torch.stack(pixel).repeat(width)
