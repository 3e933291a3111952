"""The network: nodes with shapes, strides and costs, and the named regions they lie in.

Laws (checked by :func:`archdsl.ir.laws.check_laws`): ids are unique, inputs come before their
users, a node's id begins with the path of its region, costs are those that its operator declares.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from archdsl.operators import CONVOLUTIONS
from archdsl.operators.operator import Shape, Step
from archdsl.operators.signature import Value
from archdsl.recipes import Recipe
from archdsl.source import Use

INPUT = "input"
"""Id of the node that stands for the network's input."""


@dataclass(frozen=True)
class Node:
    """One operator of the network.

    ``shape`` is that of its output without the batch axis; ``stride`` is the product of all
    strides from the input to here, (vertical, horizontal), None for a vector, a fraction where
    a map is finer than the input or was pooled to a size that does not divide; ``macs`` are per
    image.
    """

    id: str
    op: str
    arguments: dict[str, Value]
    inputs: tuple[str, ...]
    shape: Shape
    stride: tuple[Step, Step] | None
    params: int = 0
    buffers: int = 0
    macs: int = 0

    @property
    def region(self) -> str:
        """Path of the region that it lies in; empty for the model itself."""
        return self.id.rpartition(".")[0]

    @property
    def name(self) -> str:
        """Its name within its region."""
        return self.id.rpartition(".")[2]


def convolutions_of(node: Node) -> int:
    """Return how many convolutions a node stands for: of a model from elsewhere, all of them."""
    inner = node.arguments["convolutions"] if node.op == "foreign" else node.op in CONVOLUTIONS
    assert isinstance(inner, int)
    return int(inner)


class RegionKind(StrEnum):
    """What a region is in the language."""

    MODEL = "model"
    BACKBONE = "backbone"
    STAGE = "stage"
    BLOCK = "block"
    DEF = "def"
    REPEAT = "repeat"
    GROUP = "group"
    MAP = "map"
    HEAD = "head"


@dataclass(frozen=True)
class Region:
    """A named part of the network, which becomes a submodule of that name.

    ``output`` is the id of the node whose value the region hands on: it may lie outside where the
    region does nothing. ``definition`` and ``arguments`` are those of a def.
    """

    path: str
    kind: RegionKind
    input: str
    output: str
    definition: str | None = None
    arguments: dict[str, Value] = field(default_factory=dict)


class Level(StrEnum):
    """How far a tap lies from the standard tensor S (paper, section IV.B)."""

    SHALLOW = "shallow"
    MIDDLE = "middle"
    LAST = "last"


@dataclass(frozen=True)
class Tap:
    """A tensor marked for aggregation.

    ``ratio`` is (cumulative stride of S) / (cumulative stride of the tap); ``vector`` is the node
    that its mapping node ends in. Both are None in a network that does not aggregate it.
    """

    path: str
    node: str
    block: str
    stage: str
    level: Level | None = None
    ratio: int | None = None
    vector: str | None = None


@dataclass(frozen=True)
class Aggregation:
    """The aggregate clause: which taps, what is overridden. Its nodes are ``node``, ``readout``."""

    kind: str
    taps: tuple[str, ...]
    readout_kind: str
    normalize: str | None
    node: str
    readout: str
    settings: dict[str, dict[str, Value]] = field(default_factory=dict)
    """Overrides of derived mapping nodes, by level or tap path."""
    by_hand: dict[str, str] = field(default_factory=dict)
    """Output nodes of the mapping nodes written by hand, by tap path."""


@dataclass(frozen=True)
class Allowance:
    """A rule that is silenced: ``allow RA002 "why"``; ``where`` is the path of the region."""

    code: str
    where: str
    reason: str
    place: Use | None = field(default=None, repr=False)
    """None for a network that was read from JSON."""


@dataclass(frozen=True)
class Network:
    """A whole model. Derived facts are properties; passes return changed copies."""

    name: str
    parameters: dict[str, Value]
    input: tuple[int, int, int]
    nodes: tuple[Node, ...]
    regions: tuple[Region, ...]
    output: str
    taps: tuple[Tap, ...] = ()
    aggregation: Aggregation | None = None
    allowances: tuple[Allowance, ...] = ()
    recipes: dict[str, Recipe] = field(default_factory=dict)
    """Recipes by data set."""
    defaults: dict[str, dict[str, Value]] = field(default_factory=dict)
    """Of each def in use: the defaults of its parameters, where they are plain values."""
    origins: dict[str, Use] = field(default_factory=dict, repr=False)
    """For each node, region and tap (``tap:path``): where in the spec it comes from."""

    @cached_property
    def by_id(self) -> dict[str, Node]:
        """Nodes by id."""
        return {node.id: node for node in self.nodes}

    @cached_property
    def by_path(self) -> dict[str, Region]:
        """Regions by path."""
        return {region.path: region for region in self.regions}

    @property
    def params(self) -> int:
        """Trainable parameters."""
        return sum(node.params for node in self.nodes)

    @property
    def buffers(self) -> int:
        """Elements in buffers."""
        return sum(node.buffers for node in self.nodes)

    @cached_property
    def live(self) -> frozenset[str]:
        """Ids of the nodes that the output depends on; the others are never computed."""
        live = {self.output, INPUT}
        for node in reversed(self.nodes):
            if node.id in live:
                live.update(node.inputs)
        return frozenset(live)

    @property
    def macs(self) -> int:
        """Multiply-accumulates per image, of what is computed."""
        return sum(node.macs for node in self.nodes if node.id in self.live)

    @property
    def convolutions(self) -> int:
        """Convolutions in the backbone."""
        return sum(convolutions_of(n) for n in self.nodes if n.id.startswith("backbone."))

    def inside(self, path: str) -> list[Node]:
        """Return the nodes within a region, those of its inner regions too."""
        prefix = path + "."
        return [node for node in self.nodes if node.id.startswith(prefix)]

    @cached_property
    def identity(self) -> str:
        """SHA-256 (hex) of the network's canonical JSON: what it computes, not where it stands.

        Comments, layout, recipes and names of files do not change it.
        """
        from archdsl.ir.serialization import identity_of

        return identity_of(self)

    def to_json(self) -> str:
        """Return the network as JSON for people and programs; see docs/network.md."""
        from archdsl.ir.serialization import write_network

        return write_network(self)
