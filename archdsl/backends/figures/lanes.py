"""What to draw of an aggregation: mapping nodes, vectors, steps, readout; and the head."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from archdsl.backends.figures import captions
from archdsl.backends.figures.drawing import DETAIL_SIZE, Line, Role, Row
from archdsl.backends.figures.drawing import Run as Text
from archdsl.backends.figures.outline import Chain, Fork, Leaf, Part, nodes_of, outline
from archdsl.backends.figures.parts import muted
from archdsl.ir import Network, Tap
from archdsl.operators.operator import Shape


@dataclass(frozen=True, slots=True)
class Lane:
    """The way of one tapped tensor into the aggregator. ``number`` counts from 1."""

    number: int
    tap: Tap
    title: str
    id: str
    chain: tuple[Leaf, ...]
    nodes: tuple[str, ...]
    shape: Shape

    @property
    def vector(self) -> Line:
        """What its vector is called, with its length."""
        return (*symbol("v", self.number), muted(f"\u00a0\u00a0{self.shape[0]}"))


def symbol(name: str, number: int) -> Line:
    """Return a variable with a subscript, as in the paper."""
    return (
        Text(name, DETAIL_SIZE + 0.5, italic=True),
        Text(str(number), DETAIL_SIZE + 0.5, sub=True),
    )


def state(number: int) -> Line:
    """Return what an LSTM hands to its next step."""
    return (*symbol("h", number), Text(", ", DETAIL_SIZE), *symbol("c", number))


def mapping_title(network: Network, tap: Tap) -> str:
    """Return what the mapping node of a tap is called."""
    assert network.aggregation is not None
    return "by hand" if tap.path in network.aggregation.by_hand else f"{tap.level} level"


def lanes(network: Network) -> list[Lane]:
    """Return the lanes of a network in the order of its steps; none without an aggregation."""
    if network.aggregation is None:
        return []
    by_path = {tap.path: tap for tap in network.taps}
    found = []
    for number, path in enumerate(network.aggregation.taps, 1):
        tap = by_path[path]
        assert tap.vector is not None
        region = network.by_id[tap.vector].region
        kind = mapping_title(network, tap)
        nodes = tuple(node.id for node in network.inside(region))
        chain = tuple(_flat(outline(network, region), network))
        shape = network.by_id[tap.vector].shape
        found.append(Lane(number, tap, kind, region, chain, nodes, shape))
    return found


def _flat(chain: Chain, network: Network) -> Iterator[Leaf]:
    """Yield the operators of a mapping node, each as one box; branches are one with their join."""
    branches: Fork | None = None
    for element in chain:
        if isinstance(element, Part):
            yield from _flat(element.chain, network)
        elif isinstance(element, Fork):
            branches = element
        elif isinstance(element, Leaf) and branches is None:
            title = captions.short(network.by_id[element.nodes[0]])
            title = title if not element.follows else element.title
            yield replace(element, title=title, role=Role.MAP)
        else:
            nodes = (*(nodes_of((branches,)) if branches is not None else ()), *element.nodes)
            shape = network.by_id[nodes[-1]].shape
            yield Leaf(nodes, f"{len(nodes)} operators", "", Role.MAP, shape)
            branches = None


def rows(lane: Lane) -> tuple[Row, ...]:
    """Return the operators of a mapping node as rows of a table, each with what it makes."""
    found = []
    for leaf in lane.chain:
        right = (muted(captions.shape_text(leaf.shape)),)
        found.append(Row((Text(leaf.title, DETAIL_SIZE),), right, leaf.nodes))
        if leaf.detail:
            found.append(Row((muted(leaf.detail),), ()))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Aggregator:
    """The recurrent part: its name, its steps, and what of its states goes on.

    ``reads`` says which: the numbers of the states; ``feature`` whether the last vector does, too.
    """

    title: str
    steps: int
    reads: tuple[int, ...]
    feature: bool
    node: str
    readout: str
    shape: Shape
    normalize: str | None

    @property
    def joins(self) -> bool:
        """Whether several vectors go on, side by side."""
        return self.feature or len(self.reads) > 1

    def nodes(self, step: int) -> tuple[str, ...]:
        """Return the nodes that a step stands for: all share one, and the last is what is read."""
        read = step == self.steps and not self.joins
        return (self.node, self.readout) if read else (self.node,)

    @property
    def caption(self) -> str:
        """What is said beside its name."""
        if self.steps == 1:
            return "1 step"
        return f"{self.steps} steps, shared weights"


def aggregator(network: Network) -> Aggregator | None:
    """Return the recurrent part of a network, if it has one."""
    aggregation = network.aggregation
    if aggregation is None:
        return None
    node = network.by_id[aggregation.node]
    readout = network.by_id[aggregation.readout]
    steps = len(aggregation.taps)
    reads = tuple(range(1, steps + 1)) if aggregation.readout_kind == "all" else (steps,)
    return Aggregator(
        captions.title(node),
        steps,
        reads,
        aggregation.readout_kind == "last_and_feature",
        node.id,
        readout.id,
        readout.shape,
        aggregation.normalize,
    )


def head(network: Network) -> Chain:
    """Return the head; its last layer, which makes the scores, is told apart by its role."""
    if "head" not in network.by_path:
        return ()
    chain = outline(network, "head")
    return _scored(chain)


def _scored(chain: Chain) -> Chain:
    """Return a chain whose last linear layer is told apart, be it in a def."""
    *others, last = chain or (None,)
    if isinstance(last, Leaf) and last.role is Role.FC and not last.detail:
        last = replace(last, role=Role.IO, detail="class scores")
    elif isinstance(last, Part):
        last = replace(last, chain=_scored(last.chain))
    return tuple(element for element in (*others, last) if element is not None)
