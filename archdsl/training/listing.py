"""Which images a folder has: by class, and which of them are to train and which to test with.

Nothing is opened here. Two layouts are known: ``train/CLASS/...`` with ``test/CLASS/...`` or
``val/CLASS/...`` beside it, and ``CLASS/...`` alone, of which a fifth is set aside.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from archdsl.training import data_messages as messages

ENDINGS = frozenset(".avif .bmp .gif .jpeg .jpg .pbm .pgm .png .ppm .tif .tiff .webp".split())
"""What names of images end in, in any letter case."""

TEST_FOLDERS = ("test", "val")
"""The first of these that has class folders is tested with."""

_PARTS = 5  # of a class, one in so many images is set aside for testing


@dataclass(frozen=True, slots=True)
class ImageFile:
    """One image: its path below the folder of the data set, and its label."""

    path: str
    label: int


@dataclass(frozen=True)
class Listing:
    """What a folder holds.

    ``class_names`` are sorted, by the bytes of their names; a label is a place in them. ``split``
    is ``test`` or ``val``, the folder that is tested with, or ``fifth``. ``ignored`` counts files
    that are no images by their ending, by the ending; ``outside`` counts images that are links
    which lead out of the folder.
    """

    folder: Path
    class_names: tuple[str, ...]
    train: tuple[ImageFile, ...]
    test: tuple[ImageFile, ...]
    split: str
    ignored: Counter[str]
    outside: int


def readable(name: str) -> str:
    r"""Return a name as text that can be written: bytes that are not UTF-8 become ``\xff``."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def list_images(folder: Path) -> Listing:
    """Return what a folder holds; raises Fault ARCH650, ARCH651 or ARCH652.

    Hidden files and folders are passed over. Links are followed, each folder once on a way down.
    """
    walk = _Walk(folder)
    below = "train" if _has_folders(folder / "train") else ""
    train = walk.classes(below)
    split = None
    if below:
        split = next((name for name in TEST_FOLDERS if _has_folders(folder / name)), None)
    names = tuple(sorted(train, key=os.fsencode))
    if len(names) < 2:
        raise messages.too_few_classes(folder, [readable(name) for name in names])
    if split is None:
        halves = _halves(folder, names, train, len(below and f"{below}/"))
    else:
        halves = (
            _labelled(folder, names, train),
            _tested(folder / split, names, walk.classes(split)),
        )
    return Listing(
        folder,
        tuple(map(readable, names)),
        *halves,
        split or "fifth",
        walk.ignored,
        walk.outside,
    )


def _labelled(
    folder: Path, names: Sequence[str], found: dict[str, list[str]]
) -> tuple[ImageFile, ...]:
    for name in names:
        if not found[name]:
            raise messages.empty_class(folder, readable(name), 0, 1, "it is to be learned")
    return tuple(ImageFile(path, label) for label, n in enumerate(names) for path in found[n])


def _tested(
    folder: Path, names: Sequence[str], found: dict[str, list[str]]
) -> tuple[ImageFile, ...]:
    for name, paths in found.items():
        if paths and name not in names:
            raise messages.unknown_class(folder, readable(name), [readable(n) for n in names])
    images = [ImageFile(path, label) for label, n in enumerate(names) for path in found.get(n, ())]
    if not images:
        raise messages.folder_missing(folder, "its class folders are empty")
    return tuple(images)


def _halves(
    folder: Path, names: Sequence[str], found: dict[str, list[str]], start: int
) -> tuple[tuple[ImageFile, ...], tuple[ImageFile, ...]]:
    """Set a fifth of each class aside: those that come first by the SHA-256 of their paths.

    A path counts from ``start`` on, its class: it does not matter where the classes lie. So it is
    the same fifth on every machine and for every seed, and nearly the same where images come or go.
    """
    train, test = [], []
    for label, name in enumerate(names):
        paths = found[name]
        if len(paths) < 2:
            why = "one is trained with and one tested with"
            raise messages.empty_class(folder, readable(name), len(paths), 2, why)
        by_digest = sorted(paths, key=lambda p: hashlib.sha256(os.fsencode(p[start:])).digest())
        aside = set(by_digest[: max(1, len(paths) // _PARTS)])
        train += [ImageFile(path, label) for path in paths if path not in aside]
        test += [ImageFile(path, label) for path in paths if path in aside]
    return tuple(train), tuple(test)


def _has_folders(folder: Path) -> bool:
    """Return whether there is such a folder with at least one folder in it."""
    try:
        with os.scandir(folder) as entries:
            return any(not e.name.startswith(".") and e.is_dir() for e in entries)
    except OSError:
        return False


class _Walk:
    """Walks below a folder, counting what is passed over."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = os.path.realpath(folder)
        self.ignored: Counter[str] = Counter()
        self.outside = 0

    def classes(self, below: str) -> dict[str, list[str]]:
        """Return the images of each folder in ``below``: sorted paths below the root."""
        found = {}
        for entry in self._entries(below):
            if entry.is_dir():
                path = f"{below}/{entry.name}" if below else entry.name
                images = self._images(path, (), self._leads_out(entry, path))
                found[entry.name] = sorted(images, key=os.fsencode)
            else:
                self._pass_over(entry.name)
        return found

    def _images(self, below: str, above: tuple[tuple[int, int], ...], outside: bool) -> list[str]:
        images: list[str] = []
        with self._reported(below):
            status = os.stat(self.folder / below)  # noqa: PTH116 - as scandir: a name of any bytes
        place = (status.st_dev, status.st_ino)
        if place in above:
            return images  # a link to a folder that it lies in: seen already
        for entry in self._entries(below):
            path = f"{below}/{entry.name}"
            out = outside or self._leads_out(entry, path)
            if entry.is_dir():
                images += self._images(path, (*above, place), out)
            elif _ending(entry.name) in ENDINGS:
                images.append(path)
                self.outside += out
            else:
                self._pass_over(entry.name)
        return images

    def _entries(self, below: str) -> list[os.DirEntry[str]]:
        with self._reported(below), os.scandir(self.folder / below) as entries:
            return [entry for entry in entries if not entry.name.startswith(".")]

    @contextmanager
    def _reported(self, below: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise messages.folder_missing(self.folder / below, reason) from error

    def _leads_out(self, entry: os.DirEntry[str], path: str) -> bool:
        if not entry.is_symlink():
            return False
        real = os.path.realpath(self.folder / path)
        return os.path.commonpath([real, self.root]) != self.root

    def _pass_over(self, name: str) -> None:
        self.ignored[readable(_ending(name))] += 1


def _ending(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122
