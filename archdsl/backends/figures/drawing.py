"""A figure as data: boxes, frames, edges and texts, each at its place.

All lengths are points (1/72 inch); x grows to the right and y downwards from the top left corner.
Items are drawn in the order of the list: frames first, then what lies on them. Nothing here knows
of networks, and nothing of Graphviz.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import Literal, TypeAlias

TITLE_SIZE = 8.5
"""Of what a box is called, and of frames."""
DETAIL_SIZE = 7.5
"""Of the second line of a box, of shapes and of the legend."""
BADGE_SIZE = 9.5
"""Of a badge, which is bold and stands :data:`EMPTY_WIDTH` behind the widest line of its box."""
SUB_SCALE = 0.7
"""Size of a subscript, relative to that of its line."""
TITLE_HEIGHT = 12.0
"""Of a line whose largest text is a title."""
DETAIL_HEIGHT = 10.5
"""Of any other line."""
PADDING = 5.0
"""Between the border of a box and its text, left and right."""
EMPTY_WIDTH = 8.0
"""Between a text and what follows in its line."""

Point: TypeAlias = tuple[float, float]


class Role(StrEnum):
    """What a thing is to the reader: decides its colour, and (with its shape) how it looks."""

    IO = "io"
    CONV = "conv"
    RESIDUAL = "residual"
    DOWN = "down"
    MAP = "map"
    RECURRENT = "recurrent"
    FC = "fc"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Run:
    """Text in one style. ``muted`` is grey; ``sub`` is a subscript to what stands before it."""

    text: str
    size: float = DETAIL_SIZE
    bold: bool = False
    italic: bool = False
    sub: bool = False
    muted: bool = False


Line: TypeAlias = tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Box:
    """A thing with a border: ``x`` and ``y`` are its centre.

    Its lines stand below each other in the middle. ``badge`` (``×10``) stands at the right of the
    lines, bold, in the colour of the role; both together are in the middle then. With it,
    ``sheets`` more borders lie behind, each
    :data:`SHEET` to the right of and below the one before. ``shape`` of a join is a circle.
    ``nodes`` are the ids of the network's nodes that it stands for, in order; ``title`` is its full
    name for a tooltip. A dashed one is there, but never computed.
    """

    id: str
    role: Role
    x: float
    y: float
    width: float
    height: float
    lines: tuple[Line, ...]
    shape: Literal["round", "square", "circle"] = "round"
    badge: str = ""
    sheets: int = 0
    nodes: tuple[str, ...] = ()
    title: str = ""
    dashed: bool = False

    @property
    def left(self) -> float:
        """Of its border; so are the other three."""
        return self.x - self.width / 2

    @property
    def right(self) -> float:
        """See ``left``."""
        return self.x + self.width / 2

    @property
    def top(self) -> float:
        """See ``left``."""
        return self.y - self.height / 2

    @property
    def bottom(self) -> float:
        """See ``left``."""
        return self.y + self.height / 2


SHEET = 2.4
"""By how much a sheet behind a box is moved."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: an operator at the left, the shape of its output at the right."""

    left: Line
    right: Line
    nodes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping node: a header on a darker ground, and one row an operator. Always square.

    The header is :data:`HEADER_HEIGHT` high and each row :data:`ROW_HEIGHT`.
    """

    id: str
    role: Role
    x: float
    y: float
    width: float
    header: Line
    rows: tuple[Row, ...]
    nodes: tuple[str, ...] = ()
    title: str = ""

    @property
    def height(self) -> float:
        """Of header and rows."""
        return HEADER_HEIGHT + ROW_HEIGHT * len(self.rows)

    @property
    def left(self) -> float:
        """Of its border; so are the other three."""
        return self.x - self.width / 2

    @property
    def right(self) -> float:
        """See ``left``."""
        return self.x + self.width / 2

    @property
    def top(self) -> float:
        """See ``left``."""
        return self.y - self.height / 2

    @property
    def bottom(self) -> float:
        """See ``left``."""
        return self.y + self.height / 2


HEADER_HEIGHT = 14.0
ROW_HEIGHT = 12.0


@dataclass(frozen=True, slots=True)
class Frame:
    """A ground on which other things lie: always rounded, its text is a :class:`Text` on it.

    ``kind``: a stage or the recurrent lane (light grey), a mapping node (tinted), a repetition
    (white, on a stage).
    """

    id: str
    kind: Literal["plain", "mapping", "repeat"]
    left: float
    top: float
    width: float
    height: float
    title: str = ""

    @property
    def right(self) -> float:
        """Of its border; so is the other one."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """See ``right``."""
        return self.top + self.height


@dataclass(frozen=True, slots=True)
class Edge:
    """A line from one thing to another, ending in an arrow unless told otherwise.

    ``points`` are a cubic Bézier curve: a start, then three points for each piece; the tip of the
    arrow is the last one. A tap is thicker, in the colour of mapping nodes, with a dot at its tail:
    a copy is taken, the backbone goes on.
    """

    source: str
    target: str
    points: tuple[Point, ...]
    kind: Literal["flow", "tap", "state"] = "flow"
    arrow: bool = True


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text on its own; ``y`` is its middle. ``x`` is its start, middle or end.

    ``title`` is its full wording for a tooltip, where it is cut.
    """

    x: float
    y: float
    line: Line
    anchor: Literal["start", "middle", "end"] = "middle"
    title: str = ""


@dataclass(frozen=True, slots=True)
class Dot:
    """A junction: a line leaves another one here. It has a radius of :data:`DOT` points."""

    x: float
    y: float


DOT = 1.5

Item: TypeAlias = Frame | Box | Table | Edge | Text | Dot


@dataclass(frozen=True, slots=True)
class Drawing:
    """A whole figure. ``description`` says in a sentence or two what it shows, for screen readers.

    ``advice`` is for whoever made it: where it is too large for a page, and what to draw instead.
    """

    name: str
    view: str
    width: float
    height: float
    items: tuple[Item, ...]
    description: str
    advice: tuple[str, ...] = field(default=())

    def boxes(self) -> Iterator[Box | Table]:
        """Yield everything that stands for nodes of the network."""
        for item in self.items:
            if isinstance(item, Box | Table):
                yield item

    def roles(self) -> dict[str, Role]:
        """Return the role of each of them, by id."""
        return {box.id: box.role for box in self.boxes()}


def plain(line: Line) -> str:
    """Return the characters of a line, without its styles.

    >>> plain((Run("v"), Run("1", sub=True)))
    'v1'
    """
    return "".join(run.text for run in line)


def line_height(line: Line) -> float:
    """Return the height of a line in a box, in points."""
    return TITLE_HEIGHT if any(run.size >= TITLE_SIZE for run in line) else DETAIL_HEIGHT


def straight(*points: Point) -> tuple[Point, ...]:
    """Return lines from point to point as a Bézier curve.

    >>> straight((0, 0), (3, 0))
    ((0, 0), (1.0, 0.0), (2.0, 0.0), (3, 0))
    """
    curve = [points[0]]
    for (x0, y0), (x1, y1) in pairwise(points):
        curve += [
            (x0 + (x1 - x0) / 3, y0 + (y1 - y0) / 3),
            (x0 + 2 * (x1 - x0) / 3, y0 + 2 * (y1 - y0) / 3),
            (x1, y1),
        ]
    return tuple(curve)
