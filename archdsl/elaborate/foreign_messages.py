"""The wording of ARCH5xx: faults of backbones from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.backbones import Fault, Refused, Request
from archdsl.diagnostics import Diagnostic, Label, did_you_mean
from archdsl.elaborate.messages import error
from archdsl.operators.operator import render
from archdsl.source import Span
from archdsl.syntax import nodes

EXAMPLE = "resnet18"
"""A model that both libraries have."""

OF_LIBRARY = (Fault.LIBRARY,)
OF_TAPS = (Fault.NO_TAPS, Fault.NO_MAP, Fault.CODE, Fault.TAP)


def unknown_library(name: nodes.Name, choices: Sequence[str]) -> Diagnostic:
    """Return: a backbone from neither library."""
    return error(
        "ARCH502",
        f"there are no backbones from `{name.text}`",
        name.span,
        did_you_mean(name.text, choices),
    )


def no_model(library: nodes.Name) -> Diagnostic:
    """Return: a call without the model's name."""
    return error(
        "ARCH104",
        f"{library.text} needs the name of a model",
        library.span,
        f'write {library.text}("{EXAMPLE}")',
    )


def not_named(library: str, place: Span) -> Diagnostic:
    """Return: a second positional argument."""
    return error(
        "ARCH112",
        f"{library} has too many arguments without a name",
        place,
        f'all but the model are named: {library}("{EXAMPLE}", num_classes = 10)',
    )


def unknown_taps(word: nodes.Name) -> Diagnostic:
    """Return: ``taps`` of something else than ``auto``."""
    return error(
        "ARCH105",
        f"taps cannot be {word.text}",
        word.span,
        did_you_mean(word.text, ["auto"]),
    )


def tapped_twice(module: nodes.Name, first: Span) -> Diagnostic:
    """Return: two taps of one module."""
    return Diagnostic(
        "ARCH106",
        f"{module.text} is tapped twice",
        Label(module.span),
        (Label(first, "first here"),),
        help="remove one of them",
    )


def refused(request: Request, refused: Refused, place: Span) -> Diagnostic:
    """Return what stands against a backbone."""
    name, subject, found = request.model, refused.subject, refused.found
    library = request.library
    near = did_you_mean(subject, refused.choices)
    match refused.fault:
        case Fault.LIBRARY:
            return error(
                "ARCH501",
                f"a backbone from {library} needs {library}, which is not installed",
                place,
                f"pip install {library}, or pip install archdsl[backbones]",
            )
        case Fault.MODEL:
            listing = (
                f"{library}'s models are listed by "
                + {
                    "timm": "timm.list_models()",
                    "torchvision": "torchvision.models.list_models()",
                }[library]
            )
            return error("ARCH503", f"{library} has no model `{name}`", place, near or listing)
        case Fault.KEYWORD:
            takes = f"{name} takes: " + ", ".join(refused.choices)
            return error("ARCH504", f"{name} has no keyword `{subject}`", place, near or takes)
        case Fault.WEIGHTS:
            help = did_you_mean(found, refused.choices) or "leave the argument out"
            return error("ARCH504", f"{name} has no weights `{found}`", place, help)
        case Fault.VALUE:
            return error("ARCH504", f"{name}: {subject} is {found}", place, f"write {found}")
        case Fault.BUILD:
            return _told(
                "ARCH504", f"{name} cannot be built with these arguments", place, library, found
            )
        case Fault.INPUT:
            channels = f"{library}'s {name} cannot take an input of {render(request.input)}"
            return _told("ARCH508", channels, place, library, found, _input_help(request))
        case Fault.TAP:
            help = near or f"modules of {name}: " + ", ".join(_outer(refused.choices))
            return error("ARCH505", f"{name} has no module `{subject}` to tap", place, help)
        case Fault.NO_MAP:
            return Diagnostic(
                "ARCH506",
                f"{subject} of {name} gives {found}, which is no feature map to tap",
                Label(place),
                notes=("a feature map is [c, h, w], and grows with the image",),
                help="tap a module before the pooling of the whole map",
            )
        case Fault.NO_TAPS:
            return error(
                "ARCH507",
                f"no taps can be derived for {name}: it has no feature maps [c, h, w]",
                place,
                "name them (tap MODULE), or take a convolutional model",
            )
        case Fault.CODE:
            return _told(
                "ARCH509",
                f"the way to the taps of {name} cannot be written as code",
                place,
                library,
                found,
                "tap modules that are called by the model itself, not within others",
            )
    raise AssertionError(refused.fault)


def _told(
    code: str, message: str, place: Span, library: str, found: str, help: str | None = None
) -> Diagnostic:
    note = f"{library} says: {found}" if found else ""
    return Diagnostic(code, message, Label(place), notes=(note,) if note else (), help=help)


def _input_help(request: Request) -> str:
    if request.input[0] != 3 and request.library == "timm":
        return f"write in_chans = {request.input[0]}"
    return "give the model an input that it was made for, such as input [3, 224, 224]"


def _outer(paths: Sequence[str]) -> list[str]:
    shallow = [path for path in paths if "." not in path]
    return [*shallow[:12], *(["..."] if len(shallow) > 12 else [])]
