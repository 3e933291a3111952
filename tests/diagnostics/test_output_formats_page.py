"""docs/output_formats.md: its examples are what is printed; `pytest --update` writes them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from markdown_cases import check

from archdsl.cli.formats import Format, rendered

PAGE = Path(__file__).parents[2] / "docs" / "output_formats.md"
_SPEC = re.compile(r"```arch\n(.*?)```", re.DOTALL)
_EXAMPLE = re.compile(r"(<!-- (\w+) -->\n\n```\w+\n)(.*?)(```)", re.DOTALL)


def test_the_examples_are_what_is_printed(request: pytest.FixtureRequest) -> None:
    text = PAGE.read_text(encoding="utf-8")
    spec = _SPEC.search(text)
    assert spec is not None
    found = check({"net.arch": spec[1]})[0]

    def example(match: re.Match[str]) -> str:
        format = Format(match[2])
        written = rendered(found, format)
        if format is Format.SARIF:
            written = json.dumps(json.loads(written)["runs"][0]["results"][0], indent=2)
        return f"{match[1]}{written}\n{match[4]}"

    assert {match[2] for match in _EXAMPLE.finditer(text)} == set(Format)
    current = _EXAMPLE.sub(example, text)
    if request.config.getoption("--update"):
        PAGE.write_text(current, encoding="utf-8")
        text = current
    assert text == current, "pytest --update rewrites it"
