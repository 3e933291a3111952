"""Mapping nodes as tables: a row for each operator, with the shape that it makes."""

from __future__ import annotations

from archdsl.backends.figures import fonts
from archdsl.backends.figures.drawing import EMPTY_WIDTH, PADDING, Role, Table
from archdsl.backends.figures.lanes import Lane, rows
from archdsl.backends.figures.parts import title


def mapping_table(lane: Lane, *, narrow: bool = False) -> Table:
    """Return the table of a lane, wide enough for its rows, at (0, 0).

    A ``narrow`` one leaves it to the legend to say what it is.
    """
    header = (title(lane.title if narrow else f"mapping: {lane.title}"),)
    body = rows(lane)
    left = fonts.widest(row.left for row in body)
    right = fonts.widest(row.right for row in body)
    width = max(fonts.width(header), left + EMPTY_WIDTH + right) + 2 * PADDING
    return Table(
        lane.id,
        Role.MAP,
        0,
        0,
        round(width, 2),
        header,
        body,
        lane.nodes,
        f"mapping node of {lane.tap.path}: {lane.title}",
    )
