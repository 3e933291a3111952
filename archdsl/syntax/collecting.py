"""Garbage collection, paused while a tree is built."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Iterator[None]:
    """Pause the garbage collector.

    A tree of a large text is many objects of which none is garbage; looking through them again
    and again takes twice as long as parsing, and more the larger the text.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
