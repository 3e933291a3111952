"""Declarations of what is done to training images, in the order in which a recipe names them."""

from __future__ import annotations

from archdsl.operators.signature import Integer, Number, Parameter
from archdsl.recipes.entry import Entry
from archdsl.recipes.kinds import OrWord, Two

_FILL = Parameter(
    "value",
    OrWord(Number(0, 255), "mean"),
    "what is put there, in every channel: mean is that of the training images, channel by channel",
    "mean",
    named=True,
    unit="of 255",
)

AUGMENTATIONS = (
    Entry(
        "resize",
        "augment",
        "resize to size x size pixels (antialiased bilinear), once, before training",
        (Parameter("size", Integer(1), "side", unit="pixels"),),
        source="section IV.C of the paper; equal to Pillow's Image.resize, pixel by pixel",
    ),
    Entry(
        "random_crop",
        "augment",
        "a random window of size x size pixels, after padding with black",
        (
            Parameter("size", Integer(1), "side", unit="pixels"),
            Parameter("padding", Integer(0), "black, added at each side", 0, unit="pixels"),
        ),
        source="section IV.C of the paper; torchvision.transforms.RandomCrop",
    ),
    Entry(
        "hflip",
        "augment",
        "mirror left to right, with probability one half",
        source="section IV.C of the paper; torchvision.transforms.RandomHorizontalFlip",
    ),
    Entry(
        "cutout",
        "augment",
        "a square of size x size pixels is blanked; its centre is any pixel of the image",
        (Parameter("size", Integer(1), "side", unit="pixels"), _FILL),
        source="DeVries and Taylor 2017",
        details="What of the square lies beyond the image is lost, so that often less than "
        "size x size pixels are blanked.",
    ),
    Entry(
        "random_erase",
        "augment",
        "a rectangle within the image is blanked, with probability p",
        (
            Parameter("p", Number(0, 1), "probability", 0.5),
            Parameter(
                "scale",
                Two(Number(0, 1, above=True), ascending=True, example="[0.02, 0.33]"),
                "least and greatest area",
                (0.02, 0.33),
                unit="share of the image",
            ),
            Parameter(
                "ratio",
                Two(Number(0, above=True), ascending=True, example="[0.3, 3.3]"),
                "least and greatest height by width",
                (0.3, 3.3),
            ),
            _FILL,
        ),
        source="Zhong et al. 2020; torchvision.transforms.RandomErasing",
    ),
    Entry(
        "mixup",
        "augment",
        "each image is blended with another of its batch, and the loss with that of its label",
        (
            Parameter(
                "alpha",
                Number(0, above=True),
                "of the Beta(alpha, alpha) that the share of the image itself is drawn from",
                0.2,
            ),
        ),
        source="Zhang et al. 2018; one share for a batch, as in the authors' code",
        details="It is the last of a row (ARCH641): normalised images are blended.",
    ),
)
