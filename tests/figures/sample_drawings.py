"""Drawings made by hand: what layouts make of networks, without a network and a layout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from archdsl.backends.figures import fonts
from archdsl.backends.figures.drawing import (
    BADGE_SIZE,
    EMPTY_WIDTH,
    PADDING,
    TITLE_SIZE,
    Box,
    Dot,
    Drawing,
    Edge,
    Frame,
    Item,
    Line,
    Role,
    Row,
    Run,
    Table,
    Text,
    straight,
)


def titled(text: str) -> Line:
    return (Run(text, TITLE_SIZE, bold=True),)


def small(text: str) -> Line:
    return (Run(text, muted=True),)


def vector(letter: str, n: int) -> Line:
    return (Run(letter, TITLE_SIZE, italic=True), Run(str(n), TITLE_SIZE, sub=True))


def box(id: str, role: Role, x: float, y: float, *lines: Line, badge: str = "") -> Box:
    width = fonts.widest(lines) + 2 * PADDING
    if badge:
        width += EMPTY_WIDTH + fonts.run_width(Run(badge, BADGE_SIZE, bold=True))
    shape = "square" if role in (Role.DOWN, Role.MAP) else "round"
    return Box(
        id, role, x, y, width, 28 if len(lines) > 1 else 19, lines, shape, badge=badge,
        sheets=2 if badge else 0, nodes=(id,), title=f"{id}: " + " ".join(r.text for r in lines[0]),
    )  # fmt: skip


def arrow(a: Box | Table, b: Box | Table) -> Edge:
    if b.left >= a.right:
        return Edge(a.id, b.id, straight((a.right, a.y), (b.left, b.y)))
    return Edge(a.id, b.id, straight((a.x, a.bottom), (b.x, b.top)), "tap")


LEVELS: tuple[tuple[str, Sequence[tuple[str, str]]], ...] = (
    ("shallow", (("conv 2×2 /2", "16×16×128"), ("avg pool 8×8", "2×2×128"), ("flatten", "512"))),
    ("middle", (("conv 2×2 /2", "8×8×512"), ("global avg pool", "512"))),
    ("last", (("global avg pool", "512"),)),
)


def overview() -> Drawing:
    """Return the overview of the paper's VGG-1-RA."""
    items: list[Item] = []
    later: list[Item] = []
    y, x, before = 37.0, 28.0, box("input", Role.IO, 26, 37, titled("image"), small("32×32×3"))
    later.append(before)
    step: Box | None = None
    x = before.right
    for n, (level, rows) in enumerate(LEVELS, 1):
        side, channels = 64 >> n, (128, 256, 512)[n - 1]
        if n > 1:
            shape = small(f"{side}×{side}×{channels // 2}")
            pool = box(f"backbone.p{n}", Role.DOWN, 0, y, titled("pool /2"), shape)
            pool = moved(pool, x + 10 + pool.width / 2)
            later += [pool, arrow(before, pool)]
            before, x = pool, pool.right
        convs = box(
            f"backbone.s{n}", Role.CONV, 0, y, titled(f"conv 3×3, {channels}"),
            small("BN · ReLU"), badge="×2",
        )  # fmt: skip
        convs = moved(convs, x + 16 + convs.width / 2)
        left, width = convs.left - 6, convs.width + 17
        items.append(Frame(f"s{n}", "plain", left, 4, width, 56, f"stage {n}"))
        heading = (*titled(f"Stage {n}"), Run(f"  {side}×{side}×{channels}", muted=True))
        items.append(Text(left + 8, 12.5, heading, "start"))
        later += [convs, arrow(before, convs)]
        before, x = convs, left + width
        table = Table(
            f"map.{level}", Role.MAP, convs.x, 75 + (14 + 12 * len(rows)) / 2, 122,
            titled(f"mapping: {level} level"),
            tuple(Row((Run(a),), small(b)) for a, b in rows), title=f"mapping, {level} level",
        )  # fmt: skip
        length = box(f"v{n}", Role.MAP, convs.x, 145, (*vector("v", n), Run("  512", muted=True)))
        after = box(f"step{n}", Role.RECURRENT, convs.x, 176, titled(f"step {n}"))
        later += [table, length, after]
        later += [arrow(convs, table), arrow(table, length), arrow(length, after)]
        if step is not None:
            flow = arrow(step, after)
            later.append(Edge(step.id, after.id, flow.points, "state"))
            carried = (*vector("h", n - 1), Run(", ", TITLE_SIZE), *vector("c", n - 1))
            later.append(Text((step.right + after.left) / 2, 169, carried))
        step = after
    assert step is not None
    left = 78.0
    items.append(Frame("lstm", "plain", left, 161, step.right + 6 - left, 41, "LSTM 256"))
    caption = (*titled("LSTM 256"), Run("   3 steps, shared weights", muted=True))
    items.append(Text(left + 8, 194, caption, "start"))
    fc = moved(box("head.fc", Role.FC, 0, 176, titled("fc 256"), small("ReLU")), step.right + 50)
    last = box("output", Role.IO, 0, 176, titled("softmax"), small("10 classes"))
    last = moved(last, fc.right + 12 + last.width / 2)
    later += [fc, last, arrow(step, fc), arrow(fc, last)]
    later.append(Text(step.right + 15, 169, vector("h", 3)))
    x = 36.0
    for role, word in ((Role.CONV, "convolution block"), (Role.DOWN, "down-sampling"),
                       (Role.MAP, "mapping node"), (Role.RECURRENT, "LSTM step"),
                       (Role.FC, "fully connected")):  # fmt: skip
        shape = "square" if role in (Role.DOWN, Role.MAP) else "round"
        later.append(Box(f"legend.{role}", role, x, 219, 14, 8.5, (), shape))
        later.append(Text(x + 14, 219, (Run(word),), "start"))
        x += 36 + fonts.width((Run(word),))
    later.append(Edge("legend.tap", "", straight((x - 6, 219), (x + 14, 219)), "tap"))
    later.append(Text(x + 20, 219, (Run("tap (copy of the feature map)"),), "start"))
    return Drawing(
        "VGG1RA", "overview", last.right + 4, 228, tuple(items + later),
        "VGG1RA: three stages, each tapped and mapped to a vector of 512 for an LSTM of 256.",
    )  # fmt: skip


def moved(item: Box, x: float) -> Box:
    return replace(item, x=x)


def block() -> Drawing:
    """Return a residual block: frames on frames, a curve, a junction, a circle, a dashed box."""
    conv = box("b.conv", Role.CONV, 90, 60, titled("conv 3×3, 64"), small("BN · ReLU"))
    second = box("b.conv2", Role.RESIDUAL, 90, 100, titled("conv 3×3, 64"), small("BN"))
    join = Box("b.add", Role.OTHER, 90, 132, 12.5, 12.5, (titled("+"),), "circle", title="add")
    dead = Box("b.pool", Role.DOWN, 200, 132, 60, 19, (titled("pool /2"),), "square", dashed=True)
    skip = (
        (90.0, 38.0), (76.0, 38.0), (62.0, 38.0), (48.0, 38.0),
        (44.7, 38.0), (42.0, 40.7), (42.0, 44.0),
        (42.0, 70.0), (42.0, 100.0), (42.0, 126.0),
        (42.0, 129.3), (44.7, 132.0), (48.0, 132.0),
        (60.0, 132.0), (72.0, 132.0), (83.75, 132.0),
    )  # fmt: skip
    items: tuple[Item, ...] = (
        Frame("s1", "plain", 20, 6, 150, 150, "stage 1"),
        Frame("row", "repeat", 30, 26, 130, 120, "ten times"),
        Frame("map", "mapping", 180, 26, 90, 60),
        Text(34, 15, titled("Stage 1"), "start"),
        Text(150, 90, (Run("×10", 12, bold=True),), "end"),
        Text(225, 40, titled("mapping: <last> & \\N")),
        conv, second, join, dead, Dot(90, 38),
        Edge("input", conv.id, straight((90, 6), (90, conv.top))),
        Edge("b.conv", "b.conv2", straight((90, 74), (90, 86))),
        Edge("b.conv2", "b.add", straight((90, 114), (90, 125.75))),
        Edge("input", "b.add", skip),
        Edge("b.add", "b.pool", straight((96.25, 132), (170, 132)), "tap"),
    )  # fmt: skip
    return Drawing("Block", "full", 280.4, 160.2, items, "A block of two convolutions with a skip.")
