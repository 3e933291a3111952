"""Where the boxes of a chain lie: one below the other, branches beside each other.

The trunk of a chain is the line x = 0, its top is y = 0. Whoever asks moves it to its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from archdsl.backends.figures import fonts
from archdsl.backends.figures.captions import shape_text
from archdsl.backends.figures.drawing import (
    Box,
    Dot,
    Edge,
    Frame,
    Item,
    Line,
    Point,
    Text,
    straight,
)
from archdsl.backends.figures.parts import CORNER, badge_run, bent, bounds, moved, muted
from archdsl.operators.operator import Shape

ARROW = 11.0
"""Length of an arrow without a label."""
LABELLED = 19.0
"""Length of an arrow with a label beside it."""
ASIDE = 5.0
"""Between a line and the label beside it."""
BETWEEN = 14.0
"""Between two branches."""
SKIP = 10.0
"""Between a block and the line that leads past it."""
FRAME = 8.0
"""Between a frame and what lies in it."""

Way: TypeAlias = "tuple[str, tuple[Point, ...]]"
"""A line to a box: its id, and the points of the line."""


@dataclass(slots=True)
class Block:
    """What is placed of a chain. ``left`` and ``right`` are its extents from the trunk.

    Its line comes in from (0, 0) along the ``ways`` that lead to its first boxes, several of them
    behind a junction, and leaves from the box ``exit`` at (0, ``end``). ``boxes`` is how many boxes
    lie along its longest branch.
    """

    items: list[Item] = field(default_factory=list)
    left: float = 0.0
    right: float = 0.0
    height: float = 0.0
    ways: list[Way] = field(default_factory=list)
    exit: str = ""
    end: float = 0.0
    shape: Shape = ()
    boxes: int = 0
    told: Shape | None = None
    """The shape that was written last beside its trunk; None if none was."""

    def include(self, items: Sequence[Item]) -> None:
        """Add items, and let the extents hold them."""
        self.items += items
        if items:
            left, _, right, bottom = bounds(items)
            self.left, self.right = max(self.left, -left), max(self.right, right)
            self.height = max(self.height, bottom)


def single(item: Box, shape: Shape) -> Block:
    """Return one box as a block."""
    block = Block(ways=[(item.id, ((0, 0),))], exit=item.id, end=item.height, shape=shape, boxes=1)
    block.include([replace(item, x=0.0, y=item.height / 2)])
    return block


def label(shape: Shape, x: float, y: float) -> Text:
    """Return the label of a line at x: the shape of what flows there, at the right of the line."""
    return Text(x + ASIDE, y, (muted(shape_text(shape)),), "start")


def append(
    whole: Block, block: Block, told: Shape, *, more: float = 0.0, said: Line | None = None
) -> Shape:
    """Place a block below another one, with the line between; return what shape is told now.

    ``told`` is the shape that was written last beside the line; another one gets a label. ``said``
    is a label of its own instead. ``more`` makes the line longer, in points.
    """
    whole.left, whole.right = max(whole.left, block.left), max(whole.right, block.right)
    if not whole.exit:
        whole.include(block.items)
        whole.ways = block.ways
        whole.exit, whole.end, whole.shape = block.exit, block.end, block.shape
        whole.height, whole.boxes = max(whole.height, block.height), block.boxes
        return told if block.told is None else block.told
    shape, bottom = whole.shape, whole.height
    text = label(shape, 0, 0) if said is None else Text(ASIDE, 0, said, "start")
    labelled = said is not None or shape != told
    top = bottom + (LABELLED if labelled else ARROW) + more
    whole.include(
        lines(whole.exit, (0, whole.end), [(t, _moved(w, 0, top)) for t, w in block.ways])
    )
    if labelled:
        whole.include([replace(text, y=(bottom + top) / 2 - 1)])
    whole.include([moved(item, 0, top) for item in block.items])
    whole.height = max(whole.height, top + block.height)
    whole.exit, whole.end, whole.shape = block.exit, top + block.end, block.shape
    whole.boxes += block.boxes
    return shape if block.told is None else block.told


def lines(source: str, start: Point, ways: Sequence[Way]) -> list[Item]:
    """Return the lines from a box along some ways."""
    return [Edge(source, target, straight(start, way[0]) + way[1:]) for target, way in ways]


def stack(blocks: Sequence[Block], shape: Shape) -> Block:
    """Return blocks one below the other; ``shape`` is what flows in, and is told already."""
    whole = Block(shape=shape)
    told = shape
    for block in blocks:
        told = append(whole, block, told)
    whole.told = told
    return whole


def framed(block: Block, count: int, number: int, note: str = "") -> Block:
    """Return a block in a white frame that says how often it stands there, and a note below."""
    badge = (replace(badge_run(f"×{count}"), size=11.0),)
    below = (muted(note),)
    width = max(fonts.width(badge), fonts.width(below))
    frame = Frame(
        f"repeat{number}",
        "repeat",
        -block.left - FRAME,
        0.0,
        block.left + block.right + 3 * FRAME + width,
        block.height + 2 * FRAME + 2,
    )
    inside = FRAME + 2
    whole = Block(exit=block.exit, end=block.end + inside, shape=block.shape, boxes=block.boxes)
    whole.ways = [
        (t, straight((0, 0), *_moved(w[:1], 0, inside)) + _moved(w[1:], 0, inside))
        for t, w in block.ways
    ]
    whole.left, whole.right = block.left, block.right
    whole.include([frame, *(moved(item, 0, inside) for item in block.items)])
    middle = inside + block.height / 2
    x = block.right + FRAME + width / 2
    whole.include([Text(x, middle, badge), *([Text(x, middle + 12, below)] if note else ())])
    return whole


def fork(branches: Sequence[Block], joint: Block, told: Shape) -> Block:
    """Return branches beside each other, joined below.

    ``joint`` is a circle, into which lines lead from its sides, or a bar, which is made as wide as
    the branches. A branch without boxes hands its input on. ``told`` is what flows into them.
    """
    ended = [_with_end(branch, told) for branch in branches]
    box = joint.items[0]
    assert isinstance(box, Box)
    places = abreast(branches, ended, spread=box.shape != "circle")
    top = CORNER + ARROW
    labelled = any(block.exit and block.shape != _last_told(block, told) for block in branches)
    bottom = top + max(b.height for b in branches) + (LABELLED if labelled else ARROW)
    if box.shape != "circle":
        half = max(map(abs, places)) + FRAME
        box = replace(box, width=max(box.width, 2 * half))
    whole = Block(exit=joint.exit, end=bottom + joint.end, shape=joint.shape)
    whole.boxes = max(b.boxes for b in branches) + 1
    whole.include([Dot(0, 0)])
    for branch, x in zip(branches, places, strict=True):
        entrance = [(0.0, 0.0), (x, 0.0), (x, top)] if x else [(0.0, 0.0), (0.0, top)]
        if not branch.exit:
            way = bent(*entrance[:-1], *_into(box, x, bottom))
            whole.ways.append((box.id, way))
            whole.include([Edge("", box.id, way)])
            whole.items.pop()  # drawn by whatever stands before
            continue
        for target, rest in branch.ways:
            whole.ways.append((target, bent(*entrance) + _moved(rest[1:], x, top)))
        whole.include([moved(item, x, top) for item in branch.items])
        end = (x, top + branch.end)
        whole.include([Edge(branch.exit, box.id, bent(end, *_into(box, x, bottom)))])
        if branch.shape != _last_told(branch, told):
            y = top + branch.height + LABELLED / 2 - 1
            whole.include([label(branch.shape, x, y)])
    whole.include([moved(item, 0, bottom) for item in [box, *joint.items[1:]]])
    whole.height = max(whole.height, bottom + joint.height)
    return whole


def _last_told(branch: Block, told: Shape) -> Shape:
    """Return the shape that was written last beside a branch."""
    return told if branch.told is None else branch.told


def _with_end(branch: Block, told: Shape) -> float:
    """Return the extent of a branch to the right, with the label of the line that leaves it."""
    if not branch.exit or branch.shape == _last_told(branch, told):
        return branch.right
    width = fonts.width((muted(shape_text(branch.shape)),))
    return max(branch.right, ASIDE + width)


def abreast(branches: Sequence[Block], rights: Sequence[float], *, spread: bool) -> list[float]:
    """Return the x of each branch; ``rights`` are their extents with their labels.

    A branch without boxes is a line that leads past the others at their left. Of two, the longer
    one is the trunk, and the other stands at its left, unless they are to be ``spread``.
    """
    full = [i for i, branch in enumerate(branches) if branch.exit]
    places = [0.0] * len(branches)
    left = 0.0
    main = max(full, key=lambda i: branches[i].boxes, default=None)
    if main is not None:
        rest = [i for i in full if i != main]
        if len(rest) == 1 and not spread:
            (other,) = rest
            left = branches[main].left + BETWEEN + rights[other]
            places[other] = -left
            left += branches[other].left
        elif rest:
            at = 0.0
            for i in full:
                places[i] = at + branches[i].left
                at = places[i] + rights[i] + BETWEEN
            width = at - BETWEEN
            middle = min((places[i] for i in full), key=lambda x: abs(x - width / 2))
            shift = middle if abs(middle - width / 2) < 2 * CORNER else width / 2
            for i in full:
                places[i] -= shift
            left = shift
        else:
            left = branches[main].left
    for i in range(len(branches)):
        if i not in full:
            left += SKIP
            places[i] = -left
    return places


def _into(box: Box, x: float, bottom: float) -> list[Point]:
    """Return the points of a line that comes down at x into a joint whose top is at ``bottom``."""
    if box.shape != "circle" or not x:
        return [(x, bottom)]
    middle = bottom + box.height / 2
    return [(x, middle), (box.width / 2 if x > 0 else -box.width / 2, middle)]


def _moved(way: tuple[Point, ...], dx: float, dy: float) -> tuple[Point, ...]:
    return tuple((x + dx, y + dy) for x, y in way)
