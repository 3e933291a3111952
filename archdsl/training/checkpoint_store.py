"""The checkpoints of a run: a folder in which the last two and the best are kept.

A checkpoint's file is called ``EPOCH-STEP-SHA256.pt``. The digest is in the name, so that one
renaming publishes contents and digest together: at no moment is there one without the other. Which
checkpoint is the newest follows from epoch and step, never from times of files.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from archdsl.training import checkpoint_messages
from archdsl.training.checkpoint import Damaged, Payload, Place, decode, encode
from archdsl.training.writing import make_folders, remove_file, replace_file

FOLDER = "checkpoints"
KEPT = 2
"""How many of the newest checkpoints are kept, beside the best."""

_NAME = re.compile(r"(\d{6,})-(\d{6,})-([0-9a-f]{64})\.pt")
_TEMPORARY = re.compile(r"\.\d{6,}-\d{6,}-[0-9a-f]{64}\.pt\.[0-9a-f]+")


@dataclass(frozen=True, slots=True)
class Stored:
    """A checkpoint's file, and what its name says."""

    path: Path
    place: Place
    sha256: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was loaded, and the newer files that could not be, each with the reason."""

    payload: Payload
    stored: Stored
    damaged: tuple[tuple[Path, str], ...]


class CheckpointStore:
    """The folder ``checkpoints`` of a run; it is made with the first checkpoint."""

    def __init__(self, run: Path) -> None:
        self.folder = run / FOLDER

    def stored(self) -> list[Stored]:
        """Return what there is, the newest first; whether it is whole is not looked at."""
        found = []
        with suppress(FileNotFoundError):
            for path in self.folder.iterdir():
                if match := _NAME.fullmatch(path.name):
                    place = Place(int(match[1]), int(match[2]))
                    found.append(Stored(path, place, match[3]))
        return sorted(found, key=lambda each: (each.place, each.path.name), reverse=True)

    def save(self, payload: Payload, place: Place, best_epoch: int | None) -> Stored:
        """Write a checkpoint, and delete those that are neither new nor the best any more.

        ``best_epoch`` is the number of epochs after which the run was best so far: a checkpoint at
        the end of that epoch is kept. A crash at any moment leaves the former ones or this one
        whole. Raises Fault ARCH615 or ARCH616.
        """
        data, sha256 = encode(payload)
        make_folders(self.folder)
        path = self.folder / f"{place.epoch:06d}-{place.step:06d}-{sha256}.pt"
        replace_file(path, data)
        written = Stored(path, place, sha256)
        self._prune(written, best_epoch)
        return written

    def load(self) -> Loaded | None:
        """Return the newest checkpoint that is whole, or None if there never was one.

        Nothing is changed. Raises Fault ARCH622 where there are some and none is whole.
        """
        damaged: list[tuple[Path, str]] = []
        for stored in self.stored():
            try:
                payload = decode(stored.path, stored.sha256)
            except Damaged as reason:
                damaged.append((stored.path, str(reason)))
            else:
                return Loaded(payload, stored, tuple(damaged))
        if damaged:
            raise checkpoint_messages.all_damaged(self.folder, damaged)
        return None

    def set_aside(self, loaded: Loaded) -> None:
        """Give damaged files another name, so that they are not taken for the newest again.

        What a crash has left of a file that was being written is deleted.
        """
        for path, _ in loaded.damaged:
            with suppress(OSError):  # it would be found damaged again, no more
                path.rename(path.with_name(f"{path.name}.damaged"))
        self.sweep()

    def sweep(self) -> None:
        """Delete what a crash has left of files that were being written."""
        with suppress(OSError):
            for path in self.folder.iterdir():
                if _TEMPORARY.fullmatch(path.name):
                    path.unlink()

    def _prune(self, written: Stored, best_epoch: int | None) -> None:
        places: list[Place] = []
        for stored in self.stored():
            if stored.place in places or stored.place == written.place:
                keep = stored.path == written.path  # one of two at the same place: the new one
            else:
                keep = len(places) < KEPT or stored.place == Place(best_epoch or 0, 0) != Place(
                    0, 0
                )
            if keep:
                places.append(stored.place)
            else:
                remove_file(stored.path)
