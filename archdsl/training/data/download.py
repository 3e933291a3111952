"""Downloading the archives of a data set, and taking exactly the official files out of them."""

from __future__ import annotations

import http.client
import shutil
import tarfile
import urllib.request
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.error import HTTPError

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from archdsl.recipes import DataSet
from archdsl.recipes.datasets import Archive, DataFile
from archdsl.training import messages
from archdsl.training.data.files import verify
from archdsl.training.writing import is_full

_CHUNK = 1 << 18
_TIMEOUT = 30.0  # seconds without a byte


def fetch(dataset: DataSet, missing: Sequence[DataFile], folder: Path, console: Console) -> None:
    """Bring the missing files into ``folder``, from archives there or from their addresses.

    An archive is checked against its MD5 before it has its name and before it is opened. Raises
    Fault ARCH611 (no address), ARCH612 or ARCH613 (a wrong or damaged archive), ARCH614 (no
    transfer, or nowhere to put it), ARCH616 (the disk is full).
    """
    if not dataset.archives:
        raise messages.data_missing(dataset, folder, [file.path for file in missing])
    for archive in dataset.archives:
        target = folder / PurePosixPath(archive.url).name
        is_the_file = target.name in {file.path for file in dataset.files}
        if is_the_file and target.name not in {file.path for file in missing}:
            continue
        if target.exists():
            verify(target, archive.md5, archive.size)
        else:
            _download(dataset, archive, target, console)
        if not is_the_file:
            _extract(target, missing, folder)


@contextmanager
def _part_of(target: Path) -> Iterator[Path]:
    """Yield a path beside ``target`` to write to; it is renamed at the end, or removed."""
    part = target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield part
        part.replace(target)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


def _download(dataset: DataSet, archive: Archive, target: Path, console: Console) -> None:
    megabytes = archive.size / 1e6
    console.print(
        f"downloading {archive.url} ({megabytes:.0f} MB) into {target.parent}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    try:
        with _part_of(target) as part:
            request = urllib.request.Request(archive.url, headers={"User-Agent": "archdsl"})
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as source, part.open("wb") as to:
                _copy(source, to, archive.size, console)
            found = part.stat().st_size
            if found < archive.size:
                reason = f"the transfer ended after {found:,} of {archive.size:,} bytes"
                raise messages.download_failed(dataset, archive.url, target.parent, reason)
            verify(part, archive.md5)
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, OSError) and is_full(error):
            raise messages.disk_full(target) from error
        if isinstance(error, HTTPError):
            error.close()  # it is the open response, too
        reason = str(getattr(error, "reason", "") or error) or type(error).__name__
        raise messages.download_failed(dataset, archive.url, target.parent, reason) from error


def _copy(source: IO[bytes], to: IO[bytes], size: int, console: Console) -> None:
    columns = (TextColumn("  "), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    # The bar is for a terminal; elsewhere the line above it is all.
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=size)
        while chunk := source.read(_CHUNK):
            to.write(chunk)
            progress.advance(task, len(chunk))


def _extract(archive: Path, files: Sequence[DataFile], folder: Path) -> None:
    """Write the contents of the expected members to the expected places, and nothing else.

    Names, links, modes and owners in the archive decide nothing: a member is looked up by its
    expected name, must be a regular file, and only its bytes are used.
    """
    for file in files:
        target = folder / file.path
        try:
            with tarfile.open(archive) as tar, _part_of(target) as part:
                member = tar.extractfile(_member(tar, archive, file.path))
                assert member is not None
                with member, part.open("wb") as to:
                    shutil.copyfileobj(member, to, _CHUNK)
                verify(part, file.md5, file.size)
        except (tarfile.TarError, EOFError, zlib.error) as error:
            raise messages.unreadable(archive, str(error)) from error
        except OSError as error:
            if is_full(error):
                raise messages.disk_full(target) from error
            raise messages.unreadable(archive, error.strerror or str(error)) from error


def _member(tar: tarfile.TarFile, archive: Path, name: str) -> tarfile.TarInfo:
    try:
        member = tar.getmember(name)
    except KeyError:
        raise messages.unreadable(archive, f"it has no file {name}") from None
    if not member.isreg():
        raise messages.unreadable(archive, f"{name} in it is not a regular file")
    return member
