"""The overview, in landscape: the backbone runs right, taps down, the steps right again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from archdsl.backends.figures import fonts
from archdsl.backends.figures.captions import shape_text
from archdsl.backends.figures.cells import MOST_SINGLE, Cell, cells
from archdsl.backends.figures.drawing import (
    Box,
    Edge,
    Frame,
    Item,
    Line,
    Point,
    Role,
    Table,
    Text,
    straight,
)
from archdsl.backends.figures.lanes import Aggregator, Lane, aggregator, head, lanes, state, symbol
from archdsl.backends.figures.parts import (
    bent,
    box,
    fitted,
    muted,
    sheets_of,
    title,
    titled,
)
from archdsl.backends.figures.sections import Section, dead_box, sections
from archdsl.backends.figures.tables import mapping_table
from archdsl.ir import INPUT, Network

ARROW = 9.0
"""Length of an arrow between boxes."""
FRAME = 5.0
"""Between a frame and what lies in it."""
TITLE = 15.0
"""Height of the row of a frame that its title is in."""
MOST_TITLE = 130.0
"""Points that the title of a stage may take with its shape, however narrow its boxes are."""
APART = 10.0
"""Between two tables."""
DOWN = 14.0
"""Length of an arrow down."""
MANY = 6
"""More taps than that are drawn with fewer boxes each."""
MOST_IN_HEAD = 6
"""Parts of a head that stand beside each other; more are listed in one box."""
VECTOR = 13.0
"""Height of a vector."""


def overview_items(network: Network) -> list[Item]:
    """Return everything of the overview, but legend and notes."""
    return Overview(network).items()


class Overview:
    """Places one network; the middle of the backbone is y = 0."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.lanes = lanes(network)
        self.tables = {lane.number: mapping_table(lane) for lane in self.lanes}
        self.is_dense = len(self.lanes) > MANY
        self.beside = 1 if self.is_dense else MOST_SINGLE
        self.frames: list[Item] = []
        self.boxes: list[Item] = []
        self.edges: list[Item] = []
        self.tapped: dict[int, Box] = {}
        """The tapped box of each lane, by its number."""
        self.columns: dict[int, float] = {}
        """The x of each lane: that of its box, unless several lanes begin there."""
        self.last: Box | None = None
        """What the next arrow leaves."""
        self.right = 0.0

    def items(self) -> list[Item]:
        """Return everything that is drawn."""
        self.add(
            box(INPUT, Role.IO, titled("image", shape_text(self.network.input)), nodes=(INPUT,))
        )
        for section in sections(self.network):
            self.section(section)
        if (dead := dead_box(self.network)) is not None:
            self.add(dead)
        recurrent = aggregator(self.network)
        if recurrent is None:
            for item in head_boxes(self.network):
                self.add(item)
        else:
            self.aggregate(recurrent)
        return [*self.frames, *self.boxes, *self.edges]

    def add(self, item: Box, *, gap: float = ARROW, y: float = 0, said: Line = ()) -> Box:
        """Place a box to the right of the last one, with an arrow between, and a label on that."""
        before = self.last
        x = self.right + (gap if before is not None else 0) + item.width / 2
        placed = replace(item, x=x, y=y)
        self.boxes.append(placed)
        if before is not None:
            start, end = (before.right, y), (placed.left, y)
            self.edges.append(Edge(before.id, placed.id, straight(start, end)))
            if said:
                self.boxes.append(Text((self.right + placed.left) / 2, y - 7, said))
        self.last = placed
        self.right = placed.right + sheets_of(placed)
        return placed

    def section(self, section: Section) -> None:
        """Place a stage in its frame, or what stands between two."""
        if not section.path:
            for cell in cells(section, self.network, beside=self.beside):
                self.cell(cell)
            return
        start = len(self.boxes)
        gap = ARROW + FRAME
        for cell in cells(section, self.network, beside=self.beside):
            self.cell(cell, gap)
            gap = ARROW
        inside = [item for item in self.boxes[start:] if isinstance(item, Box)]
        left = inside[0].left - FRAME
        room = max(self.right - left, MOST_TITLE)
        said = muted("\u00a0\u00a0" + (section.note or shape_text(section.shape)))
        heading = (fitted(section.title, room - fonts.run_width(said) - FRAME), said)
        wide = max(self.right + FRAME - left, fonts.width(heading) + 3 * FRAME)
        if wide > self.right + FRAME - left:
            self.spread(inside, (wide - (self.right + FRAME - left)) / 2)
        half = max(item.height for item in inside) / 2
        behind = max(map(sheets_of, inside))
        top = -half - TITLE - 1
        height = 2 * half + TITLE + 1 + FRAME + behind
        name = section.path.rpartition(".")[2]
        self.frames.append(Frame(section.path, "plain", left, top, wide, height, name))
        self.boxes.append(Text(left + FRAME + 2, top + TITLE / 2 + 1, heading, "start", name))
        self.right = left + wide

    def spread(self, inside: Sequence[Box], by: float) -> None:
        """Move boxes to the middle of a frame that is wider than they are."""
        ids = {item.id: item for item in inside}
        for i, item in enumerate(self.boxes):
            if isinstance(item, Box) and item.id in ids:
                moved = replace(item, x=item.x + by)
                self.boxes[i] = ids[item.id] = moved
        for i, edge in enumerate(self.edges):
            if isinstance(edge, Edge) and edge.target in ids:
                start = edge.points[0]
                if edge.source in ids:
                    start = (start[0] + by, start[1])
                end = (edge.points[-1][0] + by, edge.points[-1][1])
                self.edges[i] = replace(edge, points=straight(start, end))
        for number, item in self.tapped.items():
            if item.id in ids:
                self.tapped[number] = ids[item.id]
                self.columns[number] += by
        assert self.last is not None
        self.last = ids[self.last.id]

    def cell(self, cell: Cell, gap: float = ARROW) -> None:
        """Place a cell, far enough to the right for the tables of the taps that it has."""
        item = cell.box()
        tapping = [lane for lane in self.lanes if lane.tap.node in cell.nodes]
        if tapping:
            natural = self.right + gap + item.width / 2
            gap += max(0.0, self.least_x(tapping[0]) - natural)
        placed = self.add(item, gap=gap)
        for lane in tapping:
            self.tapped[lane.number] = placed
            self.columns[lane.number] = max(placed.x, self.least_x(lane))

    def least_x(self, lane: Lane) -> float:
        """Return how far to the right a lane must lie, so that its table is clear of the last."""
        before = self.columns.get(lane.number - 1)
        if before is None:
            return 0.0
        tables = self.tables[lane.number - 1].width + self.tables[lane.number].width
        return before + tables / 2 + APART

    def aggregate(self, recurrent: Aggregator) -> None:
        """Place tables, vectors and steps below what is tapped, and the head behind them."""
        below = max(
            [item.bottom for item in self.frames if isinstance(item, Frame)]
            + [item.bottom + sheets_of(item) for item in self.boxes if isinstance(item, Box)]
        )
        top = below + DOWN
        highest = max(table.height for table in self.tables.values())
        middle = top + highest + DOWN + VECTOR / 2
        y = middle + VECTOR / 2 + DOWN + 9 + 6
        steps: list[Box] = []
        vectors: list[Box | Table] = []
        for lane in self.lanes:
            x = self.columns[lane.number]
            table = self.tables[lane.number]
            table = replace(table, x=x, y=top + table.height / 2)
            self.boxes.append(table)
            step = box(
                f"step{lane.number}",
                Role.RECURRENT,
                titled(f"step {lane.number}"),
                nodes=recurrent.nodes(lane.number),
                x=x,
                y=y,
                tooltip=f"{recurrent.title}, step {lane.number}",
            )
            self.boxes.append(step)
            self._down(self.tapped[lane.number], table)
            vectors.append(self.vector(lane, table, middle))
            self._down(vectors[-1], step)
            if steps:
                before = steps[-1]
                way = straight((before.right, y), (step.left, y))
                self.edges.append(Edge(before.id, step.id, way, "state"))
                self.boxes.append(
                    Text((before.right + step.left) / 2, y - 7, state(lane.number - 1))
                )
            steps.append(step)
        self.recurrent_frame(recurrent, steps)
        self.readout(recurrent, steps, vectors)

    def vector(self, lane: Lane, table: Table, y: float) -> Box | Table:
        """Place the vector that a table makes below it; return what the next arrow leaves."""
        if self.is_dense:
            self.boxes.append(Text(table.x + 4, y, lane.vector, "start"))
            return table
        vector = box(
            f"v{lane.number}",
            Role.MAP,
            (lane.vector,),
            x=table.x,
            y=y,
            tooltip=f"vector {lane.number} of {len(self.lanes)}",
        )
        vector = replace(vector, height=VECTOR)
        self.boxes.append(vector)
        self._down(table, vector)
        return vector

    def recurrent_frame(self, recurrent: Aggregator, steps: Sequence[Box]) -> None:
        """Place the frame around the steps, with its caption in a row of its own below them."""
        first, last = steps[0], steps[-1]
        caption: Line = (title(recurrent.title), muted("\u00a0\u00a0" + recurrent.caption))
        aside = first.left
        if len(recurrent.reads) > 1:
            # Lines that leave the steps downwards must not run through it.
            aside = first.x + 5
            if aside + fonts.width(caption) + 5 > steps[1].x:
                caption = caption[:1]
        left = first.left - FRAME
        right = max(last.right + FRAME, aside + fonts.width(caption) + FRAME)
        top, bottom = first.top - FRAME, first.bottom + TITLE + 2
        frame = Frame(
            "recurrent", "plain", left, top, right - left, bottom - top, recurrent.caption
        )
        self.frames.append(frame)
        self.boxes.append(Text(aside, bottom - TITLE / 2 - 1, caption, "start"))
        self.right = right

    def readout(
        self, recurrent: Aggregator, steps: Sequence[Box], vectors: Sequence[Box | Table]
    ) -> None:
        """Place what of the states goes on, and the head behind it."""
        last = self.last = steps[-1]
        y = last.y
        said = symbol("h", recurrent.steps)
        gap = fonts.width(said) + 11
        if recurrent.joins:
            lines = titled("concat", shape_text(recurrent.shape))
            joint = box(recurrent.readout, Role.OTHER, lines, nodes=(recurrent.readout,))
            joint = self.add(joint, gap=gap, y=y, said=said)
            if recurrent.feature:
                vector = vectors[-1]
                way: list[Point] = [
                    (vector.right, vector.y),
                    (joint.x, vector.y),
                    (joint.x, joint.top),
                ]
                self.edges.append(Edge(vector.id, joint.id, bent(*way), "tap"))
            if len(recurrent.reads) > 1:
                below = max(f.bottom for f in self.frames if isinstance(f, Frame)) + 7
                for step in steps[:-1]:
                    way = [(step.x, step.bottom), (step.x, below), (joint.x, below)]
                    points = bent(*way, (joint.x, joint.bottom))
                    self.edges.append(Edge(step.id, joint.id, points))
            said, gap = (), ARROW
        for item in head_boxes(self.network):
            self.add(item, gap=gap, y=y, said=said)
            said, gap = (), ARROW

    def _down(self, source: Box | Table, target: Box | Table) -> None:
        way = straight((source.x, source.bottom), (source.x, target.top))
        if abs(source.x - target.x) > 0.01:
            y = target.top - DOWN + 2
            way = bent(way[0], (source.x, y), (target.x, y), (target.x, target.top))
        self.edges.append(Edge(source.id, target.id, way, "tap"))


def head_boxes(network: Network) -> list[Box]:
    """Return the boxes of the head: what makes no vector of its own says its shape."""
    section = Section("", "", head(network), ())
    return [cell.box() for cell in cells(section, network, beside=MOST_IN_HEAD)]
