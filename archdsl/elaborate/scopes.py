"""Names in scope while names are checked: what each is, and whether anything uses it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from archdsl.diagnostics import nearest
from archdsl.elaborate.loading import Module
from archdsl.source import Span
from archdsl.syntax import nodes


class Sort(Enum):
    """What a name stands for."""

    TENSOR = auto()
    PARAMETER = auto()
    CONSTANT = auto()


@dataclass(eq=False)
class Entry:
    """A name in scope."""

    place: Span
    sort: Sort
    used: bool = False

    @property
    def is_tensor(self) -> bool:
        """Whether it is a tensor, not a compile-time value."""
        return self.sort is Sort.TENSOR


@dataclass(eq=False)
class Names:
    """A lexical scope, and where in a model it stands."""

    module: Module
    outer: Names | None = None
    entries: dict[str, Entry] = field(default_factory=dict)
    inside: str = ""
    """``backbone``, ``stage``, ``block`` or empty: which of stage, block, tap may stand here."""
    is_vague: bool = False
    """Whether what declares its names could not be read whole: there may be more of them."""

    def find(self, name: str) -> Entry | None:
        """Return what a name stands for, or None."""
        scope: Names | None = self
        while scope is not None:
            if name in scope.entries:
                return scope.entries[name]
            scope = scope.outer
        return None

    def all_names(self, *, tensors: bool) -> list[str]:
        """Return all names of tensors, or of compile-time values."""
        found: list[str] = []
        scope: Names | None = self
        while scope is not None:
            found += [n for n, e in scope.entries.items() if e.is_tensor == tensors]
            scope = scope.outer
        return found

    def may_mention(self, name: str) -> bool:
        """Whether a name may be declared, or used, in what could not be read."""
        scope: Names | None = self
        while scope is not None:
            if scope.is_vague:
                return True
            scope = scope.outer
        return self.module.may_declare(name)

    def input(self, place: Span) -> None:
        """Declare ``in``."""
        self.entries["in"] = Entry(place, Sort.TENSOR, used=True)

    def unused(self, sort: Sort) -> list[tuple[str, Entry]]:
        """Return the names of a sort, of this scope alone, that nothing uses.

        One that stands in a part of the file that could not be read may be used there.
        """
        return [
            (name, entry)
            for name, entry in self.entries.items()
            if entry.sort is sort and not entry.used and not self.module.may_mention(name)
        ]


def mark_meant(name: str, choices: Sequence[str], names: Names) -> None:
    """Mark the name that a misspelt one was probably meant to be: it is not unused."""
    meant = nearest(name, choices)
    entry = names.find(meant) if meant is not None else None
    if entry is not None:
        entry.used = True


def mark_used(part: object, names: Names) -> None:
    """Mark the names in something that means nothing, without reporting more."""
    for path in parts(part):
        if isinstance(path, nodes.Path):
            entry = names.find(path.names[0].text)
            if entry is not None:
                entry.used = True


def parts(part: object) -> list[object]:
    """Return a node and everything within it."""
    found: list[object] = []
    stack = [part]
    while stack:
        part = stack.pop()
        if isinstance(part, tuple):
            stack.extend(part)
        elif hasattr(part, "__slots__") and not isinstance(part, Span):
            found.append(part)
            if not isinstance(part, nodes.Name):
                stack.extend(getattr(part, slot) for slot in part.__slots__)
    return found
