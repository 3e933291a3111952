"""The summary of a network by its parts: stages, blocks, mapping nodes, LSTM, head."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from archdsl.backends.tables.cells import Kind, Value
from archdsl.backends.tables.table import Column, Row, Sheet, Table
from archdsl.ir import INPUT, Allowance, Network, Node, RegionKind, Tap
from archdsl.ir.network import convolutions_of
from archdsl.operators.foreign import FOREIGN
from archdsl.operators.operator import Shape

SUMS = ("backbone", "total")
"""Kinds of parts that sum up all before them."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the network; ``macs`` are per image, ``depth`` is how deep it is nested.

    ``kind`` is ``input``, ``operator``, ``stage``, ``block``, ``foreign``, ``feature``,
    ``backbone``, ``map``, ``aggregator``, ``head`` or ``total``; ``path`` is empty for the total.
    """

    name: str
    kind: str
    path: str
    shape: Shape
    convolutions: int = 0
    params: int = 0
    macs: int = 0
    depth: int = 0
    taps: tuple[Tap, ...] = ()
    note: str = ""
    allowed: tuple[Allowance, ...] = ()

    @property
    def remarks(self) -> list[str]:
        """What else is to be said of it: that it is a tap, and what it is allowed to be."""
        said = [self.note] if self.note else []
        return said + [f"allows {a.code}" for a in self.allowed]


def parts(network: Network) -> list[Part]:
    """Return the parts in order: stages and their blocks, mapping nodes, LSTM, head, total."""
    allowed: dict[str, list[Allowance]] = {}
    for allowance in network.allowances:
        allowed.setdefault(allowance.where, []).append(allowance)
    return [replace(p, allowed=tuple(allowed.get(p.path, ()))) for p in _parts(network)]


def _parts(network: Network) -> Iterator[Part]:
    yield Part(INPUT, "input", INPUT, network.input)
    seen: set[str] = set()
    for node in network.inside("backbone"):
        path = ".".join(node.id.split(".")[:2])
        region = network.by_path.get(path)
        if region is None or region.kind is not RegionKind.STAGE:
            yield _operator(network, node)
        elif path not in seen:
            seen.add(path)
            yield from _stage(network, path)
    inside = network.inside("backbone")
    output = network.by_id[network.by_path["backbone"].output]
    yield _sum(network, inside, Part("backbone", "backbone", "backbone", output.shape))
    for tap in network.taps:
        if tap.vector is not None:
            path = network.by_id[tap.vector].region
            note = f"ratio {tap.ratio}" if tap.ratio is not None else "by hand"
            part = _region(network, path, f"map {tap.path}", "map")
            yield replace(part, taps=(tap,), note=note)
    if network.aggregation is not None:
        states = network.by_id[network.aggregation.node]
        readout = network.by_id[network.aggregation.readout]
        note = f"{len(states.inputs)} steps, readout {network.aggregation.readout_kind}"
        part = Part(states.op, "aggregator", states.id, readout.shape, note=note)
        yield replace(part, params=states.params, macs=states.macs)
    if "head" in network.by_path:
        yield _region(network, "head", "head", "head")
    whole = Part("total", "total", "", network.by_id[network.output].shape)
    yield _sum(network, list(network.nodes), whole)


def _stage(network: Network, path: str) -> Iterator[Part]:
    """Yield a stage and its blocks."""
    taps: dict[str, list[Tap]] = {}
    for tap in network.taps:
        taps.setdefault(tap.block, []).append(tap)
    yield _region(network, path, path.rpartition(".")[2], "stage")
    for block in network.regions:
        if block.kind is RegionKind.BLOCK and block.path.startswith(path + "."):
            part = _region(network, block.path, block.path.rpartition(".")[2], "block")
            found = taps.get(block.path, [])
            note = "; ".join(map(_tapped, found))
            yield replace(part, depth=1, taps=tuple(found), note=note)


def _operator(network: Network, node: Node) -> Part:
    """Return an operator outside of stages; a model from elsewhere, or one of its features."""
    macs = node.macs if node.id in network.live else 0
    name = node.id.removeprefix("backbone.")
    part = Part(name, "operator", node.id, node.shape, convolutions_of(node), node.params)
    part = replace(part, macs=macs)
    if node.op == "feature":
        (tap,) = (tap for tap in network.taps if tap.node == node.id)
        named = replace(part, name=tap.path, kind="feature", depth=1)
        return replace(named, taps=(tap,), note=_tapped(tap))
    if node.op in FOREIGN:
        frozen = ", frozen" if node.arguments["frozen"] else ""
        note = f"{node.arguments['library']}{frozen}"
        return replace(part, name=str(node.arguments["model"]), kind="foreign", note=note)
    return part


def _tapped(tap: Tap) -> str:
    return f"tap, {tap.level}" if tap.level else "tap"


def _region(network: Network, path: str, name: str, kind: str) -> Part:
    output = network.by_id[network.by_path[path].output]
    return _sum(network, network.inside(path), Part(name, kind, path, output.shape))


def _sum(network: Network, nodes: list[Node], part: Part) -> Part:
    """Return a part with the costs of its nodes; what is never computed has no MACs."""
    return replace(
        part,
        convolutions=sum(map(convolutions_of, nodes)),
        params=sum(node.params for node in nodes),
        macs=sum(node.macs for node in nodes if node.id in network.live),
    )


_COLUMNS = (
    Column("part", "part"),
    Column("output", "output", Kind.SHAPE),
    Column("convolutions", "convs", Kind.COUNT),
    Column("params", "params", Kind.COUNT),
    Column("macs", "MACs", Kind.COUNT),
)
_TERMINAL = (*_COLUMNS, Column("remarks", "", wraps=True))
_PAGE = (*_COLUMNS, Column("reasons", "notes"))


def part_table(network: Network, name: str, *, blocks: bool) -> Table:
    """Return the summary of a network by stages, and by ``blocks`` within them unless False."""
    shown = [part for part in parts(network) if blocks or part.kind != "block"]
    if not blocks:
        taps: dict[str, list[str]] = {}
        for tap in network.taps:
            level = f" ({tap.level})" if tap.level else ""
            taps.setdefault(tap.stage, []).append(tap.path.rpartition(".")[2] + level)
        for at, part in enumerate(shown):
            if part.kind == "stage" and part.path in taps:
                shown[at] = replace(part, note=f"tap {', '.join(taps[part.path])}")
    rows = tuple(Row(_cells(p), p.depth, p.kind in SUMS) for p in shown)
    flat = tuple(Row(_cells(_named_in_full(p)), 0, p.kind in SUMS) for p in shown)
    page = Sheet(_PAGE, flat)
    records = tuple(_record(name, part) for part in shown)
    return Table(name, records, Sheet(_TERMINAL, rows), page, page)


def _named_in_full(part: Part) -> Part:
    """Return a part with a name that no indentation has to explain: ``s2.b1``."""
    return replace(part, name=part.path.partition(".")[2]) if part.kind == "block" else part


def _cells(part: Part) -> dict[str, Value]:
    reasons = [f"{a.code}: {a.reason}" for a in part.allowed]
    note = [part.note] if part.note else []
    return {
        "part": part.name,
        "output": part.shape,
        "convolutions": part.convolutions,
        "params": part.params,
        "macs": part.macs,
        "remarks": ", ".join(part.remarks),
        "reasons": ", ".join(note + [f"allows {reason}" for reason in reasons]),
    }


def _record(name: str, part: Part) -> dict[str, Value]:
    return {
        "network": name,
        "part": part.name,
        "kind": part.kind,
        "path": part.path,
        "output": part.shape,
        "convolutions": part.convolutions,
        "params": part.params,
        "macs": part.macs,
        "tap": [tap.path for tap in part.taps],
        "level": [tap.level for tap in part.taps],
        "ratio": [tap.ratio for tap in part.taps],
        "note": part.note,
        "allowed": [{"code": a.code, "reason": a.reason} for a in part.allowed],
    }
