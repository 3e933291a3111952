"""Drawings as files: SVG, PDF, PNG and DOT, all of them in one go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from archdsl.backends.figures.dot import write_dot
from archdsl.backends.figures.drawing import Drawing
from archdsl.backends.figures.pdf import fix_dates
from archdsl.backends.figures.pen import LIMIT, Job, Pen, draw
from archdsl.backends.figures.svg import harden
from archdsl.backends.figures.theme import THEMES

Format: TypeAlias = Literal["svg", "pdf", "png", "dot"]
ThemeName: TypeAlias = Literal["auto", "light", "dark"]

PIXELS_PER_INCH = 216
"""Three a point: a page of whole points has whole pixels, and its last column is no half one."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is wanted of a drawing. Every id of an SVG begins with ``prefix``.

    ``auto`` is an SVG that is light or dark as its reader prefers; other formats are light.
    """

    drawing: Drawing
    formats: Sequence[Format]
    theme: ThemeName = "auto"
    prefix: str = ""


def paint(
    drawing: Drawing,
    formats: Sequence[Format],
    *,
    theme: ThemeName = "auto",
    prefix: str = "",
    limit: float = LIMIT,
    pen: Pen | None = None,
) -> dict[Format, bytes]:
    """Return a drawing as the bytes of a file, by format.

    Raises :class:`FigureFault`: ARCH701 where what it needs is not installed, ARCH702 where
    Graphviz fails or takes more than ``limit`` seconds.
    """
    request = Request(drawing, formats, theme, prefix)
    return paint_all([request], limit=limit, pen=pen)[0]


def paint_all(
    requests: Sequence[Request], *, limit: float = LIMIT, pen: Pen | None = None
) -> list[dict[Format, bytes]]:
    """Return what is wanted of several drawings; see :func:`paint`. Faster than one by one."""
    sources = [{f: _source(r, f) for f in dict.fromkeys(r.formats)} for r in requests]
    jobs = [Job(text, f) for each in sources for f, text in each.items() if f != "dot"]
    drawn = iter(draw(jobs, limit=limit, pen=pen).files if jobs else ())
    return [
        {f: text.encode() if f == "dot" else _finished(r, f, next(drawn)) for f, text in s.items()}
        for r, s in zip(requests, sources, strict=True)
    ]


def _theme(request: Request) -> Literal["light", "dark"]:
    return "light" if request.theme == "auto" else request.theme


def _source(request: Request, format: Format) -> str:
    theme = THEMES[_theme(request)]
    return write_dot(
        request.drawing,
        theme,
        prefix=request.prefix,
        dpi=PIXELS_PER_INCH if format == "png" else None,
        # On paper and slides a light figure has the ground that is there.
        transparent=format == "pdf" and theme.name == "light",
    )


def _finished(request: Request, format: Format, data: bytes) -> bytes:
    if format == "svg":
        theme, auto = THEMES[_theme(request)], request.theme == "auto"
        return harden(data, request.drawing, theme, prefix=request.prefix, auto=auto)
    return fix_dates(data) if format == "pdf" else data
