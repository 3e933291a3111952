"""Reading a folder of images: every one decoded once, none left out in silence."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from archdsl.recipes import DataSet
from archdsl.training import data_messages as messages
from archdsl.training.data.decoding import Unreadable, decode
from archdsl.training.data.images import Array, Images, images_of
from archdsl.training.listing import ImageFile, Listing, list_images, readable
from archdsl.training.writing import replace_file

_MOST_OF_MEMORY = 0.8
_CHUNK = 256  # images handed to the threads at a time


def read_folder(
    dataset: DataSet, folder: Path, input: tuple[int, int, int], console: Console
) -> Images:
    """Return the images of a folder, brought to ``input`` = [channels, height, width].

    The class folders must be those that ``dataset`` names. Images that cannot be read are Fault
    ARCH653, or left out where ``dataset.skip_unreadable`` is set; all of them are listed in the
    file ``dataset.report``, if there is one. Other Faults: ARCH604, ARCH650 to ARCH652, ARCH654,
    and ARCH615 or ARCH616 where the report cannot be written.
    """
    if input[0] not in (1, 3):
        raise messages.unfit_channels(input)
    listing = list_images(folder)
    if dataset.class_names and listing.class_names != dataset.class_names:
        raise messages.other_classes(folder, listing.class_names, dataset.class_names)
    files = (*listing.train, *listing.test)
    _demand_memory(folder, len(files), input)
    _announce(listing, console)
    pixels, unreadable = _decode_all(folder, files, input, console)
    named = sorted((readable(files[place].path), why) for place, why in unreadable.items())
    if dataset.report is not None:
        lines = [json.dumps({"path": path, "reason": why}) for path, why in named]
        replace_file(dataset.report, "".join(f"{line}\n" for line in lines).encode())
    if named and not dataset.skip_unreadable:
        raise messages.unreadable_images(folder, named, len(files), dataset.report)
    if named:
        console.print(
            f"left out {len(named):,} of {len(files):,} images, which cannot be read",
            highlight=False,
            markup=False,
        )
    good = np.array([place not in unreadable for place in range(len(files))])
    trained, tested = _kept(listing.train, good), _kept(listing.test, good[len(listing.train) :])
    _demand_classes(folder, dataset, trained, tested, listing)
    edge = len(listing.train)
    if named:
        train_x, test_x = pixels[:edge][good[:edge]], pixels[edge:][good[edge:]]
    else:
        train_x, test_x = pixels[:edge], pixels[edge:]
    again = _trained_on(train_x, test_x)
    if again:
        said = "1 image is" if again == 1 else f"{again:,} images are"
        message = f"{said} tested with that {'is' if again == 1 else 'are'} trained with, too"
        console.print(f"warning: {message}", highlight=False, markup=False)
    facts = {
        "class_names": list(listing.class_names),
        "split": listing.split,
        "skip_unreadable": dataset.skip_unreadable,
        "unreadable": [{"path": path, "reason": why} for path, why in named],
        "ignored": dict(sorted(listing.ignored.items())),
        "links_leading_out": listing.outside,
        "tested_and_trained": again,
    }
    return images_of(train_x, trained, test_x, tested, listing.class_names, facts)


def _announce(listing: Listing, console: Console) -> None:
    said = [
        f"reading {len(listing.train):,} images to train with and {len(listing.test):,} to test "
        f"with, {len(listing.class_names):,} classes, from {readable(str(listing.folder))}"
    ]
    if ignored := listing.ignored.total():
        endings = ", ".join(
            f"{n:,} {e or 'without ending'}" for e, n in listing.ignored.most_common(5)
        )
        files = "file that is no image" if ignored == 1 else "files that are no images"
        said.append(f"passed over {ignored:,} {files}: {endings}")
    if listing.outside:
        said.append(f"{listing.outside:,} of the images are links that lead out of the folder")
    for line in said:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _decode_all(
    folder: Path, files: Sequence[ImageFile], input: tuple[int, int, int], console: Console
) -> tuple[Array, dict[int, str]]:
    """Return uint8 [N, C, H, W], and why which of them could not be read."""
    pixels = np.zeros((len(files), *input), np.uint8)
    unreadable: dict[int, str] = {}

    def decode_into(place: int) -> None:
        try:
            pixels[place] = decode(folder / files[place].path, input)
        except Unreadable as fault:
            unreadable[place] = str(fault)

    columns = (TextColumn("reading"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # Decoders and resizing work outside of Python's lock: threads use all cores.
    with (
        warnings.catch_warnings(),
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar,
        ThreadPoolExecutor(_cores()) as pool,
    ):
        warnings.simplefilter("ignore")  # Pillow's, of odd files; what cannot be read raises
        task = bar.add_task("", total=len(files))
        # Some at a time, so that Ctrl-C does not have to wait for the rest.
        for start in range(0, len(files), _CHUNK):
            places = range(start, min(start + _CHUNK, len(files)))
            for _ in pool.map(decode_into, places):
                pass
            bar.advance(task, len(places))
    return pixels, unreadable


def _cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _kept(files: Sequence[ImageFile], good: Array) -> Array:
    return np.array([f.label for f, is_good in zip(files, good, strict=False) if is_good], np.int64)


def _demand_classes(
    folder: Path, dataset: DataSet, trained: Array, tested: Array, listing: Listing
) -> None:
    """Raise Fault ARCH652 where leaving out images has left a class without any."""
    counts = np.bincount(trained, minlength=len(listing.class_names))
    for name, count in zip(listing.class_names, counts, strict=True):
        if not count:
            raise messages.empty_class(folder, name, 0, 1, "none of its images can be read")
    if not len(tested):
        raise messages.folder_missing(folder, "none of the images to test with can be read")


def _trained_on(train_x: Array, test_x: Array) -> int:
    """Return how many images to test with are equal to one to train with, pixel by pixel."""
    seen = {hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in train_x}
    found = (hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in test_x)
    return sum(digest in seen for digest in found)


def _demand_memory(folder: Path, count: int, input: tuple[int, int, int]) -> None:
    """Raise Fault ARCH654 where the decoded images would not fit into the machine's memory."""
    channels, height, width = input
    wanted = count * channels * height * width
    there = _memory()
    if there is not None and wanted > _MOST_OF_MEMORY * there:
        raise messages.too_large(folder, count, input, wanted, there)


def _memory() -> int | None:
    """Return the bytes of memory that this process may have; None where that cannot be asked for.

    That is what the machine has, or what the container is allowed (Linux, control groups 2).
    """
    found = []
    with suppress(AttributeError, ValueError, OSError):
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    with suppress(ValueError, OSError):  # ValueError: it says `max`
        found.append(int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return min(found, default=None)
