"""Receptive fields: how much of the image one pixel of a feature map sees."""

from __future__ import annotations

from archdsl.ir import INPUT, Network
from archdsl.operators import OPERATORS


def receptive_fields(network: Network) -> dict[str, tuple[int, int] | None]:
    """Return (height, width) for each node, in pixels of the input, borders not taken off.

    r = r of the input + (window - 1) x stride up to there, the most of several inputs (Araujo et
    al. 2019, "Computing receptive fields of convolutional neural networks", equation 2). None
    where a value sees everything: a vector, what global pooling made.
    A gate that multiplies a map sees everything, but the map's field is what is meant.
    """
    fields: dict[str, tuple[int, int] | None] = {INPUT: (1, 1)}
    for node in network.nodes:
        if node.op == INPUT:
            continue
        known = [fields[i] for i in node.inputs]
        seen = [field for field in known if field is not None]
        operator = OPERATORS.get(node.op)
        window = operator.window(node.arguments) if operator is not None else None
        if not seen or window is None or len(node.shape) != 3:
            fields[node.id] = None
            continue
        stride = network.by_id[node.inputs[0]].stride or (1, 1)
        height, width = (
            max(field[axis] for field in seen) + (window[axis] - 1) * stride[axis]
            for axis in (0, 1)
        )
        fields[node.id] = (int(height), int(width))
    return fields
