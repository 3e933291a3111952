"""A network under construction: adds operators, inferring shape, stride and cost of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from archdsl.ir.network import INPUT, Node, Region, RegionKind
from archdsl.operators.operator import Operator, Shape, Step
from archdsl.operators.signature import Value
from archdsl.source import Use

MAX_IN_SPEC = 1_000_000
"""The most operators that all models and variants of a spec may have together."""

MAX_OPERATORS = 200_000
"""The most operators a network may have."""


class TooManyOperators(Exception):
    """The network would have more than :data:`MAX_OPERATORS` operators."""


def _whole(step: Step) -> Step:
    """Return a stride as an integer where it is one: only maps finer than the input have others."""
    return int(step) if step == int(step) else step


class Size(NamedTuple):
    """Numbers of operators and of regions: there may be regions in which nothing is."""

    operators: int
    regions: int

    @property
    def total(self) -> int:
        """Both."""
        return self.operators + self.regions

    def since(self, before: Size) -> Size:
        """Return what was added to an earlier size."""
        return Size(self.operators - before.operators, self.regions - before.regions)

    def plus(self, more: Size) -> Size:
        """Return the size of both."""
        return Size(self.operators + more.operators, self.regions + more.regions)


class Draft:
    """Nodes, regions and their origins, in order of addition."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.regions: dict[str, Region] = {}
        self.defaults: dict[str, dict[str, Value]] = {}
        self.origins: dict[str, Use] = {}
        self.unmade = Size(0, 0)
        """What is counted, but was not made."""

    @property
    def size(self) -> Size:
        """How many operators (the input is one) and regions there are."""
        operators, regions = self.unmade
        return Size(len(self.nodes) + operators, len(self.regions) + regions)

    def add_input(self, shape: Shape, use: Use) -> Node:
        """Add the node that stands for the input; it has stride 1."""
        node = Node(INPUT, INPUT, {}, (), shape, (1, 1))
        self.nodes[INPUT] = node
        self.origins[INPUT] = use
        return node

    def add(
        self,
        id: str,
        operator: Operator,
        inputs: tuple[Node, ...],
        arguments: Mapping[str, Value],
        use: Use,
    ) -> Node:
        """Add an operator.

        Raises :class:`archdsl.operators.operator.Misfit` where the shapes do not fit, and
        :class:`TooManyOperators` at the limit.
        """
        if len(self.nodes) + self.unmade.operators > MAX_OPERATORS:
            raise TooManyOperators
        shapes = tuple(node.shape for node in inputs)
        shape = operator.infer(shapes, arguments)
        stride = inputs[0].stride
        if operator.joins:  # not that of a gate, which is a vector or a single pixel
            stride = next((n.stride for n in inputs if n.shape[1:] == shape[1:]), stride)
        if len(shape) != 3:
            stride = None
        elif stride is not None:
            vertical, horizontal = operator.stride(shapes, arguments)
            stride = (_whole(stride[0] * vertical), _whole(stride[1] * horizontal))
        node = Node(
            id=id,
            op=operator.name,
            arguments=dict(arguments),
            inputs=tuple(node.id for node in inputs),
            shape=shape,
            stride=stride,
            params=operator.parameter_count(shapes, arguments),
            buffers=operator.buffer_count(shapes, arguments),
            macs=operator.macs(shapes, shape, arguments),
        )
        self.nodes[id] = node
        self.origins[id] = use
        return node

    def add_region(
        self,
        path: str,
        kind: RegionKind,
        input: Node,
        output: Node,
        use: Use,
        definition: str | None = None,
        arguments: Mapping[str, Value] | None = None,
    ) -> Region:
        """Add a region that is complete: its output is known."""
        region = Region(
            path=path,
            kind=kind,
            definition=definition,
            arguments=dict(arguments or {}),
            input=input.id,
            output=output.id,
        )
        self.regions[path] = region
        self.origins[path] = use
        return region
