"""Which data set a call means: one by its name, or a folder of images, ``folder:PATH``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from archdsl.cli.output import call_fault, fail
from archdsl.diagnostics import did_you_mean
from archdsl.recipes import DATASETS, FOLDER, DataSet, folder_of_images


def choose_data(
    named: str,
    data: Path | None,
    *,
    skip_unreadable: bool = False,
    report: Path | None = None,
) -> tuple[DataSet, Path | None]:
    """Return the data set that ``--train`` names, and the folder that it is read from, if given.

    A folder of images is listed, so that its classes are known: ``folder:PATH``, or ``folder``
    with ``--data PATH``. Faults are printed and end the command.
    """
    name, colon, place = named.partition(":")
    if name != FOLDER:
        given = {"--skip-unreadable": skip_unreadable, "--report": report}
        return _known(named, [option for option, value in given.items() if value]), data
    if colon and data is not None:
        message = f"--data {data} is given, but {named} names its folder itself"
        fail([call_fault("ARCH133", message, "leave --data out")], 2)
    folder = Path(place).expanduser() if place else data
    if folder is None:
        message = "a folder of images is to be trained on, but none is named"
        fail([call_fault("ARCH650", message, "write --train folder:PATH")], 2)
    from archdsl.training.faults import Fault
    from archdsl.training.listing import list_images

    try:
        names = list_images(folder).class_names
    except Fault as fault:
        fail([fault.diagnostic], fault.status)
    return folder_of_images(names, skip_unreadable=skip_unreadable, report=report), folder


def _known(name: str, options: Sequence[str]) -> DataSet:
    """Return a data set by its name; ``options`` are those given that only a folder has."""
    if name not in DATASETS:
        message = f"there is no data set `{name}`"
        choices = [*(known for known in DATASETS if known != FOLDER), "folder:PATH"]
        help = did_you_mean(name, DATASETS) or "choose one of: " + ", ".join(choices)
        fail([call_fault("ARCH603", message, help)], 2)
    if options:
        message = f"{options[0]} is set, but {name} is not a folder of images"
        fail([call_fault("ARCH133", message, f"leave {options[0]} out")], 2)
    return DATASETS[name]
