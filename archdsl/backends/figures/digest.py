"""A network as a graph, in more or less detail: operators, or regions as one vertex each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum

from archdsl.aggregators import AGGREGATORS
from archdsl.backends.figures import captions
from archdsl.backends.figures.drawing import Role
from archdsl.backends.figures.lanes import mapping_title
from archdsl.backends.figures.sections import stage_title
from archdsl.ir import INPUT, Network, Node, Region, RegionKind


class Detail(IntEnum):
    """What is one vertex, beside the operators that lie in no such region."""

    OPERATORS = 0
    DEFS = 1
    BLOCKS = 2
    STAGES = 3
    PARTS = 4
    """Whatever is a region directly within the one that is drawn."""


_KINDS = {
    Detail.OPERATORS: frozenset[RegionKind](),
    Detail.DEFS: frozenset({RegionKind.DEF}),
    Detail.BLOCKS: frozenset({RegionKind.DEF, RegionKind.BLOCK}),
    Detail.STAGES: frozenset(
        {RegionKind.DEF, RegionKind.BLOCK, RegionKind.STAGE, RegionKind.MAP, RegionKind.HEAD}
    ),
    Detail.PARTS: frozenset(RegionKind),
}
_FRAMED = frozenset({RegionKind.STAGE, RegionKind.BLOCK, RegionKind.DEF, RegionKind.MAP})
"""What has a frame around it, where it holds two vertices or more."""


@dataclass(frozen=True, slots=True)
class Vertex:
    """An operator, a region, or (``nodes`` is empty then) what flows in from outside."""

    id: str
    role: Role
    title: str
    detail: str
    nodes: tuple[str, ...]
    tooltip: str


@dataclass(slots=True)
class Cluster:
    """A region with a frame: its vertices and inner clusters, in order."""

    path: str
    kind: RegionKind
    title: str
    members: list[Vertex | Cluster] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Digest:
    """A graph: what is in it, and its arcs (ids of two vertices, and whether it is a tap's)."""

    members: tuple[Vertex | Cluster, ...]
    arcs: tuple[tuple[str, str, bool], ...]

    def vertices(self) -> Iterator[Vertex]:
        """Yield all vertices in order."""
        yield from _vertices(self.members)


def digest(network: Network, path: str, detail: Detail) -> Digest:
    """Return the graph of a region (the whole network for an empty path): what is live of it."""
    return _Digester(network, path, detail).digest()


class _Digester:
    """Makes one graph."""

    def __init__(self, network: Network, path: str, detail: Detail) -> None:
        self.network = network
        self.path = path
        self.kinds = _KINDS[detail]
        self.direct = detail is Detail.PARTS
        nodes = network.inside(path) if path else network.nodes
        self.nodes = [node for node in nodes if node.id in network.live]
        self.tapped = {tap.node for tap in network.taps if tap.vector is not None}
        self.homes = {node.id: self.home(node) for node in self.nodes}

    def digest(self) -> Digest:
        """Return the whole graph."""
        groups: dict[str, list[Node]] = {}
        for node in self.nodes:
            groups.setdefault(self.homes[node.id], []).append(node)
        arcs: dict[tuple[str, str], bool] = {}
        outside: dict[str, Vertex] = {}
        for node in self.nodes:
            for source in node.inputs:
                if source not in self.homes:
                    outside.setdefault(source, self.incoming(source))
                ends = self.homes.get(source, source), self.homes[node.id]
                if ends[0] != ends[1]:
                    arcs[ends] = arcs.get(ends, False) or self.is_lane(source, node)
        top = Cluster(self.path, RegionKind.MODEL, "", list(outside.values()))
        clusters = {self.path: top}
        for id, members in groups.items():
            self.cluster(id.rpartition(".")[0], clusters).members.append(self.vertex(id, members))
        return Digest(
            tuple(_framed(top.members)), tuple((a, b, tap) for (a, b), tap in arcs.items())
        )

    def home(self, node: Node) -> str:
        """Return the id of the vertex that stands for a node: the outermost region of a kind."""
        steps = node.id.split(".")
        for depth in range(self.path.count(".") + 2 if self.path else 1, len(steps)):
            path = ".".join(steps[:depth])
            region = self.network.by_path.get(path)
            if self.direct or (region is not None and region.kind in self.kinds):
                return path
        return node.id

    def is_lane(self, source: str, node: Node) -> bool:
        """Whether an arc belongs to the way of a tap into the aggregator."""
        before = self.network.by_path.get(source.rpartition(".")[0])
        after = self.network.by_path.get(node.region)
        mapped = before is not None and before.kind is RegionKind.MAP
        return mapped or (
            source in self.tapped and after is not None and after.kind is RegionKind.MAP
        )

    def cluster(self, path: str, clusters: dict[str, Cluster]) -> Cluster:
        """Return the innermost cluster around a path; those that are missing are made."""
        if path in clusters:
            return clusters[path]
        above = self.cluster(path.rpartition(".")[0], clusters) if path else clusters[self.path]
        region = self.network.by_path.get(path)
        if region is None or region.kind not in _FRAMED:
            clusters[path] = above
        else:
            clusters[path] = Cluster(path, region.kind, self.region_title(region))
            above.members.append(clusters[path])
        return clusters[path]

    def region_title(self, region: Region) -> str:
        """Return what a region is called."""
        if region.definition is not None:
            return captions.unit(region.definition, self.network.by_id[region.output].shape)
        name = region.path.rpartition(".")[2]
        if region.kind is RegionKind.MAP:
            tap = next((t for t in self.network.taps if self.maps(region, t.vector)), None)
            return mapping_title(self.network, tap) if tap is not None else "mapping"
        return stage_title(name) if region.kind is RegionKind.STAGE else name

    def maps(self, region: Region, vector: str | None) -> bool:
        """Whether a mapping node ends in this vector."""
        return vector is not None and vector.rpartition(".")[0] == region.path

    def incoming(self, id: str) -> Vertex:
        """Return the vertex of a tensor from outside."""
        shape = captions.shape_text(self.network.by_id[id].shape)
        return Vertex(id, Role.IO, "in", shape, (), f"what flows in, from {id}")

    def vertex(self, id: str, nodes: list[Node]) -> Vertex:
        """Return the vertex of an operator, or of a region with these operators."""
        last, region = nodes[-1], self.network.by_path.get(id)
        shape = captions.shape_text(last.shape)
        ids = tuple(node.id for node in nodes)
        if last.id == id:
            title = "image" if id == INPUT else _readout(last) or captions.title(last)
            more = captions.detail(last)
            return Vertex(
                id, self.role(last), title, f"{more} · {shape}" if more else shape, ids, id
            )
        title = self.region_title(region) if region is not None else id.rpartition(".")[2]
        detail = f"{len(nodes)} operator{'s' if len(nodes) > 1 else ''} · {shape}"
        role = self.role_of_region(nodes, region)
        return Vertex(id, role, title, detail, ids, f"{id}: {len(nodes)} operators")

    def role(self, node: Node) -> Role:
        """Return what an operator is."""
        region = self.network.by_path.get(node.region)
        if node.id == INPUT:
            return Role.IO
        if region is not None and region.kind is RegionKind.MAP:
            return Role.MAP
        if node.op in AGGREGATORS:
            return Role.RECURRENT
        return captions.role(node, self.network.by_id[node.inputs[0]].shape)

    def role_of_region(self, nodes: list[Node], region: Region | None) -> Role:
        """Return what a region is: what is most telling of its operators."""
        if region is not None and region.kind is RegionKind.DEF and self.skips(nodes):
            return Role.RESIDUAL
        roles = [self.role(node) for node in nodes]
        for role in (Role.MAP, Role.RECURRENT, Role.CONV, Role.FC, Role.DOWN):
            if role in roles:
                return role
        return Role.OTHER

    def skips(self, nodes: list[Node]) -> bool:
        """Whether some of its operators add tensors: a residual unit."""
        return any(node.op == "add" for node in nodes)


def _readout(node: Node) -> str:
    """Return what a readout is called; nothing for another operator."""
    _, is_one, kind = node.op.partition("readout_")
    return f"readout: {kind}" if is_one else ""


def _vertices(members: list[Vertex | Cluster] | tuple[Vertex | Cluster, ...]) -> Iterator[Vertex]:
    for member in members:
        if isinstance(member, Vertex):
            yield member
        else:
            yield from _vertices(member.members)


def _framed(members: list[Vertex | Cluster]) -> list[Vertex | Cluster]:
    """Return members without frames around one thing only; a stage's own frame is kept."""
    found: list[Vertex | Cluster] = []
    for member in members:
        if isinstance(member, Cluster):
            inner = _framed(member.members)
            only = inner[0] if len(inner) == 1 else None
            if isinstance(only, Cluster) and member.kind is RegionKind.STAGE:
                inner = only.members
            if len(inner) < 2:
                found += inner
                continue
            member.members = inner
        found.append(member)
    return found
