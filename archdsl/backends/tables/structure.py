"""What a network consists of, in the few words of the paper's Table I, found in its operators."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby

from archdsl.aggregators import AGGREGATORS, READOUTS
from archdsl.backends.tables.cells import sized
from archdsl.backends.tables.layers import kernel_of
from archdsl.ir import Network, Node, RegionKind
from archdsl.ir.network import convolutions_of
from archdsl.operators import OPERATORS, activation, dropping, normalization

MOST_WIDTHS = 3
"""Of more different widths in one stage the least and the most are told."""

_IN_PASSING = (activation.__name__, dropping.__name__, normalization.__name__)


@dataclass
class Section:
    """Convolutions of a stage by their channels; or those before all stages, of the stem."""

    name: str
    blocks: int
    widths: dict[int, int] = field(default_factory=dict)
    """How many have so many channels, in order of appearance."""

    @property
    def convolutions(self) -> int:
        """How many there are."""
        return sum(self.widths.values())

    def __str__(self) -> str:
        """Return ``128 × 2``, or ``64 × 6, 256 × 4``, or ``16–320 × 17``."""
        if len(self.widths) > MOST_WIDTHS:
            return f"{min(self.widths)}–{max(self.widths)} × {self.convolutions}"
        return ", ".join(f"{channels} × {count}" for channels, count in self.widths.items())


@dataclass(frozen=True)
class Structure:
    """A network in the words of Table I.

    ``stem`` is what comes before the stages, ``model`` a backbone from elsewhere, of which no
    stages are known.
    """

    stem: Section
    stages: tuple[Section, ...]
    model: str
    aggregation: str
    classifier: str


def structure(network: Network) -> Structure:
    """Return what a network consists of. A convolution between two stages counts to the second."""
    paths = {region.path for region in network.regions if region.kind is RegionKind.STAGE}
    stem, model = Section("", 0), ""
    stages: dict[str, Section] = {}
    between: dict[int, int] = {}
    for node in network.inside("backbone"):
        path = ".".join(node.id.split(".")[:2])
        if node.op == "foreign":
            model = f"{node.arguments['model']}, {node.arguments['convolutions']} conv"
            continue
        if path in paths and path not in stages:
            stages[path] = Section(path.partition(".")[2], _blocks(network, path), between)
            between = {}
        if not convolutions_of(node):
            continue
        inside = stages[path].widths if path in paths else between if stages else stem.widths
        inside[node.shape[0]] = inside.get(node.shape[0], 0) + 1
    if between and stages:  # behind the last stage: there is no second
        last = list(stages.values())[-1].widths
        for channels, count in between.items():
            last[channels] = last.get(channels, 0) + count
    return Structure(stem, tuple(stages.values()), model, _aggregation(network), _head(network))


def _blocks(network: Network, stage: str) -> int:
    return sum(
        r.kind is RegionKind.BLOCK for r in network.regions if r.path.startswith(f"{stage}.")
    )


def _aggregation(network: Network) -> str:
    """Return the aggregator, and its readout where that is not the last state: ``LSTM 256``."""
    if network.aggregation is None:
        return ""
    node = network.by_id[network.aggregation.node]
    name = AGGREGATORS[node.op].picture.format_map(node.arguments)
    readout = network.aggregation.readout_kind
    return name if readout == "last" else f"{name}, {READOUTS[readout].picture}"


def _head(network: Network) -> str:
    """Return the classifier: ``1024d-fc × 2, softmax``; what only follows a layer is left out.

    The last linear layer, whose outputs are the classes, is the softmax: the network ends in
    logits, and softmax is what makes of them what the paper's classifier gives.
    """
    found = [_layer(network, n) for n in network.inside("head") if n.id in network.live]
    words = [(word, len(list(same))) for word, same in groupby(word for word in found if word)]
    listed = [f"{word} × {count}" if count > 1 else word for word, count in words]
    if found and len(network.by_id[network.output].shape) == 1 and "softmax" not in listed:
        listed.append("softmax")
    return ", ".join(listed)


def _layer(network: Network, node: Node) -> str:
    operator = OPERATORS[node.op]
    if node.op == "linear":
        return "softmax" if _makes_output(network, node) else f"{node.arguments['n']}d-fc"
    if node.op == "flatten" or type(operator).__module__ in _IN_PASSING:
        return ""
    if operator.convolves:
        return f"conv {node.shape[0]}"
    return "GAP" if node.op == "gap" else sized(node.op, kernel_of(node), None)


def _makes_output(network: Network, node: Node) -> bool:
    """Whether nothing but operators that keep the shape stands between a node and the output."""
    at = network.by_id[network.output]
    while at is not node:
        if type(OPERATORS.get(at.op)).__module__ not in _IN_PASSING or not at.inputs:
            return False
        at = network.by_id[at.inputs[0]]
    return True
