"""Graphviz's SVG made safe, small, and the same whichever Graphviz drew it.

Versions of Graphviz round sizes, place texts and shape arrows differently. So of what it drew the
paint is kept (fills, strokes, dashes), and everything is put where the drawing has it. Nothing else
passes: no comment, no reference, no script, no version.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, TypeAlias

from archdsl.backends.figures import fonts
from archdsl.backends.figures.characters import LONGEST_TITLE, cleaned
from archdsl.backends.figures.curves import TAIL_RADIUS, has_tail, head, shaft
from archdsl.backends.figures.drawing import (
    DOT,
    HEADER_HEIGHT,
    SHEET,
    Box,
    Dot,
    Drawing,
    Edge,
    Frame,
    Item,
    Point,
    Table,
    Text,
)
from archdsl.backends.figures.faults import graphviz_failed
from archdsl.backends.figures.notation import names, number, page_size, safe
from archdsl.backends.figures.theme import LIGHT, Theme, dark_rules
from archdsl.backends.figures.typesetting import Placed, typeset

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_SVG = "{http://www.w3.org/2000/svg}"
_ROUNDING = 12.0
"""The radius of corners, but for small things: a third of the smaller side."""
_PAINT = ("fill", "stroke", "stroke-width", "stroke-dasharray")
_COLOUR = re.compile(r"#[0-9a-f]{6}|none")
_NUMBER = re.compile(r"\d+(\.\d+)?(,\d+(\.\d+)?)*")
# Where DejaVu Sans is missing, Verdana comes closest; textLength sees to the rest.
_FAMILIES = f"{fonts.FAMILY},Verdana,sans-serif"

Looks: TypeAlias = dict[str, str]


def harden(
    svg: bytes, drawing: Drawing, theme: Theme = LIGHT, *, prefix: str = "", auto: bool = False
) -> bytes:
    """Return the SVG of a drawing, from what Graphviz made of its DOT source.

    ``theme`` and ``prefix`` are those of the source. With ``auto`` it turns dark where the reader
    prefers that. Raises :class:`FigureFault` (ARCH702) where something of the drawing is missing.
    """
    return _Hardener(svg, drawing, theme, prefix).text(auto).encode()


class _Hardener:
    """Writes one SVG."""

    def __init__(self, svg: bytes, drawing: Drawing, theme: Theme, prefix: str) -> None:
        self.drawing = drawing
        self.theme = theme
        self.prefix = safe(prefix)
        self.roles = drawing.roles()
        self.groups = _groups(svg)

    def text(self, auto: bool) -> str:
        """Return the whole document."""
        width, height = page_size(self.drawing)
        root = self.prefix + "figure-root"
        title, summary = f"{self.prefix}figure-title", f"{self.prefix}figure-desc"
        said = (cleaned(self.drawing.name), cleaned(self.drawing.description, LONGEST_TITLE))
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" id="{root}" width="{width}pt"'
            f' height="{height}pt" viewBox="0 0 {width} {height}" role="img"'
            f' aria-labelledby="{title} {summary}" font-family="{_FAMILIES}">',
            f'<title id="{title}">{escape(said[0])}</title>',
            f'<desc id="{summary}">{escape(said[1])}</desc>',
        ]
        if auto:
            rules = dark_rules(f"#{root}".replace(".", r"\."))
            lines.append(f"<style>@media (prefers-color-scheme: dark){{{rules}}}</style>")
        ground = {"fill": self.theme.background.lower()}
        lines.append(_element("rect", {"class": "ground"} | _area(0, 0, width, height) | ground))
        named = list(zip(self.drawing.items, names(self.drawing), strict=True))
        # Edges last, as Graphviz draws them.
        for edges in (False, True):
            for item, name in named:
                if isinstance(item, Edge) is edges:
                    lines += self.group(item, name)
        return "\n".join([*lines, "</svg>\n"])

    def group(self, item: Item, name: str) -> Iterator[str]:
        """Yield the lines of an item: a group with all that belongs to it."""
        match item:
            case Frame():
                yield self.start(name, "frame", item.title)
                yield self.shape(name, item, round=True)
            case Box():
                yield self.start(name, f"node r-{item.role}", item.title or item.id)
                yield from self.box(item, name)
            case Table():
                yield self.start(name, f"node r-{item.role}", item.title or item.id)
                yield self.shape(name, item, round=False)
                area = _area(item.left, item.top, item.width, HEADER_HEIGHT)
                yield _element("rect", area | self.look(f"{name}/header"))
            case Text():
                yield self.start(name, "text", item.title)
            case Dot():
                yield self.start(name, "junction")
                yield _element("circle", _circle((item.x, item.y), DOT) | self.ink(name))
            case Edge():
                said = f"{item.source} → {item.target}"
                yield self.start(name, f"edge k-{item.kind}", said)
                yield from self.edge(item, name)
        if isinstance(item, Box | Table | Text):
            for placed in typeset(item):
                yield self.placed(item, placed)
        yield "</g>"

    def start(self, name: str, classes: str, title: str = "") -> str:
        """Return the start of a group, with its tooltip."""
        text = escape(cleaned(title, LONGEST_TITLE))
        tooltip = f"<title>{text}</title>" if title else ""
        return f'<g id="{self.prefix}{name}" class="{classes}">{tooltip}'

    def look(self, name: str, n: int = 0) -> Looks:
        """Return how Graphviz painted the n-th shape of a group."""
        shapes = self.groups.get(self.prefix + name, [])
        if len(shapes) <= n:
            raise graphviz_failed(f"its picture lacks {name}", ())
        return shapes[n]

    def ink(self, name: str, n: int = 0) -> Looks:
        """Return the fill alone of such a shape."""
        return {"fill": self.look(name, n)["fill"]}

    def shape(self, name: str, item: Frame | Box | Table, *, round: bool, by: float = 0.0) -> str:
        """Return a rectangle where an item is, or moved to the right and down."""
        area = _area(item.left + by, item.top + by, item.width, item.height)
        if round:
            area["rx"] = number(min(_ROUNDING, item.width / 3, item.height / 3))
        return _element("rect", area | self.look(name))

    def box(self, box: Box, name: str) -> Iterator[str]:
        """Yield a box, and before it the sheets behind it."""
        for i in range(box.sheets, -1, -1):
            part, by = (f"{name}/sheet{i}" if i else name), i * SHEET
            if box.shape == "circle":
                circle = _circle((box.x + by, box.y + by), min(box.width, box.height) / 2)
                yield _element("circle", circle | self.look(part))
            else:
                yield self.shape(part, box, round=box.shape == "round", by=by)

    def edge(self, edge: Edge, name: str) -> Iterator[str]:
        """Yield an edge: its line, the head of its arrow, and the dot at the tail of a tap."""
        first, *others = shaft(edge)
        curve = f"M{_pair(first)}C" + " ".join(map(_pair, others))
        yield _element("path", {"d": curve} | self.look(name))
        if (corners := head(edge)) is not None:
            path = "M" + "L".join(map(_pair, corners)) + "Z"
            yield _element("path", {"d": path} | self.ink(name, 1))
        if has_tail(edge, self.roles):
            tail = _circle(edge.points[0], TAIL_RADIUS) | self.ink(f"{name}/tail")
            yield _element("circle", tail)

    def placed(self, item: Box | Table | Text, placed: Placed) -> str:
        """Return a text, of the width that it was measured with."""
        run = placed.run
        colour = self.theme.muted if run.muted else self.theme.text
        if placed.badge and isinstance(item, Box):
            colour = self.theme.roles[item.role].badge
        attributes = {
            "x": number(placed.x),
            "y": number(placed.baseline),
            "font-size": number(placed.size),
            "textLength": number(placed.width),
            "lengthAdjust": "spacingAndGlyphs",
            "fill": colour.lower(),
        }
        if run.bold:
            attributes["font-weight"] = "bold"
        if run.italic:
            attributes["font-style"] = "italic"
        # Of several blanks in a row a browser shows one.
        text = escape(re.sub(" (?= )", "\N{NO-BREAK SPACE}", placed.text))
        return _element("text", attributes, text)


def _groups(svg: bytes) -> dict[str, list[Looks]]:
    """Return the shapes of each node and edge that Graphviz drew, by their ids."""
    from xml.etree.ElementTree import ParseError, fromstring

    try:
        root = fromstring(svg)
    except ParseError as error:
        raise graphviz_failed(f"its picture is no XML: {error}", ()) from None
    found = {}
    for group in root.iter(f"{_SVG}g"):
        if group.get("class", "").startswith(("node", "edge")):
            shapes = ("path", "polygon", "ellipse")
            found[group.get("id", "")] = [
                _look(e) for e in group.iter() if e.tag.removeprefix(_SVG) in shapes
            ]
    return found


def _look(element: Element) -> Looks:
    """Return the paint of a shape; attributes that could be anything else are left out."""
    look = {}
    for name in _PAINT:
        value = element.get(name, "none" if name in ("fill", "stroke") else "").lower()
        if _COLOUR.fullmatch(value) or _NUMBER.fullmatch(value):
            look[name] = value
    return look


def _element(name: str, attributes: dict[str, str], text: str | None = None) -> str:
    written = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f"<{name}{written}/>" if text is None else f"<{name}{written}>{text}</{name}>"


def _area(left: float, top: float, width: float, height: float) -> dict[str, str]:
    values = {"x": left, "y": top, "width": width, "height": height}
    return {name: number(value) for name, value in values.items()}


def _circle(centre: Point, radius: float) -> dict[str, str]:
    return {"cx": number(centre[0]), "cy": number(centre[1]), "r": number(radius)}


def _pair(point: Point) -> str:
    return f"{number(point[0])},{number(point[1])}"
