"""Parts of a drawing: boxes as large as their text, curves, and moving what is placed already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import hypot

from archdsl.backends.figures import fonts
from archdsl.backends.figures.drawing import (
    BADGE_SIZE,
    DETAIL_SIZE,
    EMPTY_WIDTH,
    PADDING,
    SHEET,
    TITLE_SIZE,
    Box,
    Dot,
    Edge,
    Frame,
    Item,
    Line,
    Point,
    Role,
    Run,
    Table,
    Text,
    line_height,
    straight,
)
from archdsl.backends.figures.outline import Leaf

CORNER = 6.0
"""Radius of a corner in a line, in points."""
SHEETS = 2
"""Behind a box that stands for several equal things."""
MOST = 40
"""Characters of a name that are drawn; the whole is in the tooltip."""
_LEAST_WIDTH = 30.0
_LEAST_HEIGHT = 15.0
_ABOVE_AND_BELOW = 3.0

SQUARE = frozenset({Role.DOWN, Role.MAP})
"""Roles whose boxes have square corners: a role is not told by its colour alone."""


def shortened(text: str, most: int = MOST) -> str:
    """Return a text of at most so many characters; an ellipsis stands for the rest."""
    return text if len(text) <= most else text[: most - 1] + "…"


def fitted(text: str, width: float) -> Run:
    """Return a text as titles are written, cut so that it is no wider than ``width`` points."""
    run = title(text)
    while fonts.run_width(run) > width and len(run.text) > 2:
        run = title(run.text.removesuffix("…")[:-1] + "…")
    return run


def title(text: str) -> Run:
    """Return a text as titles are written."""
    return Run(shortened(text), TITLE_SIZE, bold=True)


def muted(text: str) -> Run:
    """Return a text as details and shapes are written."""
    return Run(shortened(text, 2 * MOST), DETAIL_SIZE, muted=True)


def titled(said: str, *details: str) -> tuple[Line, ...]:
    """Return the lines of a box: what it is called, and below what else is to be said."""
    return ((title(said),), *((muted(detail),) for detail in details if detail))


def box(
    id: str,
    role: Role,
    lines: tuple[Line, ...],
    *,
    nodes: Iterable[str] = (),
    count: int = 1,
    tooltip: str = "",
    least_width: float = _LEAST_WIDTH,
    x: float = 0,
    y: float = 0,
) -> Box:
    """Return a box around lines of text, with its centre at (x, y); ``×count`` beside the lines."""
    badge = f"×{count}" if count > 1 else ""
    width = fonts.widest(lines) + 2 * PADDING
    if badge:
        width += fonts.run_width(badge_run(badge)) + EMPTY_WIDTH
    return Box(
        id,
        role,
        x,
        y,
        round(max(width, least_width), 2),
        max(sum(map(line_height, lines)) + 2 * _ABOVE_AND_BELOW, _LEAST_HEIGHT),
        lines,
        shape="square" if role in SQUARE else "round",
        badge=badge,
        sheets=SHEETS if badge else 0,
        nodes=tuple(nodes),
        title=tooltip,
    )


def badge_run(badge: str) -> Run:
    """Return a badge as it is written."""
    return Run(badge, BADGE_SIZE, bold=True)


def leaf_box(leaf: Leaf, *details: str, count: int = 1) -> Box:
    """Return the box of an operator with what follows it."""
    lines = titled(leaf.title, leaf.detail, *details)
    tooltip = " · ".join(filter(None, (leaf.title, leaf.detail)))
    id = leaf.nodes[-1]
    return box(id, leaf.role, lines, nodes=leaf.nodes, count=count, tooltip=tooltip)


def sheets_of(item: Box) -> float:
    """Return how far the sheets behind a box stand out, to the right and below."""
    return item.sheets * SHEET


def moved(item: Item, dx: float, dy: float) -> Item:
    """Return an item at another place."""
    if isinstance(item, Edge):
        return replace(item, points=tuple((x + dx, y + dy) for x, y in item.points))
    if isinstance(item, Frame):
        return replace(item, left=item.left + dx, top=item.top + dy)
    return replace(item, x=item.x + dx, y=item.y + dy)


def bounds(items: Iterable[Item]) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of everything that is drawn."""
    corners: list[Point] = []
    for item in items:
        corners += _corners(item)
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    return min(xs), min(ys), max(xs), max(ys)


def _corners(item: Item) -> Sequence[Point]:
    if isinstance(item, Edge):
        return item.points
    if isinstance(item, Dot):
        return [(item.x - 2, item.y - 2), (item.x + 2, item.y + 2)]
    if isinstance(item, Text):
        left, right = extent(item)
        half = text_height(item) / 2
        return [(left, item.y - half), (right, item.y + half)]
    behind = sheets_of(item) if isinstance(item, Box) else 0.0
    return [(item.left, item.top), (item.right + behind, item.bottom + behind)]


def extent(item: Text) -> tuple[float, float]:
    """Return where a text begins and ends."""
    width = fonts.width(item.line)
    left = item.x - {"start": 0.0, "middle": width / 2, "end": width}[item.anchor]
    return left, left + width


def text_height(item: Text) -> float:
    """Return the height of a text, in points."""
    return 1.25 * max((run.size for run in item.line), default=0.0)


def bent(*points: Point) -> tuple[Point, ...]:
    """Return lines from point to point with rounded corners, as a Bézier curve.

    >>> bent((0, 0), (0, 9))
    ((0, 0), (0.0, 3.0), (0.0, 6.0), (0, 9))
    """
    curve = [points[0]]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        start = _towards(corner, before)
        end = _towards(corner, after)
        curve += straight(curve[-1], start)[1:]
        curve += [_part(start, corner), _part(end, corner), end]
    return (*curve, *straight(curve[-1], points[-1])[1:])


def _towards(corner: Point, other: Point) -> Point:
    """Return where the rounding of a corner begins, on the way to another point."""
    dx, dy = other[0] - corner[0], other[1] - corner[1]
    length = hypot(dx, dy)
    part = min(CORNER, length / 2) / length if length else 0
    return corner[0] + dx * part, corner[1] + dy * part


def _part(start: Point, corner: Point) -> Point:
    """Return the control point that makes the rounding a quarter of a circle, very nearly."""
    part = 0.5523
    return start[0] + (corner[0] - start[0]) * part, start[1] + (corner[1] - start[1]) * part


def node_of(items: Iterable[Item], id: str) -> Box | Table:
    """Return the box that stands for a node of the network; raises ``KeyError``."""
    for item in items:
        if isinstance(item, Box | Table) and id in item.nodes:
            return item
    raise KeyError(id)
