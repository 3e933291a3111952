"""A network's size before it is made: one expansion in which no use of a def is made twice.

Defs that use each other twice grow as powers of two. Where choices between them depend on shapes,
:mod:`archdsl.elaborate.sizes` cannot tell how they go; an expansion that only counts can: a def
that is used with the same arguments on the same shape makes the same again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from archdsl.diagnostics import Poison, Problems, TooManyFaults
from archdsl.elaborate.placing import Placer, Stop
from archdsl.elaborate.values import Bound
from archdsl.ir import Node
from archdsl.ir.draft import Size
from archdsl.operators import OPERATORS
from archdsl.operators.operator import Shape
from archdsl.source import Use
from archdsl.syntax import nodes

REHEARSED_FROM = 5_000
"""Operators and regions from which on a network is rehearsed: that many are made in no time."""

Key: TypeAlias = tuple[object, ...]


class Rehearsal:
    """What uses of defs have made so far, for an expansion that makes each only once."""

    def __init__(self, placer: Placer) -> None:
        self.placer = placer
        self.known: dict[Key, tuple[Size, Shape]] = {}

    def key(self, item: nodes.Def, arguments: Mapping[str, Bound], flow: Node) -> Key | None:
        """Return what a use depends on, or None where a part of that is unknown."""
        if flow.id in self.placer.vague or any(isinstance(v, Poison) for v in arguments.values()):
            return None
        return (item, flow.shape, *((n, type(v), v) for n, v in arguments.items()))

    def repeat(self, key: Key | None, flow: Node, use: Use) -> Node | None:
        """Return what a use yields that was made before, counting its operators anew."""
        if key not in self.known:
            return None
        made, shape = self.known[key]
        draft = self.placer.draft
        stand_in = Size(1, 0)
        draft.unmade = draft.unmade.plus(made.since(stand_in))
        identity = OPERATORS["identity"]
        return self.placer.stand_in(use.path, identity, (flow,), {}, shape, use)

    def remember(self, key: Key | None, made: Size, result: Node | Poison) -> None:
        """Take note of what a use has made."""
        if key is not None and isinstance(result, Node) and result.id not in self.placer.vague:
            self.known[key] = made, result.shape


def rehearse(expand: Callable[[Problems], object], problems: Problems) -> None:
    """Expand a network without making it; stop where it is larger than the limit.

    ``expand`` is given where its faults go. All but the limit's are found again when the network
    is made.
    """
    found = Problems()
    try:
        expand(found)
    except TooManyFaults:
        return
    except Stop:
        refused = [d for d in found.sorted() if d.code == "ARCH901"]
        problems.extend(refused)
        if refused:
            raise
