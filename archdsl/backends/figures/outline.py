"""What to draw: a network as chains of boxes, forks between them, parts and repetitions.

The order of a chain is that of the tensors, whatever the spec looks like. Operators that only
follow another one (batch normalisation, an activation) are drawn with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from archdsl.backends.figures import captions
from archdsl.backends.figures.drawing import Role
from archdsl.backends.figures.flows import Flow, Member, decompose, members
from archdsl.ir import Network, Node, RegionKind
from archdsl.operators import OPERATORS
from archdsl.operators.operator import Shape


@dataclass(frozen=True, slots=True)
class Leaf:
    """A box: an operator and what follows it. The last of ``nodes`` makes its output."""

    nodes: tuple[str, ...]
    title: str
    detail: str
    role: Role
    shape: Shape
    joins: bool = False
    follows: bool = False
    """Whether it is drawn with what stands before it, if anything does."""


@dataclass(frozen=True, slots=True)
class Fork:
    """Branches from one tensor; an empty one hands it on. What joins them comes next."""

    branches: tuple[Chain, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A region with a name of its own: a stage, a block, a use of a def, an item of a row.

    ``shape`` is that of its output.
    """

    kind: RegionKind
    path: str
    definition: str | None
    chain: Chain
    nodes: tuple[str, ...]
    shape: Shape

    @property
    def title(self) -> str:
        """What it is called: by its def, and the channels that it makes."""
        is_forked = any(isinstance(element, Fork) for element in self.chain)
        return captions.unit(self.definition or "unit", self.shape, is_forked=is_forked)


@dataclass(frozen=True, slots=True)
class Tangle:
    """Operators that no chain and no forks can show: they are drawn as one box."""

    nodes: tuple[str, ...]
    shape: Shape


Element: TypeAlias = Leaf | Fork | Part | Tangle
Chain: TypeAlias = tuple[Element, ...]


def outline(network: Network, path: str) -> Chain:
    """Return what to draw of a region: all of it that the network's output depends on."""
    live = [node for node in network.inside(path) if node.id in network.live]
    return _Outliner(network).region(path, live)


class _Outliner:
    """Makes outlines of the regions of one network."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.tapped = {tap.node for tap in network.taps if tap.vector is not None}

    def region(self, path: str, nodes: Iterable[Node]) -> Chain:
        """Return what to draw of a region; ``nodes`` are those within it."""
        return self.merged(self.elements(decompose(members(path, nodes))))

    def elements(self, flow: Flow) -> Iterator[Element]:
        """Yield what to draw of members, each by itself."""
        joins = False
        for item in flow:
            if isinstance(item, Member):
                yield from self.member(item, joins=joins)
            elif isinstance(item, tuple) and len(item) == 1:
                yield from self.elements(item[0])  # entries that cannot be told apart
            elif isinstance(item, tuple):
                yield Fork(tuple(self.merged(self.elements(branch)) for branch in item))
            else:
                nodes = [node for member in item for node in member.nodes]
                yield Tangle(tuple(n.id for n in nodes), nodes[-1].shape)
            joins = isinstance(item, tuple) and len(item) > 1

    def member(self, member: Member, *, joins: bool) -> Iterator[Element]:
        """Yield what to draw of an operator or a region: of blocks and groups, what is in them.

        One that ``joins`` branches is one element: they end in it, wherever inside.
        """
        if member.is_operator:
            yield self.leaf(member.nodes[0])
            return
        region = self.network.by_path.get(member.path)
        kind = region.kind if region is not None else RegionKind.GROUP
        chain = self.region(member.path, member.nodes)
        in_row = self.kind_of(member.path.rpartition(".")[0]) is RegionKind.REPEAT
        is_named = joins or kind in (RegionKind.STAGE, RegionKind.DEF, RegionKind.REPEAT)
        if not (is_named or in_row) or (kind is not RegionKind.STAGE and _is_leaf(chain)):
            yield from chain
            return
        definition = region.definition if region is not None else None
        nodes = tuple(node.id for node in member.nodes)
        yield Part(kind, member.path, definition, chain, nodes, self.shape(nodes[-1]))

    def kind_of(self, path: str) -> RegionKind | None:
        """Return what a region is."""
        region = self.network.by_path.get(path)
        return region.kind if region is not None else None

    def shape(self, id: str) -> Shape:
        """Return the shape of a node's output."""
        return self.network.by_id[id].shape

    def leaf(self, node: Node) -> Leaf:
        """Return the box of one operator."""
        before = self.shape(node.inputs[0]) if node.inputs else None
        operator = OPERATORS.get(node.op)
        joins = operator is not None and operator.joins
        title, detail = captions.title(node), captions.detail(node)
        if joins and len(set(node.inputs)) < len(node.inputs):
            detail = "of one tensor"
        role = captions.role(node, before)
        return Leaf((node.id,), title, detail, role, node.shape, joins, captions.follows(node))

    def merged(self, chain: Iterable[Element]) -> Chain:
        """Return a chain in which what only follows another operator is drawn with it.

        What is tapped ends its box: the arrow must not seem to leave behind the activation.
        """
        merged: list[Element] = []
        for element in chain:
            last = merged[-1] if merged else None
            if (
                isinstance(element, Leaf)
                and element.follows
                and isinstance(last, Leaf)
                and last.nodes[-1] not in self.tapped
            ):
                said = (last.title, element.title) if last.follows else (last.title,)
                merged[-1] = replace(
                    last,
                    nodes=last.nodes + element.nodes,
                    title=" · ".join(said),
                    detail=" · ".join(
                        filter(None, (last.detail, "" if last.follows else element.title))
                    ),
                    shape=element.shape,
                )
            else:
                merged.append(element)
        return tuple(merged)


def _is_leaf(chain: Chain) -> bool:
    return len(chain) == 1 and isinstance(chain[0], Leaf)


def nodes_of(chain: Chain) -> tuple[str, ...]:
    """Return the ids of all nodes that a chain draws."""
    found: list[str] = []
    for element in chain:
        if isinstance(element, Fork):
            for branch in element.branches:
                found += nodes_of(branch)
        else:
            found += element.nodes
    return tuple(found)
