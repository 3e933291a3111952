"""The figures of a model as files, and its page: what commands and notebooks ask for."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.backends.figures.drawing import Drawing
from archdsl.backends.figures.faults import too_large_for_a_page
from archdsl.backends.figures.page import Views, page, prefix
from archdsl.backends.figures.painting import Request, ThemeName, paint_all
from archdsl.backends.figures.views import View, default_view, draw
from archdsl.ir import Network

MOST_IN_PAGE = 3_000
"""Things in a view of a page; more are no help to anybody, and slow."""
MOST_LAYERS = 20_000
"""Layers of a model that has a page."""


def page_views(network: Network, first: Drawing | None = None) -> dict[str, Drawing]:
    """Return the drawings of a model's page: first the one that fits the model best, or is given.

    Raises :class:`FigureFault`, ARCH703, for a model that is too large for a page.
    """
    if len(network.nodes) > MOST_LAYERS:
        raise too_large_for_a_page(len(network.nodes), MOST_LAYERS)
    opening = View(first.view) if first is not None else default_view(network)
    views = [opening, *(view for view in View if view is not opening)]
    drawings = {
        view.value: first if first is not None and view is opening else draw(network, view)
        for view in views
    }
    return {
        name: drawing
        for name, drawing in drawings.items()
        if len(drawing.items) <= MOST_IN_PAGE or name == opening
    }


def painted_views(drawings: dict[str, Drawing]) -> Views:
    """Return drawings with their SVG, as a page takes them. Raises :class:`FigureFault`."""
    requests = [Request(d, ["svg"], prefix=prefix(name)) for name, d in drawings.items()]
    painted = [files["svg"].decode() for files in paint_all(requests)]
    return {
        name: (drawing, svg) for (name, drawing), svg in zip(drawings.items(), painted, strict=True)
    }


def figure_files(
    network: Network,
    drawing: Drawing,
    formats: Sequence[str],
    *,
    theme: ThemeName = "auto",
    pages: dict[str, Drawing] | None = None,
) -> dict[str, bytes]:
    """Return a drawing in some formats (:data:`archdsl.backends.figures.FORMATS`), by format.

    ``pages`` are the views of the HTML page, if one is asked for: those of the whole model unless
    given, and it opens with the drawing. All is drawn in one go. Raises :class:`FigureFault`.
    """
    pictures = [format for format in ("svg", "pdf", "png", "dot") if format in formats]
    requests = [Request(drawing, pictures, theme)]  # type: ignore[arg-type]
    views: dict[str, Drawing] = {}
    if "html" in formats:
        views = pages if pages is not None else page_views(network, drawing)
        requests += [Request(d, ["svg"], prefix=prefix(name)) for name, d in views.items()]
    first, *rest = paint_all(requests)
    files: dict[str, bytes] = {str(format): data for format, data in first.items()}
    if "html" in formats:
        shown = {
            name: (d, painted["svg"].decode())
            for (name, d), painted in zip(views.items(), rest, strict=True)
        }
        files["html"] = page(network.name, network, shown, theme=theme).encode()
    return files
