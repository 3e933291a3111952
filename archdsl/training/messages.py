"""The wording of every fault in training; the facts come from the modules that raise them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from archdsl.diagnostics import Diagnostic
from archdsl.recipes import DataSet
from archdsl.training.faults import Fault


def _fault(code: str, message: str, *notes: str, help: str | None = None, status: int = 2) -> Fault:
    return Fault(Diagnostic(code, message, notes=notes, help=help), status)


def _by_hand(dataset: DataSet, folder: Path) -> str:
    addresses = " and ".join(archive.url for archive in dataset.archives)
    return f"download {addresses} by other means, put it into {folder}, and start again"


def no_data_folder(dataset: DataSet) -> Fault:
    """ARCH611: a data set that is read from files, and no folder given."""
    return _fault(
        "ARCH611",
        f"no folder is given for the files of {dataset.title}",
        help="add --data DIR: a folder that has the official files, or one to download them into",
    )


def data_missing(dataset: DataSet, folder: Path, missing: Sequence[str]) -> Fault:
    """ARCH611: files absent, and no address to download them from."""
    return _fault(
        "ARCH611",
        f"{len(missing)} of the {len(dataset.files)} files of {dataset.title} "
        f"are not in {folder}, and there is no address to download them from",
        "missing: " + ", ".join(missing),
        help="give the folder that has the official files, or the one above it, as --data",
    )


def wrong_md5(path: Path, found: str, wanted: str, help: str | None = None) -> Fault:
    """ARCH612: a whole file that is not the published one."""
    return _fault(
        "ARCH612",
        f"{path} is not the official file: its MD5 is {found}, the published one is {wanted}",
        help=help or "delete it, so that it is downloaded again, or put the official file there",
    )


def truncated(path: Path, found: int, wanted: int) -> Fault:
    """ARCH613: a file shorter than the published one."""
    return _fault(
        "ARCH613",
        f"{path} is not complete: it has {found:,} of {wanted:,} bytes",
        help="delete it, so that it is downloaded again, or put the official file there",
    )


def unreadable(path: Path, reason: str) -> Fault:
    """ARCH613: a file that cannot be opened, or whose contents are not in the official form."""
    return _fault(
        "ARCH613",
        f"{path} cannot be read: {reason}",
        help="check that it is the official file, and that you may read it",
    )


def download_failed(dataset: DataSet, url: str, folder: Path, reason: str) -> Fault:
    """ARCH614: no connection, an HTTP error, a broken transfer, or nowhere to put it."""
    return _fault(
        "ARCH614",
        f"{url} could not be downloaded: {reason}",
        help=_by_hand(dataset, folder),
    )


def unwritable(path: Path, reason: str) -> Fault:
    """ARCH615: the run folder, or a file in it, cannot be written."""
    return _fault(
        "ARCH615",
        f"cannot write to {path}: {reason}",
        help="name a folder that you may write to (--runs for runs, -o for modules)",
    )


def is_a_folder(path: Path) -> Fault:
    """ARCH615: a file is to be written, and a folder has its name."""
    return _fault(
        "ARCH615",
        f"cannot write to {path}: it is a folder, and a file is to have that name",
        help=f"name another file, such as one in it: {path / path.name}",
    )


def is_a_file(path: Path, file: Path) -> Fault:
    """ARCH615: a folder is to be made, and a file has its name, or that of one above it."""
    what = "it" if file == path else file
    other = file.with_name("my-runs" if file.name == "runs" else "runs")
    return _fault(
        "ARCH615",
        f"cannot write to {path}: {what} is a file, and a folder is to have that name",
        help=f"name another folder, such as {other}",
    )


def disk_full(path: Path) -> Fault:
    """ARCH616: no space left for a file."""
    return _fault(
        "ARCH616",
        f"the disk is full: {path} could not be written",
        "the files that were there before are intact, and nothing half written remains",
        help="make room, or give a folder on another disk, and start again",
    )


def interrupted_before(status: int) -> Fault:
    """ARCH617: a signal when nothing had been trained yet."""
    return _fault("ARCH617", "interrupted before training began", help="start again", status=status)


def interrupted(
    folder: Path,
    place: object,
    epochs: int,
    checkpoint: Path | None,
    status: int,
    *,
    smoke: bool = False,
) -> Fault:
    """ARCH617: a signal while training; ``place`` is how far the run was.

    ``checkpoint`` is None where this process has written none. ``status`` is 75 for a run that was
    ended between two steps, 130 for one that was broken off. What a smoke run has saved is of no
    use, so nothing is said of it.
    """
    if status == 130:
        note = "broken off at once: the checkpoints are as they were"
    elif checkpoint is None:
        note = "there was nothing new to be saved"
    else:
        note = f"all of it is in {checkpoint}"
    return _fault(
        "ARCH617",
        f"interrupted after {place}, of {epochs}",
        *(() if smoke else (note,)),
        help="start it again: a smoke run is not continued"
        if smoke
        else f"continue it: archdsl resume {folder}",
        status=status,
    )


def package_missing(packages: Sequence[str]) -> Fault:
    """ARCH618: packages of the extra that are not installed."""
    names = ", ".join(packages)
    return _fault(
        "ARCH618",
        f"training needs {names}, which {'is' if len(packages) == 1 else 'are'} not installed",
        help='install the extra: pip install "archdsl[train]"',
    )


def state_not_finite(place: object) -> Fault:
    """ARCH619: a checkpoint would hold NaN or infinity; ``place`` is how far the run was."""
    return _fault(
        "ARCH619",
        f"weights, or what the optimizer keeps for them, are not finite after {place}",
        "no checkpoint was taken: what is not finite is not saved",
        help="lower the learning rate in the recipe",
        status=3,
    )
