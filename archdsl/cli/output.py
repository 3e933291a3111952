"""What commands share: printing diagnostics, ending with a status, reading ``--set``."""

from __future__ import annotations

import errno
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from io import TextIOWrapper
from typing import TYPE_CHECKING, NoReturn

import typer

from archdsl.cli.formats import CHOSEN, Format, rendered
from archdsl.diagnostics import Diagnostic, Severity
from archdsl.operators.signature import Value

if TYPE_CHECKING:
    from rich.console import Console

    from archdsl.backends.figures.faults import FigureFault


def wants_colour(environment: Mapping[str, str], *, terminal: bool) -> bool:
    """Whether to colour what is printed.

    ``NO_COLOR`` forbids it, else ``FORCE_COLOR`` asks for it (``0`` forbids it), else there is
    colour on a terminal that can show it.
    """
    if environment.get("NO_COLOR"):
        return False
    if forced := environment.get("FORCE_COLOR"):
        return forced not in ("0", "false")
    return terminal and environment.get("TERM", "").lower() not in ("dumb", "unknown")


def console(*, stderr: bool = False) -> Console:
    """Return a console: colour on a terminal only, ``NO_COLOR`` and ``FORCE_COLOR`` respected.

    What the stream's encoding lacks is printed as an escape, never a reason to fail.
    """
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    coloured = wants_colour(os.environ, terminal=stream.isatty())
    return Console(
        stderr=stderr,
        highlight=False,
        emoji=False,
        markup=False,
        force_terminal=stream.isatty(),
        color_system="standard" if coloured else None,
        no_color=not coloured,
    )


def print_diagnostics(diagnostics: Sequence[Diagnostic], to: Console) -> None:
    """Print diagnostics in the format that the command was asked for.

    As text, errors and warnings with how many there are, and of notes the messages.
    """
    format = CHOSEN.get()
    if format is not Format.TEXT:
        if text := rendered(diagnostics, format):
            print(text, file=to.file)
        return
    from archdsl.diagnostics.text import render_text, summary

    for note in diagnostics:
        if note.severity is Severity.NOTE:
            to.print(f"note: {note.message}", soft_wrap=True)
    diagnostics = [d for d in diagnostics if d.severity is not Severity.NOTE]
    if not diagnostics:
        return
    width = to.width if to.is_terminal else None
    to.print(render_text(diagnostics, width), soft_wrap=True)
    to.print()
    to.print(summary(diagnostics), soft_wrap=True)


def fail(diagnostics: Sequence[Diagnostic], status: int) -> NoReturn:
    """Print diagnostics to standard error and end the command."""
    print_diagnostics(diagnostics, console(stderr=True))
    raise typer.Exit(status)


def has_errors(diagnostics: Sequence[Diagnostic]) -> bool:
    """Whether any of them is an error."""
    return any(d.severity is Severity.ERROR for d in diagnostics)


def call_fault(code: str, message: str, help: str | None = None) -> Diagnostic:
    """Return a diagnostic about the call; it has no place in a spec."""
    return Diagnostic(code, message, help=help)


def output_fault(error: OSError) -> Diagnostic:
    """Return the diagnostic of a standard output that takes no more."""
    note = "what has been written to it is cut short"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Diagnostic(
            "ARCH616",
            "the disk is full: standard output could not be written",
            notes=(note,),
            help="make room, or send it to a file on another disk, and call again",
        )
    return Diagnostic(
        "ARCH615",
        f"cannot write to standard output: {error.strerror or error}",
        notes=(note,),
        help="send it to a file that can be written",
    )


def figure_fault(fault: FigureFault) -> Diagnostic:
    """Return the diagnostic of a figure that cannot be drawn."""
    return Diagnostic(fault.code, fault.message, notes=fault.notes, help=fault.help)


def parse_settings(settings: Sequence[str]) -> dict[str, Value]:
    """Return ``--set path=value`` options by path; ends the command where one is not that.

    Values are written as in a spec: 3, 1e-4, true, none, [50, 75], or a bare word. What stands
    for a whole entry of a recipe (``train.optimizer=adamw(lr = 1e-3)``) is left as it is written.
    """
    from archdsl.recipes.recipe import PLACES

    found: dict[str, Value] = {}
    for setting in settings:
        path, equals, text = setting.partition("=")
        path = path.strip()
        if not equals or not re.fullmatch(r"[A-Za-z_][\w.]*", path):
            fail(
                [
                    call_fault(
                        "ARCH114",
                        f"--set takes path=value, found {setting!r}",
                        "write --set n=4, or --set train.optimizer.lr=0.1",
                    )
                ],
                2,
            )
        is_entry = path.startswith("train.") and path.removeprefix("train.") in PLACES
        found[path] = text.strip() if is_entry else _value(text.strip(), setting)
    return found


def _value(text: str, setting: str) -> Value:
    if text in ("none", "true", "false"):
        return {"none": None, "true": True, "false": False}[text]
    if re.fullmatch(r"[A-Za-z_]\w*", text):
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = {}
    if isinstance(value, list) and all(isinstance(v, int | float | str) for v in value):
        return tuple(value)
    if isinstance(value, str) or (isinstance(value, int | float) and abs(value) < 1e18):
        return value
    fail(
        [
            call_fault(
                "ARCH114",
                f"--set {setting}: {text!r} is not a value",
                "write a number, true, false, none, a word, or a list such as [50, 75]",
            )
        ],
        2,
    )
