"""Facts beside figures: what each box is, takes, makes and costs, and where the spec says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from archdsl.analysis.receptive_fields import receptive_fields
from archdsl.backends.figures import captions
from archdsl.backends.figures.drawing import Box, Drawing, Edge, plain
from archdsl.ir import INPUT, Network, Node
from archdsl.ir.network import convolutions_of
from archdsl.source import Use

LONGEST = 120
"""Characters of an operator text; what would be longer is counted instead."""
_LONGEST_UNIT = 80
"""Layers of the longest unit that is looked for repeatedly: more would take long to find."""
EVERYTHING = "whole image"
"""The receptive field of a vector."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is to be said of a box, or of a layer.

    ``nodes`` are the ids of the network's nodes that it stands for; shapes are written height ×
    width × channels; ``macs`` are per image and of what is computed. ``defined`` are places in the
    spec, the outermost first. ``shared`` is how many boxes stand for the same weights. ``live``
    tells whether any of it is computed. A box without nodes has a title alone.
    """

    title: str
    operator: str = ""
    inputs: tuple[str, ...] = ()
    output: str = ""
    params: int = 0
    macs: int = 0
    field: str = ""
    defined: tuple[str, ...] = ()
    shared: int = 1
    live: bool = True
    nodes: tuple[str, ...] = ()

    @property
    def module(self) -> str:
        """Path of what all nodes lie in, as torch calls it: ``backbone.s2.b2``; often empty."""
        if len(self.nodes) == 1:
            return "" if self.nodes == (INPUT,) else self.nodes[0]
        common = []
        for names in zip(*(id.split(".") for id in self.nodes), strict=False):
            if len(set(names)) > 1:
                break
            common.append(names[0])
        return ".".join(common)

    def lines(self) -> list[tuple[str, str]]:
        """Return names and values to show, in order; what does not apply is left out."""
        if not self.nodes:
            return []
        costs = f", shared by {self.shared} boxes" if self.shared > 1 else ""
        found = [
            ("in", " and ".join(self.inputs)),
            ("out", self.output),
            ("parameters", amount(self.params) + (costs if self.params else "")),
            ("MACs", amount(self.macs) + (costs if self.macs else "")),
            ("receptive field", self.field),
            ("module", self.module),
            ("defined at", " → ".join(self.defined)),
            ("computed", "" if self.live else "never: nothing uses it"),
        ]
        return [(name, value) for name, value in found if value]


def amount(number: int) -> str:
    """Return a number as people say it.

    >>> amount(10), amount(885_760), amount(226_492_416), amount(1_000_000)
    ('10', '885.8 k', '226.5 M', '1 M')
    """
    for size, unit in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        # What would be rounded to a thousand is one of the next unit.
        if number >= size * 0.99995:
            return f"{number / size:.1f}".removesuffix(".0") + f" {unit}"
    return f"{number}"


def box_facts(network: Network, drawing: Drawing) -> dict[str, Facts]:
    """Return the facts of each box and table of a drawing, by its id and in its order."""
    about = _About(network)
    boxes = list(drawing.boxes())
    standing = Counter(id for box in boxes for id in box.nodes)
    nodes = {box.id: box.nodes for box in boxes}
    feeding: dict[str, set[str]] = {}
    for edge in drawing.items:
        if isinstance(edge, Edge):
            feeding.setdefault(edge.target, set()).update(nodes.get(edge.source, ()))
    found = {}
    for box in boxes:
        line = box.lines[0] if isinstance(box, Box) and box.lines else ()
        line = line if isinstance(box, Box) else box.header
        title = box.title or plain(line) or box.id
        weights = [i for i in box.nodes if network.by_id[i].params]
        shared = max((standing[i] for i in weights), default=1)
        found[box.id] = about.facts(title, box.nodes, feeding.get(box.id, set()), shared)
    return found


def table_rows(network: Network) -> list[Facts]:
    """Return the facts of each layer, in order; the title of one is its node's id."""
    about = _About(network)
    return [about.facts(n.id, (n.id,), set(), 1) for n in network.nodes if n.id != INPUT]


class _About:
    """What is to be said of nodes of one network."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.fields = receptive_fields(network)

    def facts(self, title: str, ids: tuple[str, ...], feeding: set[str], shared: int) -> Facts:
        """Return the facts of a box; ``feeding`` are the nodes of boxes with an edge to it."""
        if not ids:
            return Facts(title)
        network = self.network
        nodes = [network.by_id[id] for id in ids]
        field = self.fields[ids[-1]]
        is_input = ids == (INPUT,)
        return Facts(
            title,
            operators(nodes),
            self.inputs(nodes, feeding),
            captions.shape_text(nodes[-1].shape),
            sum(node.params for node in nodes),
            sum(node.macs for node in nodes if node.id in network.live),
            "" if is_input else EVERYTHING if field is None else f"{field[0]}×{field[1]} px",
            places([network.origins[id] for id in ids if id in network.origins]),
            shared,
            any(id in network.live for id in ids),
            ids,
        )

    def inputs(self, nodes: Sequence[Node], feeding: set[str]) -> tuple[str, ...]:
        """Return the shapes of what flows into a box, equal ones counted."""
        inside = {node.id for node in nodes}
        # A box that stands for equal layers apart from each other takes what each of them takes.
        names = [_called(node) for node in nodes]
        unit = _unit(names)
        if unit < len(nodes) and not inside & set(nodes[unit].inputs):
            nodes = nodes[:unit]
        outside = list(dict.fromkeys(i for n in nodes for i in n.inputs if i not in inside))
        # One step of several takes one vector, though the LSTM as a whole takes all of them.
        outside = [id for id in outside if id in feeding] or outside
        shapes = Counter(captions.shape_text(self.network.by_id[id].shape) for id in outside)
        return tuple(f"{n} × {shape}" if n > 1 else shape for shape, n in shapes.items())


def operators(nodes: Sequence[Node]) -> str:
    """Return what some nodes compute, in a line: ``2 × (conv 3×3, BN, ReLU)``."""
    if len(nodes) == 1:
        node = nodes[0]
        return " · ".join(filter(None, (captions.title(node), captions.detail(node))))
    before = [None, *(node.region for node in nodes)]
    awkward = [
        0 if node.region != last else 2 if captions.follows(node) else 1
        for node, last in zip(nodes, before, strict=False)
    ]
    text = ", ".join(_folded([_called(node) for node in nodes], awkward))
    if len(text) <= LONGEST:
        return text
    convolutions = sum(map(convolutions_of, nodes))
    return f"{len(nodes)} layers, {convolutions} of them convolutions"


def _called(node: Node) -> str:
    """Return what a node is called among others: without its channels, which its output shows."""
    return captions.title(node).partition(", ")[0]


def _unit(names: Sequence[str]) -> int:
    """Return the length of the shortest unit that a list consists of.

    >>> _unit("abab"), _unit("aba")
    (2, 3)
    """
    count = len(names)
    for unit in range(1, min(count // 2, _LONGEST_UNIT) + 1):
        if count % unit == 0 and names[unit:] == names[:-unit]:
            return unit
    return count


def _folded(names: Sequence[str], awkward: Sequence[int]) -> list[str]:
    """Return names with repetitions folded, the one that covers most first.

    A unit begins where it is least ``awkward``, if it can be cut in several ways.

    >>> _folded(list("xababcab"), [0] * 8)
    ['x', '2 × (a, b)', 'c', 'a', 'b']
    """
    best = (0, 0, 0)
    for unit in range(1, min(len(names) // 2, _LONGEST_UNIT) + 1):
        for start, length in _stretches(names, unit):
            covered = length - length % unit
            if covered > best[0]:
                spare = range(start, start + length % unit + 1)
                best = (covered, min(spare, key=lambda i: awkward[i]), unit)
    covered, start, unit = best
    if not covered:
        return list(names)
    end = start + covered
    inner = ", ".join(_folded(names[start : start + unit], awkward[start : start + unit]))
    times = f"{covered // unit} × "
    return [
        *_folded(names[:start], awkward[:start]),
        times + (inner if unit == 1 else f"({inner})"),
        *_folded(names[end:], awkward[end:]),
    ]


def _stretches(names: Sequence[str], unit: int) -> Iterable[tuple[int, int]]:
    """Yield start and length of what repeats a unit of a length at least once."""
    start = 0
    for i in range(len(names) - unit + 1):
        if i + unit == len(names) or names[i] != names[i + unit]:
            if i - start >= unit:
                yield start, i - start + unit
            start = i + 1


def places(uses: Sequence[Use]) -> tuple[str, ...]:
    """Return where some nodes come from: the places that all have in common, outermost first.

    Nodes from several lines have their first and last line in common: ``vgg1.arch:10-12``.
    """
    chains = [[_place(use) for use in reversed(use.chain())] for use in uses]
    if not chains:
        return ()
    common = []
    for level in zip(*chains, strict=False):
        if len(set(level)) > 1:
            break
        common.append(level[0])
    if not common:
        files = {chain[0][0] for chain in chains}
        lines = sorted(chain[0][1] for chain in chains)
        if len(files) > 1:
            return tuple(dict.fromkeys(f"{file}:{line}" for ((file, line), *_) in chains))[:3]
        return (f"{files.pop()}:{lines[0]}-{lines[-1]}",)
    return tuple(dict.fromkeys(f"{file}:{line}" for file, line in common))


def _place(use: Use) -> tuple[str, int]:
    """Return the file and line of a use: the file's name alone, wherever it was read from."""
    name = use.span.source.name
    is_standard = name.startswith("std/")
    return name if is_standard else PurePath(name).name, use.span.line
