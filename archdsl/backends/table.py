"""The summary of a network as a table: each part's output, convolutions, parameters and MACs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from archdsl.ir import INPUT, Network, Node, RegionKind
from archdsl.ir.network import convolutions_of
from archdsl.operators.foreign import FOREIGN


@dataclass(frozen=True, slots=True)
class Row:
    """One part of the network; ``macs`` are per image, ``depth`` is how deep it is nested."""

    name: str
    output: str
    note: str
    convolutions: int
    params: int
    macs: int
    depth: int


def rows(network: Network) -> list[Row]:
    """Return the rows of the summary in order: stages and blocks, mapping nodes, LSTM, head."""
    return list(_rows(network))


def _rows(network: Network) -> Iterator[Row]:
    yield Row(INPUT, show(network.input), "", 0, 0, 0, 0)
    taps = {tap.block: tap for tap in network.taps}
    backbone = network.by_path["backbone"]
    stages = {
        node.region.split(".")[1]
        for node in network.inside("backbone")
        if node.region.count(".") >= 1
    }
    seen: set[str] = set()
    for node in network.inside("backbone"):
        parts = node.id.split(".")
        path = ".".join(parts[:2])
        region = network.by_path.get(path)
        if region is None or parts[1] not in stages or region.kind is not RegionKind.STAGE:
            yield _operator(network, node)
            continue
        if path in seen:
            continue
        seen.add(path)
        yield _row(network, path, parts[1], "", 0)
        for block in network.regions:
            if block.kind is RegionKind.BLOCK and block.path.startswith(path + "."):
                tap = taps.get(block.path)
                note = "" if tap is None else f"tap, {tap.level}" if tap.level else "tap"
                yield _row(network, block.path, block.path.rpartition(".")[2], note, 1)
    yield _total(network, network.inside("backbone"), "backbone", network.by_id[backbone.output])
    for tap in network.taps:
        if tap.vector is not None:
            region_path = network.by_id[tap.vector].region
            note = f"ratio {tap.ratio}" if tap.ratio is not None else "by hand"
            yield _row(network, region_path, f"map {tap.path}", note, 0)
    if network.aggregation is not None:
        states = network.by_id[network.aggregation.node]
        readout = network.by_id[network.aggregation.readout]
        kind = network.aggregation.readout_kind
        yield Row(
            states.op,
            show(readout.shape),
            f"{len(states.inputs)} steps, readout {kind}",
            0,
            states.params,
            states.macs,
            0,
        )
    if "head" in network.by_path:
        yield _row(network, "head", "head", "", 0)
    yield _total(network, list(network.nodes), "total", network.by_id[network.output])


def _operator(network: Network, node: Node) -> Row:
    if node.op in FOREIGN:
        return _foreign(network, node)
    return Row(node.name, show(node.shape), "", convolutions_of(node), node.params, node.macs, 0)


def _foreign(network: Network, node: Node) -> Row:
    """Return the row of a model from elsewhere, or of one of its features."""
    macs = node.macs if node.id in network.live else 0
    if node.op == "feature":
        (tap,) = (tap for tap in network.taps if tap.node == node.id)
        note = f"tap, {tap.level}" if tap.level else "tap"
        return Row(tap.path, show(node.shape), note, 0, 0, macs, 1)
    note = f"{node.arguments['library']}{', frozen' if node.arguments['frozen'] else ''}"
    convolutions = node.arguments["convolutions"]
    assert isinstance(convolutions, int)
    name = str(node.arguments["model"])
    return Row(name, show(node.shape), note, convolutions, node.params, macs, 0)


def _row(network: Network, path: str, name: str, note: str, depth: int) -> Row:
    row = _total(network, network.inside(path), name, network.by_id[network.by_path[path].output])
    return Row(name, row.output, note, row.convolutions, row.params, row.macs, depth)


def _total(network: Network, nodes: list[Node], name: str, output: Node) -> Row:
    return Row(
        name,
        show(output.shape),
        "",
        sum(map(convolutions_of, nodes)),
        sum(n.params for n in nodes),
        sum(n.macs for n in nodes if n.id in network.live),
        0,
    )


def show(shape: tuple[int, ...]) -> str:
    """Return a shape as tables write it: height × width × channels, as the paper does.

    >>> show((128, 32, 16))
    '32×16×128'
    """
    if len(shape) == 3:
        return f"{shape[1]}×{shape[2]}×{shape[0]}"
    return "×".join(map(str, shape))
