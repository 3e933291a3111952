"""Reading a spec: a regular file of bounded size that holds text, opened without ever waiting."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

MAX_BYTES = 4_000_000
"""The most bytes a file may have: four, the longest of UTF-8, for each character of the limit."""

_KINDS = {
    stat.S_IFDIR: "is a folder",
    stat.S_IFIFO: "is a pipe, not a file",
    stat.S_IFSOCK: "is a socket, not a file",
    stat.S_IFCHR: "is a device, not a file",
    stat.S_IFBLK: "is a device, not a file",
}


class TooLarge(Exception):
    """A file has more bytes than any spec; it was not read to its end."""


class NotText(Exception):
    """A file is not UTF-8 text: which byte of it cannot be, and where that stands.

    ``text`` is the whole file with a mark in place of every such byte, to show lines of it.
    """

    def __init__(self, text: str, offset: int, byte: int) -> None:
        super().__init__(f"byte 0x{byte:02x} at {offset}")
        self.text = text
        self.offset = offset
        self.byte = byte


def read_text(path: Path) -> str:
    """Return the text of a file, line breaks as they are, without a byte order mark.

    Raises OSError (also for what is no regular file), :class:`TooLarge` or :class:`NotText`.
    """
    return decode(read_bytes(path))


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a regular file; a pipe or a device is not even opened."""
    _check_kind(path.stat().st_mode)
    # What was a file may be something else by now: opening must not wait, and is checked again.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
    flags |= getattr(os, "O_BINARY", 0)
    with open(path, "rb", buffering=0, opener=lambda name, _: os.open(name, flags)) as file:
        _check_kind(os.fstat(file.fileno()).st_mode)
        found = bytearray()
        while (chunk := file.read(MAX_BYTES + 1 - len(found))) != b"":
            if chunk is None:
                raise BlockingIOError(errno.EAGAIN, "is not a file that can be read to its end")
            found += chunk
            if len(found) > MAX_BYTES:  # the size that a file states may not be true (/proc)
                raise TooLarge
    return bytes(found)


def decode(data: bytes) -> str:
    """Return UTF-8 text. Raises :class:`NotText`, for NUL bytes too: they mark other formats."""
    bad = data.find(0)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        at = len(data) - len(fault.object) + fault.start  # the decoder has cut the mark off
        bad = at if bad < 0 else min(bad, at)
    if bad < 0:
        return text
    shown = data.decode("utf-8-sig", "replace")
    before = data[:bad].decode("utf-8-sig")
    raise NotText(shown, len(before), data[bad])


def _check_kind(mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, _KINDS.get(stat.S_IFMT(mode), "is not a regular file"))
