"""Sliding windows: the sizes that they leave, and what an operator with a window has in common."""

from __future__ import annotations

from math import gcd

from archdsl.operators.operator import Arguments, Misfit, pair, render


def window_sizes(
    name: str,
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int] = (1, 1),
    *,
    ceil_mode: bool = False,
) -> tuple[int, int]:
    """Return height and width behind a sliding window, as torch computes them, for each axis.

    out = (in + 2 padding - dilation (kernel - 1) - 1) // stride + 1. With ``ceil_mode`` the
    quotient is rounded up, but a window that would begin behind the input and its left padding is
    dropped. Raises :class:`Misfit` (ARCH204) where the window is larger than the padded input.
    """
    out = []
    for n, k, s, p, d in zip(size, kernel, stride, padding, dilation, strict=True):
        room = n + 2 * p - d * (k - 1) - 1
        steps = room // s
        if ceil_mode and -(-room // s) * s < n + p:
            steps = -(-room // s)
        if steps < 0:
            most = (n + 2 * p - 1) // d + 1
            smaller = f"write k = {most} or less, or " if most > 1 else ""
            raise Misfit(
                "ARCH204",
                f"{name}: its {kernel[0]}×{kernel[1]} window is larger than the input "
                f"{render(size)}" + (f" with padding {p}" if p else ""),
                help=f"{smaller}remove a down-sampling step before it",
            )
        out.append(steps + 1)
    return out[0], out[1]


def same_padding(a: Arguments) -> tuple[int, int]:
    """Return the padding of a convolution in pixels: given, or dilation (k // 2) for an odd k."""
    if a["padding"] != "same":
        return pair(a["padding"])
    kernel, dilation = pair(a["k"]), pair(a["dilation"])
    for k in kernel:
        if k % 2 == 0:
            raise Misfit(
                "ARCH206",
                f"padding = same needs an odd kernel, but k is {k}",
                help=f"write padding = 0 or padding = {k // 2}, or k = {k + 1}",
                argument="k",
            )
    return dilation[0] * (kernel[0] // 2), dilation[1] * (kernel[1] // 2)


def check_groups(name: str, groups: int, counts: dict[str, int]) -> None:
    """Raise :class:`Misfit` (ARCH205) where groups do not divide the channels.

    ``counts`` has the channels by what they are: ``{"input": 64, "output": 128}``.
    """
    for what, count in counts.items():
        if count % groups:
            fitting = _near_divisor(groups, gcd(*counts.values()))
            listed = " and ".join(map(str, counts.values()))
            must = f"it must divide {'both ' if len(counts) > 1 else ''}{listed}"
            raise Misfit(
                "ARCH205",
                f"{name}: groups = {groups} does not divide the {count} {what} channels",
                help=f"write groups = {fitting}; {must}",
                argument="groups",
            )


def _near_divisor(groups: int, whole: int) -> int:
    """Return a divisor of ``whole`` that is near, and the nearest where one is within 64."""
    for distance in range(1, 65):
        for number in (groups - distance, groups + distance):
            if number > 0 and whole % number == 0:
                return number
    return gcd(groups, whole)
