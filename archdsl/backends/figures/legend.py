"""What stands below a figure: the legend of what is in it, and notes."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.backends.figures import fonts
from archdsl.backends.figures.drawing import (
    DETAIL_SIZE,
    Box,
    Edge,
    Item,
    Role,
    Run,
    Table,
    Text,
    straight,
)
from archdsl.backends.figures.parts import SQUARE, muted
from archdsl.ir import Network

NAMES = {
    Role.CONV: "convolution block",
    Role.RESIDUAL: "residual block",
    Role.DOWN: "down-sampling",
    Role.OTHER: "other operator",
    Role.MAP: "mapping node",
    Role.RECURRENT: "LSTM step",
    Role.FC: "fully connected",
}
"""In the order of the legend."""

SAMPLE = (18.0, 10.0)
"""Width and height of a sample of a box."""
TAP = 24.0
"""Length of a sample of a tap."""
_AFTER_SAMPLE = 6.0
_APART = 16.0
_ROW = 15.0


def legend(items: Sequence[Item], width: float, top: float) -> list[Item]:
    """Return the legend of some items: rows in the middle of ``width``, the first at ``top``."""
    present = {i.role for i in items if isinstance(i, Table)}
    present |= {i.role for i in items if isinstance(i, Box) and i.shape != "circle"}
    entries = [(role, name) for role, name in NAMES.items() if role in present]
    tapped = any(isinstance(item, Edge) and item.kind == "tap" for item in items)
    samples: list[tuple[Role | None, Text, float]] = []
    for kind, name in entries:
        text = Text(0, 0, (Run(name, DETAIL_SIZE),), "start")
        samples.append((kind, text, SAMPLE[0] + _AFTER_SAMPLE + fonts.width(text.line)))
    if tapped:
        text = Text(0, 0, (Run("tap (copy of the feature map)", DETAIL_SIZE),), "start")
        samples.append((None, text, TAP + _AFTER_SAMPLE + fonts.width(text.line)))
    if len(samples) < 2:
        return []
    placed: list[Item] = []
    y = top + SAMPLE[1] / 2
    for row in _wrapped([s[2] for s in samples], width):
        chosen = samples[row]
        x = (width - sum(s[2] for s in chosen) - _APART * (len(chosen) - 1)) / 2
        for role, text, entry in chosen:
            placed += _entry(role, text, x, y)
            x += entry + _APART
        y += _ROW
    return placed


def _wrapped(widths: Sequence[float], most: float) -> list[slice]:
    """Return which entries stand in which row: as few rows as possible, about equally long."""
    for rows in range(1, len(widths) + 1):
        each = -(-len(widths) // rows)
        slices = [slice(i, i + each) for i in range(0, len(widths), each)]
        if all(sum(widths[s]) + _APART * (len(widths[s]) - 1) <= most for s in slices):
            return slices
    return [slice(i, i + 1) for i in range(len(widths))]


def _entry(role: Role | None, text: Text, x: float, y: float) -> list[Item]:
    if role is None:
        line = Edge("", "", straight((x, y), (x + TAP, y)), "tap")
        return [line, Text(x + TAP + _AFTER_SAMPLE, y, text.line, "start")]
    shape = "square" if role in SQUARE else "round"
    sample = Box(
        f"legend-{role}",
        role,
        x + SAMPLE[0] / 2,
        y,
        *SAMPLE,
        lines=(),
        shape="square" if shape == "square" else "round",
    )
    return [sample, Text(x + SAMPLE[0] + _AFTER_SAMPLE, y, text.line, "start")]


def notes(network: Network, width: float, top: float) -> list[Item]:
    """Return what else is to be said: rules that are allowed to be broken, and why."""
    said = [
        f"{a.code} allowed in {a.where.removeprefix('backbone.') or network.name}: {a.reason}"
        for a in network.allowances
    ]
    placed: list[Item] = []
    y = top + DETAIL_SIZE / 2
    for text in said:
        for line in _lines(text, width):
            placed.append(Text(0, y, (Run(line, DETAIL_SIZE, muted=True),), "start", text))
            y += DETAIL_SIZE * 1.4
    return placed


def _lines(text: str, width: float) -> list[str]:
    """Return a text in lines of at most so many points; words too long are cut."""
    lines = [""]
    for word in text.split():
        while fonts.width((muted(word),)) > width and len(word) > 4:
            word = word[: len(word) * 3 // 4 - 1] + "…"
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and fonts.width((Run(longer, DETAIL_SIZE),)) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
