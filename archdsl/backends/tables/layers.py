"""The summary of a network layer by layer: every operator in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from archdsl.analysis.receptive_fields import receptive_fields
from archdsl.backends.tables.cells import Kind, Value, sized, written
from archdsl.backends.tables.folding import Branch, Leaf, Tree, tree
from archdsl.backends.tables.table import Column, Row, Sheet, Table
from archdsl.ir import INPUT, Network, Node

Fields: TypeAlias = Mapping[str, tuple[int, int] | None]
"""Receptive fields by node: height and width, None for all of the image."""

_FIELD = "field: receptive field in pixels; of ×n that of the first to that of the last"
_FOLDED = "×n: n equal ones in a row, with the figures of one"

_COLUMNS = (
    Column("layer", "layer"),
    Column("operator", "operator"),
    Column("output", "output", Kind.SHAPE),
    Column("params", "params", Kind.COUNT),
    Column("macs", "MACs", Kind.COUNT),
    Column("field", "field", Kind.FIELD, lesser=1, note=_FIELD),
)
_TERMINAL = (*_COLUMNS, Column("line", "line", lesser=2))
_PAGE = (_COLUMNS[0], Column("times", "×", Kind.COUNT), *_COLUMNS[1:], _TERMINAL[-1])


def layer_table(network: Network, name: str) -> Table:
    """Return the summary of a network by operators; for people equal repetitions are one row."""
    fields = receptive_fields(network)
    folded = tree(network)
    cells: dict[str, Value] = {"layer": "total", "params": network.params, "macs": network.macs}
    total = Row(cells, strong=True)
    page = Sheet(_PAGE, (*_flat(network, fields, folded, "", 1), total))
    latex = Sheet(_PAGE[:-1], page.rows)  # a line of a spec means nothing to readers of a paper
    return Table(
        title=name,
        records=tuple(_record(network, fields, node, name) for node in network.nodes),
        text=Sheet(_TERMINAL, (*_nested(network, fields, _without_backbone(folded), 0), total)),
        markdown=page,
        latex=latex,
        notes=(_FOLDED,) if any(_is_folded(item) for item in folded) else (),
    )


def kernel_of(node: Node) -> tuple[int, int] | None:
    """Return the window of an operator, (height, width), or None where it has none."""
    return _pair(node.arguments.get("k"))


def stride_of(node: Node) -> tuple[int, int] | None:
    """Return the step of an operator's window, vertical and horizontal; None without either."""
    if "stride" not in node.arguments:
        return None
    step = node.arguments["stride"]
    return _pair(step) if step is not None else kernel_of(node)  # pooling: as large as the window


def _pair(value: object) -> tuple[int, int] | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value, value
    if isinstance(value, tuple) and len(value) == 2:
        height, width = value
        assert isinstance(height, int) and isinstance(width, int)
        return height, width
    return None


def _macs(network: Network, node: Node) -> int:
    """Return what is computed: nothing of what the output does not depend on."""
    return node.macs if node.id in network.live else 0


def _places(network: Network, node: Node) -> list[str]:
    """Return where in the spec an operator is from, innermost first, each ``file:line:column``."""
    use = network.origins.get(node.id)
    return [str(link.span) for link in use.chain()] if use is not None else []


def _record(network: Network, fields: Fields, node: Node, name: str) -> dict[str, Value]:
    return {
        "network": name,
        "layer": node.id,
        "operator": node.op,
        "output": node.shape,
        "kernel": kernel_of(node),
        "stride": stride_of(node),
        "params": node.params,
        "buffers": node.buffers,
        "macs": _macs(network, node),
        "field": fields[node.id],
        "source": _places(network, node),
    }


# --- for people


def _without_backbone(items: tuple[Tree, ...]) -> Iterator[Tree]:
    """Yield members of the backbone in its place: each summary begins with its stages."""
    for item in items:
        if isinstance(item, Branch) and item.path == "backbone":
            yield from item.items
        else:
            yield item


def _nested(network: Network, fields: Fields, items: Iterator[Tree], depth: int) -> Iterator[Row]:
    """Yield rows in which a region is a row above those of what is in it."""
    for item in items:
        times = f" ×{item.count}" if item.count > 1 else ""
        if isinstance(item, Branch):
            yield Row({"layer": item.name + times}, depth)
            yield from _nested(network, fields, iter(item.items), depth + 1)
        else:
            yield Row({"layer": item.name + times} | _figures(network, fields, item), depth)


def _flat(
    network: Network, fields: Fields, items: tuple[Tree, ...], path: str, times: int
) -> Iterator[Row]:
    """Yield rows of operators alone, each with its whole path; within one ``times`` in a row."""
    for item in items:
        name = f"{path}.{item.name}" if path else item.name
        if isinstance(item, Branch):
            yield from _flat(network, fields, item.items, name, times * item.count)
        else:
            count = times * item.count
            cells: dict[str, Value] = {"layer": name, "times": count if count > 1 else None}
            yield Row(cells | _figures(network, fields, item))


def _figures(network: Network, fields: Fields, leaf: Leaf) -> dict[str, Value]:
    node = leaf.node
    places = _places(network, node)
    line = places[-1].rpartition(":")[0] if places else ""
    label = sized(node.op, kernel_of(node), stride_of(node))
    return {
        "operator": str(node.arguments["model"]) if node.op == "foreign" else label,
        "output": node.shape,
        "params": node.params,
        "macs": _macs(network, node),
        "field": _field(fields[node.id], fields[leaf.last.id]) if node.id != INPUT else "",
        "line": line,
    }


def _field(first: tuple[int, int] | None, last: tuple[int, int] | None) -> str:
    """Return a receptive field, or those of the first and the last of repetitions.

    >>> _field((3, 3), (3, 3)), _field((3, 3), (7, 7)), _field(None, None)
    ('3', '3–7', 'all')
    """
    ends = [written(Kind.FIELD, field) or "all" for field in (first, last)]
    return ends[0] if ends[0] == ends[1] else "–".join(ends)


def _is_folded(item: Tree) -> bool:
    inner = item.items if isinstance(item, Branch) else ()
    return item.count > 1 or any(_is_folded(each) for each in inner)
