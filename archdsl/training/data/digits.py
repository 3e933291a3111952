"""Reading scikit-learn's digits, which come with it: no files, no download."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from archdsl.recipes import DataSet
from archdsl.training.data.images import Array, Images, images_of
from archdsl.training.resizing import resize


def read_digits(dataset: DataSet, input: tuple[int, int, int]) -> Images:
    """Return the digits at ``input`` = [channels, height, width].

    The grey values 0 to 16 are brought to 0 to 255, the 8 x 8 pixels resized (bilinear), and the
    one channel repeated. The split is a fixed one and stratified: of the images of a class, in
    their published order, every fifth or so is a test image.
    """
    from sklearn.datasets import load_digits

    grey, labels = load_digits(return_X_y=True)
    channels, height, width = input
    pixels = np.rint(grey * (255 / 16)).astype(np.uint8).reshape(-1, 1, 8, 8)
    pixels = resize(pixels, height, width).repeat(channels, axis=1)
    test = _test_images(labels, dataset.test)
    return images_of(pixels[~test], labels[~test], pixels[test], labels[test])


def _test_images(labels: Array, wanted: int) -> NDArray[np.bool_]:
    """Return a mask of ``wanted`` images, of each class its share, evenly spread in each class."""
    order = np.argsort(labels, kind="stable")  # by class, then as published
    last = (np.arange(1, len(order) + 1) * wanted) // len(order)
    chosen = np.diff(last, prepend=0) == 1
    mask = np.zeros(len(labels), bool)
    mask[order[chosen]] = True
    return mask
