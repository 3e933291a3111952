"""Recovery: a mutated spec gives few messages, at the mistake, and never an exception."""

from __future__ import annotations

import random
import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_cases import check, check_text
from specs_of_tests import spec_files, spec_texts

from archdsl.diagnostics import Severity
from archdsl.diagnostics.text import render_text

_TOKEN = re.compile(r'"[^"\n]*"|\w+|->|//|==|!=|<=|>=|\n|[^\s\w]')


def code_of(text: str) -> list[re.Match[str]]:
    """Return the tokens outside comments."""
    return [m for m in _TOKEN.finditer(text) if "#" not in text[: m.end()].split("\n")[-1]]


def mutations(count: int, seed: int) -> list[tuple[dict[str, str], int]]:
    """Return mutated specs: a token taken out, doubled, replaced, inserted or misspelt."""
    chance = random.Random(seed)
    found = []
    while len(found) < count:
        name = chance.choice(list(spec_texts()))
        text = spec_texts()[name]
        code = code_of(text)
        token, other = chance.choice(code), chance.choice(code).group()
        put = {
            "out": "",
            "double": f"{token.group()} {token.group()}",
            "replace": other,
            "insert": f"{other} {token.group()}",
            "misspell": token.group()[1::-1] + token.group()[2:],
        }[chance.choice(["out", "double", "replace", "insert", "misspell"])]
        files = spec_files(name)
        files["main.arch"] = text[: token.start()] + put + text[token.end() :]
        found.append((files, text[: token.start()].count("\n") + 1))
    return found


def test_one_mutation() -> None:
    counts: Counter[int] = Counter()
    near = 0
    for files, line in mutations(500, seed=1):
        diagnostics, _ = check(files)
        render_text(diagnostics)
        errors = [d for d in diagnostics if d.severity is Severity.ERROR]
        counts[len(errors)] += 1
        if errors:
            # Where a line break is lost, the mistake shows on the next line.
            lines = [d.primary.span.line for d in errors if d.primary]
            near += any(abs(found - line) <= 1 for found in lines)
    broken = 500 - counts[0]
    mean = sum(number * count for number, count in counts.items()) / broken
    assert broken > 350
    assert mean < 1.8
    assert counts[1] / broken > 0.55
    assert (counts[1] + counts[2]) / broken > 0.8
    assert max(counts) <= 20
    assert near / broken > 0.93


def test_five_mutations() -> None:
    chance = random.Random(2)
    for _ in range(100):
        name = chance.choice(list(spec_texts()))
        files = spec_files(name)
        text = files["main.arch"]
        for _ in range(5):
            token = chance.choice(code_of(text))
            text = text[: token.start()] + chance.choice("(){}[],=|;@") + text[token.end() :]
        files["main.arch"] = text
        diagnostics, _ = check(files)
        assert 0 < len(diagnostics) < 60


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    render_text(check_text(text))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    render_text(check_text("arch 1\n" + data.decode("latin-1")))


_WORDS = "arch 1 def model input backbone head stage block tap aggregate over map let if else as in"
_PIECES = [*_WORDS.split(), *'( ) [ ] { } -> | , = + - * / . ; \n " # : @'.split(" "), "\n"]
_PIECES += [
    "conv",
    "relu",
    "add",
    "lstm",
    "s1",
    "x",
    "3",
    "0.5",
    '"why"',
    "recipe",
    "repeat",
    "not",
]


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(_PIECES), max_size=60))
def test_any_row_of_words(pieces: list[str]) -> None:
    check_text("arch 1\n" + " ".join(pieces))


@pytest.mark.parametrize("end", range(0, 700, 7))
def test_a_text_that_breaks_off(end: int) -> None:
    files = spec_files("vgg1.arch")
    files["main.arch"] = files["main.arch"][:end]
    diagnostics, _ = check(files)
    assert len([d for d in diagnostics if d.severity is Severity.ERROR]) <= 3
