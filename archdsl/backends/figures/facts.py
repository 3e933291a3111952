"""Facts beside figures: what each box is, takes, makes and costs, and where the spec says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import PurePath

from archdsl.analysis.receptive_fields import receptive_fields
from archdsl.backends.figures import captions
from archdsl.backends.figures.drawing import Box, Drawing, Edge, Role, Table, plain
from archdsl.backends.figures.repetitions import operators, unit_of
from archdsl.ir import INPUT, Network, Node
from archdsl.source import Use

EVERYTHING = "whole image"
"""The receptive field of a vector."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is to be said of a box, or of a layer.

    ``nodes`` are the ids of the network's nodes that it stands for; shapes are written height ×
    width × channels; ``macs`` are per image and of what is computed. ``defined`` are places in the
    spec, the outermost first. ``steps`` is how often an aggregator is applied: parameters and MACs
    are those of all steps. ``live`` tells whether any of it is computed. ``module`` is the path
    of what all nodes lie in, as torch calls it. A box without nodes has no more than an output.
    """

    title: str
    operator: str = ""
    inputs: tuple[str, ...] = ()
    output: str = ""
    params: int = 0
    macs: int = 0
    field: str = ""
    defined: tuple[str, ...] = ()
    steps: int = 1
    live: bool = True
    module: str = ""
    nodes: tuple[str, ...] = ()

    def lines(self) -> list[tuple[str, str]]:
        """Return names and values to show, in order; what does not apply is left out."""
        costs = bool(self.nodes)
        shared, all_steps = "", ""
        if self.steps > 1:
            shared, all_steps = f", shared by {self.steps} steps", f" in {self.steps} steps"
        found = [
            ("in", " and ".join(self.inputs)),
            ("out", self.output),
            ("parameters", amount(self.params) + shared if costs else ""),
            ("MACs", amount(self.macs) + all_steps if costs else ""),
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
    """Return the facts of each box and table of a drawing, by its id and in its order.

    A step of the aggregator stands for all of it, whichever of its steps has its node; a box
    without nodes that something flows into, such as a vector, is what flows into it.
    """
    about = _About(network)
    sources: dict[str, list[str]] = {}
    for edge in drawing.items:
        if isinstance(edge, Edge):
            sources.setdefault(edge.target, []).append(edge.source)
    boxes = {box.id: box for box in drawing.boxes()}
    found = {}
    for id, box in boxes.items():
        feeding = {_made(source, boxes, sources) for source in sources.get(id, ())}
        aggregator = network.aggregation.node if network.aggregation is not None else ""
        if id in sources and box.role is Role.RECURRENT:
            drawn = box.nodes or next(
                (b.nodes for b in boxes.values() if aggregator in b.nodes), ()
            )
            found[id] = about.step(_title(box), aggregator, drawn, feeding)
        elif not box.nodes and len(feeding) == 1 and None not in feeding:
            found[id] = about.value(_title(box), *(node for node in feeding if node is not None))
        else:
            found[id] = about.facts(_title(box), box.nodes, feeding)
    return found


def _title(box: Box | Table) -> str:
    line = box.header if isinstance(box, Table) else box.lines[0] if box.lines else ()
    return box.title or plain(line) or box.id


def _made(
    id: str, boxes: Mapping[str, Box | Table], sources: Mapping[str, list[str]]
) -> str | None:
    """Return the node whose output leaves a box; None if that cannot be told."""
    seen: set[str] = set()
    while id in boxes and id not in seen:
        if boxes[id].nodes:
            return boxes[id].nodes[-1]
        seen.add(id)
        if len(sources.get(id, ())) != 1:
            return None
        (id,) = sources[id]
    return None


def table_rows(network: Network) -> list[Facts]:
    """Return the facts of each layer, in order; the title of one is its node's id."""
    about = _About(network)
    return [about.facts(n.id, (n.id,), set()) for n in network.nodes if n.id != INPUT]


class _About:
    """What is to be said of nodes of one network."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.fields = receptive_fields(network)

    def step(self, title: str, id: str, ids: tuple[str, ...], feeding: Set[str | None]) -> Facts:
        """Return the facts of one step of the aggregator ``id``, which ``ids`` stand for."""
        node = self.network.by_id[id]
        shape = captions.shape_text(node.shape[1:])
        facts = self.facts(title, (id,), feeding)
        return replace(facts, output=shape, steps=len(node.inputs), nodes=ids or (id,))

    def value(self, title: str, id: str) -> Facts:
        """Return the facts of a box that only shows the output of a node."""
        facts = self.facts(title, (id,), set())
        return Facts(title, output=facts.output, field=facts.field, live=facts.live)

    def facts(self, title: str, ids: tuple[str, ...], feeding: Set[str | None]) -> Facts:
        """Return the facts of a box; ``feeding`` are the nodes that edges to it come from."""
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
            1,
            any(id in network.live for id in ids),
            "" if is_input else _common(ids),
            ids,
        )

    def inputs(self, nodes: Sequence[Node], feeding: Set[str | None]) -> tuple[str, ...]:
        """Return the shapes of what flows into a box, equal ones counted."""
        inside = {node.id for node in nodes}
        # A box that stands for equal layers apart from each other takes what each of them takes.
        unit = unit_of(nodes)
        if unit < len(nodes) and not inside & set(nodes[unit].inputs):
            nodes = nodes[:unit]
        outside = list(dict.fromkeys(i for n in nodes for i in n.inputs if i not in inside))
        # One step of several takes one vector, though the LSTM as a whole takes all of them.
        outside = [id for id in outside if id in feeding] or outside
        shapes = Counter(captions.shape_text(self.network.by_id[id].shape) for id in outside)
        return tuple(f"{n} × {shape}" if n > 1 else shape for shape, n in shapes.items())


def _common(ids: Sequence[str]) -> str:
    """Return the path of what nodes lie in; that of a single one is its own.

    >>> _common(["s2.b2.conv", "s2.b2.relu"]), _common(["s2.b2.conv"]), _common(["lstm", "s1"])
    ('s2.b2', 's2.b2.conv', '')
    """
    common = []
    for names in zip(*(id.split(".") for id in ids), strict=False):
        if len(set(names)) > 1:
            break
        common.append(names[0])
    return ".".join(common)


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
