"""What each region does, as a plan: submodules to construct, and calls in order.

A plan knows no text. Names of local variables are chosen in ``variables``, classes in ``classes``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from archdsl.aggregators import AGGREGATORS, READOUTS
from archdsl.ir import INPUT, Network, Node, Region, RegionKind
from archdsl.operators import OPERATORS
from archdsl.operators.foreign import FOREIGN
from archdsl.operators.operator import Expression, ModuleCall, Operator, Shape

REGISTRY: dict[str, Operator] = {
    **OPERATORS,
    **FOREIGN,
    **AGGREGATORS,
    **{operator.name: operator for operator in READOUTS.values()},
}
"""Every operator that a network may hold."""


# Regions that only group what is in them; defs are what the spec's author gave a name to.
_SECTIONS = frozenset((RegionKind.BACKBONE, RegionKind.STAGE, RegionKind.BLOCK, RegionKind.HEAD))


@dataclass(frozen=True)
class Operation:
    """One operator: its submodule (None without one) and its expression."""

    node: Node
    inputs: tuple[str, ...]
    module: ModuleCall | None
    expression: Expression
    live: bool

    @property
    def name(self) -> str:
        """Name of the submodule, or of the operation."""
        return self.node.name

    @property
    def outputs(self) -> tuple[str, ...]:
        """The one value it defines."""
        return (self.node.id,)

    @property
    def elementwise(self) -> bool:
        """Whether it can be written around the call that makes its input."""
        return REGISTRY[self.node.op].elementwise


@dataclass(frozen=True)
class Part:
    """A region within a region: a submodule of a class of its own, and its call."""

    plan: Plan
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of the submodule."""
        return self.plan.region.path.rpartition(".")[2]

    @property
    def live(self) -> bool:
        """Whether anything uses what it computes."""
        return bool(self.outputs)


@dataclass(frozen=True)
class Row:
    """A repeated region: ``items`` in a row, each a plan or an operator with a submodule.

    ``entries`` are the values that flow into each item; an item may read others beside it.
    """

    region: Region
    items: tuple[Plan | Operation | None, ...]
    entries: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of the container."""
        return self.region.path.rpartition(".")[2]

    @property
    def live(self) -> bool:
        """Whether anything uses what it computes."""
        return bool(self.outputs)

    @property
    def is_chain(self) -> bool:
        """Whether every item reads only what flows into it, so that nn.Sequential can run them."""
        return all(
            item is None or item.inputs == (entry,)
            for item, entry in zip(self.items, self.entries, strict=True)
        )


@dataclass(frozen=True)
class Foreign:
    """A backbone from elsewhere: a model that its library constructs, and its features."""

    node: Node
    features: tuple[Node, ...]
    outputs: tuple[str, ...]
    inputs: tuple[str, ...] = (INPUT,)

    name = "backbone"
    live = True

    @property
    def module(self) -> ModuleCall:
        """What constructs the model."""
        callee, arguments = self.node.arguments["callee"], self.node.arguments["arguments"]
        assert isinstance(callee, str) and isinstance(arguments, tuple)
        return ModuleCall(callee, tuple((str(text), None) for text in arguments), len(arguments))

    @property
    def call(self) -> str:
        """The expression that computes its outputs from ``{0}``."""
        whole = self.outputs in ((), (self.node.id,))
        return "self.backbone({0})" if whole else "features(self.backbone, {0})"


Member = Operation | Part | Row | Foreign


@dataclass
class Plan:
    """A region: its members in order, the values it takes, and those it hands on."""

    region: Region
    members: list[Member] = field(default_factory=list)
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()

    @cached_property
    def is_chain(self) -> bool:
        """Whether it only runs submodules of classes of their own one behind the other.

        It needs no class then: ``nn.Sequential`` with names does the same.
        """
        if self.region.kind not in _SECTIONS or not self.members:
            return False
        current = self.inputs
        for member in self.members:
            if not isinstance(member, Part) or member.plan.is_chain or len(current) != 1:
                return False
            if member.inputs != current:
                return False
            current = member.outputs
        return current == self.outputs and len(current) == 1

    @property
    def height(self) -> int:
        """How many levels of regions it holds."""
        inner = [0]
        for member in self.members:
            if isinstance(member, Part):
                inner.append(member.plan.height)
            elif isinstance(member, Row):
                inner += [item.height for item in member.items if isinstance(item, Plan)]
        return 1 + max(inner)


class Planner:
    """Makes the plan of a whole network."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.live = network.live
        self.alias: dict[str, str] = {}
        self.users: dict[str, list[str]] = {}
        self.members_of: dict[str, list[str | Node]] = {"": []}
        self.position: dict[str, int] = {}
        self.collect()

    def collect(self) -> None:
        """Sort nodes and regions into the regions that directly hold them."""
        for index, node in enumerate(self.network.nodes):
            self.position[node.id] = index
            if node.op == INPUT:
                continue
            if node.op == "identity":
                self.alias[node.id] = self.resolve(node.inputs[0])
                continue
            if node.id in self.live:
                for source in node.inputs:
                    self.users.setdefault(self.resolve(source), []).append(node.id)
            self.place(node.region)
            self.members_of[node.region].append(node)
        self.users.setdefault(self.resolve(self.network.output), []).append("")

    def place(self, path: str) -> None:
        """Note a region, and the regions around it, as members of what holds them."""
        if path in self.members_of:
            return
        outer = path.rpartition(".")[0]
        self.place(outer)
        self.members_of[path] = []
        self.members_of[outer].append(path)

    def resolve(self, id: str) -> str:
        """Return the value that an id stands for, identities seen through."""
        return self.alias.get(id, id)

    def plan(self, path: str = "") -> Plan:
        """Return the plan of a region."""
        plan = Plan(self.network.by_path[path])
        self.fill(plan, path)
        plan.inputs = self.inputs_of(path)
        plan.outputs = self.outputs_of(path)
        return plan

    def fill(self, plan: Plan, path: str) -> None:
        for member in self.members_of[path]:
            if isinstance(member, Node):
                plan.members.append(self.operation(member))
                continue
            region = self.network.by_path[member]
            if region.kind is RegionKind.REPEAT and self.has_modules(member):
                plan.members.append(self.row(region))
            elif region.kind is RegionKind.REPEAT or self.is_inlined(region):
                self.fill(plan, member)
            elif foreign := self.foreign(member):
                plan.members.append(foreign)
            else:
                inner = self.plan(member)
                if inner.outputs or self.has_modules(member):
                    plan.members.append(Part(inner, inner.inputs, inner.outputs))

    def foreign(self, path: str) -> Foreign | None:
        """Return a backbone from elsewhere; None where the region is none."""
        nodes = [n for n in self.nodes_in(path) if n.op in FOREIGN]
        if not nodes:
            return None
        outputs = self.outputs_of(path)
        features = tuple(n for n in nodes[1:] if n.id in outputs)
        return Foreign(nodes[0], features, outputs)

    def is_inlined(self, region: Region) -> bool:
        """Whether a region has no class of its own: a mapping node without weights."""
        return region.kind is RegionKind.MAP and not self.has_modules(region.path)

    def has_modules(self, path: str) -> bool:
        """Whether a region holds anything that becomes a submodule."""
        for member in self.members_of[path]:
            if isinstance(member, Node):
                if self.operation(member).module is not None:
                    return True
            elif self.network.by_path[member].kind is not RegionKind.REPEAT:
                return True
            elif self.has_modules(member):
                return True
        return False

    def row(self, region: Region) -> Row:
        """Return the plan of a repeated region; an instance that does nothing is None."""
        indices = {
            (m.name if isinstance(m, Node) else m.rpartition(".")[2]): m
            for m in self.members_of[region.path]
        }
        items: list[Plan | Operation | None] = []
        entries: list[str] = []
        for index in range(max(map(int, indices)) + 1):
            member = indices.get(str(index))
            if isinstance(member, Node):
                items.append(self.operation(member))
                entries.append(self.resolve(member.inputs[0]))
            elif member is not None:
                items.append(self.plan(member))
                entries.append(self.resolve(self.network.by_path[member].input))
            else:
                items.append(None)
                entries.append("")
        inputs, outputs = self.inputs_of(region.path), self.outputs_of(region.path)
        return Row(region, tuple(items), tuple(entries), inputs, outputs)

    def operation(self, node: Node) -> Operation:
        operator = REGISTRY[node.op]
        shapes = self.shapes(node.inputs)
        return Operation(
            node,
            tuple(self.resolve(i) for i in node.inputs),
            operator.module(shapes, node.arguments),
            operator.expression(shapes, node.arguments),
            node.id in self.live,
        )

    def shapes(self, ids: Sequence[str]) -> tuple[Shape, ...]:
        return tuple(self.network.by_id[i].shape for i in ids)

    # --- what crosses the border of a region

    def inside(self, path: str, id: str) -> bool:
        return not path or id.startswith(path + ".")

    def inputs_of(self, path: str) -> tuple[str, ...]:
        """Return the values from outside that a region reads, its own input first."""
        if not path:
            return (INPUT,)
        found: dict[str, None] = {}
        main = self.resolve(self.network.by_path[path].input)
        for node in self.nodes_in(path):
            if node.id not in self.live:
                continue
            for source in map(self.resolve, node.inputs):
                if not self.inside(path, source):
                    found[source] = None
        return tuple(sorted(found, key=lambda v: (v != main, self.position[v])))

    def outputs_of(self, path: str) -> tuple[str, ...]:
        """Return the values of a region that are read outside.

        Its own output comes first, but the taps of a whole backbone stay in their order.
        """
        if not path:
            return (self.resolve(self.network.output),)
        region = self.network.by_path[path]
        is_backbone = region.kind is RegionKind.BACKBONE
        main = "" if is_backbone else self.resolve(region.output)
        found = [
            node.id
            for node in self.nodes_in(path)
            if any(not self.inside(path, user) for user in self.users.get(node.id, ()))
        ]
        return tuple(sorted(found, key=lambda v: (v != main, self.position[v])))

    def nodes_in(self, path: str) -> list[Node]:
        found: list[Node] = []
        for member in self.members_of[path]:
            if isinstance(member, Node):
                found.append(member)
            else:
                found += self.nodes_in(member)
        return found
