"""Compiling for a command: faults are printed, and end it with their status."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from archdsl.cli.output import call_fault, fail
from archdsl.compiler import (
    CallFault,
    Compiled,
    SpecFault,
    compile_spec,
    compile_variants,
    load_spec,
)
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


def compile_variants_or_exit(
    spec: Path,
    model: str | None,
    variants: str,
    parameters: Mapping[str, Value],
    *,
    allow_outside: bool = False,
) -> dict[str, Compiled]:
    """Return every point of a grid, compiled; exit 1 where the spec is at fault, 2 the call."""
    if model is not None:
        message = f"--model {model} is set, but variants {variants} name their model themselves"
        fail([call_fault("ARCH133", message, "leave --model out")], 2)
    try:
        return compile_variants(load_spec(spec, allow_outside=allow_outside), variants, parameters)
    except SpecFault as fault:
        fail(fault.diagnostics, 1)
    except CallFault as fault:
        fail([fault.diagnostic], 2)
