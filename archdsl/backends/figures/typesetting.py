"""Where each text of a drawing stands: the start of its baseline, and how wide it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from archdsl.backends.figures import fonts
from archdsl.backends.figures.characters import cleaned
from archdsl.backends.figures.drawing import (
    BADGE_SIZE,
    EMPTY_WIDTH,
    HEADER_HEIGHT,
    PADDING,
    ROW_HEIGHT,
    SUB_SCALE,
    Box,
    Line,
    Run,
    Table,
    Text,
    line_height,
)

_RISE = 0.36
"""From the middle of a line down to its baseline, in em: half the height of a capital."""
_BLANK = " \N{NO-BREAK SPACE}"
_DROP = 0.25
"""From a baseline down to that of a subscript, in em of what stands before it."""

Anchor: TypeAlias = Literal["start", "middle", "end"]


@dataclass(frozen=True, slots=True)
class Placed:
    """A text at its place.

    ``size`` is that at which it is drawn; a ``badge`` has a colour of its own. ``anchor`` is what
    stays where it is if the text turns out to be less wide: others are aligned with that.
    """

    text: str
    x: float
    baseline: float
    width: float
    size: float
    run: Run
    anchor: Anchor = "middle"
    badge: bool = False


def clean_line(line: Line) -> Line:
    """Return a line of which every character may stand in a figure."""
    return tuple(replace(run, text=cleaned(run.text)) for run in line)


def typeset(item: Box | Table | Text) -> Iterator[Placed]:
    """Yield the texts of an item, each at its place; what is only blank is left out."""
    match item:
        case Box():
            yield from _box(item)
        case Table():
            yield from _centred(item.header, item.x, item.top + HEADER_HEIGHT / 2)
            for i, row in enumerate(item.rows):
                y = item.top + HEADER_HEIGHT + ROW_HEIGHT * (i + 0.5)
                yield from _line(row.left, item.left + PADDING, y, "start")
                right = clean_line(row.right)
                yield from _line(right, item.right - PADDING - fonts.width(right), y, "end")
        case Text():
            share = {"start": 0.0, "middle": 0.5, "end": 1.0}[item.anchor]
            line = clean_line(item.line)
            yield from _line(line, item.x - share * fonts.width(line), item.y, item.anchor)


def _box(box: Box) -> Iterator[Placed]:
    lines = [clean_line(line) for line in box.lines]
    badge = Run(cleaned(box.badge), BADGE_SIZE, bold=True)
    space = EMPTY_WIDTH + fonts.run_width(badge) if box.badge else 0.0
    widest = fonts.widest(lines)
    y = box.y - sum(map(line_height, lines)) / 2
    for line in lines:
        yield from _centred(line, box.x - space / 2, y + line_height(line) / 2)
        y += line_height(line)
    if box.badge:
        x = box.x - (widest + space) / 2 + widest + EMPTY_WIDTH
        for placed in _line((badge,), x, box.y):
            yield replace(placed, badge=True)


def _centred(line: Line, x: float, y: float) -> Iterator[Placed]:
    line = clean_line(line)
    yield from _line(line, x - fonts.width(line) / 2, y)


def _line(line: Line, x: float, y: float, anchor: Anchor = "middle") -> Iterator[Placed]:
    """Yield the texts of a line that starts at ``x`` and has its middle at ``y``."""
    line = clean_line(line)
    baseline = y + _RISE * max((run.size for run in line if not run.sub), default=0.0)
    for run in line:
        width = fonts.run_width(run)
        if text := run.text.strip(_BLANK):
            blank = run.text[: len(run.text) - len(run.text.lstrip(_BLANK))]
            start = x + fonts.run_width(replace(run, text=blank))
            size = run.size * (SUB_SCALE if run.sub else 1.0)
            down = _DROP * run.size if run.sub else 0.0
            inner = fonts.run_width(replace(run, text=text))
            yield Placed(text, start, baseline + down, inner, size, run, anchor)
        x += width
