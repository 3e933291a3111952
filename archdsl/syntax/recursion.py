"""Room for recursion: the depth of a tree is bounded by limits, not by Python's default."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_FRAMES = 20_000
"""Enough for every limit of the language together (see ARCH902), far below what a stack holds."""


@contextmanager
def room_to_recurse() -> Iterator[None]:
    """Raise Python's recursion limit while a spec is processed.

    Since 3.11 a Python function that calls another takes no room on the C stack.
    """
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _FRAMES))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
