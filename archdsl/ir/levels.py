"""Levels: how far a tap lies from the standard tensor S, from strides (paper, section IV.B)."""

from __future__ import annotations

from fractions import Fraction

from archdsl.ir.network import Level, Node


def stride_ratio(tap: Node, standard: Node) -> Fraction | None:
    """Return (cumulative stride of S) / (cumulative stride of the tap).

    Never a ratio of sizes, which odd sizes break. None where the vertical and the horizontal
    ratio differ, or where one of the two is a vector.
    """
    if tap.stride is None or standard.stride is None:
        return None
    vertical = Fraction(standard.stride[0], tap.stride[0])
    horizontal = Fraction(standard.stride[1], tap.stride[1])
    return vertical if vertical == horizontal else None


def level_of(tap: Node, standard: Node, *, is_last: bool) -> Level:
    """Return the level of a tap: last, middle (ratio 1 or 2), or shallow (the rest)."""
    if is_last:
        return Level.LAST
    return Level.MIDDLE if stride_ratio(tap, standard) in (1, 2) else Level.SHALLOW
