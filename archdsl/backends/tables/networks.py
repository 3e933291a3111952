"""Networks side by side, a row each: what they consist of, as in the paper's Table I, and cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from archdsl.backends.tables.cells import Kind, Value
from archdsl.backends.tables.structure import Section, Structure, structure
from archdsl.backends.tables.table import Column, Row, Sheet, Table
from archdsl.ir import Network

if TYPE_CHECKING:
    from archdsl.backends.tables.choosing import Entry

_OUTPUT = Column("output", "output", Kind.SHAPE)
_CONVOLUTIONS = Column("convolutions", "convs", Kind.COUNT)
_COSTS = (Column("params", "params", Kind.COUNT), Column("macs", "MACs", Kind.COUNT))
_CLASSIFIER = Column("classifier", "classifier")


def network_table(entries: Sequence[Entry], *, points: bool) -> Table:
    """Return a table with a row for each network, or for each of the ``points`` of variants.

    In LaTeX it is the paper's Table I: stages, classifier, and the LSTM on a line of its own. Of
    points, which may differ in nothing else, it has the costs, too.
    """
    found = [structure(entry.network) for entry in entries]
    records = tuple(map(_record, entries, found))
    stages = _stage_columns(found)
    pairs = list(zip(records, found, strict=True))
    page = tuple(_row(record, parts, stages, "") for record, parts in pairs)
    paper = tuple(_row(record, parts, stages, "conv, ") for record, parts in pairs)
    first = Column("network", "point" if points else "network")
    aggregation = Column("aggregation", "aggregation", lesser=1)
    return Table(
        entries[0].network.name if points else "",
        records,
        text=Sheet((first, _OUTPUT, aggregation, _CONVOLUTIONS, *_COSTS), tuple(map(Row, records))),
        markdown=Sheet((first, *stages, aggregation, _CLASSIFIER, *_COSTS), page),
        latex=Sheet((first, *stages, _CLASSIFIER, *(_COSTS if points else ())), paper),
    )


def _stage_columns(found: Sequence[Structure]) -> tuple[Column, ...]:
    """Return the columns of stages, which are called blocks where each has one, as in the paper."""
    most = max(len(parts.stages) for parts in found)
    if not most:
        return (Column("stem", "backbone"),)
    blocked = all(stage.blocks == 1 for parts in found for stage in parts.stages)
    noun = "block" if blocked else "stage"
    numbered = (Column(f"stage{i}", f"{noun} {i}") for i in range(1, most + 1))
    return (Column("stem", "stem"), *numbered)


def _row(record: Mapping[str, Value], parts: Structure, stages: Sequence[Column], of: str) -> Row:
    """Return a row with cells of stem and stages, in which ``of`` stands before the channels.

    A model from elsewhere, of which no stages are known, takes the cells of all.
    """
    sections = {"stem": parts.stem}
    sections |= {f"stage{i}": stage for i, stage in enumerate(parts.stages, 1)}
    cells = {key: f"{of}{section}" for key, section in sections.items() if section.convolutions}
    keys = tuple(column.key for column in stages)
    across = (keys[1:] or keys) if parts.model else ()
    if parts.model:
        cells[across[0]] = parts.model
    cells = {"stem": "", **cells}
    return Row({**record, **cells}, across=across, below=parts.aggregation, span=keys)


# --- for programs


def _record(entry: Entry, parts: Structure) -> dict[str, Value]:
    network = entry.network
    params = _params(network)
    return {
        "network": entry.name,
        "model": network.name,
        "spec": entry.spec,
        "parameters": dict(network.parameters),
        "input": network.input,
        "output": network.by_id[network.output].shape,
        "stem": _section(parts.stem),
        "stages": [{"stage": stage.name, **_section(stage)} for stage in parts.stages],
        "taps": sum(tap.vector is not None for tap in network.taps),
        "aggregation": parts.aggregation or None,
        "classifier": parts.classifier or None,
        "convolutions": network.convolutions,
        "params": network.params,
        "params_backbone": params["backbone"],
        "params_mapping": params["mapping"],
        "params_aggregator": params["aggregator"],
        "params_head": params["head"],
        "buffers": network.buffers,
        "macs": network.macs,
    }


def _section(section: Section) -> dict[str, Value]:
    widths = [list(item) for item in section.widths.items()]
    return {"convolutions": section.convolutions, "widths": widths}


def _params(network: Network) -> dict[str, int]:
    """Return the trainable parameters of each part of a network."""
    maps = {network.by_id[t.vector].region for t in network.taps if t.vector is not None}
    found = dict.fromkeys(("backbone", "mapping", "aggregator", "head"), 0)
    for node in network.nodes:
        top = node.id.partition(".")[0]
        part = "mapping" if top in maps else top if top in found else "aggregator"
        found[part] += node.params
    return found
