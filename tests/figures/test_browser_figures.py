"""Figures as a browser draws them: nothing lies on anything else, and the check would see it."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

import pytest
from browser import faults, open_browser
from pages import PAPER, views

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

FONT = "DejaVu Sans"
"""The font that figures are measured with, if the machine has it: the texts' own widths hold."""


@pytest.fixture
def driver() -> Chrome:
    return open_browser()


@pytest.mark.parametrize("name", PAPER)
@pytest.mark.parametrize("view", ["overview", "column", "full"])
def test_nothing_lies_on_anything_else(driver: Chrome, name: str, view: str) -> None:
    svg = views(name)[view][1].encode()
    assert faults(driver, svg) == []
    assert faults(driver, svg, font=FONT) == []


TEXT = re.compile(r'<text x="([-\d.]+)" y="([-\d.]+)"(?=[^>]*>[^<]{3,}<)')
"""A text of some length: a comma finds free space nearly everywhere."""


@pytest.mark.parametrize(
    ("name", "view"), [("vgg1_ra", "overview"), ("resnet_ra", "column"), ("resnet_ra", "full")]
)
def test_texts_that_were_moved_are_found(driver: Chrome, name: str, view: str) -> None:
    """Of twelve texts moved at random nine at least are seen; others landed on free ground."""
    svg = views(name)[view][1]
    texts = list(TEXT.finditer(svg))
    chance = random.Random(f"{name} {view}")
    found = 0
    for match in chance.sample(texts, 12):
        dx = chance.choice((-1, 1)) * chance.uniform(12, 45)
        dy = chance.choice((-1, 1)) * chance.uniform(8, 25)
        x, y = float(match[1]) + dx, float(match[2]) + dy
        moved = f'{svg[: match.start()]}<text x="{x:.2f}" y="{y:.2f}"{svg[match.end() :]}'
        found += bool(faults(driver, moved.encode()))
    assert found >= 9


def drawn(*inner: str, width: int = 100) -> bytes:
    """Return a small figure of items that are written as the pen writes them."""
    start = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 60"'
    return f"{start} font-family='DejaVu Sans'>{''.join(inner)}</svg>".encode()


def box(id: str, x: float, y: float, text: str = "", size: float = 8) -> str:
    said = f'<text x="{x + 2}" y="{y + 10}" font-size="{size}">{text}</text>' if text else ""
    shape = f'<rect x="{x}" y="{y}" width="30" height="15"/>'
    return f'<g id="{id}" class="node r-conv">{shape}{said}</g>'


def line(id: str, path: str, kind: str = "edge k-flow") -> str:
    return f'<g id="{id}" class="{kind}"><path fill="none" d="{path}"/></g>'


def text(said: str, x: float, y: float) -> str:
    return f'<g id="t" class="text"><text x="{x}" y="{y}" font-size="8">{said}</text></g>'


A, B = box("a", 5, 5, "one"), box("b", 60, 5, "two")


@pytest.mark.parametrize(
    ("figure", "expected"),
    [
        (drawn(A, B, line("e", "M35,12L60,12")), []),
        (drawn(A, B, line("e", "M35,12L60,12"), text("ok", 40, 10)), []),
        (drawn(A, box("b", 30, 15)), ["box over box: a / b"]),
        (drawn(box("a", 5, 5, "much too long")), ["text outside its box: much too long / a"]),
        (drawn(A, B, text("free", 30, 16)), ["text over a box: free / a"]),
        (drawn(A, text("over", 60, 40), text("lap", 66, 42)), ["text over text: over / lap"]),
        (drawn(A, text("away", 90, 40)), ["text off the canvas: away"]),
        (drawn(A, box("b", 80, 5)), ["box off the canvas: b"]),
        (
            drawn(A, B, text("word", 40, 15), line("e", "M35,12L60,12")),
            ["edge through a text: e / word"],
        ),
        (
            drawn(A, B, box("c", 40, 25), line("e", "M20,20C20,40 75,40 75,20")),
            ["edge through a box: e / c"],
        ),
        (
            drawn(
                '<g id="f" class="frame"><rect x="2" y="2" width="50" height="40"/></g>',
                A,
                text("title", 40, 30),
            ),
            ["frame through a text: f / title"],
        ),
        (drawn(), ["nothing is drawn"]),
    ],
)
def test_each_kind_of_fault_is_named(driver: Chrome, figure: bytes, expected: list[str]) -> None:
    assert faults(driver, figure) == expected


def test_what_is_no_xml_is_a_fault(driver: Chrome) -> None:
    (said,) = faults(driver, b"<svg xmlns='http://www.w3.org/2000/svg'><g></svg>")
    assert said.startswith("not well-formed")
