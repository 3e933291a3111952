"""When a checkpoint is due: after so many epochs, or so many seconds, whichever comes first."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from archdsl.training.checkpoint import Place

Clock = Callable[[], float]
"""Returns seconds from a fixed moment."""


@dataclass(frozen=True, slots=True)
class Every:
    """How often: every ``epochs`` epochs, and every ``seconds`` seconds.

    An epoch that takes longer than ``seconds`` has one at its end besides: only there is it known
    how well the network does. What is best between two that are due waits for the later one.
    """

    epochs: int = 10
    seconds: float = 60.0


class Schedule:
    """Says when a checkpoint is due, from the places that a run passes in order."""

    def __init__(self, every: Every, start: Place, clock: Clock = time.monotonic) -> None:
        self.last = start
        """Where a checkpoint was taken last, or where the run began."""
        self._every = every
        self._clock = clock
        self._latest = clock()
        self._epoch = (start.epoch, self._latest)  # the running epoch, and when it began
        self.note(start)

    def due(self, place: Place) -> bool:
        """Return whether a checkpoint should be taken here."""
        now = self._now()
        long = False
        if place.epoch != self._epoch[0]:
            long = now - self._epoch[1] >= self._every.seconds
            self._epoch = (place.epoch, now)
        if place == self.last:
            return False
        if place.step == 0 and (long or place.epoch - self.last.epoch >= self._every.epochs):
            return True
        return now - self._since >= self._every.seconds

    def note(self, place: Place) -> None:
        """Note that a checkpoint was taken here, now."""
        self.last = place
        self._since = self._now()

    def _now(self) -> float:
        now = self._clock()
        if now < self._latest:
            # A clock that was put back must not put checkpoints off: the waits begin anew.
            self._since = now
            self._epoch = (self._epoch[0], now)
        self._latest = now
        return now
