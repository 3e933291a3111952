"""What the writer of specs keeps track of: tensors, names in scope, defs, taps."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

Apply: TypeAlias = "Callable[[Flow], Flow]"
"""What a def makes of a tensor."""


@dataclass(frozen=True)
class Flow:
    """A tensor as far as the writer knows it; ``convs`` counts those on its longest path."""

    shape: tuple[int, ...]
    stride: tuple[int, int] = (1, 1)
    convs: int = 0

    @property
    def c(self) -> int:
        return self.shape[0]

    @property
    def size(self) -> tuple[int, ...]:
        return self.shape[1:]

    @property
    def is_map(self) -> bool:
        return len(self.shape) == 3

    def window(
        self,
        c: int,
        kernel: tuple[int, int],
        stride: tuple[int, int],
        padding: tuple[int, int],
        dilation: tuple[int, int] = (1, 1),
    ) -> Flow:
        """Return what a sliding window makes of it; sizes below 1 mean that it does not fit."""
        sizes = [
            (n + 2 * p - d * (k - 1) - 1) // s + 1
            for n, k, s, p, d in zip(self.size, kernel, stride, padding, dilation, strict=True)
        ]
        strides = (self.stride[0] * stride[0], self.stride[1] * stride[1])
        return Flow((c, *sizes), strides, self.convs)

    @property
    def fits(self) -> bool:
        return all(n >= 1 for n in self.shape)


@dataclass
class Scope:
    """What can be named at a place: numbers, earlier tensors, ``in``; and names that are taken."""

    numbers: dict[str, int]
    inside: Flow | None
    points: dict[str, Flow] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    @property
    def tensors(self) -> dict[str, Flow]:
        """What can be asked for its sizes."""
        return {"in": self.inside, **self.points} if self.inside else self.points

    def within(self, flow: Flow) -> Scope:
        """Return the scope of a body between braces that ``flow`` is fed to."""
        return Scope(dict(self.numbers), flow, dict(self.points), set(self.taken))


@dataclass(frozen=True)
class Definition:
    """A def: how to call it on a flow; None where it does not apply to that flow."""

    name: str
    call: Callable[[Flow, Scope], tuple[str, Apply] | None]


@dataclass(frozen=True)
class TapMade:
    """A tap in the spec that is written."""

    path: str
    flow: Flow


def uses(text: str, name: str) -> bool:
    """Whether a text uses a name as a value (not as an attribute or the name of an argument)."""
    return re.search(rf"(?<![.\w]){name}\b(?!\s*=(?!=))", text) is not None
