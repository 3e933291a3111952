"""The pages and cases that show what is written and how it is formatted; `--update` rewrites."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from formatting.invariants import hold

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "docs" / "formatting.md", Path(__file__).with_name("cases.md"))

_PAIR = re.compile(r"(```arch written\n(.*?)```\n\n```arch formatted\n)(.*?)(?=```)", re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_page(page: Path, request: pytest.FixtureRequest) -> None:
    text = page.read_text(encoding="utf-8")
    assert len(_PAIR.findall(text)) == text.count("```arch written") > 3
    expected = _PAIR.sub(lambda pair: pair[1] + hold(pair[2]), text)
    if text != expected and request.config.getoption("--update"):
        page.write_text(expected, encoding="utf-8")
        text = expected
    assert text == expected, "run pytest --update"


def test_the_widest_line() -> None:
    for width, lines in ((99, 1), (100, 1), (101, 3)):
        statement = f"let {'a' * (width - 10)} = [1]"
        assert hold(statement).count("\n") == lines
        assert len(statement) == width
