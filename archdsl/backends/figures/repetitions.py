"""What several layers are called together: ``2 × (conv 3×3, BN, ReLU)``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archdsl.backends.figures import captions
from archdsl.ir import Node
from archdsl.ir.network import convolutions_of

LONGEST = 120
"""Characters of such a text; what would be longer is counted instead."""
_LONGEST_UNIT = 80
"""Layers of the longest unit that is looked for repeatedly: more would take long to find."""


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


def unit_of(nodes: Sequence[Node]) -> int:
    """Return the length of the shortest unit that nodes consist of, repeated; all if there is none.

    ``conv, BN, conv, BN`` has one of 2.
    """
    names = [_called(node) for node in nodes]
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
