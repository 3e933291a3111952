"""Runs in a row of constructor calls: neighbours that are equal, or whose numbers grow evenly."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

Number = int | float

_LEAST = 3
"""Fewer calls than this whose numbers grow are plainer one by one."""


@dataclass(frozen=True, slots=True)
class Item:
    """A call as far as runs go: what is called, and its numbers in order."""

    kind: Hashable
    numbers: tuple[Number, ...]


@dataclass(frozen=True, slots=True)
class Stretch:
    """How many calls are one run, and by how much each number grows from call to call."""

    length: int
    steps: tuple[int, ...]


def split_runs(items: Sequence[Item]) -> list[Stretch]:
    """Return the runs that items in a row fall into, each as long as it can be.

    >>> [s.length for s in split_runs([Item("f", (n,)) for n in (1, 1, 8, 16, 24, 5)])]
    [2, 3, 1]
    """
    runs: list[Stretch] = []
    start = 0
    while start < len(items):
        none = (0,) * len(items[start].numbers)
        run = Stretch(_length(items, start, none), none)
        steps = _steps(items, start) if run.length == 1 else None
        if steps is not None:
            length = _length(items, start, steps)
            if length >= _LEAST:
                run = Stretch(length, steps)
        runs.append(run)
        start += run.length
    return runs


def _steps(items: Sequence[Item], start: int) -> tuple[int, ...] | None:
    """Return by how much the numbers of one item grow to the next, if both are alike."""
    if start + 1 >= len(items) or items[start + 1].kind != items[start].kind:
        return None
    pairs = list(zip(items[start].numbers, items[start + 1].numbers, strict=True))
    if any(a != b and (isinstance(a, float) or isinstance(b, float)) for a, b in pairs):
        return None  # what a sum of floats yields need not be the number itself
    return tuple(int(b - a) for a, b in pairs)


def _length(items: Sequence[Item], start: int, steps: tuple[int, ...]) -> int:
    """Return how many items from ``start`` on are alike, their numbers growing by ``steps``."""
    first, length = items[start], 1
    for item in items[start + 1 :]:
        wanted = tuple(n + s * length for n, s in zip(first.numbers, steps, strict=True))
        if item.kind != first.kind or item.numbers != wanted:
            break
        length += 1
    return length
