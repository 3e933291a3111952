"""The wording of the faults of a folder of images: ARCH650 to ARCH654, and ARCH604 for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from archdsl.diagnostics import Diagnostic
from archdsl.diagnostics.escaping import visible
from archdsl.operators.operator import render
from archdsl.training.faults import Fault

SHOWN = 20
"""The most images that a message lists; a report lists them all."""


def _fault(code: str, message: str, *notes: str, help: str) -> Fault:
    return Fault(Diagnostic(code, message, notes=notes, help=help), 2)


def folder_missing(folder: Path, reason: str) -> Fault:
    """ARCH650: a folder of images that is not there, or that cannot be listed."""
    return _fault(
        "ARCH650",
        f"there are no images in {visible(str(folder))}: {reason}",
        help="name a folder that has one folder of images for each class: --train folder:PATH, "
        "or --data PATH for a run that is there",
    )


def too_few_classes(folder: Path, classes: Sequence[str]) -> Fault:
    """ARCH651: no class folders, or one alone."""
    found = f"one class, {visible(classes[0])}" if classes else "no folders of images"
    return _fault(
        "ARCH651",
        f"{visible(str(folder))} has {found}; there is nothing to tell apart",
        help="make a folder for each class, two or more, and put its images there: "
        "PATH/cat/1.png, PATH/dog/1.png, or PATH/train/cat/1.png, PATH/test/cat/1.png",
    )


def empty_class(folder: Path, name: str, found: int, wanted: int, why: str) -> Fault:
    """ARCH652: a class with too few images; ``why`` says why as many are wanted."""
    has = f"{found} image{'s' if found != 1 else ''}" if found else "no images"
    return _fault(
        "ARCH652",
        f"class {visible(name)} in {visible(str(folder))} has {has}, not {wanted} or more: {why}",
        help="put images there, or remove the folder (.jpg, .png and the like are images; hidden "
        "files are none)",
    )


def unknown_class(folder: Path, name: str, classes: Sequence[str]) -> Fault:
    """ARCH652: images to test with, of a class that there are none of to train with."""
    shown = ", ".join(map(visible, classes[:SHOWN])) + (", ..." if len(classes) > SHOWN else "")
    return _fault(
        "ARCH652",
        f"class {visible(name)} in {visible(str(folder))} has no images to train with",
        f"the classes are {shown}",
        help="put images of it into the training folder, or remove the folder",
    )


def other_classes(folder: Path, found: Sequence[str], wanted: Sequence[str]) -> Fault:
    """ARCH652: a folder whose classes are not those that the model was made for."""
    notes = []
    for label, names in (
        ("only in the folder", [n for n in found if n not in wanted]),
        ("only in the run", [n for n in wanted if n not in found]),
    ):
        if names:
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            notes.append(f"{label}: {', '.join(map(visible, names[:SHOWN]))}{more}")
    return _fault(
        "ARCH652",
        f"the classes in {visible(str(folder))} are others: {len(found)} in place of {len(wanted)}"
        if len(found) != len(wanted)
        else f"the classes in {visible(str(folder))} are others than those of the run",
        *notes,
        help="give the folder that has the same class folders",
    )


def unreadable_images(
    folder: Path, unreadable: Sequence[tuple[str, str]], count: int, report: Path | None
) -> Fault:
    """ARCH653: images that cannot be read, each with its path below ``folder`` and a reason."""
    notes = [f"{visible(path)}: {visible(reason)}" for path, reason in unreadable[:SHOWN]]
    if len(unreadable) > SHOWN:
        notes.append(f"and {len(unreadable) - SHOWN:,} more")
    if report is not None:
        notes.append(f"all of them are listed in {visible(str(report))}")
    one = len(unreadable) == 1
    return _fault(
        "ARCH653",
        f"{len(unreadable):,} of the {count:,} images in {visible(str(folder))} cannot be read",
        *notes,
        help=f"mend or remove {'it' if one else 'them'}, or add --skip-unreadable to train "
        f"without {'it' if one else 'them'}"
        + ("" if report is not None or one else "; --report FILE lists all of them"),
    )


def too_large(
    folder: Path, count: int, shape: tuple[int, int, int], wanted: int, there: int
) -> Fault:
    """ARCH654: decoded images that do not fit into memory; sizes are in bytes."""
    return _fault(
        "ARCH654",
        f"the {count:,} images in {visible(str(folder))} take {wanted / 1e9:.1f} GB at "
        f"{render(shape)}, and this machine has {there / 1e9:.1f} GB",
        help="give the model a smaller input, or train on fewer images",
    )


def unfit_channels(shape: tuple[int, int, int]) -> Fault:
    """ARCH604: a model that takes neither grey nor colour images."""
    return _fault(
        "ARCH604",
        f"the model takes {render(shape)}, but images have 3 channels, or 1 in grey",
        help=f"write input [3, {shape[1]}, {shape[2]}]",
    )
