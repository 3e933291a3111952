"""Colours of figures, light and dark, and how well they can be told from their grounds.

Hues are those of Okabe and Ito (2008, "Color Universal Design"), which most people with a colour
vision deficiency can tell apart. Every other colour is computed from them, so that texts have a
contrast of 4.5 : 1 at least and borders one of 3 : 1 (WCAG 2.2, 1.4.3 and 1.4.11).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from archdsl.backends.figures.drawing import Role

FrameKind: TypeAlias = Literal["plain", "mapping", "repeat"]

HUES = {
    Role.IO: "#666666",
    Role.CONV: "#0072B2",
    Role.RESIDUAL: "#56B4E9",
    Role.DOWN: "#D55E00",
    Role.MAP: "#E69F00",
    Role.RECURRENT: "#009E73",
    Role.FC: "#CC79A7",
}
"""Of each role that has one; what is none of them has the colours of the page."""

TEXT_CONTRAST = 4.5
BORDER_CONTRAST = 3.0


@dataclass(frozen=True, slots=True)
class Paint:
    """Colours of a thing with a border; ``badge`` is that of a bold text on it."""

    fill: str
    line: str
    badge: str


@dataclass(frozen=True, slots=True)
class Theme:
    """All colours of a figure, each as ``#RRGGBB``. ``header`` is the ground of a table's title."""

    name: Literal["light", "dark"]
    background: str
    text: str
    muted: str
    edge: str
    header: str
    roles: dict[Role, Paint]
    frames: dict[FrameKind, Paint]

    @property
    def tap(self) -> str:
        """Colour of the edges of taps: that of mapping nodes."""
        return self.roles[Role.MAP].line

    def colours(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return what is filled and what is stroked, as colours by what they are for."""
        fills = {"background": self.background, "text": self.text, "muted": self.muted}
        fills |= {"edge": self.edge, "header": self.header, "tap": self.tap}
        strokes = {"edge": self.edge}
        for role, paint in self.roles.items():
            fills |= {f"{role} fill": paint.fill, f"{role} badge": paint.badge}
            strokes[f"{role} line"] = paint.line
        for kind, paint in self.frames.items():
            fills[f"{kind} frame"] = paint.fill
            strokes[f"{kind} frame"] = paint.line
        return fills, strokes


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour: 0 for black, 1 for white (WCAG 2.2)."""
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in _rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, from 1 to 21 (WCAG 2.2).

    >>> contrast("#000000", "#FFFFFF")
    21.0
    """
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def mix(colour: str, share: float, other: str) -> str:
    """Return so much of one colour, and the rest of another.

    >>> mix("#000000", 0.4, "#FFFFFF")
    '#999999'
    """
    both = zip(_rgb(colour), _rgb(other), strict=True)
    return "#" + "".join(f"{round(255 * (share * a + (1 - share) * b)):02X}" for a, b in both)


def dark_rules(scope: str) -> str:
    """Return CSS that turns a light figure within ``scope`` (a selector) into a dark one.

    What is drawn in one light colour is drawn in one dark colour, so attributes can be selected.
    """
    rules = []
    for what, light, dark in zip(("fill", "stroke"), LIGHT.colours(), DARK.colours(), strict=True):
        pairs = {light[use].lower(): dark[use].lower() for use in light}
        rules += [f'{scope} [{what}="{a}"]{{{what}:{b}}}' for a, b in pairs.items()]
    return "".join(rules)


def _rgb(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def _until(colour: str, towards: str, enough: Callable[[str], bool]) -> str:
    """Return a colour, moved towards another one in steps of 2 % until it is good enough."""
    for step in range(51):
        moved = mix(colour, 1 - step / 50, towards)
        if enough(moved):
            return moved
    raise ValueError(f"nothing between {colour} and {towards} will do")


def _theme(
    name: Literal["light", "dark"],
    *,
    background: str,
    text: str,
    muted: str,
    edge: str,
    frame: Paint,
    tints: tuple[float, float, float],
    line: Callable[[str], str],
) -> Theme:
    """Make a theme; ``tints`` are the shares of a hue in boxes, mapping frames and headers."""

    def paint(hue: str) -> Paint:
        fill = mix(hue, tints[0], background)
        # Boxes lie on the page as well as on frames.
        grounds = (background, frame.fill)
        border = _until(
            line(hue), text, lambda c: all(contrast(c, g) >= BORDER_CONTRAST for g in grounds)
        )
        badge = _until(border, text, lambda c: contrast(c, fill) >= TEXT_CONTRAST)
        return Paint(fill, border, badge)

    roles = {role: paint(hue) for role, hue in HUES.items()}
    roles[Role.OTHER] = Paint(background, edge, edge)
    hue = HUES[Role.MAP]
    frames: dict[FrameKind, Paint] = {
        "plain": frame,
        "mapping": Paint(mix(hue, tints[1], background), frame.line, text),
        "repeat": Paint(background, frame.line, text),
    }
    header = mix(hue, tints[2], background)
    return Theme(name, background, text, muted, edge, header, roles, frames)


LIGHT = _theme(
    "light",
    background="#FFFFFF",
    text="#111111",
    muted="#4A4A4A",
    edge="#333333",
    frame=Paint("#F5F5F5", "#8A8A8A", "#111111"),
    tints=(0.16, 0.06, 0.38),
    line=lambda hue: mix(hue, 0.86, "#000000"),
)
DARK = _theme(
    "dark",
    background="#0D1117",
    text="#F0F3F6",
    muted="#B4BCC6",
    edge="#9DA7B3",
    frame=Paint("#161C24", "#6E7681", "#F0F3F6"),
    tints=(0.30, 0.08, 0.42),
    line=lambda hue: mix(hue, 0.80, "#FFFFFF"),
)
THEMES = {"light": LIGHT, "dark": DARK}
