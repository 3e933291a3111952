"""The command line: one file per command; what is heavy is imported within the command."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn, TextIO

import typer

from archdsl.cli import (
    check,
    compile,
    curves,
    evaluate,
    explain,
    export,
    fmt,
    operators,
    recipes,
    render,
    reproduce,
    resume,
    summary,
    sweep,
    watch,
)

app = typer.Typer(
    name="archdsl",
    help="Compile .arch files: check them, write PyTorch modules, and train them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    check,
    compile,
    curves,
    evaluate,
    explain,
    export,
    fmt,
    operators,
    recipes,
    render,
    reproduce,
    resume,
    summary,
    sweep,
    watch,
):
    app.command(command.NAME)(command.run)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"archdsl {version('archdsl')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass


_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""What a disk says that takes no more."""


def main() -> NoReturn:
    """Run the command line and exit: 0 clean, 1 the spec is at fault, 2 the call is at fault."""
    try:
        _run()
    except SystemExit as end:
        distributed = sys.modules.get("archdsl.training.distributed")
        if distributed is not None:
            distributed.end_process(end.code if isinstance(end.code, int) else bool(end.code))
        raise


def _run() -> NoReturn:
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller: nobody wants to read it
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
    try:
        try:
            app()
        finally:
            sys.stdout.flush()  # while it can still be told that it takes no more
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        # The reader went away (`| head`): nothing more to say, and nothing to say it to.
        _give_up(sys.stdout)
        sys.exit(141)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _DISK and _takes_no_more():
            _give_up(sys.stdout)
            try:
                _say(error)
                sys.stderr.flush()
            except OSError:  # standard error may lie on the same disk
                _give_up(sys.stderr)
            sys.exit(130 if isinstance(error.__context__, KeyboardInterrupt) else 2)
        if os.environ.get("ARCHDSL_TRACEBACK"):
            raise
        print(
            f"internal error: {type(error).__name__}: {error}\n"
            "This is a bug in archdsl. Set ARCHDSL_TRACEBACK=1 to see where, and report it.",
            file=sys.stderr,
        )
        sys.exit(70)
    sys.exit(0)


def _takes_no_more() -> bool:
    """Return whether standard output refuses what is written to it.

    Where nothing is left that it has refused, only another character can tell.
    """
    try:
        sys.stdout.write("\n")
        sys.stdout.flush()
    except OSError:
        return True
    return False


def _give_up(stream: TextIO) -> None:
    """Throw away what a stream does not take; else it is tried once more at the exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _say(error: OSError) -> None:
    from archdsl.cli.output import console, output_fault, print_diagnostics

    print_diagnostics([output_fault(error)], console(stderr=True))
