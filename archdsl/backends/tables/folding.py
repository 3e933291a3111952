"""A network as a tree of its regions, and equal repetitions in it as one.

Before: basic.0, basic.1, .. basic.9, the first with a stride. After: basic.0, basic.1–9 ×9.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from archdsl.ir import Network, Node


@dataclass(frozen=True, slots=True)
class Leaf:
    """An operator; ``count`` times in a row, the last of which is ``last``."""

    name: str
    node: Node
    last: Node
    count: int = 1


@dataclass(frozen=True, slots=True)
class Branch:
    """A region with what is in it; ``count`` times in a row.

    The operators of ``items`` are those of the first; their ``last`` is in the last repetition.
    """

    name: str
    path: str
    items: tuple[Tree, ...]
    count: int = 1


Tree: TypeAlias = Leaf | Branch


def tree(network: Network) -> tuple[Tree, ...]:
    """Return the operators of a network in order, within their regions, equal repetitions as one.

    Only repetitions of the spec are folded (``Basic(64) * 9``), and only those that are equal in
    all but the names of the repetitions: operators, arguments, shapes, strides, costs, and
    what within them reads what.
    """
    return _Folder(network).items("", list(network.nodes))


class _Folder:
    """Folds the regions of one network."""

    def __init__(self, network: Network) -> None:
        self.network = network

    def items(self, path: str, nodes: list[Node]) -> tuple[Tree, ...]:
        """Return what is in a region, whose operators are ``nodes``."""
        prefix = f"{path}." if path else ""
        members: list[tuple[str, list[Node]]] = []
        for node in nodes:
            name = node.id[len(prefix) :].partition(".")[0]
            if members and members[-1][0] == name:
                members[-1][1].append(node)
            else:
                members.append((name, [node]))
        found: list[Tree] = []
        at = 0
        while at < len(members):
            name, inside = members[at]
            end = at + 1
            if name.isdigit():  # an item of a repetition
                same = self.signature(prefix + name, inside)
                while (
                    end < len(members)
                    and self.signature(prefix + members[end][0], members[end][1]) == same
                ):
                    end += 1
            found += self.member(prefix, members[at], members[end - 1], end - at)
            at = end
        return tuple(found)

    def member(
        self,
        prefix: str,
        first: tuple[str, list[Node]],
        last: tuple[str, list[Node]],
        count: int,
    ) -> list[Tree]:
        """Return a member of a region, which stands for all from the first to the last."""
        name, nodes = first
        shown = name if count == 1 else f"{name}–{last[0]}"
        if nodes[0].id == prefix + name:
            return [Leaf(shown, nodes[0], last[1][0], count)]
        items = self.items(prefix + name, nodes)
        if count > 1:
            ends = self.items(prefix + last[0], last[1])
            items = tuple(_until(a, b) for a, b in zip(items, ends, strict=True))
        if count == 1 and all(item.name[0].isdigit() for item in items):  # they say its name
            return [_renamed(item, f"{shown}.{item.name}") for item in items]
        return [Branch(shown, prefix + name, items, count)]

    def signature(self, path: str, nodes: list[Node]) -> tuple[object, ...]:
        """Return all that makes repetitions differ, their names apart."""
        prefix = f"{path}."
        return tuple(
            (
                node.id.removeprefix(path),
                node.op,
                tuple(node.arguments.items()),
                tuple(i[len(path) :] if i.startswith(prefix) else None for i in node.inputs),
                *(node.shape, node.stride, node.params, node.buffers, node.macs),
                node.id in self.network.live,
            )
            for node in nodes
        )


def _until(first: Tree, last: Tree) -> Tree:
    """Return the tree of a first repetition, its operators running to those of the last."""
    if isinstance(first, Leaf):
        assert isinstance(last, Leaf)
        return Leaf(first.name, first.node, last.last, first.count)
    assert isinstance(last, Branch)
    items = tuple(_until(a, b) for a, b in zip(first.items, last.items, strict=True))
    return Branch(first.name, first.path, items, first.count)


def _renamed(item: Tree, name: str) -> Tree:
    if isinstance(item, Leaf):
        return Leaf(name, item.node, item.last, item.count)
    return Branch(name, item.path, item.items, item.count)
