"""Reading CIFAR-10 and CIFAR-100: pickles of which only what the official files need is admitted.

A pickle may name any function of any module and have it called. The official files name three
things, all of numpy; here they stand for two inert classes, so that nothing outside this module
is ever called.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from archdsl.recipes import DataSet
from archdsl.training import messages
from archdsl.training.data.images import Array, Images, images_of

_SHAPE = (3, 32, 32)
_LABELS = {"cifar10": b"labels", "cifar100": b"fine_labels"}


class _Kind:
    """Stands for numpy's dtype of the pixels."""

    def __init__(self, name: object, *_: object) -> None:
        self.name = name

    def __setstate__(self, state: object) -> None:
        """Ignore the byte order and the flags: a byte has neither."""


class _Pixels:
    """Stands for a numpy array: its shape, its kind, and its bytes."""

    def __init__(self, *_: object) -> None:
        self.state: object = None

    def __setstate__(self, state: object) -> None:
        self.state = state

    def array(self) -> Array:
        """Return the pixels as uint8 [N, 3072]; raises ValueError if they are anything else."""
        match self.state:
            case (_, (int(count), 3072), _Kind(name=b"u1"), order, bytes(data)):
                flat = np.frombuffer(data, np.uint8)
                return flat.reshape((count, 3072), order="F" if order else "C")
        raise ValueError("its pixels are not an array of bytes, 3,072 to the image")


_ADMITTED = {
    ("numpy.core.multiarray", "_reconstruct"): _Pixels,
    ("numpy", "ndarray"): _Pixels,
    ("numpy", "dtype"): _Kind,
}


class _Unpickler(pickle.Unpickler):
    """Unpickles what the official files hold; for anything else raises UnpicklingError."""

    def find_class(self, module: str, name: str) -> Any:
        """Return what stands here for a global that the official files name."""
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}") from None


def read_cifar(dataset: DataSet, paths: list[Path]) -> Images:
    """Read the official files: all but the last are training images, the last is the test set.

    Images are [3, 32, 32]. Raises Fault ARCH613 for a file that is not in the official form.
    """
    parts = [_read(path, _LABELS[dataset.name], dataset.classes) for path in paths]
    train_x = np.concatenate([pixels for pixels, _ in parts[:-1]])
    train_y = np.concatenate([labels for _, labels in parts[:-1]])
    return images_of(train_x, train_y, *parts[-1])


def _read(path: Path, key: bytes, classes: int) -> tuple[Array, Array]:
    try:
        with path.open("rb") as stream:
            batch = _Unpickler(stream, encoding="bytes").load()
        return _checked(batch, key, classes)
    except OSError as error:
        raise messages.unreadable(path, error.strerror or str(error)) from error
    # A damaged pickle can end in almost any exception of the pickle machine.
    except Exception as error:
        reason = f"it is not an official file ({error})"
        raise messages.unreadable(path, reason) from error


def _checked(batch: object, key: bytes, classes: int) -> tuple[Array, Array]:
    """Return pixels uint8 [N, 3, 32, 32] and labels int64 [N]; raises ValueError with a reason."""
    if not isinstance(batch, dict) or not isinstance(batch.get(b"data"), _Pixels):
        raise ValueError("it has no pixels")
    pixels = batch[b"data"].array()
    labels = batch.get(key)
    if not isinstance(labels, list) or any(type(label) is not int for label in labels):
        raise ValueError("it has no list of labels")
    if len(labels) != len(pixels):
        raise ValueError(f"it has {len(pixels):,} images and {len(labels):,} labels")
    if labels and not (min(labels) >= 0 and max(labels) < classes):
        raise ValueError(f"a label is not in 0 to {classes - 1}")
    return pixels.reshape(-1, *_SHAPE), np.array(labels, np.int64)
