"""What the paper reports, as data: Tables II and III, and what its text says of Figures 7 and 8.

"Recurrent Layer Aggregation using LSTM" (Qin, Du, Wang, Lu). Accuracies are per cent of the test
images, as printed; sections are the paper's.
"""

from __future__ import annotations

from dataclasses import dataclass

NETWORKS = {
    "VGG-1": "vgg1.arch",
    "VGG-1-RA": "vgg1_ra.arch",
    "VGG-2": "vgg2.arch",
    "VGG-2-RA": "vgg2_ra.arch",
    "ResNet": "resnet.arch",
    "ResNet-RA": "resnet_ra.arch",
    "ResNet-RA-B": "resnet_ra_b.arch",
    "ResNet-RA-C": "resnet_ra_c.arch",
}
"""The spec of each network, by the paper's name for it (section IV.C; B and C: section V.B)."""

DATASETS = {"cifar10": "CIFAR-10", "svhn": "SVHN", "cifar100": "CIFAR-100"}
"""In the order of the tables' columns."""

EPOCHS = 100
"""Of every run ("For all the three datasets, we train 100 epochs", section V.A)."""


@dataclass(frozen=True)
class Exhibit:
    """A table of the paper, or a figure of learning curves.

    ``reported`` has the accuracies by network and then data set. ``statements`` are what the text
    says of a figure; the curves themselves are printed only as a picture, so there are no numbers
    of single epochs to compare with.
    """

    name: str
    title: str
    source: str
    reported: dict[str, dict[str, float]]
    statements: tuple[str, ...] = ()

    @property
    def is_figure(self) -> bool:
        """Whether it is a figure of learning curves."""
        return self.name.startswith("figure")

    @property
    def datasets(self) -> tuple[str, ...]:
        """The data sets, in the order of the columns."""
        return tuple(next(iter(self.reported.values())))


def _by_dataset(rows: dict[str, tuple[float, float, float]]) -> dict[str, dict[str, float]]:
    return {name: dict(zip(DATASETS, row, strict=True)) for name, row in rows.items()}


_TABLE_2 = _by_dataset(
    {
        "VGG-1": (93.73, 97.97, 73.01),
        "VGG-1-RA": (94.49, 98.11, 74.81),
        "VGG-2": (94.91, 98.14, 75.66),
        "VGG-2-RA": (95.30, 98.32, 77.48),
        "ResNet": (93.74, 98.00, 75.87),
        "ResNet-RA": (94.78, 98.19, 77.85),
    }
)
_TABLE_3 = _by_dataset(
    {
        "ResNet": (93.74, 98.00, 75.87),
        "ResNet-RA": (94.78, 98.19, 77.85),
        "ResNet-RA-B": (94.42, 98.01, 75.91),
        "ResNet-RA-C": (93.85, 98.31, 75.89),
    }
)


def _final(dataset: str) -> dict[str, dict[str, float]]:
    return {network: {dataset: row[dataset]} for network, row in _TABLE_2.items()}


_EXHIBITS = (
    Exhibit(
        "table2",
        "Table II: validation accuracies on three data sets",
        "Table II and section V.A",
        _TABLE_2,
    ),
    Exhibit(
        "table3",
        "Table III: validation accuracies of ResNet and its three aggregations",
        "Table III and section V.B",
        _TABLE_3,
    ),
    Exhibit(
        "figure7",
        "Figure 7: testing accuracy on CIFAR-10",
        "Figure 7, section V.A; levels are the accuracies of Table II",
        _final("cifar10"),
        (
            "the aggregated networks converge faster, and end with better results",
            "the learning rate is divided by 10 at the 50th and the 75th epoch",
        ),
    ),
    Exhibit(
        "figure8",
        "Figure 8: testing accuracy on CIFAR-100",
        "Figure 8, section V.A; levels are the accuracies of Table II",
        _final("cifar100"),
        (
            "the aggregated networks converge slower at the beginning, and end higher after the "
            "decay of the learning rate",
            "ResNet-RA increases the most where the learning rate is reduced (80th epoch)",
        ),
    ),
)

EXHIBITS: dict[str, Exhibit] = {exhibit.name: exhibit for exhibit in _EXHIBITS}
"""Every table and figure that can be reproduced, by name."""

PICTURE_ONLY = "the paper prints its curves only as a picture: levels are its final accuracies"
"""What stands below a figure."""
