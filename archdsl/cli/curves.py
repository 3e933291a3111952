"""``archdsl curves``: draw the learning curves of runs, one or several in a figure."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from archdsl.cli.formats import Format, FormatOption

NAME = "curves"


class Theme(StrEnum):
    """What ``--theme`` takes."""

    LIGHT = "light"
    DARK = "dark"


def run(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Run folders.", show_default=False)
    ],
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="A file to write: .svg, .png or .pdf. Can be given several times. [curves.svg]",
        ),
    ] = None,
    theme: Annotated[Theme, typer.Option(help="Light or dark.")] = Theme.LIGHT,
    format: FormatOption = Format.TEXT,
) -> None:
    """Draw loss and error over epochs from the metrics of runs, finished or not.

    Exit status 0: drawn; 2: the call is at fault, or there is nothing to draw, or to draw with.
    """
    from archdsl.backends.figures.faults import FigureFault
    from archdsl.backends.figures.theme import THEMES
    from archdsl.cli.output import console, fail, figure_fault, print_diagnostics
    from archdsl.cli.writing import write_all
    from archdsl.diagnostics.escaping import visible
    from archdsl.training.checkpoint_messages import smoke_curves
    from archdsl.training.curves import draw_runs
    from archdsl.training.faults import Fault
    from archdsl.training.results import read_run
    from archdsl.training.results_messages import nothing_measured

    paths = output or [Path("curves.svg")]
    formats = endings(paths)
    try:
        named = [read_run(folder) for folder in dict.fromkeys(runs)]
        found = [one for one in named if not one.is_smoke]
        if not found:
            raise smoke_curves([one.folder for one in named])
        problems = [problem for one in found for problem in one.problems]
        print_diagnostics(problems, console(stderr=True))
        if not any(one.epochs for one in found):
            raise nothing_measured([one.folder for one in found])
        files = draw_runs(found, formats, theme=THEMES[theme.value])
    except Fault as fault:
        fail([fault.diagnostic], fault.status)
    except FigureFault as fault:
        fail([figure_fault(fault)], 2)
    for one in named:
        if one.is_smoke or not one.epochs:
            folder = visible(str(one.folder))
            why = (
                f"{folder} is a smoke run" if one.is_smoke else f"no epoch is measured in {folder}"
            )
            said = f"note: {why}: left out"
            console(stderr=True).print(said, soft_wrap=True)
    write_all({path: files[format] for path, format in zip(paths, formats, strict=True)})
    for path in paths:
        console().print(f"wrote {visible(str(path))}", soft_wrap=True)


def endings(paths: list[Path]) -> list[str]:
    """Return the format of each file by its ending; ends the command where it is of no curves."""
    from archdsl.cli.output import call_fault, fail
    from archdsl.training.curves import FORMATS

    found = [path.suffix.removeprefix(".").lower() for path in paths]
    for path, ending in zip(paths, found, strict=True):
        if ending not in FORMATS:
            known = ", ".join(f".{known}" for known in FORMATS)
            message = f"{path} has the ending of no figure of curves"
            fail([call_fault("ARCH710", message, f"name a file that ends in one of {known}")], 2)
    return found
