"""What Graphviz's ``dot`` engine has placed, as items of a drawing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import ceil, dist
from typing import Any

from archdsl.backends.figures import fonts
from archdsl.backends.figures.curves import along
from archdsl.backends.figures.digest import Digest
from archdsl.backends.figures.drawing import (
    TITLE_SIZE,
    Box,
    Edge,
    Frame,
    Item,
    Line,
    Point,
    Run,
    Text,
    straight,
)
from archdsl.backends.figures.parts import moved, shortened

MARGIN = 4.0
"""Around a figure."""
BESIDE = 7.0
"""Points between a border of a frame and its title."""
_TITLE_ROOM = 15.0
"""Points below the top of a frame that are its title's."""
_CLEAR = 3.0
"""Points between a title and an edge."""
_STEP = 4.0
"""Points between the places of an edge that are looked at: less than a title is high."""


def read_layout(
    layout: Mapping[str, Any],
    boxes: Mapping[str, Box],
    frames: Mapping[str, tuple[int, Frame]],
    graph: Digest,
) -> tuple[float, float, list[Item]]:
    """Return width, height and items of a figure, from the JSON that Graphviz writes.

    ``boxes`` and ``frames`` (with the number of those around them) are there by their names in DOT,
    of their size and with a title, but not at their place.
    """
    left, bottom, right, top = map(float, layout["bb"].split(","))

    def at(x: float, y: float) -> Point:
        return round(x - left + MARGIN, 2), round(top - y + MARGIN, 2)

    objects = layout.get("objects", [])
    shown: list[Item] = []
    grounds: list[tuple[int, Frame]] = []
    for thing in objects:
        if thing["name"] in frames:
            depth, frame = frames[thing["name"]]
            x0, y0, x1, y1 = map(float, thing["bb"].split(","))
            (west, south), (east, north) = at(x0, y0), at(x1, y1)
            frame = replace(frame, left=west, top=north)
            frame = replace(frame, width=round(east - west, 2), height=round(south - north, 2))
            grounds.append((depth, frame))
        else:
            x, y = map(float, thing["pos"].split(","))
            shown.append(moved(boxes[thing["name"]], *at(x, y)))
    taps = {(a, b) for a, b, tap in graph.arcs if tap}
    edges = []
    for arc in layout.get("edges", []):
        tail, head = (boxes[objects[arc[end]]["name"]].id for end in ("tail", "head"))
        pairs = (pair.split(",") for pair in arc["pos"].removeprefix("e,").split())
        tip, *curve = (at(float(x), float(y)) for x, y in pairs)
        points = (*curve, *straight(curve[-1], tip)[1:])
        edges.append(Edge(tail, head, points, "tap" if (tail, head) in taps else "flow"))
    grounds.sort(key=lambda entry: entry[0])  # an outer one lies below those in it
    lower: list[Item] = []
    crossings = _Crossings(edges)
    for _, frame in grounds:
        lower += [frame, *_title(frame, crossings)]
    width, height = right - left + 2 * MARGIN, top - bottom + 2 * MARGIN
    return round(width, 2), round(height, 2), [*lower, *shown, *edges]


def frame_title(text: str) -> Line:
    """Return the title of a frame."""
    return (Run(shortened(text), TITLE_SIZE, bold=True),)


def _title(frame: Frame, crossings: _Crossings) -> list[Item]:
    """Return a frame's title where no edge crosses it: the leftmost place where it fits.

    Where it fits nowhere, it is cut to the widest place that there is.
    """
    line = frame_title(frame.title)
    ends = [frame.left + BESIDE - _CLEAR]
    taken = crossings.within(frame.left, frame.right, frame.top, frame.top + _TITLE_ROOM)
    places: list[tuple[float, float]] = []
    for x in [*taken, frame.right - BESIDE + _CLEAR]:
        places.append((ends[-1] + _CLEAR, x - _CLEAR))
        ends.append(x)
    fit = [p for p in places if p[1] - p[0] >= fonts.width(line)]
    start, end = fit[0] if fit else max(places, key=lambda p: p[1] - p[0])
    most = len(frame.title)
    while fonts.width(line) > end - start and most > 1:
        most -= 1
        line = (replace(line[0], text=shortened(frame.title, most)),)
    if fonts.width(line) > end - start:
        return []  # the tooltip of the frame says it
    y = frame.top + _TITLE_ROOM / 2 + 1
    return [Text(round(start, 2), round(y, 2), line, "start", frame.title)]


class _Crossings:
    """Where edges run, by strips as high as a title."""

    def __init__(self, edges: Iterable[Edge]) -> None:
        self.strips: dict[int, list[Point]] = {}
        for edge in edges:
            points = edge.points
            for i in range(0, len(points) - 3, 3):
                piece = (points[i], points[i + 1], points[i + 2], points[i + 3])
                length = sum(dist(piece[k], piece[k + 1]) for k in range(3))
                steps = ceil(length / _STEP) or 1
                for n in range(steps + 1):
                    x, y = along(piece, n / steps)
                    self.strips.setdefault(int(y // _TITLE_ROOM), []).append((x, y))

    def within(self, left: float, right: float, top: float, bottom: float) -> list[float]:
        """Return the x of every place of an edge in a rectangle, from left to right."""
        strips = range(int(top // _TITLE_ROOM), int(bottom // _TITLE_ROOM) + 1)
        return sorted(
            x
            for strip in strips
            for x, y in self.strips.get(strip, ())
            if left < x < right and top <= y <= bottom
        )
