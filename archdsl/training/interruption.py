"""Signals during training: noticed at once, obeyed between steps, never inside a write.

SIGINT (Ctrl-C), SIGTERM and SIGUSR1 (what schedulers send before they take a machine away) ask the
run to stop. SIGINT after one of them means: at once.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGUSR1") if hasattr(signal, name)
)
"""What asks a run to stop, where the system has it."""


class Stopped(BaseException):
    """The run was asked to stop, and stands between two steps. ``signal`` is the number."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.signal = number


class Interruption:
    """A context in which signals are only noted, until :meth:`check` is called.

    A SIGINT when the run is already asked to stop raises KeyboardInterrupt wherever the program
    is, or as soon as it leaves :meth:`shielded`. Outside the main thread the context changes
    nothing, and a signal that is ignored (SIGINT for a job in the background) stays so.
    """

    def __init__(self) -> None:
        self.asked: int | None = None
        """The first signal that has come, or None."""
        self._again = False
        self._shields = 0
        self._at_once = False
        self._former: dict[int, Any] = {}

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._former[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, former in self._former.items():
            signal.signal(number, former)
        self._former.clear()

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self.asked is None:
            self.asked = number
            if self._at_once:
                raise KeyboardInterrupt if number == signal.SIGINT else Stopped(number)
        elif number == signal.SIGINT:
            self._again = True
            self._break()

    def _break(self) -> None:
        if self._again and not self._shields:
            self._again = False
            raise KeyboardInterrupt

    def check(self) -> None:
        """Raise :class:`Stopped` if a signal has come since the context was entered."""
        if self.asked is not None:
            raise Stopped(self.asked)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Return a context in which the first signal is obeyed at once: nothing can be lost.

        SIGINT raises KeyboardInterrupt there, any other :class:`Stopped`.
        """
        self._at_once = True
        try:
            self.check()
            yield
        finally:
            self._at_once = False

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """Return a context that no signal breaks, for a write that must be whole."""
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1
        self._break()
