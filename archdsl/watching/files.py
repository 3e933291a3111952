"""The files that a spec rests on: what each was when it was read, and whether it is that still."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from archdsl.reading import NotText, TooLarge, read_text

Stamp: TypeAlias = tuple[int, ...]
"""What the system says of a file without reading it. Equal stamps: probably the same content."""

_YOUNG_NS = 2_000_000_000
"""A file that changed in the last 2 s may change again with the same time stamp.

File systems count time in steps of up to 2 s, so such a file is read again each time.
"""


@dataclass
class _File:
    """A file that was read: where its path led, and what was there."""

    target: str
    stamp: Stamp
    content: str


class Files:
    """The files of one reading of a spec, those among them that could not be read.

    Hand :meth:`read` to the loader and :meth:`follow` every path that an import names; from then
    on :meth:`has_changed` says whether the same reading would find something else. Files that
    appear, vanish or are replaced by others of the same name, links that are led elsewhere: all
    of these are changes. A file that is written anew with the text that it had is not.
    """

    def __init__(self) -> None:
        self._read: dict[Path, _File] = {}
        self._followed: dict[Path, str] = {}

    @property
    def count(self) -> int:
        """How many files were read, or looked for."""
        return len(self._read)

    def read(self, path: Path) -> str:
        """Return the text of a file, as ``archdsl.reading.read_text`` does, and remember it."""
        # The stamp first: what is written between it and the reading makes it an old one.
        target, stamp = _target(path), _stamp(path)
        try:
            text = read_text(path)
        except (OSError, ValueError, NotText, TooLarge) as fault:
            self._read[path] = _File(target, stamp, _reason(fault))
            raise
        self._read[path] = _File(target, stamp, _digest(text))
        return text

    def follow(self, path: Path) -> None:
        """Remember where a path leads, links followed; its content is not looked at."""
        self._followed[path] = _target(path)

    def has_changed(self) -> bool:
        """Whether reading the same paths would find anything else now."""
        return self.now() != self.then()

    def then(self) -> tuple[tuple[str, str], ...]:
        """Return what was found at each path: where it led, and a name for the content."""
        read = [(file.target, file.content) for file in self._read.values()]
        return tuple(read + [(target, "") for target in self._followed.values()])

    def now(self) -> tuple[tuple[str, str], ...]:
        """Return what :meth:`then` would be if all were read now."""
        read = [(_target(path), self._content(path, file)) for path, file in self._read.items()]
        return tuple(read + [(_target(path), "") for path in self._followed])

    def _content(self, path: Path, file: _File) -> str:
        stamp = _stamp(path)
        if stamp == file.stamp and not _is_young(stamp):
            return file.content
        try:
            content = _digest(read_text(path))
        except (OSError, ValueError, NotText, TooLarge) as fault:
            content = _reason(fault)
        if content == file.content:
            file.stamp = stamp  # written anew as it was: no need to read it at every look
        return content


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return ()
    # The time of the last change of its state tells of a file whose time stamp was set back.
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _is_young(stamp: Stamp) -> bool:
    # One from the future, by another machine's clock, is young for as long.
    return bool(stamp) and time.time_ns() - max(stamp[-2:]) < _YOUNG_NS


def _target(path: Path) -> str:
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):  # the working folder is gone; a NUL in the path
        return ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _reason(fault: Exception) -> str:
    """Return a name for what keeps a file from being read; a digest never has a space."""
    if isinstance(fault, NotText):
        return f"not text: {fault.offset} {fault.byte} {_digest(fault.text)}"
    return f"{type(fault).__name__}: {getattr(fault, 'errno', '')}"
