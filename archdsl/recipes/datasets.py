"""What is known of each data set before any file is read: classes, image shape, sizes, files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from archdsl.recipes.class_names import CIFAR10, CIFAR100, DIGITS


@dataclass(frozen=True)
class DataFile:
    """One official file: where it lies under ``--data``, its MD5, and its size in bytes."""

    path: str
    md5: str
    size: int = 0
    """0 where it is not known: a short file is then only a wrong one."""


@dataclass(frozen=True)
class Archive:
    """What is downloaded when the files are absent, and its published MD5."""

    url: str
    md5: str
    size: int
    """Bytes, for the progress bar."""


@dataclass(frozen=True)
class DataSet:
    """One data set.

    ``image`` is [channels, height, width] as published; for a folder, whose images are of many
    sizes, a usual one. A data set that is ``resizable`` is brought to the spec's input size; one
    that is not must fit it as it is (after the recipe's augmentation). ``classes`` and the numbers
    of images are 0 for a folder that nobody has looked into yet. ``class_names`` are in the order
    of the labels. With ``skip_unreadable``, images of a folder that cannot be read are left out;
    ``report`` is a file to list them all in.
    """

    name: str
    title: str
    classes: int
    image: tuple[int, int, int]
    train: int
    test: int
    citation: str
    resizable: bool = False
    files: tuple[DataFile, ...] = ()
    archives: tuple[Archive, ...] = ()
    class_names: tuple[str, ...] = ()
    skip_unreadable: bool = False
    report: Path | None = None


_CIFAR = "https://www.cs.toronto.edu/~kriz/"
_SVHN = "http://ufldl.stanford.edu/housenumbers/"


def _files(folder: str, *named: tuple[str, str, int]) -> tuple[DataFile, ...]:
    prefix = f"{folder}/" if folder else ""
    return tuple(DataFile(path=prefix + name, md5=md5, size=size) for name, md5, size in named)


FOLDER = "folder"
"""The name of the data set that is whatever lies in a folder: ``--train folder:PATH``."""

_DATASETS = (
    DataSet(
        name="digits",
        title="scikit-learn's handwritten digits",
        classes=10,
        class_names=DIGITS,
        image=(1, 8, 8),
        train=1437,
        test=360,
        resizable=True,
        citation="Alpaydin and Kaynak 1998 (UCI), as scikit-learn ships them",
    ),
    DataSet(
        name="cifar10",
        title="CIFAR-10",
        classes=10,
        class_names=CIFAR10,
        image=(3, 32, 32),
        train=50_000,
        test=10_000,
        files=_files(
            "cifar-10-batches-py",
            ("data_batch_1", "c99cafc152244af753f735de768cd75f", 31_035_704),
            ("data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec", 31_035_320),
            ("data_batch_3", "54ebc095f3ab1f0389bbae665268c751", 31_035_999),
            ("data_batch_4", "634d18415352ddfa80567beed471001a", 31_035_696),
            ("data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb", 31_035_623),
            ("test_batch", "40351d587109b95175f43aff81a1287e", 31_035_526),
        ),
        archives=(
            Archive(
                url=_CIFAR + "cifar-10-python.tar.gz",
                md5="c58f30108f718f92721af3b95e74349a",
                size=170_498_071,
            ),
        ),
        citation="Krizhevsky 2009",
    ),
    DataSet(
        name="cifar100",
        title="CIFAR-100",
        classes=100,
        class_names=CIFAR100,
        image=(3, 32, 32),
        train=50_000,
        test=10_000,
        files=_files(
            "cifar-100-python",
            ("train", "16019d7e3df5f24257cddd939b257f8d", 155_249_918),
            ("test", "f0ef6b0ae62326f3e7ffdfab6717acfc", 31_049_707),
        ),
        archives=(
            Archive(
                url=_CIFAR + "cifar-100-python.tar.gz",
                md5="eb9058c3a382ffc7106e4002c42a8d85",
                size=169_001_437,
            ),
        ),
        citation="Krizhevsky 2009",
    ),
    DataSet(
        name="svhn",
        title="SVHN, cropped digits",
        classes=10,
        class_names=DIGITS,
        image=(3, 32, 32),
        train=73_257,
        test=26_032,
        files=_files(
            "",
            ("train_32x32.mat", "e26dedcc434d2e4c54c9b2d4a06d8373", 182_040_794),
            ("test_32x32.mat", "eb5a983be6a315427106f1b164d9cef3", 64_275_384),
        ),
        archives=(
            Archive(
                url=_SVHN + "train_32x32.mat",
                md5="e26dedcc434d2e4c54c9b2d4a06d8373",
                size=182_040_794,
            ),
            Archive(
                url=_SVHN + "test_32x32.mat",
                md5="eb5a983be6a315427106f1b164d9cef3",
                size=64_275_384,
            ),
        ),
        citation="Netzer et al. 2011 (non-commercial use)",
    ),
    DataSet(
        name=FOLDER,
        title="a folder of images",
        classes=0,
        image=(3, 224, 224),
        train=0,
        test=0,
        resizable=True,
        citation="whoever made it",
    ),
)

DATASETS: dict[str, DataSet] = {dataset.name: dataset for dataset in _DATASETS}
"""Every data set by name."""


def folder_of_images(
    class_names: Sequence[str], *, skip_unreadable: bool = False, report: Path | None = None
) -> DataSet:
    """Return the data set of a folder with one folder of images for each of these classes."""
    return replace(
        DATASETS[FOLDER],
        classes=len(class_names),
        class_names=tuple(class_names),
        skip_unreadable=skip_unreadable,
        report=report,
    )
