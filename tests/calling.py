"""Commands called within this process: what they do and say, without starting a process for each.

That a command is a process, with a status and two streams, is tested where it is what matters.
"""

from __future__ import annotations

import os
from contextvars import copy_context
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from archdsl.cli import app

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Done:
    """What a command has left, named as those of a process are."""

    returncode: int
    stdout: str
    stderr: str


def archdsl(*arguments: str | Path, cwd: Path = ROOT) -> Done:
    """Call a command in a folder."""
    before = Path.cwd()
    os.chdir(cwd)
    try:
        # The format of diagnostics is a context variable, and must not stay.
        result = copy_context().run(CliRunner().invoke, app, [*map(str, arguments)])
    finally:
        os.chdir(before)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Done(result.exit_code, result.stdout, result.stderr)
