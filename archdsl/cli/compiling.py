"""Compiling for a command: faults are printed, and end it with their status."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from archdsl.cli.output import fail
from archdsl.compiler import CallFault, Compiled, SpecFault, compile_spec, load_spec
from archdsl.operators.signature import Value


def compile_or_exit(
    spec: Path,
    model: str | None,
    parameters: Mapping[str, Value],
    *,
    allow_outside: bool = False,
) -> Compiled:
    """Return the compiled model; exit 1 where the spec is at fault, 2 where the call is."""
    try:
        return compile_spec(load_spec(spec, allow_outside=allow_outside), model, parameters)
    except SpecFault as fault:
        fail(fault.diagnostics, 1)
    except CallFault as fault:
        fail([fault.diagnostic], 2)
