"""What lies beside the backbone in portrait: mapping nodes, vectors, steps, readout, head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from archdsl.backends.figures import fonts
from archdsl.backends.figures.blocks import ASIDE, Block, append, single
from archdsl.backends.figures.captions import shape_text
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
from archdsl.backends.figures.lanes import Aggregator, Lane, head, state, symbol
from archdsl.backends.figures.parts import (
    bent,
    box,
    leaf_box,
    moved,
    muted,
    node_of,
    title,
    titled,
)
from archdsl.backends.figures.tables import mapping_table
from archdsl.ir import Network
from archdsl.operators.operator import Shape

FRAME = 8.0
"""Between a frame and what lies in it."""
TITLE = 15.0
"""Height of the row of a frame that its title is in."""
ASIDE_OF_TRUNK = 16.0
"""Between the backbone and the mapping nodes."""


class Across:
    """Places the lanes of one network, each at the y of its row, and what they lead to."""

    def __init__(
        self,
        network: Network,
        chains: Chains,
        lanes: Sequence[Lane],
        rows: Mapping[int, float],
        *,
        full: bool,
    ) -> None:
        self.network = network
        self.chains = chains
        self.lanes = lanes
        self.rows = rows
        self.full = full

    def items(self, recurrent: Aggregator, backbone: Sequence[Item], edge: float) -> list[Item]:
        """Return everything right of the backbone, which ends at x = ``edge``."""
        items: list[Item] = []
        left = edge + ASIDE_OF_TRUNK
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
        return [*items, *self.steps(recurrent, column, ends)]

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

    def steps(
        self, recurrent: Aggregator, left: float, ends: dict[int, tuple[str, float]]
    ) -> list[Item]:
        """Return the steps in their frame, the readout, and the head below."""
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
        place_head(self.network, self.chains, tail, told, said)
        return [moved(item, last.x, 0) for item in tail.items]


def place_head(
    network: Network, chains: Chains, tail: Block, told: Shape, said: Line | None = None
) -> None:
    """Place the head below what is there; ``said`` labels the line that leads to it."""
    for block in chains.blocks(head(network), tail.shape):
        told = append(tail, block, told, said=said)
        said = None
