"""A drawing as DOT source in which everything has its place: Graphviz only has to draw it.

The engine is ``nop2``, which takes positions as they are. Texts are HTML-like labels, in which
every character of a name is only a character; nothing of a name is ever an attribute.
"""

from __future__ import annotations

import re
from dataclasses import replace
from html import escape
from math import ceil
from typing import TYPE_CHECKING

from archdsl.backends.figures import fonts
from archdsl.backends.figures.curves import (
    HEAD_LENGTH,
    TAIL_RADIUS,
    has_tail,
    head,
    line_width,
    shaft,
)
from archdsl.backends.figures.drawing import (
    DETAIL_SIZE,
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
from archdsl.backends.figures.faults import nothing_to_draw_with
from archdsl.backends.figures.notation import colour, font, number, page_size, safe
from archdsl.backends.figures.notation import names as names
from archdsl.backends.figures.theme import LIGHT, Paint, Theme
from archdsl.backends.figures.typesetting import Placed, typeset

if TYPE_CHECKING:
    from graphviz import Digraph

BOX_LINE = 0.9
"""How thick the border of a box is; that of a frame is :data:`FRAME_LINE`."""
FRAME_LINE = 0.6

_MIDDLE, _MIDDLE_OF_STYLED = 0.31, 0.19
"""From the middle of a text, as Graphviz sees it, down to its baseline, in em.

What lies between version 2.43 and 14, which are 0.08 em apart.
"""


def write_dot(
    drawing: Drawing,
    theme: Theme = LIGHT,
    *,
    prefix: str = "",
    dpi: int | None = None,
    transparent: bool = False,
) -> str:
    """Return DOT source for the ``nop2`` engine.

    ``prefix`` stands before every id; ``dpi`` is for pixels only; a ``transparent`` figure has no
    ground of its own.
    """
    return _Writer(drawing, theme, prefix, dpi, transparent).source()


def digraph(name: str, **attributes: dict[str, str]) -> Digraph:
    """Return an empty graph of the ``graphviz`` package; whatever the name, it is only a name.

    Raises :class:`FigureFault` (ARCH701) where the package is not installed.
    """
    try:
        from graphviz import Digraph
    except ModuleNotFoundError:
        raise nothing_to_draw_with(["graphviz"]) from None
    return Digraph(safe(name) or "figure", **attributes)


class _Writer:
    """Writes one drawing."""

    def __init__(
        self, drawing: Drawing, theme: Theme, prefix: str, dpi: int | None, transparent: bool
    ) -> None:
        self.drawing = drawing
        self.theme = theme
        self.prefix = safe(prefix)
        self.width, self.height = page_size(drawing)
        self.names = names(drawing)
        boxes = zip(drawing.items, self.names, strict=True)
        self.roles = drawing.roles()
        self.by_id = {i.id: name for i, name in boxes if isinstance(i, Box | Table)}
        self.graph = self._graph(dpi, "transparent" if transparent else colour(theme.background))

    def _graph(self, dpi: int | None, ground: str) -> Digraph:
        family = font(fonts.FAMILY)
        attributes = {"layout": "nop2", "bb": f"0,0,{self.width},{self.height}", "pad": "0"}
        attributes |= {"bgcolor": ground, "margin": "0", "outputorder": "nodesfirst"}
        attributes |= {"charset": "UTF-8", "fontname": family}
        if dpi is not None:
            attributes["dpi"] = str(dpi)
        return digraph(
            self.drawing.name,
            graph_attr=attributes,
            node_attr={
                "shape": "box",
                "fixedsize": "true",
                "margin": "0",
                "label": "",
                "fontname": family,
                "fontsize": number(DETAIL_SIZE),
                "fontcolor": colour(self.theme.text),
                "penwidth": number(BOX_LINE),
            },
            edge_attr={"arrowsize": "0.5"},
        )

    def source(self) -> str:
        """Return the whole source."""
        # It holds the page open: Graphviz cuts it to what is drawn.
        self.node("/page", self.width / 2, self.height / 2, self.width, self.height, style="invis")
        items = list(zip(self.drawing.items, self.names, strict=True))
        for item, name in items:
            self.item(item, name)
        for item, name in items:
            if isinstance(item, Edge):
                self.edge(item, name)
        return str(self.graph.source)

    def node(
        self, name: str, x: float, y: float, width: float, height: float, **attributes: str
    ) -> None:
        """Write a node; ``x`` and ``y`` are its centre in the drawing."""
        class_ = attributes.pop("class_", "")
        more = {"class": class_, "id": self.prefix + name} if class_ else {}
        self.graph.node(
            name,
            pos=self.point((x, y)),
            width=number(width / 72, 5),
            height=number(height / 72, 5),
            **more,
            **attributes,
        )

    def point(self, at: Point) -> str:
        """Return a point as DOT has it, y upwards."""
        return f"{number(at[0])},{number(self.height - at[1])}"

    def item(self, item: Item, name: str) -> None:
        """Write the nodes of an item: all of it, or of an edge the dot at its tail."""
        match item:
            case Frame():
                paint = self.theme.frames[item.kind]
                x, y = (item.left + item.right) / 2, (item.top + item.bottom) / 2
                look = {"style": "rounded,filled", "penwidth": number(FRAME_LINE)}
                self.node(
                    name, x, y, item.width, item.height, class_="frame", **look, **_paint(paint)
                )
            case Box():
                self.box(item, name)
            case Table():
                self.table(item, name)
            case Dot():
                ink = colour(self.theme.edge)
                self.dot(name, (item.x, item.y), DOT, ink, class_="junction")
            case Edge() if has_tail(item, self.roles):
                ink = colour(self.theme.tap)
                self.dot(f"{name}/tail", item.points[0], TAIL_RADIUS, ink, class_="tail")
        if isinstance(item, Box | Table | Text):
            self.texts(item, name)

    def dot(self, name: str, at: Point, radius: float, ink: str, *, class_: str) -> None:
        """Write a filled circle without a border."""
        look = {"shape": "circle", "style": "filled", "penwidth": "0"}
        look |= {"color": ink, "fillcolor": ink}
        size = 2 * radius
        self.node(name, at[0], at[1], size, size, class_=class_, **look)

    def box(self, box: Box, name: str) -> None:
        """Write a box, and before it the sheets behind it, the last one first."""
        corners = "rounded," if box.shape == "round" else ""
        look = {"style": f"{corners}filled{',dashed' if box.dashed else ''}"}
        look |= _paint(self.theme.roles[box.role])
        if box.shape == "circle":
            look["shape"] = "circle"
        for i in range(box.sheets, 0, -1):
            x, y = box.x + i * SHEET, box.y + i * SHEET
            self.node(f"{name}/sheet{i}", x, y, box.width, box.height, class_="sheet", **look)
        self.node(name, box.x, box.y, box.width, box.height, class_=f"r-{box.role}", **look)

    def table(self, table: Table, name: str) -> None:
        """Write a table, and its header on a ground of its own."""
        paint, width = self.theme.roles[table.role], table.width
        look = {"style": "filled", **_paint(paint)}
        class_ = f"r-{table.role}"
        self.node(name, table.x, table.y, width, table.height, class_=class_, **look)
        y = table.top + HEADER_HEIGHT / 2
        look["fillcolor"] = colour(self.theme.header)
        self.node(f"{name}/header", table.x, y, width, HEADER_HEIGHT, class_="header", **look)

    def texts(self, item: Box | Table | Text, name: str) -> None:
        """Write the texts of an item, each as a node without a border, as wide as the text.

        In one label with several sizes Graphviz knows whole points only, and its versions place
        such labels differently.
        """
        for i, placed in enumerate(typeset(item)):
            width, height = ceil(placed.width) + 1, ceil(1.5 * placed.size) + 2
            spare = {"start": 0.0, "middle": 0.5, "end": 1.0}[placed.anchor]
            x = placed.x + width / 2 - spare * (width - placed.width)
            styled = placed.run.bold or placed.run.italic
            y = placed.baseline - (_MIDDLE_OF_STYLED if styled else _MIDDLE) * placed.size
            look = {"shape": "none", "label": f"<{_aligned(placed, width)}>"}
            if placed.size != DETAIL_SIZE:
                look["fontsize"] = number(placed.size)
            if placed.badge and isinstance(item, Box):
                look["fontcolor"] = colour(self.theme.roles[item.role].badge)
            elif placed.run.muted:
                look["fontcolor"] = colour(self.theme.muted)
            self.node(f"{name}/text{i}", x, y, width + 2, height, class_="text", **look)

    def edge(self, edge: Edge, name: str) -> None:
        """Write an edge along its curve."""
        ink = colour(self.theme.tap if edge.kind == "tap" else self.theme.edge)
        curve = " ".join(self.point(p) for p in shaft(edge))
        tips = head(edge)
        if tips is not None:
            # Up to the border's outer edge: old versions of Graphviz draw the tip a bit too far.
            (x, y), (x0, y0), at = tips[1], shaft(edge)[-1], BOX_LINE / 2 / HEAD_LENGTH
            curve = f"e,{self.point((x + at * (x0 - x), y + at * (y0 - y)))} {curve}"
        self.graph.edge(
            self.end(edge.source, edge.points[0]),
            self.end(edge.target, edge.points[-1]),
            pos=curve,
            color=ink,
            penwidth=number(line_width(edge)),
            id=self.prefix + name,
            **{"class": f"k-{edge.kind}"},
            **({} if tips is not None else {"arrowhead": "none"}),
        )

    def end(self, id: str, at: Point) -> str:
        """Return the node at an end of an edge; where no box is, one that is not seen."""
        if id not in self.by_id:
            self.by_id[id] = f"/end{len(self.by_id)}"
            self.node(self.by_id[id], *at, 1, 1, style="invis")
        return self.by_id[id]


def _paint(paint: Paint) -> dict[str, str]:
    return {"fillcolor": colour(paint.fill), "color": colour(paint.line)}


def _aligned(placed: Placed, width: int) -> str:
    """Return a text at the left, in the middle, or at the right of a label of this width."""
    html = _html(placed)
    if placed.anchor == "middle":
        return html
    side = "LEFT" if placed.anchor == "start" else "RIGHT"
    return f'{_TABLE}<TR><TD ALIGN="{side}" WIDTH="{width}">{html}</TD></TR></TABLE>'


_TABLE = '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">'


def _html(placed: Placed) -> str:
    r"""Return a text as an HTML-like label that shows it as it is.

    Backslashes are doubled, for ``\N`` is the name of the node even there.
    """
    # Of several blanks in a row Graphviz, like HTML, keeps one.
    kept = re.sub(
        " (?= )", "\N{NO-BREAK SPACE}", fonts.drawable(replace(placed.run, text=placed.text))
    )
    html = escape(kept).replace("\\", "\\\\")
    for tag, applies in (("B", placed.run.bold), ("I", placed.run.italic)):
        html = f"<{tag}>{html}</{tag}>" if applies else html
    return html
