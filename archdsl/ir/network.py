"""The network: nodes with shapes, strides and costs, and the named regions they lie in.

Laws (checked by :func:`archdsl.ir.laws.check_laws`): ids are unique, inputs come before their
users, a node's id begins with the path of its region, costs are those that its operator declares.
"""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SkipValidation

from archdsl.operators.operator import Shape
from archdsl.operators.signature import Value
from archdsl.recipes import Recipe
from archdsl.source import Use

INPUT = "input"
"""Id of the node that stands for the network's input."""


class _Frozen(BaseModel):
    # Validators are built when first needed: `archdsl check` never needs most of them.
    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, defer_build=True
    )


class Node(_Frozen):
    """One operator of the network.

    ``shape`` is that of its output without the batch axis; ``stride`` is the product of all
    strides from the input to here, (vertical, horizontal), None for a vector; ``macs`` are per
    image.
    """

    id: str
    op: str
    arguments: dict[str, Value] = {}
    inputs: tuple[str, ...] = ()
    shape: Shape
    stride: tuple[int, int] | None
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


class Region(_Frozen):
    """A named part of the network, which becomes a submodule of that name.

    ``output`` is the id of the node whose value the region hands on: it may lie outside where the
    region does nothing. ``definition`` and ``arguments`` are those of a def.
    """

    path: str
    kind: RegionKind
    definition: str | None = None
    arguments: dict[str, Value] = {}
    input: str
    output: str


class Level(StrEnum):
    """How far a tap lies from the standard tensor S (paper, section IV.B)."""

    SHALLOW = "shallow"
    MIDDLE = "middle"
    LAST = "last"


class Tap(_Frozen):
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


class Aggregation(_Frozen):
    """The aggregate clause: which taps, what is overridden. Its nodes are ``node``, ``readout``."""

    kind: str
    taps: tuple[str, ...]
    readout_kind: str
    normalize: str | None
    settings: dict[str, dict[str, Value]] = {}
    """Overrides of derived mapping nodes, by level or tap path."""
    by_hand: dict[str, str] = {}
    """Output nodes of the mapping nodes written by hand, by level and tap path."""
    node: str
    readout: str


class Allowance(_Frozen):
    """A rule that is silenced: ``allow RA002 "why"``; ``where`` is the path of the region."""

    code: str
    where: str
    reason: str
    use: SkipValidation[Use] = Field(exclude=True, repr=False)


class Network(_Frozen):
    """A whole model. Derived facts are properties; passes return changed copies."""

    name: str
    parameters: dict[str, Value]
    input: tuple[int, int, int]
    nodes: tuple[Node, ...]
    regions: tuple[Region, ...]
    taps: tuple[Tap, ...] = ()
    aggregation: Aggregation | None = None
    allowances: tuple[Allowance, ...] = ()
    output: str
    recipes: dict[str, Recipe] = {}
    """Recipes by data set."""
    origins: SkipValidation[dict[str, Use]] = Field(exclude=True, repr=False)
    """For each node, region and tap (``tap:path``): where in the spec it comes from."""

    def changed(self, **changes: object) -> Network:
        """Return a copy with other facts; what was derived from the old ones is not kept."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return Network.model_construct(**(fields | changes))

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

    @property
    def macs(self) -> int:
        """Multiply-accumulates per image."""
        return sum(node.macs for node in self.nodes)

    @property
    def convolutions(self) -> int:
        """Convolutions in the backbone."""
        return sum(n.op == "conv" and n.id.startswith("backbone.") for n in self.nodes)

    def inside(self, path: str) -> list[Node]:
        """Return the nodes within a region, those of its inner regions too."""
        prefix = path + "."
        return [node for node in self.nodes if node.id.startswith(prefix)]

    @cached_property
    def identity(self) -> str:
        """SHA-256 (hex) of the network's canonical JSON: what it computes, not where it stands.

        Comments, layout, recipes and names of files do not change it.
        """
        facts = self.model_dump(
            mode="json", include={"name", "input", "nodes", "regions", "taps", "output"}
        )
        text = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def to_json(self) -> str:
        """Return the network as JSON for people and programs; see docs/network.md."""
        document: dict[str, Any] = {
            "format": "archdsl-network-1",
            "identity": self.identity,
            "name": self.name,
            "input": self.input,
            "params": self.params,
            "buffers": self.buffers,
            "macs": self.macs,
            "convolutions": self.convolutions,
        }
        facts = self.model_dump(mode="json", exclude={"name", "input"})
        for node in facts["nodes"]:
            use = self.origins.get(node["id"])
            node["source"] = [str(u.span) for u in use.chain()] if use else []
        document |= {"parameters": facts.pop("parameters"), "output": facts.pop("output")}
        document["edges"] = [
            [source, node.id] for node in self.nodes for source in node.inputs
        ]
        document |= facts
        return json.dumps(document, indent=1, ensure_ascii=True) + "\n"
