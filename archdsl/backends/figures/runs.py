"""Runs: equal things in a row, which are drawn once with their number beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from archdsl.backends.figures.outline import Chain, Element, Fork, Leaf, Part, Tangle, nodes_of
from archdsl.ir import Network, RegionKind

Key: TypeAlias = tuple[object, ...]

FEW = 4
"""Up to so many equal operators in a row are each drawn in the full view."""


@dataclass(frozen=True, slots=True)
class Run:
    """``count`` elements of equal structure; ``element`` is the last, with the nodes of all.

    ``first`` is the first as it is.
    """

    element: Element
    count: int
    first: Element

    @property
    def nodes(self) -> tuple[str, ...]:
        """The ids of all nodes that it stands for."""
        return nodes_of((self.element,))


def key(element: Element, network: Network, *, shapes: bool = True) -> Key:
    """Return what two elements have in common if one drawing can stand for both.

    Operators, arguments, wiring, and (with ``shapes``) the shapes of all outputs. The chance of
    stochastic depth is left out: it grows from unit to unit by design.
    """
    shape = getattr(element, "shape", None) if shapes else None
    if isinstance(element, Leaf | Tangle):
        nodes = (network.by_id[id] for id in element.nodes)
        ops = tuple((n.op, () if n.op == "droppath" else tuple(n.arguments.items())) for n in nodes)
        return (type(element), ops, shape)
    if isinstance(element, Fork):
        return (Fork, tuple(_keys(branch, network, shapes) for branch in element.branches))
    return (Part, element.kind, element.definition, _keys(element.chain, network, shapes), shape)


def _keys(chain: Chain, network: Network, shapes: bool) -> Key:
    return tuple(key(element, network, shapes=shapes) for element in chain)


def fold(chain: Chain, network: Network, tapped: frozenset[str]) -> list[Run]:
    """Return a chain with equal parts in a row drawn once; what is tapped ends its run.

    The items of a repetition may differ in shape: dense connectivity adds channels at each. Single
    operators are told one by one up to :data:`FEW`.
    """
    runs: list[Run] = []
    for element, joins in _with_joins(chain):
        if isinstance(element, Part) and element.kind is RegionKind.REPEAT and not joins:
            runs += _folded(element.chain, network, tapped, shapes=False)
        else:
            runs.append(Run(element, 1, element))
    return [
        folded
        for group in _grouped(runs)
        for folded in _folded(group, network, tapped, shapes=True)
    ]


def _grouped(runs: Sequence[Run]) -> Iterator[Chain | Run]:
    """Yield elements that stand alone as chains, between runs that are folded already."""
    alone: list[Element] = []
    for run in runs:
        if run.count == 1:
            alone.append(run.element)
            continue
        if alone:
            yield tuple(alone)
        alone = []
        yield run
    if alone:
        yield tuple(alone)


def _folded(
    group: Chain | Run, network: Network, tapped: frozenset[str], *, shapes: bool
) -> list[Run]:
    if isinstance(group, Run):
        return [group]
    found: list[list[Element]] = []
    last: Key = ()
    for element in group:
        this = key(element, network, shapes=shapes)
        ended = bool(found) and not tapped.isdisjoint(nodes_of((found[-1][-1],)))
        # What joins branches belongs to the fork before it.
        if this == last and not ended and not isinstance(element, Fork):
            found[-1].append(element)
        else:
            found.append([element])
        last = this
    runs: list[Run] = []
    for same in found:
        if len(same) > 1 and (len(same) > FEW or not isinstance(same[0], Leaf)):
            runs.append(Run(together(same), len(same), same[0]))
        else:
            runs += (Run(element, 1, element) for element in same)
    return runs


def together(same: Sequence[Element]) -> Element:
    """Return the last of some elements of equal structure, standing for the nodes of all."""
    last = same[-1]
    nodes = tuple(id for element in same for id in nodes_of((element,)))
    if isinstance(last, Leaf):
        first = same[0]
        assert isinstance(first, Leaf)
        return replace(last, nodes=nodes, detail=_between(first.detail, last.detail))
    if isinstance(last, Fork):
        forks = [element for element in same if isinstance(element, Fork)]
        branches = zip(*(fork.branches for fork in forks), strict=True)
        return Fork(tuple(_chains_together(each) for each in branches))
    if isinstance(last, Part):
        parts = [element for element in same if isinstance(element, Part)]
        return replace(last, nodes=nodes, chain=_chains_together([p.chain for p in parts]))
    return replace(last, nodes=nodes)


def _chains_together(chains: Sequence[Chain]) -> Chain:
    return tuple(together(elements) for elements in zip(*chains, strict=True))


def _between(first: str, last: str) -> str:
    """Return what two details say together.

    >>> _between("BN · drop path 0.0", "BN · drop path 0.1")
    'BN · drop path 0.0 … 0.1'
    """
    pairs = zip(first.split(" · "), last.split(" · "), strict=False)
    return " · ".join(b if a == b else f"{a} … {b.rpartition(' ')[2]}" for a, b in pairs)


def unrolled(chain: Chain) -> Iterator[Element]:
    """Yield the elements of a chain, with the items of repetitions in their place.

    A repetition in which branches meet stays whole: they belong to all of it.
    """
    for element, joins in _with_joins(chain):
        if isinstance(element, Part) and element.kind is RegionKind.REPEAT and not joins:
            yield from unrolled(element.chain)
        else:
            yield element


def _with_joins(chain: Chain) -> Iterator[tuple[Element, bool]]:
    """Yield each element, and whether branches meet in it."""
    joins = False
    for element in chain:
        yield element, joins
        joins = isinstance(element, Fork)
