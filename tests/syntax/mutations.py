"""Spec texts with mistakes planted in them, and what the compiler says of each."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lark import Token
from markdown_cases import check
from specs_of_tests import spec_files, spec_texts

from archdsl.diagnostics import Diagnostic, Problems, Severity
from archdsl.source import Source
from archdsl.syntax import parse
from archdsl.syntax.parser import grammar_parser
from archdsl.syntax.recovery import Run

LONG = Path(__file__).parent / "long"
"""Texts of about 130 lines that have every construct of the grammar between them."""

KINDS = ("delete", "double", "replace", "insert")


@dataclass(frozen=True)
class Mutant:
    """A text with mistakes: where each can be seen, and how it was made."""

    name: str
    text: str
    lines: tuple[frozenset[int], ...]
    kinds: tuple[str, ...]

    def files(self) -> dict[str, str]:
        """Return the text as the main file, with all that it may import beside it."""
        return {**spec_files("vgg1.arch"), "main.arch": self.text}


@cache
def texts() -> dict[str, str]:
    """Return the texts to plant mistakes in, by name."""
    long = {path.name: path.read_text(encoding="utf-8") for path in sorted(LONG.glob("*.arch"))}
    return {**spec_texts(), **long}


@cache
def tokens(text: str) -> tuple[Token, ...]:
    """Return the tokens of a text without mistakes, those in the text alone."""
    found: list[Token] = []

    class Recorder(Run):
        def take(self, token: Token) -> bool:
            fits = super().take(token)
            if fits and (token.end_pos or 0) > (token.start_pos or 0):
                found.append(token)
            return fits

    problems = Problems()
    Recorder(Source("x.arch", text), problems, grammar_parser()).run()
    assert not problems.sorted()
    return tuple(found)


@dataclass(frozen=True)
class Mistake:
    """One token deleted, doubled, replaced, or put before another."""

    start: int
    end: int
    put: str
    about: str

    @property
    def growth(self) -> int:
        """How many characters longer the text becomes."""
        return len(self.put) - (self.end - self.start)


def mistake(text: str, token: Token, chance: random.Random) -> Mistake:
    """Return a mistake at a token."""
    here, other = shown(token), shown(chance.choice(tokens(text)))
    kind = chance.choice(KINDS)
    put = {
        "delete": "",
        "double": f"{here} {here}",
        "replace": f" {other} ",
        "insert": f"{other} {here}",
    }[kind]
    start, end = token.start_pos or 0, token.end_pos or 0
    return Mistake(start, end, put, f"{kind} {here!r} {other!r}")


def shown(token: Token) -> str:
    """Return a token's text; of a newline without the blank lines and comments behind it."""
    return "\n" if token.type == "_NL" else str(token)


def mutant(name: str, chance: random.Random, mistakes: int) -> Mutant:
    """Return a text with mistakes on lines of their own, each wrong syntax by itself."""
    text = texts()[name]
    chosen: dict[int, Mistake] = {}
    while len(chosen) < mistakes:
        token = chance.choice(tokens(text))
        line = text.count("\n", 0, token.start_pos)
        made = mistake(text, token, chance)
        alone = text[: made.start] + made.put + text[made.end :]
        if not chosen.keys() & {line - 1, line, line + 1} and is_wrong(alone):
            chosen[line] = made
    planted = sorted(chosen.values(), key=lambda m: m.start)
    result = text
    for found in reversed(planted):
        result = result[: found.start] + found.put + result[found.end :]
    lines: list[frozenset[int]] = []
    shift = 0
    for found in planted:
        start = found.start + shift
        shift += found.growth
        first, last = (result.count("\n", 0, at) + 1 for at in (start, start + len(found.put)))
        places = {*range(first, last + 1)}
        for at in partners(text, found):
            moved = sum(m.growth for m in planted if m.start < at)
            places.add(result.count("\n", 0, at + moved) + 1)
        lines.append(frozenset(places))
    return Mutant(name, result, tuple(lines), tuple(m.about for m in planted))


def partners(text: str, found: Mistake) -> list[int]:
    """Return where the partner of a bracket stands that the mistake has taken out.

    What a missing bracket leaves behind is the other one, and that is the one to name.
    """
    taken = text[found.start : found.end]
    if len(taken) != 1 or taken not in "()[]{}" or taken in found.put:
        return []
    opened: list[Token] = []
    for token in tokens(text):
        if token in ("(", "[", "{"):
            opened.append(token)
        elif token in (")", "]", "}"):
            opener = opened.pop()
            pair = (opener.start_pos or 0, token.start_pos or 0)
            if found.start in pair:
                return [at for at in pair if at != found.start]
    return []


def mutants(count: int, seed: int, names: Sequence[str], mistakes: int = 1) -> Iterator[Mutant]:
    """Yield mutants of these texts whose syntax is wrong."""
    chance = random.Random(seed)
    weights = [len(tokens(texts()[name])) for name in names]
    for _ in range(count):
        (name,) = chance.choices(names, weights)
        yield mutant(name, chance, mistakes)


class FirstFault(Exception):
    """Ends a parse at the first error."""


class Strict(Run):
    """A parse that does not go on after an error."""

    def report(self, diagnostic: Diagnostic) -> None:
        raise FirstFault


def is_wrong(text: str) -> bool:
    """Whether the syntax of a text is wrong."""
    problems = Problems()
    try:
        Strict(Source("main.arch", text), problems, grammar_parser()).run()
    except FirstFault:
        return True
    return problems.has_errors


def syntax_errors(text: str) -> tuple[Diagnostic, ...]:
    """Return the errors of syntax of a text."""
    problems = Problems()
    parse(Source("main.arch", text), problems)
    return problems.sorted()


def all_errors(mutant: Mutant) -> list[Diagnostic]:
    """Return the errors of the whole check."""
    diagnostics, _ = check(mutant.files())
    return [d for d in diagnostics if d.severity is Severity.ERROR]
