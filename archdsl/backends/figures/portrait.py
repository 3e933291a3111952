"""The two views in portrait: the backbone runs down, each tap to the right, the steps down again.

``column`` has a box for each run of equal parts and a table for each mapping node; ``full`` has a
box for every operator, and draws repetitions once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from archdsl.backends.figures import fonts
from archdsl.backends.figures.blocks import (
    ARROW,
    ASIDE,
    LABELLED,
    Block,
    append,
    label,
    single,
)
from archdsl.backends.figures.captions import shape_text
from archdsl.backends.figures.cells import cells
from archdsl.backends.figures.chains import Chains
from archdsl.backends.figures.drawing import (
    Box,
    Edge,
    Frame,
    Item,
    Line,
    Role,
    Table,
    Text,
    straight,
)
from archdsl.backends.figures.lanes import Aggregator, Lane, aggregator, head, lanes, state, symbol
from archdsl.backends.figures.parts import (
    bent,
    bounds,
    box,
    fitted,
    leaf_box,
    moved,
    muted,
    node_of,
    title,
    titled,
)
from archdsl.backends.figures.sections import Section, dead_box, sections
from archdsl.backends.figures.tables import mapping_table
from archdsl.ir import INPUT, Network
from archdsl.operators.operator import Shape

FRAME = 8.0
"""Between a frame and what lies in it."""
TITLE = 15.0
"""Height of the row of a frame that its title is in."""
LEAST = 60.0
"""Points that the title of a stage may take left of the trunk, however narrow its boxes are."""
APART = 9.0
"""Between two rows of mapping nodes, at least."""
ASIDE_OF_TRUNK = 16.0
"""Between the backbone and the mapping nodes."""


class Portrait:
    """Places one network."""

    def __init__(self, network: Network, *, full: bool) -> None:
        self.network = network
        self.full = full
        self.lanes = lanes(network)
        self.aggregator = aggregator(network)
        tapped = frozenset(lane.tap.node for lane in self.lanes)
        self.tapped = tapped
        self.chains = Chains(network, tapped)
        self.trunk = Block(shape=network.input)
        self.frames: list[Item] = []
        self.told: Shape = network.input
        self.rows: dict[int, float] = {}
        """The y of each lane, by its number."""

    def items(self) -> list[Item]:
        """Return everything that is drawn, but legend and notes."""
        image = box(INPUT, Role.IO, titled("image"), nodes=(INPUT,), least_width=60)
        append(self.trunk, single(image, self.network.input), self.told)
        self.told = ()
        *others, last = sections(self.network)
        for section in others:
            self.section(section)
        dead = dead_box(self.network)
        goes_on = dead is not None or (self.aggregator is None and bool(head(self.network)))
        self.section(last, ends=not goes_on)
        if dead is not None:
            self.append(single(dead, self.trunk.shape))
        if self.aggregator is None:
            self.head(self.trunk, self.told)
            return [*self.frames, *self.trunk.items]
        items = self.trunk.items
        return [*self.frames, *items, *self.across(items)]

    def section(self, section: Section, *, ends: bool = False) -> None:
        """Place a stage in its frame, or what stands between two.

        Where the backbone ``ends`` no line is left beside which its shape could be told.
        """
        blocks = (
            self.chains.blocks(section.chain, self.trunk.shape)
            if self.full
            else [
                single(cell.box(), cell.shape)
                for cell in cells(section, self.network, shapes=False)
            ]
        )
        if not section.path:
            for block in blocks:
                self.append(block)
            return
        top = self.trunk.height + ARROW
        entering = self.trunk.shape
        before = len(self.trunk.items)
        for i, block in enumerate(blocks):
            if not i:
                # The line runs through the title's row, with the shape that comes in at its right.
                self.told = entering
                self.append(block, more=TITLE)
            else:
                self.append(block)
        if ends and self.trunk.shape != self.told:
            said = label(self.trunk.shape, 0, self.trunk.height + 6)
            self.trunk.include([replace(said, x=0.0, anchor="middle")])
        inside = self.trunk.items[before:]
        shown = label(entering, 0, top + TITLE / 2 + 1)
        left, right = _extents(inside)
        heading = fitted(section.title, max(left, LEAST) - ASIDE)
        note = (muted("\u00a0\u00a0" + section.note),) if section.note else ()
        left = max(left, fonts.width((heading, *note)) + ASIDE)
        right = max(right, ASIDE + fonts.width(shown.line))
        bottom = self.trunk.height + FRAME
        frame = Frame(
            section.path,
            "plain",
            -left - FRAME,
            top,
            left + right + 2 * FRAME,
            bottom - top,
            section.path.rpartition(".")[2],
        )
        self.frames.append(frame)
        text = Text(-left - FRAME + 6, top + TITLE / 2 + 1, (heading, *note), "start", frame.title)
        self.trunk.include([text, shown])
        self.trunk.height = bottom
        self.trunk.left, self.trunk.right = (
            max(self.trunk.left, left + FRAME),
            max(self.trunk.right, right + FRAME),
        )

    def append(self, block: Block, *, more: float = 0.0) -> None:
        """Place a block below the others, low enough for the rows that it has taps for."""
        here: set[int] = set()
        for lane in self.lanes:
            place = _row(block, lane)
            if place is None:
                continue
            labelled = self.trunk.shape != self.told
            top = self.trunk.height + (LABELLED if labelled else ARROW) + more
            before = self.rows.get(lane.number - 1)
            if before is not None:
                needed = before + self.below(lane.number - 1) + APART + self.above(lane.number)
                if lane.number - 1 in here:
                    # Both are in one block, which cannot be pulled apart.
                    place = max(place, needed - top)
                more += max(0.0, needed - (top + place))
                top = self.trunk.height + (LABELLED if labelled else ARROW) + more
            here.add(lane.number)
            self.rows[lane.number] = top + place
        self.told = append(self.trunk, block, self.told, more=more)

    def above(self, number: int) -> float:
        """Return how far the mapping node of a lane reaches above its row."""
        if not self.full:
            return mapping_table(self.lanes[number - 1]).height / 2
        return TITLE + 15 + 3

    def below(self, number: int) -> float:
        """Return how far it reaches below."""
        if not self.full:
            return mapping_table(self.lanes[number - 1]).height / 2
        return 15 + FRAME

    def across(self, backbone: Sequence[Item]) -> list[Item]:
        """Return everything right of the backbone."""
        items: list[Item] = []
        left = self.trunk.right + ASIDE_OF_TRUNK
        right = left
        ends: dict[int, tuple[str, float]] = {}
        for lane in self.lanes:
            source = node_of(backbone, lane.tap.node)
            y = self.rows[lane.number]
            placed, end = (
                self.chain_of(lane, left, y) if self.full else self.table_of(lane, left, y)
            )
            first = next(i for i in placed if isinstance(i, Box | Table))
            items += placed
            way = straight((source.right, source.y), (first.left, y))
            if abs(source.y - y) > 0.01:
                aside = left - ASIDE_OF_TRUNK / 2
                way = bent(way[0], (aside, source.y), (aside, y), (first.left, y))
            items.append(Edge(source.id, first.id, way, "tap"))
            last = [i for i in placed if isinstance(i, Box | Table)][-1]
            ends[lane.number] = (last.id, last.right)
            right = max(right, end)
        vectors = [(lane, fonts.width(lane.vector)) for lane in self.lanes]
        widest = max(width for _, width in vectors)
        x = right + 14 + widest / 2 + 5
        for lane, _ in vectors:
            y = self.rows[lane.number]
            source_id, end = ends[lane.number]
            if self.full:
                vector = box(
                    f"v{lane.number}",
                    Role.MAP,
                    (lane.vector,),
                    least_width=widest + 10,
                    x=x,
                    y=y,
                    tooltip=f"vector {lane.number} of {len(self.lanes)}",
                )
                items.append(vector)
                items.append(
                    Edge(source_id, vector.id, straight((end, y), (vector.left, y)), "tap")
                )
                ends[lane.number] = (vector.id, vector.right)
            else:
                items.append(Text(x, y - 7, lane.vector))
        column = x + widest / 2 + (5 if self.full else 0) + 20
        return [*items, *self.steps(column, ends)]

    def table_of(self, lane: Lane, left: float, y: float) -> tuple[list[Item], float]:
        """Return the table of a mapping node, and where it ends at the right."""
        table = mapping_table(lane, narrow=True)
        placed = replace(table, x=left + table.width / 2, y=y)
        return [placed], placed.right

    def chain_of(self, lane: Lane, left: float, y: float) -> tuple[list[Item], float]:
        """Return the operators of a mapping node in a row, framed, and where that ends."""
        shown: list[Item] = []
        boxes: list[Box] = []
        shape: Shape = ()
        x = left + FRAME
        for leaf in lane.chain:
            if boxes:
                said = (muted(shape_text(shape)),)
                gap = fonts.width(said) + 12
                shown.append(Text(x + gap / 2 - 1.5, y - 6, said))
                x += gap
            placed = leaf_box(leaf)
            placed = replace(placed, x=x + placed.width / 2, y=y)
            if boxes:
                way = straight((boxes[-1].right, y), (placed.left, y))
                shown.append(Edge(boxes[-1].id, placed.id, way, "tap"))
            x, shape = placed.right, leaf.shape
            boxes.append(placed)
        heading = (title(f"mapping: {lane.title}"),)
        width = max(x + FRAME - left, fonts.width(heading) + 2 * FRAME)
        half = max(15.0, max(item.height for item in boxes) / 2)
        top = y - half - TITLE - 1
        frame = Frame(
            lane.id, "mapping", left, top, width, 2 * half + TITLE + 1 + FRAME, lane.title
        )
        text = Text(left + FRAME, top + TITLE / 2 + 1.5, heading, "start")
        return [frame, text, *boxes, *shown], left + width

    def steps(self, left: float, ends: dict[int, tuple[str, float]]) -> list[Item]:
        """Return the steps in their frame, the readout, and the head below."""
        recurrent = self.aggregator
        assert recurrent is not None
        caption = (title(recurrent.title),)
        boxes = [
            box(
                f"step{n}",
                Role.RECURRENT,
                titled(f"step {n}"),
                y=self.rows[n],
                nodes=recurrent.nodes(n),
                tooltip=f"{recurrent.title}, step {n}",
            )
            for n in range(1, recurrent.steps + 1)
        ]
        aside = max(fonts.width(state(n)) for n in range(1, recurrent.steps + 1)) + ASIDE
        half = max(boxes[-1].width, fonts.width(caption)) / 2 + FRAME - 2
        right = max(half, aside + FRAME / 2) if recurrent.steps > 1 else half
        x = left + half
        boxes = [replace(step, x=x) for step in boxes]
        top = boxes[0].top - TITLE - 5
        bottom = boxes[-1].bottom + FRAME
        frame = Frame(
            "recurrent", "plain", x - half, top, half + right, bottom - top, recurrent.caption
        )
        items: list[Item] = [frame, Text(x, top + TITLE / 2 + 2, caption), *boxes]
        for n, step in enumerate(boxes, 1):
            source, end = ends[n]
            y = step.y
            items.append(Edge(source, step.id, straight((end, y), (step.left, y)), "tap"))
            if n > 1:
                before = boxes[n - 2]
                way = straight((x, before.bottom), (x, step.top))
                items.append(Edge(before.id, step.id, way, "state"))
                middle = (before.bottom + step.top) / 2
                items.append(Text(x + ASIDE, middle, state(n - 1), "start"))
        return [*items, *self.readout(recurrent, boxes, ends, (half, right), bottom)]

    def readout(
        self,
        recurrent: Aggregator,
        boxes: Sequence[Box],
        ends: dict[int, tuple[str, float]],
        halves: tuple[float, float],
        bottom: float,
    ) -> list[Item]:
        """Return what of the states goes on, and the head; ``halves`` are a frame's extents."""
        last = boxes[-1]
        tail = Block(shape=recurrent.shape, exit=last.id, end=last.bottom, height=bottom)
        said: Line | None = symbol("h", recurrent.steps)
        told: Shape = ()
        if recurrent.joins:
            lines = titled("concat", shape_text(recurrent.shape))
            joint = box(recurrent.readout, Role.OTHER, lines, nodes=(recurrent.readout,))
            append(tail, single(joint, recurrent.shape), (), said=said)
            (joint,) = (item for item in tail.items if isinstance(item, Box))
            told, said = recurrent.shape, None
            if recurrent.feature:
                source, end = ends[recurrent.steps]
                aside = -halves[0] - 8
                way = [(end - last.x, last.y), (aside, last.y), (aside, joint.y)]
                tail.include([Edge(source, joint.id, bent(*way, (joint.left, joint.y)), "tap")])
            for step in boxes[:-1] if len(recurrent.reads) > 1 else ():
                aside = halves[1] + 8
                way = [(step.right - step.x, step.y), (aside, step.y), (aside, joint.y)]
                tail.include([Edge(step.id, joint.id, bent(*way, (joint.right, joint.y)))])
        else:
            said = (*symbol("h", recurrent.steps), muted(f"\u00a0\u00a0{recurrent.shape[0]}"))
        self.head(tail, told, said)
        return [moved(item, last.x, 0) for item in tail.items]

    def head(self, tail: Block, told: Shape, said: Line | None = None) -> None:
        """Place the head below what is there; ``said`` labels the line that leads to it."""
        for block in self.chains.blocks(head(self.network), tail.shape):
            told = append(tail, block, told, said=said)
            said = None


def _row(block: Block, lane: Lane) -> float | None:
    """Return at which height of a block the tapped tensor of a lane is made, if it is there."""
    try:
        return node_of(block.items, lane.tap.node).y
    except KeyError:
        return None


def _extents(items: Sequence[Item]) -> tuple[float, float]:
    left, _, right, _ = bounds(items)
    return -left, right
