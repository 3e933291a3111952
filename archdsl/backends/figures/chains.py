"""Chains of operators as blocks: every operator a box, equal parts in a row drawn once."""

from __future__ import annotations

from itertools import count

from archdsl.backends.figures.blocks import Block, fork, framed, single, stack
from archdsl.backends.figures.cells import described
from archdsl.backends.figures.drawing import Box, Role, Text
from archdsl.backends.figures.outline import Chain, Element, Fork, Leaf, Part
from archdsl.backends.figures.parts import box, leaf_box, muted, title, titled
from archdsl.backends.figures.runs import Run, fold
from archdsl.ir import Network
from archdsl.operators.operator import Shape

RADIUS = 7.0
"""Of the circle in which branches are added or multiplied."""


class Chains:
    """Makes blocks of the chains of one network."""

    def __init__(self, network: Network, tapped: frozenset[str]) -> None:
        self.network = network
        self.tapped = tapped
        self.numbers = count()

    def chain(self, chain: Chain, shape: Shape) -> Block:
        """Return a chain as one block; ``shape`` is what flows in."""
        return stack(self.blocks(chain, shape), shape)

    def blocks(self, chain: Chain, shape: Shape) -> list[Block]:
        """Return a chain as blocks: a fork with what joins it, a repetition, or a single box."""
        blocks: list[Block] = []
        forked: Fork | None = None
        for run in fold(chain, self.network, self.tapped):
            if isinstance(run.element, Fork):
                forked = run.element
                continue
            if forked is not None:
                branches = [self.chain(branch, shape) for branch in forked.branches]
                block = fork(branches, self.joint(run.element), shape)
                forked = None
            elif run.count > 1:
                inner = self.element(run.element, self._input(run))
                grown = shape[0] != inner.shape[0] and len(shape) == len(inner.shape)
                note = f"{shape[0]} → {inner.shape[0]}" if grown else ""
                block = framed(inner, run.count, next(self.numbers), note)
            else:
                block = self.element(run.element, shape)
            blocks.append(block)
            shape = block.shape
        return blocks

    def element(self, element: Element, shape: Shape) -> Block:
        """Return a part with all that is in it, or a box."""
        if isinstance(element, Part):
            return self.chain(element.chain, shape)
        if isinstance(element, Leaf):
            return single(leaf_box(element), element.shape)
        assert not isinstance(element, Fork)
        lines = titled(f"{len(element.nodes)} operators", "wired freely")
        tangle = box(element.nodes[-1], Role.OTHER, lines, nodes=element.nodes)
        return single(tangle, element.shape)

    def joint(self, element: Element) -> Block:
        """Return that in which branches meet: a circle for sum and product, else a box."""
        if isinstance(element, Part):
            # It reads several tensors of what is around it, deep inside: it is drawn closed.
            name, inside, role = described(element, self.network)
            lines = titled(name, inside or f"{len(element.nodes)} operators")
            closed = box(element.nodes[-1], role, lines, nodes=element.nodes)
            return single(closed, element.shape)
        if not isinstance(element, Leaf) or element.title not in ("+", "×"):
            return self.element(element, ())
        tooltip = " · ".join(filter(None, (element.title, element.detail)))
        circle = Box(
            element.nodes[-1],
            Role.OTHER,
            x=0,
            y=0,
            width=2 * RADIUS,
            height=2 * RADIUS,
            lines=((title(element.title),),),
            shape="circle",
            nodes=element.nodes,
            title=tooltip,
        )
        block = single(circle, element.shape)
        if element.detail:
            # Above the line that may leave to the right.
            block.include([Text(RADIUS + 2, -1.0, (muted(element.detail),), "start")])
        return block

    def _input(self, run: Run) -> Shape:
        """Return the shape that flows into the element of a repetition that is drawn: its last."""
        drawn = run.nodes[-(len(run.nodes) // run.count) :]
        inputs = (before for id in drawn for before in self.network.by_id[id].inputs)
        return self.network.by_id[next(id for id in inputs if id not in drawn)].shape
