"""What is to be shown of a watched spec: its model or, while it has errors, the last one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from archdsl.compiler import CallFault, Compiled, Spec, SpecFault, compile_spec, load_spec
from archdsl.diagnostics import Diagnostic, Severity
from archdsl.operators.signature import Value
from archdsl.syntax import nodes
from archdsl.watching.files import Files


@dataclass(frozen=True)
class State:
    """What the page is to show.

    ``compiled`` is the newest model without errors, None while there was none. ``said`` is what
    is wrong with the spec, as text for people; None: nothing. With ``is_stale`` it has errors, and
    ``compiled`` is of an earlier text; without, these are warnings.
    """

    title: str
    compiled: Compiled | None
    said: str | None = None
    is_stale: bool = False


class Draw(Protocol):
    """Returns a state as one self-contained HTML page; raises :class:`CannotDraw`.

    The page has its Content-Security-Policy in a ``<meta>``, as the page on disk has. A state
    without a model, which is faults alone, can always be drawn.
    """

    def __call__(self, state: State, /) -> str:
        """Draw a state."""


class CannotDraw(Exception):
    """A model without errors of which no figure can be made; ``diagnostics`` say why."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__("; ".join(d.message for d in diagnostics))
        self.diagnostics = tuple(diagnostics)


@dataclass(frozen=True)
class Watched:
    """Which model is watched, as the command line names it."""

    spec: Path
    model: str | None = None
    parameters: Mapping[str, Value] | None = None
    allow_outside: bool = False

    def compile(self, files: Files) -> Compiled:
        """Compile the model; every file that this rests on is remembered in ``files``.

        Raises :class:`SpecFault` or :class:`CallFault`.
        """
        spec = load_spec(self.spec, allow_outside=self.allow_outside, read=files.read)
        follow_imports(spec, files)
        return compile_spec(spec, self.model, self.parameters)


def follow_imports(spec: Spec, files: Files) -> None:
    """Remember where each import leads: a link in its path may be led elsewhere later.

    The loader reads the file at the end of the links, and one that lies outside not at all.
    """
    for module in spec.program.modules:
        if module.source.path is None:
            continue
        with suppress(OSError):  # a relative path, and the working folder is gone
            # What a file imports is relative to where it really lies.
            folder = Path(module.source.path).resolve().parent
            for item in module.file.items:
                if isinstance(item, nodes.Import) and isinstance(item.origin, nodes.Literal):
                    files.follow(folder / str(item.origin.value))


def fault_of(error: SpecFault | CallFault | CannotDraw) -> tuple[Diagnostic, ...]:
    """Return the errors and warnings of a failed attempt; notes say nothing of what is wrong."""
    found = (error.diagnostic,) if isinstance(error, CallFault) else error.diagnostics
    return tuple(d for d in found if d.severity is not Severity.NOTE)
