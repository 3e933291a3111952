"""The official files of a data set: where they lie under a folder, and whether they are whole."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath

from archdsl.recipes import DataSet
from archdsl.recipes.datasets import DataFile
from archdsl.training import messages

_CHUNK = 1 << 20


def md5_of(path: Path) -> str:
    """Return the MD5 of a file in hexadecimal, reading it in pieces.

    Raises Fault ARCH613 if it cannot be read.
    """
    digest = hashlib.md5(usedforsecurity=False)
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise messages.unreadable(path, error.strerror or str(error)) from error
    return digest.hexdigest()


def verify(path: Path, md5: str, size: int = 0) -> None:
    """Check a file against its published MD5 and (where known, else 0) its size in bytes.

    Raises Fault ARCH612 for a wrong MD5, ARCH613 for a file that is too short or unreadable.
    """
    try:
        found = path.stat().st_size
    except OSError as error:
        raise messages.unreadable(path, error.strerror or str(error)) from error
    if path.is_file() and found < (size or 1):
        raise messages.truncated(path, found, size or 1)
    digest = md5_of(path)
    if digest != md5:
        raise messages.wrong_md5(path, digest, md5)


def place(folder: Path, file: DataFile) -> Path | None:
    """Return where ``file`` lies: under ``folder``, or in it (it may be the inner one); or None."""
    path = folder / file.path
    if path.exists():
        return path
    # A folder called `train` beside other data is not the file `train` of CIFAR-100.
    inner = folder / PurePosixPath(file.path).name
    return inner if inner.is_file() else None


def locate(dataset: DataSet, folder: Path) -> tuple[list[Path], list[DataFile]]:
    """Return the paths of the files that are there, each verified, and the files that are not.

    Raises the Faults of :func:`verify`: a wrong file is never silently replaced.
    """
    found: list[Path] = []
    missing: list[DataFile] = []
    for file in dataset.files:
        path = place(folder, file)
        if path is None:
            missing.append(file)
        else:
            verify(path, file.md5, file.size)
            found.append(path)
    return found, missing
