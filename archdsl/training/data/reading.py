"""Reading one data set, from wherever it lies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from archdsl.recipes import FOLDER, DataSet
from archdsl.training import messages
from archdsl.training.data.cifar import read_cifar
from archdsl.training.data.digits import read_digits
from archdsl.training.data.download import fetch
from archdsl.training.data.files import locate
from archdsl.training.data.folder import read_folder
from archdsl.training.data.images import Images
from archdsl.training.data.svhn import read_svhn

READERS: dict[str, Callable[[DataSet, list[Path]], Images]] = {
    "cifar10": read_cifar,
    "cifar100": read_cifar,
    "svhn": read_svhn,
}
"""How the official files of a data set are read, by its name; ``digits`` has none, a folder any."""


def read(
    dataset: DataSet, folder: Path | None, input: tuple[int, int, int], console: Console
) -> Images:
    """Return the images, from official files under ``folder``, downloaded there if absent.

    ``input`` is [channels, height, width] of the model; ``digits`` and the images of a folder are
    brought to it here. Raises Fault ARCH611 to ARCH614 and ARCH616, and those of
    :func:`read_folder`.
    """
    if dataset.name == "digits":
        return replace(read_digits(dataset, input), class_names=dataset.class_names)
    if folder is None:
        raise messages.no_data_folder(dataset)
    if dataset.name == FOLDER:
        return read_folder(dataset, folder, input, console)
    paths, missing = locate(dataset, folder)
    if missing:
        fetch(dataset, missing, folder, console)
        paths, missing = locate(dataset, folder)
        if missing:
            raise messages.data_missing(dataset, folder, [file.path for file in missing])
    return replace(READERS[dataset.name](dataset, paths), class_names=dataset.class_names)
