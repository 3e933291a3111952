"""How values are written in the cells of tables, for people and for programs."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

Value: TypeAlias = object
"""What a cell holds: text, a number, a shape (c, h, w), a pair, a list or an object; or None."""


class Kind(StrEnum):
    """What the cells of a column hold, and so how people want to read them."""

    TEXT = "text"
    COUNT = "count"
    """A number, with commas between thousands; a nought is left blank."""
    SHAPE = "shape"
    """Channels, height, width; or a length; or steps and a length."""
    FIELD = "field"
    """Height and width in pixels: one number where both are the same."""


def written(kind: Kind, value: Value) -> str:
    """Return a value as people read it; None is blank. Nothing in it is unprintable.

    >>> written(Kind.COUNT, 6681482), written(Kind.FIELD, (5, 5)), written(Kind.FIELD, (5, 9))
    ('6,681,482', '5', '5×9')
    """
    if value is None:
        return ""
    if isinstance(value, int):
        return f"{value:,}" if value else ""
    if isinstance(value, tuple) and kind is Kind.FIELD:
        height, width = value
        return f"{height}" if height == width else f"{height}×{width}"
    if isinstance(value, tuple):
        return show(value)
    return printable(str(value))


def show(shape: tuple[int, ...]) -> str:
    """Return a shape as tables write it: height × width × channels, as the paper does.

    >>> show((128, 32, 16))
    '32×16×128'
    """
    if len(shape) == 3:
        return f"{shape[1]}×{shape[2]}×{shape[0]}"
    return "×".join(map(str, shape))


def printable(text: str) -> str:
    r"""Return a text of one line: line breaks and what a terminal would obey become escapes.

    >>> printable("a\x1b[31m\n")
    'a\\x1b[31m\\n'
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def sized(name: str, kernel: tuple[int, int] | None, stride: tuple[int, int] | None) -> str:
    """Return what an operator is called with its window, and its stride where it is not 1.

    >>> sized("conv", (3, 3), (2, 2)), sized("maxpool", (3, 3), (2, 1)), sized("relu", None, None)
    ('conv 3×3 /2', 'maxpool 3×3 /2×1', 'relu')
    """
    size = f" {kernel[0]}×{kernel[1]}" if kernel is not None else ""
    step = ""
    if stride not in (None, (1, 1)):
        assert stride is not None
        step = f" /{stride[0]}" if stride[0] == stride[1] else f" /{stride[0]}×{stride[1]}"
    return name + size + step
