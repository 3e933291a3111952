"""Reading SVHN's cropped digits from MATLAB files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from archdsl.recipes import DataSet
from archdsl.training import messages
from archdsl.training.data.images import Array, Images, images_of


def read_svhn(dataset: DataSet, paths: list[Path]) -> Images:
    """Read the training and the test file; images are [3, 32, 32], the files' label 10 is 0.

    Raises Fault ARCH613 for a file that is not in the official form.
    """
    train, test = (_read(path) for path in paths)
    return images_of(*train, *test)


def _read(path: Path) -> tuple[Array, Array]:
    from scipy.io import loadmat

    try:
        contents = loadmat(path, variable_names=["X", "y"])
        return _checked(contents.get("X"), contents.get("y"))
    except OSError as error:
        raise messages.unreadable(path, error.strerror or str(error)) from error
    # A damaged file can end in almost any exception of the reader.
    except Exception as error:
        reason = f"it is not an official file ({error})"
        raise messages.unreadable(path, reason) from error


def _checked(pixels: object, labels: object) -> tuple[Array, Array]:
    """Return pixels uint8 [N, 3, 32, 32] and labels [N]; raises ValueError with a reason."""
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim != 4:
        raise ValueError("its X is not an array of bytes")
    if pixels.shape[:3] != (32, 32, 3):
        raise ValueError(f"its X has the shape {pixels.shape}, not (32, 32, 3, N)")
    if not isinstance(labels, np.ndarray) or labels.shape != (pixels.shape[3], 1):
        raise ValueError("its y does not have one label to the image")
    if not np.isin(labels, np.arange(1, 11)).all():
        raise ValueError("a label is not in 1 to 10")
    return pixels.transpose(3, 2, 0, 1), labels[:, 0].astype(np.int64) % 10
