"""The two views in portrait: the backbone runs down, each tap to the right, the steps down again.

``column`` has a box for each run of equal parts and a table for each mapping node; ``full`` has a
box for every operator, and draws repetitions once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from archdsl.backends.figures import fonts
from archdsl.backends.figures.across import FRAME, TITLE, Across, place_head
from archdsl.backends.figures.blocks import (
    ARROW,
    ASIDE,
    LABELLED,
    Block,
    append,
    label,
    single,
)
from archdsl.backends.figures.cells import cells
from archdsl.backends.figures.chains import Chains
from archdsl.backends.figures.drawing import (
    Frame,
    Item,
    Role,
    Text,
)
from archdsl.backends.figures.lanes import Lane, aggregator, head, lanes
from archdsl.backends.figures.parts import (
    bounds,
    box,
    fitted,
    muted,
    node_of,
    titled,
)
from archdsl.backends.figures.sections import Section, dead_box, sections
from archdsl.backends.figures.tables import mapping_table
from archdsl.ir import INPUT, Network
from archdsl.operators.operator import Shape

LEAST = 60.0
"""Points that the title of a stage may take left of the trunk, however narrow its boxes are."""
APART = 9.0
"""Between two rows of mapping nodes, at least."""


class Portrait:
    """Places one network."""

    def __init__(self, network: Network, *, full: bool) -> None:
        self.network = network
        self.full = full
        self.lanes = lanes(network)
        self.aggregator = aggregator(network)
        self.chains = Chains(network, frozenset(lane.tap.node for lane in self.lanes))
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
        dead = dead_box(self.network)
        goes_on = dead is not None or (self.aggregator is None and bool(head(self.network)))
        found = sections(self.network)
        for number, section in enumerate(found, 1):
            self.section(section, ends=number == len(found) and not goes_on)
        if dead is not None:
            self.append(single(dead, self.trunk.shape))
        items = self.trunk.items
        if self.aggregator is None:
            place_head(self.network, self.chains, self.trunk, self.told)
            return [*self.frames, *items]
        across = Across(self.network, self.chains, self.lanes, self.rows, full=self.full)
        return [*self.frames, *items, *across.items(self.aggregator, items, self.trunk.right)]

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


def _row(block: Block, lane: Lane) -> float | None:
    """Return at which height of a block the tapped tensor of a lane is made, if it is there."""
    try:
        return node_of(block.items, lane.tap.node).y
    except KeyError:
        return None


def _extents(items: Sequence[Item]) -> tuple[float, float]:
    left, _, right, _ = bounds(items)
    return -left, right
