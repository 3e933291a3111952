"""The images of a data set as tensors, with the statistics and the digest of what was read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch  # noqa: TID251
from numpy.typing import NDArray
from torch import Tensor  # noqa: TID251

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Images:
    """A data set in memory.

    ``train_x`` and ``test_x`` are uint8 [N, channels, height, width], ``train_y`` and ``test_y``
    int64 [N]. ``mean`` and ``std`` are per channel, of the training images as read, in 0 to 1.
    ``sha256`` is of all four tensors, hexadecimal. ``class_names`` are in the order of the labels;
    ``facts`` is what else is to be recorded of the data, ready for JSON.
    """

    train_x: Tensor
    train_y: Tensor
    test_x: Tensor
    test_y: Tensor
    mean: tuple[float, ...]
    std: tuple[float, ...]
    sha256: str
    class_names: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


def images_of(
    train_x: Array,
    train_y: Array,
    test_x: Array,
    test_y: Array,
    class_names: tuple[str, ...] = (),
    facts: Mapping[str, Any] | None = None,
) -> Images:
    """Return the images with their statistics; pixels uint8 [N, C, H, W], labels [N]."""
    # Torch wants them writable, and what a file was read into is not.
    arrays = (
        np.require(train_x, np.uint8, ("C", "W")),
        np.require(train_y, np.int64, ("C", "W")),
        np.require(test_x, np.uint8, ("C", "W")),
        np.require(test_y, np.int64, ("C", "W")),
    )
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(array.data)
    mean, std = _statistics(arrays[0])
    tensors = [torch.from_numpy(array) for array in arrays]
    return Images(
        tensors[0],
        tensors[1],
        tensors[2],
        tensors[3],
        mean,
        std,
        digest.hexdigest(),
        class_names,
        facts or {},
    )


def _statistics(pixels: Array) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation per channel, exactly, from counts of the 256 values."""
    values = np.arange(256) / 255
    means, deviations = [], []
    for channel in range(pixels.shape[1]):
        counts = np.bincount(pixels[:, channel].reshape(-1), minlength=256)
        mean = float(np.average(values, weights=counts))
        variance = float(np.average((values - mean) ** 2, weights=counts))
        means.append(mean)
        # A channel of one colour would be divided by zero; one grey level is the least step.
        deviations.append(max(variance**0.5, 1 / 255))
    return tuple(means), tuple(deviations)
