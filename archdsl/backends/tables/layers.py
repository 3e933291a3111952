"""The summary of a network layer by layer: every operator in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from archdsl.analysis.receptive_fields import receptive_fields
from archdsl.backends.tables.cells import Kind, Value, sized, written
from archdsl.backends.tables.folding import Branch, Leaf, Tree, tree
from archdsl.backends.tables.table import Column, Row, Sheet, Table
from archdsl.ir import INPUT, Network, Node
from archdsl.operators.foreign import FOREIGN

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
_PAPER = _PAGE[:-1]  # the line of a spec means nothing to readers of a paper


def layer_table(network: Network, name: str) -> Table:
    """Return the summary of a network by operators; for people equal repetitions are one row."""
    layers = _Layers(network)
    folded = tree(network)
    cells: dict[str, Value] = {"layer": "total", "params": network.params, "macs": network.macs}
    total = Row(cells, strong=True)
    page = Sheet(_PAGE, (*layers.flat(folded, "", 1), total))
    return Table(
        title=name,
        records=tuple(layers.record(node, name) for node in network.nodes),
        text=Sheet(_TERMINAL, (*layers.nested(_without_backbone(folded), 0), total)),
        markdown=page,
        latex=Sheet(_PAPER, page.rows),
        notes=(_FOLDED,) if any(_is_folded(item) for item in folded) else (),
    )


def kernel_of(node: Node) -> tuple[int, int] | None:
    """Return the window of an operator, (height, width), or None where it has none."""
    return _pair(node.arguments.get("k"))


def stride_of(node: Node) -> tuple[int, int] | None:
    """Return the step of an operator's window, vertical and horizontal; None without either."""
    if "stride" not in node.arguments or node.op in FOREIGN:  # theirs are from the image to there
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


class _Layers:
    """Makes the rows of one network."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.fields = receptive_fields(network)
        self.is_foreign = any(node.op in FOREIGN for node in network.inside("backbone"))

    def record(self, node: Node, name: str) -> dict[str, Value]:
        """Return an operator for programs; ``name`` is what the network is called."""
        return {
            "network": name,
            "layer": node.id,
            "operator": node.op,
            "output": node.shape,
            "kernel": kernel_of(node),
            "stride": stride_of(node),
            "params": node.params,
            "buffers": node.buffers,
            "macs": self.macs(node),
            "field": self.fields[node.id],
            "source": self.places(node),
        }

    def nested(self, items: Iterable[Tree], depth: int) -> Iterator[Row]:
        """Yield rows in which a region is a row above those of what is in it."""
        for item in items:
            times = f" ×{item.count}" if item.count > 1 else ""
            name: dict[str, Value] = {"layer": item.name + times}
            if isinstance(item, Branch):
                yield Row(name, depth)
                yield from self.nested(item.items, depth + 1)
            else:
                yield Row(name | self.cells(item), depth)

    def flat(self, items: Iterable[Tree], path: str, times: int) -> Iterator[Row]:
        """Yield rows of operators alone, each with its whole path; all of it ``times`` in a row."""
        for item in items:
            name = f"{path}.{item.name}" if path else item.name
            count = times * item.count
            if isinstance(item, Branch):
                yield from self.flat(item.items, name, count)
            else:
                cells: dict[str, Value] = {"layer": name, "times": count if count > 1 else None}
                yield Row(cells | self.cells(item))

    def cells(self, leaf: Leaf) -> dict[str, Value]:
        """Return what people want to know of an operator, its name apart."""
        node = leaf.node
        places = self.places(node)
        title = str(node.arguments["model"]) if node.op == "foreign" else node.op
        return {
            "operator": sized(title, kernel_of(node), stride_of(node)),
            "output": node.shape,
            "params": node.params,
            "macs": self.macs(node),
            "field": self.field(leaf),
            "line": places[-1].rpartition(":")[0] if places else "",
        }

    def field(self, leaf: Leaf) -> str:
        """Return a receptive field, or those of the first and the last of repetitions: ``3–7``.

        It is empty where it is not known: behind a model from elsewhere, up to the next vector.
        """
        if leaf.node.id == INPUT:
            return ""
        unknown = "" if self.is_foreign and len(leaf.node.shape) == 3 else "all"
        ends = (self.fields[leaf.node.id], self.fields[leaf.last.id])
        first, last = (written(Kind.FIELD, field) or unknown for field in ends)
        return first if first == last else f"{first}–{last}"

    def macs(self, node: Node) -> int:
        """Return what is computed: nothing of what the output does not depend on."""
        return node.macs if node.id in self.network.live else 0

    def places(self, node: Node) -> list[str]:
        """Return where in the spec it is from, innermost first, each ``file:line:column``."""
        use = self.network.origins.get(node.id)
        return [str(link.span) for link in use.chain()] if use is not None else []


def _without_backbone(items: Iterable[Tree]) -> Iterator[Tree]:
    """Yield members of the backbone in its place: each summary begins with its stages."""
    for item in items:
        if isinstance(item, Branch) and item.path == "backbone":
            yield from item.items
        else:
            yield item


def _is_folded(item: Tree) -> bool:
    inner = item.items if isinstance(item, Branch) else ()
    return item.count > 1 or any(_is_folded(each) for each in inner)
