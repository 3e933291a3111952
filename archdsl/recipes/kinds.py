"""Kinds of values that recipes alone have: several numbers at once, and a number or nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

from archdsl.operators.signature import Kind, Number, Unfit, Value


@dataclass(frozen=True, slots=True)
class Two(Kind):
    """A list of two numbers of one range; normal form is a tuple of floats."""

    each: Number = field(default_factory=Number)
    ascending: bool = False
    """The first is at most the second."""
    example: str = "[0.9, 0.999]"

    @property
    def wanted(self) -> str:
        order = ", the smaller one first" if self.ascending else ""
        each = self.each.wanted.removeprefix("a number ")
        return f"a list of two numbers, each {each}{order}, such as {self.example}"

    def check(self, value: Value) -> Value:
        if not isinstance(value, tuple) or len(value) != 2:
            raise Unfit
        first, second = (self.each.check(item) for item in value)
        assert isinstance(first, float) and isinstance(second, float)
        if self.ascending and first > second:
            raise Unfit
        return (first, second)


@dataclass(frozen=True, slots=True)
class OrWord(Kind):
    """A number, or one bare word in its place; the word ``none`` has the normal form None."""

    number: Number
    word: str

    @property
    def wanted(self) -> str:
        return f"{self.number.wanted}, or {self.word}"

    def check(self, value: Value) -> Value:
        if self.word in (value, "none" if value is None else value):
            return None if self.word == "none" else self.word
        return self.number.check(value)

    @property
    def words(self) -> tuple[str, ...]:
        return (self.word,)
