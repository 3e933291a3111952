"""``archdsl explain``: print the page of an error code."""

from __future__ import annotations

import re
from typing import Annotated

import typer

NAME = "explain"


def run(
    code: Annotated[
        str, typer.Argument(help="A code (ARCH203) or its name (join-shape-mismatch).")
    ],
) -> None:
    """Explain an error code: what it means, a wrong and a right example."""
    from archdsl.cli.output import call_fault, console, fail
    from archdsl.diagnostics.explain import explain

    page = explain(code)
    if page is None:
        fail([call_fault("ARCH132", f"there is no error code {code!r}", choices(code))], 2)
    out = console()
    if out.is_terminal:
        from rich.markdown import Markdown

        out.print(Markdown(page))
    else:
        print(page, end="" if page.endswith("\n") else "\n")


def choices(code: str) -> str:
    """Return what may have been meant: for a number that is not taken, its neighbours."""
    from archdsl.diagnostics import did_you_mean
    from archdsl.diagnostics.catalogue import CATALOGUE

    if re.fullmatch(r"(ARCH|RA)\d{3}", code.upper()):
        family = ", ".join(known for known in CATALOGUE if known.startswith(code.upper()[:-2]))
        return f"codes of this kind: {family}" if family else "docs/errors lists every code"
    known = [*CATALOGUE, *(entry.slug for entry in CATALOGUE.values())]
    guess = did_you_mean(code.upper(), known) or did_you_mean(code.lower(), known)
    return guess or "docs/errors lists every code"
