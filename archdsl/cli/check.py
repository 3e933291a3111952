"""``archdsl check``: say what is wrong with specs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from archdsl.cli.formats import Format, FormatOption
from archdsl.cli.options import AllowOutside

NAME = "check"


def run(
    specs: Annotated[list[Path], typer.Argument(help="The .arch files.", show_default=False)],
    format: FormatOption = Format.TEXT,
    allow_outside: AllowOutside = False,
) -> None:
    """Check specs: syntax, names, shapes, the paper's rules.

    Every model in the files is checked with its default parameters. Exit status 0: no errors;
    1: a spec is at fault; 2: the call is at fault.
    """
    from archdsl.cli.output import console, has_errors, print_diagnostics
    from archdsl.compiler import CallFault, check_spec, load_spec
    from archdsl.diagnostics import Diagnostic, Severity

    found: list[Diagnostic] = []
    status = 0
    for path in specs:
        try:
            found += check_spec(load_spec(path, allow_outside=allow_outside))
        except CallFault as fault:
            found.append(fault.diagnostic)
            status = 2
    if format is not Format.TEXT:
        print_diagnostics(found, console())
    elif faults := [d for d in found if d.severity is not Severity.NOTE]:
        print_diagnostics(faults, console())
    else:
        print("no faults in " + ", ".join(map(str, specs)))
    raise typer.Exit(status or int(has_errors(found)))
