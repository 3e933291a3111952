"""Views: a network as a drawing, in one of the forms that a paper has room for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

from archdsl.backends.figures.definitions import definition_items
from archdsl.backends.figures.drawing import DETAIL_SIZE, Drawing, Item
from archdsl.backends.figures.legend import legend, notes
from archdsl.backends.figures.overview import overview_items
from archdsl.backends.figures.parts import bounds, moved
from archdsl.backends.figures.portrait import Portrait
from archdsl.ir import Network, Region

MARGIN = 4.0
"""Around a figure."""
BEFORE_LEGEND = 12.0
LEAST_WIDTH = 104.0
"""Of a figure without its margin, in points: the longest entry of a legend without taps."""
TWO_COLUMNS = 515.5
"""Width of a page's text, 7.16 inches, in points."""
ONE_COLUMN = 252.0
"""Width of one of two columns, 3.5 inches, in points."""
SMALLEST = 6.0
"""The smallest text that a journal prints, in points."""
MOST_TAPS = 6
"""More taps than that make an overview too wide for a page."""


class View(StrEnum):
    """What is told, and which way the backbone runs."""

    OVERVIEW = "overview"
    COLUMN = "column"
    FULL = "full"


def draw(network: Network, view: View) -> Drawing:
    """Return a network as a drawing, with a legend and notes below."""
    drawing = finished(network, view.value, items_of(network, view))
    size = smallest(drawing.width, view)
    return drawing if size >= SMALLEST else replace(drawing, advice=(advice(network, view, size),))


def items_of(network: Network, view: View) -> list[Item]:
    """Return what a view consists of, but legend and notes."""
    match view:
        case View.OVERVIEW:
            return overview_items(network)
        case View.COLUMN:
            return Portrait(network, full=False).items()
        case View.FULL:
            return Portrait(network, full=True).items()


def default_view(network: Network) -> View:
    """Return the view that fits a network: an overview, unless it has more taps than fit."""
    taps = len(network.aggregation.taps) if network.aggregation is not None else 0
    return View.OVERVIEW if taps <= MOST_TAPS else View.COLUMN


def finished(network: Network, view: str, items: Sequence[Item], *, told: bool = True) -> Drawing:
    """Return items with a legend as a drawing whose top left corner is (0, 0).

    Notes on the whole network are ``told`` below that.
    """
    left, top, right, bottom = bounds(items)
    least = LEAST_WIDTH if legend(items, LEAST_WIDTH, 0) else 0.0
    width, below = max(right - left, least), bottom - top
    aside = (width - (right - left)) / 2
    placed = [moved(item, MARGIN + aside - left, MARGIN - top) for item in items]
    shown = legend(items, width, below + BEFORE_LEGEND)
    if shown:
        _, _, _, below = bounds(shown)
    said = notes(network, width, below + BEFORE_LEGEND) if told else []
    placed += [moved(item, MARGIN, MARGIN) for item in (*shown, *said)]
    _, _, right, bottom = bounds(placed)
    return Drawing(
        network.name,
        view,
        round(right + MARGIN, 2),
        round(bottom + MARGIN, 2),
        tuple(placed),
        description(network, view),
    )


def smallest(width: float, view: View) -> float:
    """Return the height of the smallest text of a figure that is as wide as its page, in points."""
    return DETAIL_SIZE * (ONE_COLUMN if view is View.COLUMN else TWO_COLUMNS) / width


def advice(network: Network, view: View, size: float) -> str:
    """Return what is to be said of a view whose smallest text is too small for its page."""
    where = "3.5 in" if view is View.COLUMN else "7.16 in"
    said = f"at {where}, the smallest text is {size:.1f} pt high (6 is readable)"
    others = {other: _size_of(network, other) for other in View if other is not view}
    for other, found in others.items():
        if found >= SMALLEST:
            return f"{said}: --view {other} has {found:.1f} pt"
    if view is View.COLUMN and 2 * size >= SMALLEST:
        return f"{said}: give it two columns"
    return f"{said}, and other views are no larger: draw a part with --def, or give it more room"


def _size_of(network: Network, view: View) -> float:
    left, _, right, _ = bounds(items_of(network, view))
    return smallest(right - left + 2 * MARGIN, view)


def description(network: Network, view: str) -> str:
    """Return in a sentence or two what a figure shows, for those who cannot see it."""
    stages = [tap.stage for tap in network.taps]
    said = f"{network.name}: a convolutional network of {network.convolutions} convolutions"
    said += f" and {network.params:,} parameters."
    if network.aggregation is not None:
        taps = ", ".join(network.aggregation.taps)
        kind = network.aggregation.kind.upper()
        said += f" The outputs of {taps} are mapped to vectors, over which an {kind} runs."
    elif stages:
        said += f" It has {len(set(stages))} stages."
    return said


def inside(network: Network, region: Region) -> Drawing:
    """Return what is in one region, every operator of it, as a drawing."""
    return finished(network, "def", definition_items(network, region), told=False)
