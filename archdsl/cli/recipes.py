"""``archdsl recipes``: print the reference of what recipes can say."""

from __future__ import annotations

from typing import Annotated

import typer

NAME = "recipes"


def run(
    name: Annotated[
        str | None,
        typer.Argument(help="A setting (clip), an entry (adamw), or a recipe of the library."),
    ] = None,
) -> None:
    """List what recipes can say, or print the reference of one word: values, defaults, source."""
    from archdsl.cli import recipe_reference as reference
    from archdsl.cli.output import call_fault, console, fail
    from archdsl.diagnostics import did_you_mean

    out = console()
    if name is None:
        print(reference.listing(), end="")
        return
    known = reference.words()
    if name not in known:
        help = did_you_mean(name, known) or "archdsl recipes lists everything"
        fail([call_fault("ARCH643", f"no recipe knows {name!r}", help)], 2)
    page = known[name]()
    if out.is_terminal:
        from rich.markdown import Markdown

        out.print(Markdown(page))
    else:
        print(page, end="")
