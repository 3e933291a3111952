"""Colours: contrasts of texts and borders (test H), roles that differ, light and dark in step."""

from __future__ import annotations

import re
from itertools import combinations

import pytest

from archdsl.backends.figures.drawing import Role
from archdsl.backends.figures.theme import DARK, LIGHT, Theme, contrast, dark_rules, luminance, mix

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.478, abs=0.001)
    assert luminance("#FF0000") == pytest.approx(0.2126)


@THEMES
def test_texts_can_be_read_on_every_ground(theme: Theme) -> None:
    grounds = [theme.background, *(p.fill for p in (*theme.roles.values(), *theme.frames.values()))]
    for ground in grounds:
        assert contrast(theme.text, ground) >= 4.5
        assert contrast(theme.muted, ground) >= 4.5
    assert contrast(theme.text, theme.header) >= 4.5
    for paint in theme.roles.values():
        assert contrast(paint.badge, paint.fill) >= 4.5


@THEMES
def test_borders_and_edges_can_be_seen_on_the_page_and_on_frames(theme: Theme) -> None:
    lines = [theme.edge, theme.tap, *(paint.line for paint in theme.roles.values())]
    for ground in (theme.background, theme.frames["plain"].fill, theme.frames["repeat"].fill):
        for line in lines:
            assert contrast(line, ground) >= 3
    for frame in theme.frames.values():
        assert contrast(frame.line, theme.background) >= 3


@THEMES
def test_each_role_differs_from_every_other(theme: Theme) -> None:
    assert set(theme.roles) == set(Role)
    for one, other in combinations(theme.roles, 2):
        a, b = theme.roles[one], theme.roles[other]
        assert distance(a.line, b.line) >= 10, (one, other)


def distance(one: str, other: str) -> float:
    """Return how different two colours look (CIE 1976); 2.3 is just noticeable."""
    return sum((a - b) ** 2 for a, b in zip(lab(one), lab(other), strict=True)) ** 0.5


def lab(colour: str) -> tuple[float, float, float]:
    r, g, b = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    r, g, b = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (r, g, b))
    x = (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505
    y = 0.2126 * r + 0.7152 * g + 0.0722 * b
    z = (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089
    x, y, z = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, y, z))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def test_the_distance_of_colours_is_that_of_the_standard() -> None:
    assert distance("#FFFFFF", "#000000") == pytest.approx(100, abs=0.1)


def test_what_has_one_colour_in_light_has_one_in_dark() -> None:
    """Rules select by the light colour, so it must say which dark one is meant."""
    for light, dark in zip(LIGHT.colours(), DARK.colours(), strict=True):
        chosen: dict[str, str] = {}
        for use, colour in light.items():
            assert chosen.setdefault(colour, dark[use]) == dark[use], use


def test_every_colour_has_a_rule() -> None:
    rules = dict(re.findall(r'#a \[(\w+="#\w{6}")\]\{(\w+:#\w{6})\}', dark_rules("#a")))
    fills, strokes = LIGHT.colours()
    assert {f'fill="{c.lower()}"' for c in fills.values()} <= set(rules)
    assert {f'stroke="{c.lower()}"' for c in strokes.values()} <= set(rules)
    assert rules[f'fill="{LIGHT.text.lower()}"'] == f"fill:{DARK.text.lower()}"


@THEMES
def test_colours_are_written_in_one_way(theme: Theme) -> None:
    for colours in theme.colours():
        for colour in colours.values():
            assert re.fullmatch(r"#[0-9A-F]{6}", colour)


def test_mixing() -> None:
    assert mix("#000000", 0.25, "#FFFFFF") == "#BFBFBF"
    assert mix("#123456", 1, "#FFFFFF") == "#123456"
