"""How names, numbers, colours and fonts of a drawing are written, in DOT as in SVG."""

from __future__ import annotations

import re
from math import ceil

from archdsl.backends.figures.characters import cleaned
from archdsl.backends.figures.drawing import Box, Drawing, Table

_COLOUR = re.compile(r"#[0-9A-F]{6}")
_FONT = re.compile(r"[A-Za-z0-9 ,_-]+")


def page_size(drawing: Drawing) -> tuple[int, int]:
    """Return width and height of the page in points: whole ones, as Graphviz makes them."""
    return max(1, ceil(drawing.width - 0.005)), max(1, ceil(drawing.height - 0.005))


def names(drawing: Drawing) -> list[str]:
    """Return a name for each item, unique in the drawing, that DOT and XML can hold.

    Boxes are called by their ids, edges ``edge0``, ``edge1`` and so on. What is only a part of an
    item (a sheet, the dot at a tail) has a slash in its name, which no id can have.
    """
    used: set[str] = set()
    counts: dict[str, int] = {}
    found = []
    for item in drawing.items:
        if isinstance(item, Box | Table):
            name = safe(item.id) or "_"
        else:
            kind = type(item).__name__.lower()
            name = f"{kind}{counts.get(kind, 0)}"
            counts[kind] = counts.get(kind, 0) + 1
        unique, n = name, 2
        while unique in used:
            unique, n = f"{name}/{n}", n + 1
        used.add(unique)
        found.append(unique)
    return found


def safe(name: str) -> str:
    """Return a name without what has a meaning in DOT, XML or CSS.

    >>> safe("backbone.s1"), safe('a"<b>:c')
    ('backbone.s1', 'a__b__c')
    """
    return re.sub(r"[^\w.-]", "_", cleaned(name))


def colour(text: str) -> str:
    """Return a colour, ``#RRGGBB``; raises ``ValueError`` for anything else."""
    if not _COLOUR.fullmatch(text):
        raise ValueError(f"{text!r} is no colour")
    return text


def font(family: str) -> str:
    """Return the name of a font; raises ``ValueError`` for what could be something else."""
    # Graphviz writes it into SVG as it is.
    if not _FONT.fullmatch(family):
        raise ValueError(f"{family!r} is no name of a font")
    return family


def number(value: float, digits: int = 2) -> str:
    """Return a number, rounded, without needless zeros.

    >>> number(12.50), number(-0.001), number(3)
    ('12.5', '0', '3')
    """
    text = f"{value:.{digits}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
