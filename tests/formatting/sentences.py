"""Texts drawn from the grammar itself: every production occurs, whatever it means."""

from __future__ import annotations

import random
from collections import Counter
from functools import cache

from lark.grammar import Rule, Terminal

from archdsl.syntax.parser import grammar_parser

_TEXTS = {
    "NAME": "x c1 in conv relu main a_rather_long_name Unit head n ConvBNReLU s1 k".split(),
    "INT": ["0", "3", "64", "1000000"],
    "FLOAT": ["0.5", "1e-4", "12.25"],
    "QUANTITY": ["6.7M", "300k", "1.2G"],
    "STRING": ['"a"', '"# no comment { ; -> "', '"Grüße, 你好"', '""'],
    "_NL": ["\n", "\n\n", "\n\n\n"],
}
_NEVER = {"ERROR", "HOLE"}
_MOST_DEEP = 40


@cache
def productions() -> dict[str, list[Rule]]:
    """Return the productions by what they produce, but for those that only recovery uses."""
    found: dict[str, list[Rule]] = {}
    for rule in grammar_parser().rules:
        if not any(symbol.name in _NEVER for symbol in rule.expansion):
            found.setdefault(str(rule.origin.name), []).append(rule)
    while True:  # nor what needs one of those
        empty = {
            str(rule.origin.name)
            for rule in grammar_parser().rules
            if str(rule.origin.name) not in found
        }
        kept = {
            name: [r for r in rules if not any(s.name in empty for s in r.expansion)]
            for name, rules in found.items()
        }
        kept = {name: rules for name, rules in kept.items() if rules}
        if kept == found:
            return found
        found = kept


@cache
def depths() -> dict[str, int]:
    """Return how deep the flattest tree of each nonterminal is."""
    found: dict[str, int] = {}
    while True:
        before = dict(found)
        for name, rules in productions().items():
            known = [d for rule in rules if (d := depth(rule, found)) is not None]
            if known:
                found[name] = 1 + min(known)
        if found == before:
            return found


def depth(rule: Rule, known: dict[str, int]) -> int | None:
    """Return how deep the flattest tree of a production is, or None where that is not known."""
    names = [str(s.name) for s in rule.expansion if not isinstance(s, Terminal)]
    if any(name not in known for name in names):
        return None
    return max((known[name] for name in names), default=0)


@cache
def distances(target: str) -> dict[str, int]:
    """Return how many steps it takes from each nonterminal to one of them."""
    found = {target: 0}
    while True:
        before = dict(found)
        for name, rules in productions().items():
            near = [found[s.name] for rule in rules for s in rule.expansion if s.name in found]
            if near and name not in found:
                found[name] = 1 + min(near)
        if found == before:
            return found


class Speaker:
    """Draws texts; each holds the production that was used least before."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.used = Counter({rule: 0 for rules in productions().values() for rule in rules})
        self.texts = {t.name: t.pattern.value for t in grammar_parser().terminals}

    def text(self) -> str:
        """Return a text of some items."""
        words: list[str] = []
        self.budget = self.chance.randint(5, 100)
        self.expand("start", 0, words, min(self.used, key=lambda rule: self.used[rule]))
        return "".join(word if word.isspace() else f"{word} " for word in words)

    def expand(self, name: str, level: int, words: list[str], target: Rule | None = None) -> None:
        """Append the words of a nonterminal; ``target`` is a production that must occur."""
        rules = productions()[name]
        way = None  # the symbol that leads to the target
        if target is not None and target.origin.name == name:
            rules = [target]
        elif target is not None:
            far = distances(str(target.origin.name))
            way = min((s.name for r in rules for s in r.expansion), key=lambda n: far.get(n, 999))
            rules = [r for r in rules if any(s.name == way for s in r.expansion)]
        elif level > _MOST_DEEP or len(words) > self.budget:
            flattest = min(depth(rule, depths()) or 0 for rule in rules)
            rules = [r for r in rules if (depth(r, depths()) or 0) == flattest]
        rule = self.chance.choice(rules)
        self.used[rule] += 1
        for symbol in rule.expansion:
            if isinstance(symbol, Terminal):
                words.append(self.chance.choice(_TEXTS.get(symbol.name) or [self.word(symbol)]))
            else:
                goes = symbol.name == way
                self.expand(str(symbol.name), level + 1, words, target if goes else None)
                way = None if goes else way

    def word(self, symbol: Terminal) -> str:
        """Return the text of an operator or keyword."""
        text = self.texts[symbol.name]
        assert symbol.name not in ("NAME", "INT") and "\\" not in text, symbol
        return text
