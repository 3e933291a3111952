"""What a legal network is; tests check it between passes."""

from __future__ import annotations

from collections.abc import Mapping

from archdsl.ir.network import INPUT, Network, RegionKind
from archdsl.operators.operator import Operator


def check_laws(network: Network, operators: Mapping[str, Operator]) -> None:
    """Raise AssertionError, naming the node, where the network breaks a law."""
    seen: dict[str, tuple[int, ...]] = {}
    for node in network.nodes:
        assert node.id not in seen, f"{node.id}: id used twice"
        assert all(i in seen for i in node.inputs), f"{node.id}: input defined later"
        seen[node.id] = node.shape
        if node.op == INPUT:
            assert node.shape == network.input, "the input's shape"
            continue
        operator = operators[node.op]
        shapes = tuple(seen[i] for i in node.inputs)
        assert operator.infer(shapes, node.arguments) == node.shape, f"{node.id}: shape"
        assert operator.parameter_count(shapes, node.arguments) == node.params, node.id
        assert operator.buffer_count(shapes, node.arguments) == node.buffers, node.id
        assert operator.macs(shapes, node.shape, node.arguments) == node.macs, node.id
        assert (node.stride is None) == (len(node.shape) != 3), f"{node.id}: stride"
        assert node.region in network.by_path, f"{node.id}: no region"
    assert network.output in seen, "output"
    for region in network.regions:
        assert region.input in seen and region.output in seen, f"{region.path}: its ends"
        if region.kind is not RegionKind.MODEL:
            assert region.path.rpartition(".")[0] in network.by_path, f"{region.path}: parent"
    for tap in network.taps:
        assert tap.node in seen, f"tap {tap.path}"
    if network.aggregation is not None:
        inputs = network.by_id[network.aggregation.node].inputs
        lengths = {seen[i] for i in inputs}
        assert len(lengths) == 1 and len(next(iter(lengths))) == 1, "vectors of one length"
