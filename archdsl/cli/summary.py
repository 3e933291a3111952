"""``archdsl summary``: tables of shapes and costs, in five formats."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archdsl.backends.tables.choosing import Per
from archdsl.cli import formats
from archdsl.cli.options import AllowOutside

if TYPE_CHECKING:
    from rich.console import Console

    from archdsl.backends.tables.choosing import Entry
    from archdsl.backends.tables.table import Table
    from archdsl.compiler import Compiled
    from archdsl.diagnostics import Diagnostic
    from archdsl.ir import Network

NAME = "summary"


class Format(StrEnum):
    """How tables are written; docs/summary.md has an example of each."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"
    LATEX = "latex"


def _choose(format: Format) -> Format:
    """Have faults told in JSON where the table is; else as text."""
    is_json = format is Format.JSON
    formats.CHOSEN.set(formats.Format.JSON if is_json else formats.Format.TEXT)
    return format


def run(
    specs: Annotated[
        list[Path],
        typer.Argument(metavar="SPEC...", help="One .arch file, or several.", show_default=False),
    ],
    per: Annotated[
        Per | None,
        typer.Option(
            help="What a row is [block; of several specs, and of variants, network].",
        ),
    ] = None,
    format: Annotated[
        Format,
        typer.Option(
            callback=_choose,
            is_eager=True,  # faults of other options are printed in it too
            help="How the table is written.",
        ),
    ] = Format.TEXT,
    model: Annotated[str | None, typer.Option(help="Which model, if a file has several.")] = None,
    variants: Annotated[
        str | None, typer.Option(metavar="NAME", help="Compare the points of variants.")
    ] = None,
    set: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Set a model parameter."),
    ] = None,
    allow_outside: AllowOutside = False,
) -> None:
    """Print tables of models: shapes, parameters, MACs.

    A row for each block, layer or stage; of several specs, or of variants, a row for each network.
    In LaTeX that is the paper's Table I. Nothing else goes to standard output; faults go to
    standard error.
    """
    from archdsl.backends.tables.choosing import Entry, tables
    from archdsl.cli.compiling import compile_or_exit, compile_variants_or_exit
    from archdsl.cli.output import console, parse_settings, print_diagnostics

    settings = parse_settings(set or ())
    entries: list[Entry] = []
    diagnostics: list[Diagnostic] = []
    for spec in specs:
        compiled: Mapping[str, Compiled]
        if variants is not None:
            compiled = compile_variants_or_exit(
                spec, model, variants, settings, allow_outside=allow_outside
            )
        else:
            one = compile_or_exit(spec, model, settings, allow_outside=allow_outside)
            compiled = {one.network.name: one}
        entries += [Entry(name, str(spec), each.network) for name, each in compiled.items()]
        diagnostics += next(iter(compiled.values())).diagnostics
    print_diagnostics(diagnostics, console(stderr=True))
    compares = variants is not None or len(specs) > 1
    wanted = per or (Per.NETWORK if compares else Per.BLOCK)
    made = tables(entries, wanted, points=variants is not None)
    if format is Format.TEXT:
        _print_text(made, console())
    else:
        _print_exactly(_written(made, wanted, format))


def _written(made: list[Table], per: Per, format: Format) -> str:
    """Return tables in a format other than text."""
    match format:
        case Format.JSON:
            from archdsl.backends.tables.structured import to_json

            return to_json(made, per)
        case Format.CSV:
            from archdsl.backends.tables.structured import to_csv

            return to_csv(made)
        case Format.MARKDOWN:
            from archdsl.backends.tables.markdown import to_markdown

            return to_markdown(made)
        case _:
            from archdsl.backends.tables.latex import to_latex

            return to_latex(made)


def _print_exactly(text: str) -> None:
    """Print a text with the line breaks that it has, whatever the system's are."""
    import sys
    from io import TextIOWrapper

    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace", newline="")
    print(text, end="")


def _print_text(made: list[Table], to: Console) -> None:
    """Print tables as text: fitted to a terminal, and elsewhere as wide as they are."""
    from archdsl.backends.tables.text import render_text

    width = to.width if to.is_terminal else None
    text = render_text(made, width, ascii_only=to.options.ascii_only)
    to.print(text, soft_wrap=True, end="")


def print_summary(network: Network, to: Console) -> None:
    """Print the summary of a network by blocks."""
    from archdsl.backends.tables.choosing import Entry, tables

    _print_text(tables([Entry(network.name, "", network)], Per.BLOCK), to)


def print_points(networks: Mapping[str, Network], to: Console) -> None:
    """Print one row for each point of a grid: its output, convolutions, parameters and MACs."""
    from archdsl.backends.tables.choosing import Entry, tables

    entries = [Entry(name, "", network) for name, network in networks.items()]
    _print_text(tables(entries, Per.NETWORK, points=True), to)
