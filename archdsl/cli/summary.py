"""``archdsl summary``: a table of shapes and costs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archdsl.cli.formats import Format, FormatOption
from archdsl.cli.options import AllowOutside

if TYPE_CHECKING:
    from rich.console import Console

    from archdsl.ir import Network

NAME = "summary"


def run(
    spec: Annotated[Path, typer.Argument(help="The .arch file.", show_default=False)],
    model: Annotated[str | None, typer.Option(help="Which model, if the file has several.")] = None,
    variants: Annotated[
        str | None, typer.Option(metavar="NAME", help="Compare the points of variants.")
    ] = None,
    set: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Set a model parameter."),
    ] = None,
    format: FormatOption = Format.TEXT,
    allow_outside: AllowOutside = False,
) -> None:
    """Print a model's stages, blocks, mapping nodes and head, with shapes, parameters and MACs."""
    from archdsl.cli.compiling import compile_or_exit, compile_variants_or_exit
    from archdsl.cli.output import console, parse_settings, print_diagnostics

    settings = parse_settings(set or ())
    if variants is not None:
        points = compile_variants_or_exit(
            spec, model, variants, settings, allow_outside=allow_outside
        )
        print_diagnostics(next(iter(points.values())).diagnostics, console(stderr=True))
        print_points({name: point.network for name, point in points.items()}, console())
        return
    compiled = compile_or_exit(spec, model, settings, allow_outside=allow_outside)
    print_diagnostics(compiled.diagnostics, console(stderr=True))
    print_summary(compiled.network, console())


def print_summary(network: Network, to: Console) -> None:
    """Print the summary table of a network."""
    from rich.box import SIMPLE
    from rich.table import Table

    from archdsl.backends.table import rows

    table = Table(box=SIMPLE, title=network.name, title_justify="left", pad_edge=False)
    table.add_column("part")
    table.add_column("output", justify="right")
    for heading in ("convs", "params", "MACs"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for row in rows(network):
        style = "bold" if row.name in ("backbone", "total") else ""
        table.add_row(
            "  " * row.depth + row.name,
            row.output,
            f"{row.convolutions}" if row.convolutions else "",
            f"{row.params:,}" if row.params or style else "",
            f"{row.macs:,}" if row.macs or style else "",
            row.note,
            style=style,
        )
    to.print(table)


def print_points(networks: Mapping[str, Network], to: Console) -> None:
    """Print one row for each point of a grid: its output, convolutions, parameters and MACs."""
    from rich.box import SIMPLE
    from rich.table import Table

    from archdsl.backends.table import rows

    title = next(iter(networks.values())).name
    table = Table(box=SIMPLE, title=title, title_justify="left", pad_edge=False)
    table.add_column("point", no_wrap=True)
    for heading in ("output", "convs", "params", "MACs"):
        table.add_column(heading, justify="right")
    for name, network in networks.items():
        total = rows(network)[-1]
        figures = (total.convolutions, total.params, total.macs)
        table.add_row(name, total.output, *(f"{figure:,}" for figure in figures))
    to.print(table)
