"""Signatures: the parameters of an operator, an aggregator or a recipe entry, with their kinds.

A kind knows how to check one compile-time value and how to say what it wants. Binding a call to
a signature, with diagnostics, is ``archdsl.elaborate.binding``.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import inf, isfinite
from typing import Final

Scalar = bool | int | float | str | None
"""A compile-time value that is not a list. ``None`` is the word ``none``."""

Value = Scalar | tuple[Scalar, ...]
"""A compile-time value: a scalar or a flat list of scalars."""


class Unfit(Exception):
    """A value that a kind does not admit; the text says why, where the kind alone does not."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What values a parameter takes."""

    @property
    def wanted(self) -> str:
        """What it takes, as a phrase: ``an integer of at least 1``."""
        raise NotImplementedError

    def check(self, value: Value) -> Value:
        """Return the value in normal form, or raise :class:`Unfit`."""
        raise NotImplementedError

    @property
    def words(self) -> tuple[str, ...]:
        """Bare words that it takes as values (``same``, ``none``)."""
        return ()


def _integer(value: Value, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise Unfit
    return value


@dataclass(frozen=True, slots=True)
class Integer(Kind):
    """An integer with a least value."""

    least: int = 1

    @property
    def wanted(self) -> str:
        return f"an integer of at least {self.least}"

    def check(self, value: Value) -> Value:
        return _integer(value, self.least)


@dataclass(frozen=True, slots=True)
class Pair(Kind):
    """One integer for height and width, or ``[height, width]``; normal form is a tuple of two."""

    least: int = 1

    @property
    def wanted(self) -> str:
        return f"an integer of at least {self.least}, or [height, width]"

    def check(self, value: Value) -> Value:
        each = value if isinstance(value, tuple) else (value, value)
        if len(each) != 2:
            raise Unfit
        return tuple(_integer(v, self.least) for v in each)


@dataclass(frozen=True, slots=True)
class Padding(Pair):
    """Like :class:`Pair`, or the word ``same``."""

    least: int = 0

    @property
    def wanted(self) -> str:
        return "`same`, an integer of at least 0, or [height, width]"

    def check(self, value: Value) -> Value:
        return value if value == "same" else Pair.check(self, value)

    @property
    def words(self) -> tuple[str, ...]:
        return ("same",)


@dataclass(frozen=True, slots=True)
class Border(Kind):
    """A border: one width, ``[height, width]``, or ``[left, right, top, bottom]``.

    Normal form are the four, in that order, which is torch's.
    """

    least: int = 0

    @property
    def wanted(self) -> str:
        return "an integer of at least 0, [height, width], or [left, right, top, bottom]"

    def check(self, value: Value) -> Value:
        each = value if isinstance(value, tuple) else (value, value)
        if len(each) not in (2, 4):
            raise Unfit
        widths = tuple(_integer(v, self.least) for v in each)
        return widths if len(widths) == 4 else (widths[1], widths[1], widths[0], widths[0])


@dataclass(frozen=True, slots=True)
class Number(Kind):
    """A real number in a range; normal form is a float."""

    least: float = 0.0
    most: float | None = None
    above: bool = False  # least itself is excluded
    below: bool = False  # most itself is excluded

    @property
    def wanted(self) -> str:
        if self.least == -inf and self.most is None:
            return "a number"
        low = f"{'above' if self.above else 'of at least'} {self.least:g}"
        if self.most is None:
            return f"a number {low}"
        return f"a number {low} and {'below' if self.below else 'at most'} {self.most:g}"

    def check(self, value: Value) -> Value:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Unfit
        number = float(value)
        if not isfinite(number):
            raise Unfit
        if number < self.least or (self.above and number == self.least):
            raise Unfit
        if self.most is not None and (number > self.most or (self.below and number == self.most)):
            raise Unfit
        return number


@dataclass(frozen=True, slots=True)
class Boolean(Kind):
    """``true`` or ``false``."""

    @property
    def wanted(self) -> str:
        return "true or false"

    def check(self, value: Value) -> Value:
        if not isinstance(value, bool):
            raise Unfit
        return value


@dataclass(frozen=True, slots=True)
class Word(Kind):
    """One of a few bare words; ``none`` has the normal form None."""

    choices: tuple[str, ...]

    @property
    def wanted(self) -> str:
        return "one of: " + ", ".join(self.choices)

    def check(self, value: Value) -> Value:
        word = "none" if value is None else value
        if not isinstance(word, str) or word not in self.choices:
            raise Unfit
        return None if word == "none" else word

    @property
    def words(self) -> tuple[str, ...]:
        return self.choices


@dataclass(frozen=True, slots=True)
class Integers(Kind):
    """A list of increasing integers; normal form is a tuple."""

    least: int = 1

    @property
    def wanted(self) -> str:
        return f"a list of increasing integers, each at least {self.least}, such as [50, 75]"

    def check(self, value: Value) -> Value:
        if not isinstance(value, tuple):
            raise Unfit
        items = tuple(_integer(v, self.least) for v in value)
        if any(b <= a for a, b in pairwise(items)):
            raise Unfit
        return items


class _Required:
    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED: Final = _Required()


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: name, kind, default (as a spec would write it), one line of documentation.

    ``named``: an argument must say its name, as batchnorm(64) would otherwise set eps. ``unit``
    is what a number counts, where it counts something (``pixels``).
    """

    name: str
    kind: Kind
    doc: str
    default: Value | _Required = REQUIRED
    named: bool = False
    unit: str = ""

    @property
    def normal_default(self) -> Value:
        """The default in normal form; None means that the operator decides."""
        assert not isinstance(self.default, _Required)
        return None if self.default is None else self.kind.check(self.default)

    @property
    def required(self) -> bool:
        """Whether a call must give it."""
        return isinstance(self.default, _Required)
