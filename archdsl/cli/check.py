"""``archdsl check``: say what is wrong with specs, and correct what is certain."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archdsl.cli.formats import Format, FormatOption
from archdsl.cli.options import AllowOutside

if TYPE_CHECKING:
    from archdsl.cli.fixing import Files, Fixed
    from archdsl.diagnostics import Diagnostic

NAME = "check"


def run(
    specs: Annotated[list[Path], typer.Argument(help="The .arch files.", show_default=False)],
    format: FormatOption = Format.TEXT,
    fix: Annotated[
        bool, typer.Option("--fix", help="Correct, in the files, what can only be meant one way.")
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="With --fix: show what would be written instead.")
    ] = False,
    allow_outside: AllowOutside = False,
) -> None:
    """Check specs: syntax, names, shapes, the paper's rules.

    Every model in the files is checked with its default parameters. Exit status 0: no errors;
    1: a spec is at fault; 2: the call is at fault.
    """
    from archdsl.cli.fixing import Files, fix_files
    from archdsl.cli.output import call_fault, fail, has_errors

    if diff and (not fix or format is not Format.TEXT):
        what = f"--format {format} says nothing of a diff" if fix else "--diff shows fixes"
        help = "leave out --format" if fix else "write --fix --diff"
        fail([call_fault("ARCH133", f"{what}, and would change nothing", help)], 2)

    files = Files()
    faults, unread = check_all(specs, files, allow_outside)
    found: Sequence[Diagnostic] = faults
    if fix:
        outcome = fix_files(lambda files: check_all(specs, files, allow_outside)[0], files)
        if diff:
            print_diff(outcome.files, outcome.fixed)
        else:
            write(outcome.files, outcome.fixed, format)
            found = outcome.remaining
    if not diff:
        print_faults(found, specs, format)
    raise typer.Exit(2 if unread else int(has_errors(found)))


def check_all(
    specs: Sequence[Path], files: Files, allow_outside: bool
) -> tuple[list[Diagnostic], bool]:
    """Return the faults of all specs, and whether one of the specs cannot be read.

    The faults of a file that several specs import are given once.
    """
    from archdsl.compiler import CallFault, check_spec, load_spec

    found: list[Diagnostic] = []
    unread = False
    for path in specs:
        try:
            found += check_spec(load_spec(path, allow_outside=allow_outside, read=files.read))
        except CallFault as fault:
            found.append(fault.diagnostic)
            unread = True
    once: dict[tuple[object, ...], Diagnostic] = {}
    for diagnostic in found:
        once.setdefault(_identity(diagnostic), diagnostic)
    return list(once.values()), unread


def _identity(diagnostic: Diagnostic) -> tuple[object, ...]:
    if diagnostic.primary is None:
        return diagnostic.code, diagnostic.message
    span = diagnostic.primary.span
    return diagnostic.code, diagnostic.message, span.source.name, span.start, span.end


def print_faults(found: Sequence[Diagnostic], specs: Sequence[Path], format: Format) -> None:
    """Print what is wrong, or that nothing is."""
    from archdsl.cli.output import console, print_diagnostics
    from archdsl.diagnostics import Severity
    from archdsl.diagnostics.escaping import visible

    if format is not Format.TEXT:
        print_diagnostics(found, console())
    elif faults := [d for d in found if d.severity is not Severity.NOTE]:
        print_diagnostics(faults, console())
    else:
        print("no faults in " + ", ".join(visible(str(spec)) for spec in specs))


def write(files: Files, fixed: Sequence[Fixed], format: Format) -> None:
    """Write the fixed files, and say what was fixed; beside the output that is for programs."""
    from archdsl.cli.fixing import print_fixed
    from archdsl.cli.output import console, fail
    from archdsl.training.faults import Fault

    try:
        files.write()
    except Fault as fault:
        fail([fault.diagnostic], fault.status)
    print_fixed("fixed", fixed, console(stderr=format is not Format.TEXT).file)


def print_diff(files: Files, fixed: Sequence[Fixed]) -> None:
    """Print what would be written; on a terminal nothing in it is obeyed."""
    from archdsl.cli.fixing import diff, print_fixed
    from archdsl.cli.output import console
    from archdsl.diagnostics.escaping import visible

    out = console()
    text = diff(files, fixed)
    if out.is_terminal:
        text = "".join(f"{visible(line)}\n" for line in text.split("\n")[:-1])
    out.file.write(text)
    print_fixed("would fix", fixed, console(stderr=True).file)
