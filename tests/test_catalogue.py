"""The catalogue of codes: each has a page whose examples hold, is emitted, and is tested."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from markdown_cases import Case, check, faults, missing_library, read_cases

from archdsl.diagnostics.catalogue import CATALOGUE, Entry, Raised
from archdsl.diagnostics.explain import explain

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "errors"
_CODE = re.compile(r"\b(?:ARCH\d{3}|RA\d{3})\b")

WITHOUT_SPEC = {"ARCH007", "ARCH501", "ARCH903", "ARCH904", "ARCH906", "ARCH907"}
"""Reported for a spec, but no text of a page can show it."""


def entries(*raised: Raised) -> list[Entry]:
    return [entry for entry in CATALOGUE.values() if entry.raised in raised]


def examples(code: str) -> list[Case]:
    return read_cases((PAGES / f"{code}.md").read_text(encoding="utf-8"))


def sources() -> dict[str, set[str]]:
    """Return the codes that stand in each module of the package."""
    return {
        str(path.relative_to(ROOT)): set(_CODE.findall(path.read_text(encoding="utf-8")))
        for path in (ROOT / "archdsl").rglob("*.py")
        if path.name != "catalogue.py"
    }


def test_codes_and_slugs_are_unique_and_well_formed() -> None:
    slugs = [entry.slug for entry in CATALOGUE.values()]
    assert len(set(slugs)) == len(slugs)
    for code, entry in CATALOGUE.items():
        assert entry.code == code and _CODE.fullmatch(code)
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", entry.slug)
        assert entry.title[0].islower() or entry.title[0].isupper(), code
        assert not entry.title.endswith("."), code


def test_each_code_has_a_page_and_each_page_a_code() -> None:
    assert {path.stem for path in PAGES.glob("*.md")} == set(CATALOGUE)


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda entry: entry.code)
def test_a_page_is_found_by_code_and_by_slug(entry: Entry) -> None:
    page = explain(entry.code)
    assert page is not None
    assert page == explain(entry.slug) == explain(entry.code.lower())
    assert page.startswith(f"# {entry.code}: {entry.slug}\n")


def test_an_unknown_code_has_no_page() -> None:
    assert explain("ARCH999") is None and explain("") is None


@pytest.mark.parametrize("entry", entries(Raised.SPEC), ids=lambda entry: entry.code)
def test_the_wrong_example_is_wrong_and_the_right_one_right(entry: Entry) -> None:
    cases = examples(entry.code)
    if entry.code in WITHOUT_SPEC:
        assert not cases or not any(check(case.files)[0] for case in cases)
        return
    wrong, *right = cases
    if missing_library(wrong):
        pytest.skip(f"{missing_library(wrong)} is not installed")
    assert {d.code for d in check(wrong.files)[0]} == {entry.code}
    assert not faults(wrong)[0]  # the fault is where the comment says
    assert right, "no right example"
    for case in right:
        assert not check(case.files)[0]


@pytest.mark.parametrize(
    "entry", entries(Raised.CALL, Raised.TRAINING), ids=lambda entry: entry.code
)
def test_other_pages_show_a_call(entry: Entry) -> None:
    page = (PAGES / f"{entry.code}.md").read_text(encoding="utf-8")
    assert re.search(r"^```(sh|shell|console|python)$", page, re.MULTILINE)


@pytest.mark.parametrize("code", CATALOGUE)
def test_each_code_is_emitted(code: str) -> None:
    assert any(code in codes for codes in sources().values())


def test_each_emitted_code_is_in_the_catalogue() -> None:
    for module, codes in sources().items():
        assert codes <= set(CATALOGUE), module


@pytest.mark.parametrize("code", CATALOGUE)
def test_each_code_is_asserted_by_a_test(code: str) -> None:
    tests = [p for p in (ROOT / "tests").rglob("*") if p.suffix in (".py", ".md")]
    tests.remove(Path(__file__))
    assert any(code in path.read_text(encoding="utf-8") for path in tests)
