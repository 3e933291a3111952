"""Why a figure cannot be drawn: a fault with a code, for whoever called to print."""

from __future__ import annotations

from collections.abc import Sequence

_SHOWN = 3
"""So many lines of what Graphviz said are passed on."""


class FigureFault(Exception):
    """A figure cannot be drawn.

    ``code`` is in the catalogue; ``message``, ``notes`` and ``help`` are those of a diagnostic.
    """

    def __init__(
        self, code: str, message: str, *, notes: Sequence[str] = (), help: str | None = None
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.notes = tuple(notes)
        self.help = help

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def nothing_to_draw_with(missing: Sequence[str], said: Sequence[str] = ()) -> FigureFault:
    """ARCH701: packages of the extra that are missing, or no Graphviz of either kind."""
    what = ", ".join(missing)
    return FigureFault(
        "ARCH701",
        f"figures need {what}, which {'is' if len(missing) == 1 else 'are'} not installed",
        notes=said[:_SHOWN],
        help='install the extra: pip install "archdsl[figures]"',
    )


def graphviz_failed(why: str, said: Sequence[str]) -> FigureFault:
    """ARCH702: Graphviz was started, and there is no picture."""
    return FigureFault(
        "ARCH702",
        f"Graphviz drew nothing: {why}",
        notes=[f"Graphviz said: {line[:200]}" for line in said[:_SHOWN]],
        help="ask for one of the smaller views, or for DOT source, which needs no Graphviz",
    )


def too_large_for_a_page(layers: int, most: int) -> FigureFault:
    """ARCH703: a page of so many layers would be slow to open, and no help to anybody."""
    return FigureFault(
        "ARCH703",
        f"a page of {layers:,} layers is too large; it may have {most:,}",
        help="write an SVG or a PDF, or the page of one part: --def NAME -o part.html",
    )
