"""``archdsl render``: draw a model, or the inside of one def, as a figure."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from archdsl.cli.formats import Format, FormatOption
from archdsl.cli.options import AllowOutside

if TYPE_CHECKING:
    from archdsl.backends.figures.drawing import Drawing
    from archdsl.backends.figures.faults import FigureFault
    from archdsl.ir import Network

NAME = "render"


class ViewName(StrEnum):
    """What ``--view`` takes."""

    OVERVIEW = "overview"
    COLUMN = "column"
    FULL = "full"
    GRAPH = "graph"


class Theme(StrEnum):
    """What ``--theme`` takes."""

    AUTO = "auto"
    LIGHT = "light"
    DARK = "dark"


def run(
    spec: Annotated[Path, typer.Argument(help="The .arch file.", show_default=False)],
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="A file to write: .svg, .pdf, .png, .dot or .html. Can be given several times. "
            "[<model>.svg]",
        ),
    ] = None,
    view: Annotated[
        ViewName | None,
        typer.Option(
            help="overview: a box for each run of blocks, for two columns of a page; column: the "
            "same in portrait; full: every layer; graph: every operator, laid out by dot. "
            "[overview, or column for more than six taps]",
            show_default=False,
        ),
    ] = None,
    definition: Annotated[
        str | None,
        typer.Option("--def", metavar="NAME", help="Draw the inside of a def (or of a region)."),
    ] = None,
    theme: Annotated[
        Theme, typer.Option(help="auto is an SVG that is light or dark as its reader prefers.")
    ] = Theme.AUTO,
    model: Annotated[str | None, typer.Option(help="Which model, if the file has several.")] = None,
    set: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Set a model parameter."),
    ] = None,
    format: FormatOption = Format.TEXT,
    allow_outside: AllowOutside = False,
) -> None:
    """Draw a model as a figure for a paper, a README, or a browser.

    Exit status 0: drawn; 1: the spec is at fault; 2: the call is, or there is nothing to draw with.
    """
    from archdsl.cli.compiling import compile_or_exit
    from archdsl.cli.output import console, parse_settings, print_diagnostics
    from archdsl.cli.writing import write_all
    from archdsl.diagnostics.escaping import visible

    formats = _formats(output or [])
    if definition is not None and view not in (None, ViewName.GRAPH):
        help = "leave --view out, or write --view graph"
        _fail("ARCH133", f"--def and --view {view} are both set", help)
    settings = parse_settings(set or ())
    compiled = compile_or_exit(spec, model, settings, allow_outside=allow_outside)
    print_diagnostics(compiled.diagnostics, console(stderr=True))
    if output is None:
        output = [Path(f"{compiled.module_name}.svg")]
        formats = ["svg"]
    files = _files(compiled.network, formats, view, definition, theme)
    write_all({path: files[format] for path, format in zip(output, formats, strict=True)})
    for path in dict.fromkeys(output):
        console().print(f"wrote {visible(str(path))}", soft_wrap=True)


def _formats(output: list[Path]) -> list[str]:
    """Return the format of each file, by its ending."""
    from archdsl.backends.figures import FORMATS

    found = [path.suffix.removeprefix(".").lower() for path in output]
    for path, format in zip(output, found, strict=True):
        if format not in FORMATS:
            known = ", ".join(f".{ending}" for ending in FORMATS)
            _fail(
                "ARCH710",
                f"{path} has the ending of no figure",
                f"name a file that ends in one of {known}",
            )
    return found


def _files(
    network: Network,
    formats: list[str],
    view: ViewName | None,
    definition: str | None,
    theme: Theme,
) -> dict[str, bytes]:
    from archdsl.backends.figures.faults import FigureFault
    from archdsl.backends.figures.files import figure_files
    from archdsl.backends.figures.views import View, default_view, draw

    try:
        if definition is not None or view is ViewName.GRAPH:
            drawing = _part(network, definition, view)
            _advise(drawing)
            pages = {drawing.view: drawing}
            return figure_files(network, drawing, formats, theme=theme.value, pages=pages)
        chosen = View(view.value) if view is not None else default_view(network)
        drawing = draw(network, chosen)
        if view is None and chosen is not View.OVERVIEW:
            assert network.aggregation is not None
            taps = len(network.aggregation.taps)
            _say(f"{taps} taps are too many for an overview: drawn as a {chosen}")
        _advise(drawing)
        return figure_files(network, drawing, formats, theme=theme.value)
    except FigureFault as fault:
        fail_figure(fault)


def _part(network: Network, name: str | None, view: ViewName | None) -> Drawing:
    """Return the inside of a def where the model first uses it, or the graph of that, or of all.

    What is wired freely is drawn as a graph, whatever was asked for.
    """
    from archdsl.backends.figures.definitions import is_wired_freely, uses
    from archdsl.backends.figures.graph import graph_drawing
    from archdsl.backends.figures.views import inside

    if name is None:
        return graph_drawing(network)
    found = uses(network, name)
    if not found:
        _fail_unused(network, name)
    first = found[0]
    if len(found) > 1:
        _say(f"{name} is used {len(found)} times; drawn as {first.path.removeprefix('backbone.')}")
    if view is None and is_wired_freely(network, first):
        _say(f"{name} is wired freely: drawn as a graph")
        view = ViewName.GRAPH
    return graph_drawing(network, first.path) if view is not None else inside(network, first)


def _fail_unused(network: Network, name: str) -> NoReturn:
    from archdsl.diagnostics.suggest import did_you_mean

    if name and any(r.path in (name, f"backbone.{name}") for r in network.regions):
        message = f"nothing of `{name}` is computed in {network.name}"
        _fail("ARCH711", message, "name a part that the model's output depends on")
    known = dict.fromkeys(r.definition for r in network.regions if r.definition is not None)
    _fail(
        "ARCH711",
        f"{network.name} uses no def `{name}`",
        did_you_mean(name, known)
        or (f"it uses {', '.join(known)}" if known else "it uses no defs at all"),
    )


def _advise(drawing: Drawing) -> None:
    for said in drawing.advice:
        _say(said)


def _say(text: str) -> None:
    from archdsl.cli.output import console

    console(stderr=True).print(f"note: {text}", soft_wrap=True)


def fail_figure(fault: FigureFault) -> NoReturn:
    """End the command where a figure cannot be drawn."""
    from archdsl.cli.output import fail, figure_fault

    fail([figure_fault(fault)], 2)


def _fail(code: str, message: str, help: str | None) -> NoReturn:
    from archdsl.cli.output import call_fault, fail

    fail([call_fault(code, message, help)], 2)
