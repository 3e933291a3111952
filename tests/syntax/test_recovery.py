"""Recovery: a mutated spec gives few messages, at the mistake, and never an exception."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_cases import check, check_text
from specs_of_tests import spec_files
from syntax.mutations import KINDS, Mutant, all_errors, mutants, syntax_errors, texts

from archdsl.diagnostics import Diagnostic, Problems, Severity
from archdsl.diagnostics.text import render_text
from archdsl.source import Source
from archdsl.syntax import parse


def clean_names() -> list[str]:
    """Return the texts that have no error before a mistake is planted in them."""
    return [name for name, text in texts().items() if not all_errors(Mutant(name, text, (), ()))]


def flagged(diagnostics: Sequence[Diagnostic], lines: frozenset[int]) -> bool:
    """Whether a diagnostic stands on one of the lines."""
    return any(d.primary is not None and d.primary.span.line in lines for d in diagnostics)


@pytest.mark.parametrize("count", [200, pytest.param(3000, marks=pytest.mark.slow)])
def test_one_mistake_of_syntax(count: int) -> None:
    """The floors are those of the design; each kind of mistake occurs."""
    found = [(m, syntax_errors(m.text)) for m in mutants(count, 1, list(texts()))]
    numbers = [len(diagnostics) for _, diagnostics in found]
    seen = [flagged(diagnostics, m.lines[0]) for m, diagnostics in found]
    report("one mistake, syntax", count, numbers, sum(seen) / count)
    assert {m.kinds[0].split()[0] for m, _ in found} == set(KINDS)
    assert sum(numbers) / count <= 1.7
    assert numbers.count(1) / count >= 0.70
    assert sum(seen) / count >= 0.98


@pytest.mark.parametrize("count", [200, pytest.param(3000, marks=pytest.mark.slow)])
def test_one_mistake_through_the_whole_check(count: int) -> None:
    """Names and shapes are checked behind the mistake: that adds little, and never noise."""
    found = []
    for mutant in mutants(count, 1, clean_names()):
        diagnostics = all_errors(mutant)
        render_text(diagnostics)
        found.append((mutant, diagnostics))
    numbers = [len(diagnostics) for _, diagnostics in found]
    seen = [flagged(diagnostics, m.lines[0]) for m, diagnostics in found]
    report("one mistake, whole check", count, numbers, sum(seen) / count)
    assert sum(numbers) / count <= 1.7
    assert numbers.count(1) / count >= 0.70
    assert sum(seen) / count >= 0.98


@pytest.mark.parametrize("count", [25, pytest.param(750, marks=pytest.mark.slow)])
def test_five_mistakes(count: int) -> None:
    """Most are found in one run, and there is always a tree."""
    names = [name for name, text in texts().items() if text.count("\n") > 100]
    numbers, seen = [], []
    for mutant in mutants(count, 2, names, mistakes=5):
        problems = Problems()
        file = parse(Source("main.arch", mutant.text), problems)
        assert file.items
        numbers.append(len(problems.sorted()))
        seen += [flagged(problems.sorted(), lines) for lines in mutant.lines]
    report("five mistakes, syntax", count, numbers, sum(seen) / len(seen))
    assert sum(seen) / len(seen) >= 0.90
    assert max(numbers) <= 20


def report(what: str, count: int, numbers: list[int], seen: float) -> None:
    """Print the figures, for ``-s``."""
    print(
        f"\n{what}: {count} files, {sum(numbers) / count:.2f} diagnostics on average, "
        f"exactly one in {numbers.count(1) / count:.1%}, at most {max(numbers)}, "
        f"mistakes flagged {seen:.1%}"
    )


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
