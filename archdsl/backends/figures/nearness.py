"""Which edge a text of a figure belongs to: it fades with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import hypot

from archdsl.backends.figures import fonts
from archdsl.backends.figures.drawing import Drawing, Edge, Point, Text

NEAR = 9.0
"""Points between the middle of a text and the edge that it is written on, at most."""
_PIECES = 8
"""Straight lines that a piece of a curve is measured as."""


def owners(drawing: Drawing) -> list[int | None]:
    """Return the number of the edge that each text is written beside, in order; edges from 0.

    None for what is written beside none: a title, the legend.
    """
    edges = [item for item in drawing.items if isinstance(item, Edge)]
    return [_owner(item, edges) for item in drawing.items if isinstance(item, Text)]


def _owner(text: Text, edges: Sequence[Edge]) -> int | None:
    left, right = _extent(text)
    nearest = min(
        ((_distance(left, right, text.y, edge), i) for i, edge in enumerate(edges)),
        default=(NEAR, 0),
    )
    return nearest[1] if nearest[0] < NEAR else None


def _extent(text: Text) -> tuple[float, float]:
    """Return left and right end of a text."""
    width = fonts.width(text.line)
    left = text.x - {"start": 0.0, "middle": width / 2, "end": width}[text.anchor]
    return left, left + width


def _distance(left: float, right: float, y: float, edge: Edge) -> float:
    """Return how far an edge is from the middle line of a text, in points."""
    return min(hypot(max(left - px, px - right, 0), py - y) for px, py in _along(edge.points))


def _along(curve: tuple[Point, ...]) -> Iterator[Point]:
    """Yield points on a Bézier curve, its ends too."""
    yield curve[0]
    for start, end in pairwise(range(0, len(curve), 3)):
        p0, p1, p2, p3 = curve[start : end + 1]
        for step in range(1, _PIECES + 1):
            t = step / _PIECES
            a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
            yield (
                a * p0[0] + b * p1[0] + c * p2[0] + d * p3[0],
                a * p0[1] + b * p1[1] + c * p2[1] + d * p3[1],
            )
