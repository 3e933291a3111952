"""A small language and a compiler for convolutional networks with layer aggregation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archdsl.compiler import CallFault as CallFault
    from archdsl.compiler import Compiled as Compiled
    from archdsl.compiler import SpecFault as SpecFault
    from archdsl.diagnostics import Diagnostic as Diagnostic
    from archdsl.operators.signature import Value

__version__ = "0.1.0"
__all__ = [
    "CallFault",
    "Compiled",
    "Diagnostic",
    "SpecFault",
    "check",
    "compile",
    "compile_variants",
    "format_text",
]


def check(path: str | Path, *, allow_outside: bool = False) -> tuple[Diagnostic, ...]:
    """Return all faults of a spec, in order; empty where it is clean.

    Imports stay within the folder of the file, unless ``allow_outside`` is set.
    """
    from archdsl.compiler import check_spec, load_spec

    return check_spec(load_spec(path, allow_outside=allow_outside))


def compile(path: str | Path, model: str | None = None, **parameters: Value) -> Compiled:
    """Compile a model of a spec.

    ``model`` may be left out where the file declares one. ``parameters`` replace the defaults of
    the model's own (``classes=100``). Raises :class:`SpecFault` where the spec is at fault, and
    :class:`CallFault` where the file, the model or a parameter is not there.
    """
    from archdsl.compiler import compile_spec, load_spec

    return compile_spec(load_spec(path), model, parameters)


def compile_variants(path: str | Path, name: str, **parameters: Value) -> dict[str, Compiled]:
    """Compile every point of the variants of a name, by what it is called: ``depth[n=2]``.

    ``parameters`` hold at every point. Raises as :func:`compile` does.
    """
    from archdsl.compiler import compile_variants, load_spec

    return compile_variants(load_spec(path), name, parameters)


def format_text(text: str) -> str:
    """Return the text of a spec as ``archdsl fmt`` writes it.

    It may have faults, but those of syntax: for them :class:`SpecFault` is raised.
    """
    from archdsl.formatting import NotFormatted, format_source
    from archdsl.source import Source

    try:
        return format_source(Source("<text>", text))
    except NotFormatted as refusal:
        from archdsl.compiler import SpecFault

        raise SpecFault(refusal.diagnostics) from None


def __getattr__(name: str) -> Any:
    # Loaded when asked for: the command line imports this package first, and `--help` needs none.
    if name in ("CallFault", "Compiled", "SpecFault"):
        from archdsl import compiler

        return getattr(compiler, name)
    if name == "Diagnostic":
        from archdsl.diagnostics import Diagnostic

        return Diagnostic
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
