"""Edges as curves: where the shaft of an arrow ends, and the corners of its head."""

from __future__ import annotations

from collections.abc import Mapping
from math import dist, hypot
from typing import TypeAlias

from archdsl.backends.figures.drawing import Edge, Point, Role

HEAD_LENGTH = 5.0
HEAD_WIDTH = 4.2
_WIDTHS = {"flow": 0.9, "state": 0.9, "tap": 1.2}
TAIL_RADIUS = 2.5
"""Of the dot at the tail of a tap."""

Cubic: TypeAlias = tuple[Point, Point, Point, Point]


def line_width(edge: Edge) -> float:
    """Return how thick an edge is, in points."""
    return _WIDTHS[edge.kind]


def has_tail(edge: Edge, roles: Mapping[str, Role]) -> bool:
    """Whether there is a dot at an edge's tail: where a copy is taken, not within the lane."""
    return edge.kind == "tap" and roles.get(edge.source) is not Role.MAP


def shaft(edge: Edge) -> tuple[Point, ...]:
    """Return the curve of an edge, cut where the head of its arrow begins.

    A head is never longer than 0.7 of the way from the start of its edge to the tip.
    """
    if not edge.arrow:
        return edge.points
    points, tip = edge.points, edge.points[-1]
    length = min(HEAD_LENGTH, 0.7 * max(dist(p, tip) for p in points))
    while len(points) > 4 and dist(points[-4], tip) <= length:
        points = points[:-3]
    piece = (points[-4], points[-3], points[-2], points[-1])
    low, high = 0.0, 1.0
    for _ in range(40):  # to a millionth of a point
        middle = (low + high) / 2
        if dist(_split(piece, middle)[3], tip) > length:
            low = middle
        else:
            high = middle
    return (*points[:-4], *_split(piece, low))


def head(edge: Edge) -> tuple[Point, Point, Point] | None:
    """Return the corners of an arrow's head, the tip second; None where there is no arrow."""
    if not edge.arrow:
        return None
    (x0, y0), (x1, y1) = shaft(edge)[-1], edge.points[-1]
    length = hypot(x1 - x0, y1 - y0)
    if not length:
        return None
    across = HEAD_WIDTH / 2 * min(1.0, length / HEAD_LENGTH) / length
    dx, dy = -(y1 - y0) * across, (x1 - x0) * across
    return (x0 + dx, y0 + dy), (x1, y1), (x0 - dx, y0 - dy)


def along(piece: Cubic, at: float) -> Point:
    """Return a point of a cubic Bézier curve: its start at 0, its end at 1."""
    return _split(piece, at)[3]


def _split(piece: Cubic, at: float) -> Cubic:
    """Return the first part of a cubic Bézier curve (de Casteljau)."""

    def between(p: Point, q: Point) -> Point:
        return p[0] + at * (q[0] - p[0]), p[1] + at * (q[1] - p[1])

    a, b, c = (between(piece[i], piece[i + 1]) for i in range(3))
    d, e = between(a, b), between(b, c)
    return piece[0], a, d, between(d, e)
