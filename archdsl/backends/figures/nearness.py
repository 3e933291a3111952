"""Which edge a text of a figure belongs to: it fades with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import hypot

from archdsl.backends.figures.drawing import Drawing, Edge, Point, Text
from archdsl.backends.figures.parts import extent

NEAR = 9.0
"""Points between the middle of a text and the edge that it is written on, at most."""
_PIECES = 8
"""Straight lines that a piece of a curve is measured as."""


def owners(drawing: Drawing) -> list[int | None]:
    """Return the number of the edge that each text is written beside, in order; edges from 0.

    None for what is written beside none: a title, the legend.
    """
    # Points of edges by the strip of the figure that they lie in: a text looks at three strips.
    strips: dict[int, list[tuple[Point, int]]] = {}
    edges = (item for item in drawing.items if isinstance(item, Edge))
    for number, edge in enumerate(edges):
        for point in _along(edge.points):
            strips.setdefault(_strip(point[1]), []).append((point, number))
    return [_owner(item, strips) for item in drawing.items if isinstance(item, Text)]


def _strip(y: float) -> int:
    return int(y // NEAR)


def _owner(text: Text, strips: Mapping[int, Sequence[tuple[Point, int]]]) -> int | None:
    left, right = extent(text)
    middle = _strip(text.y)
    nearest = min(
        (
            (hypot(max(left - x, x - right, 0), y - text.y), number)
            for strip in (middle - 1, middle, middle + 1)
            for (x, y), number in strips.get(strip, ())
        ),
        default=(NEAR, 0),
    )
    return nearest[1] if nearest[0] < NEAR else None


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
