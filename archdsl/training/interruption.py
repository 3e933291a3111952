"""Ctrl-C during training: noticed at once, obeyed between steps, never inside a write."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Interruption:
    """A context in which the first SIGINT is only noted, until :meth:`check` is called.

    A second one raises KeyboardInterrupt wherever the program is, unless it is in
    :meth:`shielded`. Outside the main thread, or where SIGINT is ignored (a job in the
    background), the context changes nothing.
    """

    def __init__(self) -> None:
        self._asked = False
        self._shields = 0
        self._former: Any = None
        self._installed = False

    def __enter__(self) -> Interruption:
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            self._former = signal.signal(signal.SIGINT, self._handle)
            self._installed = True
        return self

    def __exit__(self, *_: object) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, self._former)
            self._installed = False

    def _handle(self, _signal: int, _frame: FrameType | None) -> None:
        again = self._asked
        self._asked = True
        if again and not self._shields:
            raise KeyboardInterrupt

    def check(self) -> None:
        """Raise KeyboardInterrupt if SIGINT has come since the context was entered."""
        if self._asked:
            raise KeyboardInterrupt

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """Return a context that no SIGINT breaks, for a write that must be whole."""
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1
