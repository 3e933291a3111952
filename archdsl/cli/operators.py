"""``archdsl operators``: print the reference of operators."""

from __future__ import annotations

from typing import Annotated

import typer

NAME = "operators"


def run(
    name: Annotated[
        str | None, typer.Argument(help="An operator (conv); all are listed without it.")
    ] = None,
) -> None:
    """List the operators, or print the reference of one: arguments, shapes, cost, PyTorch."""
    from archdsl.cli import reference
    from archdsl.cli.output import call_fault, console, fail
    from archdsl.diagnostics import did_you_mean
    from archdsl.operators import OPERATORS

    out = console()
    if name is None:
        print(reference.listing(), end="")
        return
    if name not in OPERATORS:
        help = did_you_mean(name.lower(), OPERATORS) or "archdsl operators lists them all"
        fail([call_fault("ARCH134", f"there is no operator {name!r}", help)], 2)
    page = reference.entry(OPERATORS[name])
    if out.is_terminal:
        from rich.markdown import Markdown

        out.print(Markdown(page))
    else:
        print(page, end="")
