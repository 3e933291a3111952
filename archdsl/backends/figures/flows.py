"""How a region's members are wired: one behind the other, in branches that meet again, or freely.

What all ways from a tensor to the end pass through is where its branches meet: the immediate
post-dominator (Cooper, Harvey, Kennedy 2001, "A simple, fast dominance algorithm", on the reversed
graph; there are no cycles, so one pass is enough).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from archdsl.ir import Node


@dataclass(slots=True)
class Member:
    """An operator of a region, or a region within it, with all its operators."""

    path: str
    is_operator: bool
    nodes: list[Node] = field(default_factory=list)

    @property
    def output(self) -> str:
        """Id of its last operator."""
        return self.nodes[-1].id


Flow: TypeAlias = "list[Member | tuple[Flow, ...] | list[Member]]"
"""Members in order; a tuple of branches; a list of members that are wired freely."""


def members(path: str, nodes: Iterable[Node]) -> list[Member]:
    """Return the members of a region, in order of their first operator."""
    found: dict[str, Member] = {}
    depth = path.count(".") + 2 if path else 1
    for node in nodes:
        key = ".".join(node.id.split(".")[:depth])
        member = found.setdefault(key, Member(key, key == node.id))
        member.nodes.append(node)
    return list(found.values())


def decompose(inside: Sequence[Member]) -> Flow:
    """Return how members are wired."""
    return _Graph(inside).flow()


class _Graph:
    """Members by number; -1 is what flows in, and one more than the last is the end."""

    def __init__(self, inside: Sequence[Member]) -> None:
        self.inside = inside
        self.end = len(inside)
        home = {node.id: i for i, member in enumerate(inside) for node in member.nodes}
        self.after: dict[int, list[int]] = {i: [] for i in range(-1, self.end)}
        for i, member in enumerate(inside):
            for j in sorted({home.get(k, -1) for node in member.nodes for k in node.inputs} - {i}):
                self.after[j].append(i)
        for i in range(-1, self.end):
            if not self.after[i]:
                self.after[i].append(self.end)
        self.meeting = {self.end: self.end}
        self.height = {self.end: 0}
        for i in range(self.end - 1, -2, -1):
            self.meeting[i] = self.meet(self.after[i])
            self.height[i] = self.height[self.meeting[i]] + 1

    def meet(self, several: Iterable[int]) -> int:
        """Return where all ways from some members pass through, be it one of them."""
        first, *rest = several
        for other in rest:
            while first != other:
                if self.height[first] < self.height[other]:
                    first, other = other, first
                first = self.meeting[first]
        return first

    def flow(self) -> Flow:
        found = self.between(self.after[-1], self.end)
        return found if found is not None else [list(self.inside)]

    def between(self, heads: Sequence[int], stop: int) -> Flow | None:
        """Return what lies between a tensor that goes to ``heads`` and ``stop``.

        None where its branches do not meet before ``stop``.
        """
        flow: Flow = []
        while list(heads) != [stop]:
            meeting = self.meet(heads)
            if meeting == stop:
                return None
            if len(heads) > 1:
                flow.append(tuple(self.branches(heads, meeting)))
            flow.append(self.inside[meeting])
            heads = self.after[meeting]
        return flow

    def branches(self, heads: Sequence[int], meeting: int) -> list[Flow]:
        """Return what lies between, one flow for each branch."""
        groups: list[tuple[list[int], set[int]]] = []
        for head in heads:
            reached = self.reached(head, meeting)
            entries = [head]
            for group in [g for g in groups if g[1] & reached]:
                groups.remove(group)
                entries, reached = group[0] + entries, group[1] | reached
            groups.append((entries, reached))
        found: list[Flow] = []
        for entries, reached in groups:
            flow = self.between(entries, meeting)
            # Branches that meet others on their way cannot be told apart.
            found.append(flow if flow is not None else [[self.inside[i] for i in sorted(reached)]])
        return found

    def reached(self, head: int, meeting: int) -> set[int]:
        """Return all on the way from a member to where its branch ends."""
        seen: set[int] = set()
        open_ends = [head]
        while open_ends:
            at = open_ends.pop()
            if at != meeting and at not in seen:
                seen.add(at)
                open_ends += self.after[at]
        return seen
