"""What is deep or large is formatted or refused with a code; the time grows with the size alone."""

from __future__ import annotations

from time import process_time

import pytest
from formatting.invariants import hold

from archdsl import SpecFault, format_text

_DEEP = {
    "braces": "def F {{ {} }}".format("{ " * 95 + "relu" + " }" * 95),
    "parentheses": "let a = " + "(" * 99 + "1" + ")" * 99,
    "lists": "let a = " + "[" * 99 + "1" + "]" * 99,
    "calls": "def F { " + "f(" * 95 + "1" + ")" * 95 + " }",
    "forks": "def F { " + "{ a | " * 90 + "b" + " }" * 90 + " }",
    "not": "let a = " + "not " * 390 + "true",
    "else if": "def F { if a { b } " + "else if a { b } " * 150 + "}",
    "a long sum": "let a = " + "1 + " * 3_000 + "1",
    "a long pipeline": "def F { " + "relu -> " * 3_000 + "relu }",
    "a long list": "let a = [" + "1, " * 3_000 + "]",
    "a long line of statements": "def F { " + "relu; " * 3_000 + "}",
    "a file of comments": "# why\n" * 3_000,
    "blank lines": "let a = 1" + "\n" * 100_000 + "let b = 2",
    "comments in one statement": "let a = [" + "1, # why\n" * 1_000 + "]",
}


@pytest.mark.parametrize("name", _DEEP)
def test_deep_and_long_texts(name: str) -> None:
    hold(f"arch 1\n{_DEEP[name]}\n")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("let a = " + "(" * 200 + "1" + ")" * 200, "ARCH902"),
        ("let a = " + "not " * 100_000 + "true", "ARCH902"),
        ("def F { if a { b } " + "else if a { b } " * 5_000 + "}", "ARCH902"),
        ("# x\n" * 300_000, "ARCH904"),
        ("let a = " + "[" * 100_000, "ARCH902"),
    ],
)
def test_what_is_beyond_the_limits_is_refused(text: str, code: str) -> None:
    with pytest.raises(SpecFault) as refusal:
        format_text(f"arch 1\n{text}\n")
    assert {d.code for d in refusal.value.diagnostics} == {code}


def test_time_is_linear_in_the_size() -> None:
    unit = "def F(c){conv(c,3,stride=2)->batchnorm->relu # why\n conv(c)->relu}\n"
    seconds = []
    for count in (100, 800):
        started = process_time()
        format_text(unit * count)
        seconds.append(process_time() - started)
    assert seconds[1] / seconds[0] < 8 * 2.5
