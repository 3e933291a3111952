"""Writing that leaves no half-written file: replace a file whole, or append a whole line."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from archdsl.training import messages


def is_full(error: OSError) -> bool:
    """Return whether the error says that no space is left (disk or quota)."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    """Turn an OSError into Fault ARCH616 (disk full) or ARCH615 (anything else) about ``path``."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise messages.disk_full(path) from error
        if error.errno == errno.EISDIR:
            raise messages.is_a_folder(path) from error
        raise messages.unwritable(path, error.strerror or str(error)) from error


def _create(path: Path) -> tuple[int, Path]:
    """Open a new temporary file beside ``path``, with the permissions that the umask leaves."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    return os.open(temporary, flags, 0o666), temporary


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk: they must survive a power cut too."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        # Some systems cannot sync a folder, or not open one; a disk that fails is another matter.
        if error.errno == errno.EIO or is_full(error):
            raise


def replace_file(path: Path, data: bytes) -> None:
    """Make ``path`` hold ``data``: afterwards it has the old contents or the new, whole.

    Raises Fault ARCH616 on a full disk, ARCH615 on any other failure to write; the former file,
    if any, is then untouched and no temporary file remains.
    """
    with _reported(path):
        descriptor, temporary = _create(path)
        try:
            try:
                _write(descriptor, data)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            os.replace(temporary, path)  # noqa: PTH105 - the tests count the calls of os that write
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        _sync_folder(path.parent)


def append_line(path: Path, line: str) -> None:
    """Append ``line`` and a line break, as a whole or not at all; the file is made if absent.

    Raises Fault ARCH616 on a full disk, ARCH615 on any other failure to write; the file then ends
    where it ended before.
    """
    with _reported(path):
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            end = os.fstat(descriptor).st_size
            try:
                _write(descriptor, f"{line}\n".encode())
            except BaseException:
                with suppress(OSError):
                    os.ftruncate(descriptor, end)
                raise
        finally:
            os.close(descriptor)


def remove_file(path: Path) -> None:
    """Delete a file, which may be gone already; raises Fault ARCH615 where it cannot be."""
    with _reported(path):
        path.unlink(missing_ok=True)


def cut_file(path: Path, size: int) -> None:
    """Cut a file to its first ``size`` bytes; raises Fault ARCH615 or ARCH616."""
    with _reported(path):
        os.truncate(path, size)


def make_folders(path: Path) -> None:
    """Make a folder and those above it, where absent; raises Fault ARCH615 or ARCH616."""
    above = (path, *path.parents)
    with _reported(path):
        absent = [folder for folder in above if not folder.exists()]
        try:
            path.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            if file := next((each for each in above if each.exists() and not each.is_dir()), None):
                raise messages.is_a_file(path, file) from error
            raise
        for folder in absent:
            _sync_folder(folder.parent)


def make_new_folder(path: Path) -> bool:
    """Make a folder that nobody has; returns False if somebody has it.

    Raises Fault ARCH615 or ARCH616 where it cannot be made.
    """
    make_folders(path.parent)
    with _reported(path):
        try:
            path.mkdir()
        except FileExistsError:
            return False
        _sync_folder(path.parent)
    return True


def check_writable(folder: Path) -> None:
    """Make ``folder`` if needed and try a file in it; raises Fault ARCH615 or ARCH616."""
    make_folders(folder)
    with _reported(folder):
        descriptor, temporary = _create(folder / "writable")
        try:
            try:
                _write(descriptor, b"?")
            finally:
                os.close(descriptor)
        finally:
            temporary.unlink()
