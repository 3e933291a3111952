"""Free-form graphs: every operator of a network, placed by Graphviz's own ``dot`` engine.

It shows what no chain of boxes can. It takes long for thousands of vertices, so what is too large
is drawn in less detail: uses of defs, blocks or stages as one vertex each.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from html import escape
from itertools import count
from math import ceil
from typing import TYPE_CHECKING

from archdsl.backends.figures import fonts
from archdsl.backends.figures.characters import cleaned
from archdsl.backends.figures.digest import Cluster, Detail, Digest, Vertex, digest
from archdsl.backends.figures.dot import digraph
from archdsl.backends.figures.drawing import (
    DETAIL_SIZE,
    TITLE_SIZE,
    Box,
    Drawing,
    Frame,
    Line,
    plain,
)
from archdsl.backends.figures.faults import FigureFault
from archdsl.backends.figures.notation import safe
from archdsl.backends.figures.parts import box, titled
from archdsl.backends.figures.pen import Job, Pen, draw
from archdsl.backends.figures.placing import BESIDE, frame_title, read_layout
from archdsl.backends.figures.theme import LIGHT, FrameKind, Theme
from archdsl.ir import Network, RegionKind

if TYPE_CHECKING:
    from graphviz import Digraph

MOST = 800
"""Vertices of a graph; ``dot`` needs a second or two for so many, and minutes for 2,000."""
LIMIT = 20.0
"""Seconds that placing may take, all attempts together."""
PAGE = (610.0, 800.0)
"""Width and height of what can be printed on a page, in points, the text 6 points high or more."""
_SAID = {
    Detail.DEFS: "each use of a def is one box",
    Detail.BLOCKS: "each block is one box",
    Detail.STAGES: "each stage is one box",
    Detail.PARTS: "each region is one box",
}


def graph_dot(network: Network, path: str = "", *, theme: Theme = LIGHT) -> str:
    """Return DOT source for the ``dot`` engine: all live operators of a region, or regions of them.

    The bytes depend on the network alone: how much detail is told, on the number of vertices.
    """
    detail = _details(network, path)[0]
    return _Source(digest(network, path, detail), theme, network.name).text()


def graph_drawing(
    network: Network, path: str = "", *, limit: float = LIMIT, pen: Pen | None = None
) -> Drawing:
    """Return the graph of a region as a drawing, placed by ``dot`` within ``limit`` seconds.

    What has more than :data:`MOST` vertices, or is not done in half of the time that is left, is
    drawn in less detail; the drawing's ``advice`` says so. Raises :class:`FigureFault`: ARCH701
    without Graphviz, ARCH702 where even the least detail takes too long.
    """
    end = time.monotonic() + limit
    *others, last = _details(network, path)
    for detail in others:
        try:
            left = (end - time.monotonic()) / 2
            return _drawing(network, path, detail, left, pen)
        except FigureFault as fault:
            if fault.code != "ARCH702":
                raise
    return _drawing(network, path, last, max(1.0, end - time.monotonic()), pen)


def _details(network: Network, path: str) -> list[Detail]:
    """Return the levels of detail that are small enough, the finest first; the last in any case."""
    sizes: dict[Detail, int] = {}
    for detail in Detail:
        size = sum(1 for _ in digest(network, path, detail).vertices())
        if size not in sizes.values():  # less detail that tells as much is no help
            sizes[detail] = size
    return [d for d, size in sizes.items() if size <= MOST] or [list(sizes)[-1]]


def _drawing(network: Network, path: str, detail: Detail, limit: float, pen: Pen | None) -> Drawing:
    graph = digest(network, path, detail)
    source = _Source(graph, LIGHT, network.name)
    placed = draw([Job(source.text(), "json0", "dot")], limit=limit, pen=pen).files[0]
    width, height, items = read_layout(json.loads(placed), source.boxes, source.frames, graph)
    part = f"{path} of {network.name}" if path else network.name
    boxes = sum(1 for _ in graph.vertices())
    advice: tuple[str, ...] = ()
    if detail is not Detail.OPERATORS:
        nodes = sum(len(v.nodes) for v in graph.vertices())
        advice = (f"the {nodes:,} operators of {part} are too many to draw: {_SAID[detail]}",)
    if max(width / PAGE[0], height / PAGE[1]) > 1:
        inches = f"{width / 72:.1f} × {height / 72:.1f} in"
        advice += (f"{inches} are for a screen, not for a page: --view overview is smaller",)
    return Drawing(
        network.name,
        "graph",
        width,
        height,
        tuple(items),
        f"The graph of {part}: {boxes} boxes and {len(graph.arcs)} arrows.",
        advice,
    )


class _Source:
    """Writes the source; boxes and frames are found again by their names in it."""

    def __init__(self, graph: Digest, theme: Theme, name: str) -> None:
        self.theme = theme
        self.graph = graph
        self.name = name
        self.boxes: dict[str, Box] = {}
        self.frames: dict[str, tuple[int, Frame]] = {}
        self.names: dict[str, str] = {}

    def text(self) -> str:
        """Return the whole source."""
        figure = digraph(
            self.name,
            graph_attr={
                "rankdir": "TB",
                "nodesep": "0.15",
                "ranksep": "0.3",
                "bgcolor": self.theme.background,
                "fontname": fonts.FAMILY,
                "fontsize": f"{TITLE_SIZE:g}",
                "fontcolor": self.theme.text,
                "labeljust": "l",
                # Within these limits the order is hardly worse, and found ten times as fast.
                "nslimit": "2",
                "nslimit1": "2",
                "mclimit": "0.5",
            },
            node_attr={
                "shape": "box",
                "fixedsize": "true",
                "margin": "0",
                "fontname": fonts.FAMILY,
                "fontsize": f"{TITLE_SIZE:g}",
                "fontcolor": self.theme.text,
                "penwidth": "0.9",
            },
            edge_attr={"arrowsize": "0.5", "penwidth": "0.9", "color": self.theme.edge},
        )
        self.members(figure, self.graph.members, 0)
        for tail, head, tap in self.graph.arcs:
            look = {"color": self.theme.tap, "penwidth": "1.2"} if tap else {}
            # The backbone is straight, and lanes leave it.
            figure.edge(self.names[tail], self.names[head], weight="1" if tap else "4", **look)
        return str(figure.source)

    def members(self, to: Digraph, members: Sequence[Vertex | Cluster], depth: int) -> None:
        """Write vertices and clusters, in order."""
        for member in members:
            if isinstance(member, Vertex):
                self.vertex(to, member)
                continue
            name = f"cluster_{len(self.frames)}"
            kind, line = _frame_kind(member, depth), frame_title(cleaned(member.title))
            self.frames[name] = depth, Frame(member.path, kind, 0, 0, 0, 0, cleaned(member.title))
            paint = self.theme.frames[kind]
            look = {"style": "rounded,filled", "fillcolor": paint.fill, "color": paint.line}
            # Twice as wide as the title: most arrows come down in the middle, and leave it a half.
            width = ceil(2 * (fonts.width(line) + BESIDE))
            look["label"] = (
                '<<TABLE BORDER="0" CELLBORDER="0" CELLPADDING="0" CELLSPACING="0"><TR>'
                f'<TD ALIGN="LEFT" WIDTH="{width}"><B>{_html(line)}</B></TD></TR></TABLE>>'
            )
            inner = digraph(name, graph_attr=look | {"margin": "6", "penwidth": "0.6"})
            self.members(inner, member.members, depth + 1)
            to.subgraph(inner)

    def vertex(self, to: Digraph, vertex: Vertex) -> None:
        """Write a vertex as large as its box."""
        name = safe(vertex.id) or "_"
        name = next(n for i in count() if (n := f"{name}/{i}" if i else name) not in self.boxes)
        lines = titled(cleaned(vertex.title), cleaned(vertex.detail))
        item = box(vertex.id, vertex.role, lines, nodes=vertex.nodes, tooltip=vertex.tooltip)
        self.names[vertex.id], self.boxes[name] = name, item
        paint = self.theme.roles[item.role]
        said = [
            f"<B>{html}</B>" if i == 0 else f'<FONT POINT-SIZE="{DETAIL_SIZE:.0f}">{html}</FONT>'
            for i, line in enumerate(lines)
            if (html := _html(line))
        ]
        to.node(
            name,
            f"<{'<BR/>'.join(said) or ' '}>",
            width=f"{item.width / 72:.5f}",
            height=f"{item.height / 72:.5f}",
            style="rounded,filled" if item.shape == "round" else "filled",
            fillcolor=paint.fill,
            color=paint.line,
            **{"class": f"r-{item.role}"},
        )


def _frame_kind(cluster: Cluster, depth: int) -> FrameKind:
    if cluster.kind is RegionKind.MAP:
        return "mapping"
    return "repeat" if depth % 2 else "plain"


def _html(line: Line) -> str:
    return escape(plain(line)).replace("\\", "\\\\")
