"""Comments and blank lines kept, tree unchanged, stable: on specs, drawn texts, and ugly ones."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from formatting.hostility import Vandal
from formatting.invariants import comments, hold, meaning
from formatting.sentences import Speaker
from generation.specs import Spec, specs
from hypothesis import HealthCheck, Phase, given, settings
from markdown_cases import read_cases
from specs_of_tests import spec_texts

from archdsl import SpecFault, format_text
from archdsl.diagnostics import Problems
from archdsl.source import Source
from archdsl.syntax.parser import read_tree

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", spec_texts())
def test_specs(name: str) -> None:
    hold(spec_texts()[name])


def test_every_spec_of_the_repository_is_formatted() -> None:
    for path in (ROOT / "specs").rglob("*.arch"):
        text = path.read_text(encoding="utf-8")
        assert format_text(text) == text, f"run `archdsl fmt {path.relative_to(ROOT)}`"


@cache
def markdown_texts() -> list[str]:
    """Return the texts of Markdown tests and pages that can be parsed; most have other faults."""
    found: list[str] = []
    for folder in ("tests/language", "docs/errors"):
        for path in sorted((ROOT / folder).rglob("*.md")):
            for case in read_cases(path.read_text(encoding="utf-8")):
                found += case.files.values()
    return [text for text in found if read_tree(Source("text", text), Problems()) is not None]


def test_the_texts_of_markdown() -> None:
    texts = markdown_texts()
    assert len(texts) > 200
    for text in texts:
        hold(text)


def hold_drawn(speaker: Speaker, count: int) -> int:
    """Check texts until so many parse; return how many were drawn."""
    held = drawn = 0
    while held < count:
        drawn += 1
        text = speaker.text()
        try:
            hold(text)
            held += 1
        except SpecFault as fault:  # a name that is a keyword where it came to stand
            assert {d.code for d in fault.diagnostics} <= {"ARCH001", "ARCH002"}, text
    return drawn


def test_every_production_of_the_grammar() -> None:
    speaker = Speaker(1)
    assert hold_drawn(speaker, 300) < 350
    missing = [rule for rule, times in speaker.used.items() if not times]
    hold_drawn(speaker, len(missing))
    assert min(speaker.used.values()) > 0


@pytest.mark.slow
def test_a_thousand_trees() -> None:
    assert hold_drawn(Speaker(2), 1_000) < 1_150


@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate,),
)
@given(specs())
def test_specs_that_compile(spec: Spec) -> None:
    for text in spec.files.values():
        hold(text)


def hold_ugly(count: int, seed: int) -> None:
    """Check ugly variants of the repository's texts, and of drawn ones."""
    vandal = Vandal(seed)
    speaker = Speaker(seed)
    texts = [
        *spec_texts().values(),
        *markdown_texts(),
        *(speaker.text() for _ in range(count // 3)),
    ]
    held = 0
    while held < count:
        text = vandal.chance.choice(texts)
        ugly = vandal.spoil(text)
        if ugly is not None and len(comments(ugly)) > len(comments(text)):
            assert meaning(ugly) == meaning(text), ugly
            hold(ugly)
            held += 1


def test_hostile_comments_and_line_ends() -> None:
    hold_ugly(100, 3)


@pytest.mark.slow
def test_three_hundred_hostile_files() -> None:
    hold_ugly(300, 4)
