"""Every typo of every word is rejected, on its line, and mostly with the word that was meant."""

from __future__ import annotations

from collections import defaultdict

import pytest
from markdown_cases import check_text
from strictness.words import KEYWORDS, Word, grammar_keywords, typos, words

from archdsl.diagnostics import Diagnostic, Severity


def errors(text: str) -> list[Diagnostic]:
    """Return the errors of a text."""
    return [d for d in check_text(text) if d.severity is Severity.ERROR]


def test_every_keyword_has_its_place() -> None:
    assert set(KEYWORDS) == grammar_keywords()


def test_the_specs_are_right() -> None:
    pytest.importorskip("torchvision")
    for word in words():
        found = check_text(word.spelt(word.text))
        codes = {d.code for d in found if d.severity is Severity.ERROR}
        assert not codes, (word, codes)


@pytest.fixture(scope="module")
def outcomes() -> list[tuple[Word, str, list[Diagnostic]]]:
    """Return every typo with the errors that it gives."""
    return [(word, typo, errors(word.spelt(typo))) for word in words() for typo in typos(word)]


def is_right(word: Word, found: list[Diagnostic]) -> bool:
    """Whether a help line on the word's line names the word."""
    wanted = f"did you mean `{word.text}`?"
    return any(d.help is not None and d.help.startswith(wanted) for d in found)


def test_every_typo_is_rejected(outcomes: list[tuple[Word, str, list[Diagnostic]]]) -> None:
    tried: dict[str, list[tuple[Word, str, list[Diagnostic]]]] = defaultdict(list)
    for outcome in outcomes:
        tried[outcome[0].kind].append(outcome)
    print(f"\n{'kind':15} {'tried':>6} {'rejected':>9} {'on line':>8} {'meant':>6} {'alone':>6}")
    for kind, some in [*tried.items(), ("all", outcomes)]:
        rejected = sum(bool(found) for _, _, found in some)
        placed = sum(on_line(word, found) for word, _, found in some)
        meant = sum(is_right(word, found) for word, _, found in some)
        alone = sum(len(found) == 1 for _, _, found in some)
        print(f"{kind:15} {len(some):6} {rejected:9} {placed:8} {meant:6} {alone:6}")
    for word, typo, found in outcomes:
        if not is_right(word, found) or not on_line(word, found):
            print(f"  {word.kind} {word.text}, as {typo}: {[(d.message, d.help) for d in found]}")
    assert len(outcomes) >= 300
    assert all(found for _, _, found in outcomes)
    assert all(on_line(word, found) for word, _, found in outcomes)
    assert sum(is_right(word, found) for word, _, found in outcomes) >= 0.95 * len(outcomes)
    assert sum(len(found) == 1 for _, _, found in outcomes) >= 0.90 * len(outcomes)


def on_line(word: Word, found: list[Diagnostic]) -> bool:
    """Whether an error stands on the line of the word."""
    return any(d.primary is not None and d.primary.span.line == word.line for d in found)
