"""A run while it trains: what happens at the boundaries of its steps and at the ends of epochs."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

from archdsl.training.checkpoint import Payload, Place
from archdsl.training.checkpoint_schedule import Clock, Every, Schedule
from archdsl.training.checkpoint_store import CheckpointStore, Stored
from archdsl.training.checkpoint_writer import CheckpointWriter, Task
from archdsl.training.distributed import agree, ask, world
from archdsl.training.engine import Engine, Hooks, Position
from archdsl.training.interruption import Interruption, Stopped
from archdsl.training.progress import Display
from archdsl.training.result import EpochMetrics
from archdsl.training.run_folder import RunFolder

FORMAT = 1
"""Of the payload of a checkpoint: one of another number is not loaded."""

IDENTITY = ("identity", "source_sha256", "seed")
"""What of the record stands in each checkpoint, so that one of another run is noticed."""

_GO_ON, _KEEP, _SAVE, _STOP = range(4)


class Session(Hooks):
    """Takes checkpoints when they are due, ends the run when a signal asks for it.

    The state behind an epoch that is better than all before is kept in memory until the next
    checkpoint is written, and is written with it: the disk has no more to do than is due.

    It is made before the engine, which calls it, and starts with :meth:`begin`. Where a run has
    several processes, each has a session, and they take the same decisions; one of them has the
    folder, and writes.
    """

    def __init__(
        self,
        interruption: Interruption,
        display: Display,
        every: Every,
        clock: Clock = time.monotonic,
    ) -> None:
        self.done: list[EpochMetrics] = []
        """The metrics of all epochs so far."""
        self._interruption = interruption
        self._display = display
        self._every = every
        self._clock = clock
        self._best: list[float] | None = None  # epochs done, and the test accuracy then
        self._kept: Task | None = None  # the state then, if it is not yet handed to the writer
        self._engine: Engine | None = None
        self._folder: RunFolder | None = None
        self._writer: CheckpointWriter | None = None
        self._schedule = Schedule(every, Place(0, 0), clock)
        self._several = world().size > 1
        self._wished: Callable[[], int] = lambda: _GO_ON  # what they answer, at the next boundary
        self.observe: Callable[[EpochMetrics], None] | None = None
        """Called with the metrics of each epoch, once they are recorded."""

    def begin(
        self,
        engine: Engine,
        folder: RunFolder | None,
        done: tuple[EpochMetrics, ...] = (),
        best: list[float] | None = None,
    ) -> None:
        """Start with an engine that stands where the run begins, or goes on."""
        self.done = list(done)
        self._engine = engine
        self._folder = folder
        self._best = best
        self._kept = None
        self._writer = CheckpointWriter(CheckpointStore(folder.path)) if folder else None
        self._schedule = Schedule(self._every, _place(engine.position), self._clock)

    @property
    def place(self) -> Place:
        """How far the run is."""
        return _place(self._engine.position) if self._engine else Place(0, 0)

    @property
    def written(self) -> Stored | None:
        """The last checkpoint that this process has written, or None."""
        return self._writer.written if self._writer else None

    def boundary(self, position: Position) -> None:
        """Stop here if a signal has come; else take a checkpoint if one is due.

        Several processes do here what they wished for at the boundary before.
        """
        if self._several:
            self._obey(self._wished(), position)
            self._wished = ask(self._wish_at(position))  # what is saved by now is not due any more
        else:
            self._obey(self._wish_at(position), position)

    def notice(self, epoch: int, images: int, loss: float | None) -> None:
        """Show how far the epoch is."""
        self._display.notice(epoch, images, loss)

    def end_epoch(self, metrics: EpochMetrics) -> None:
        """Record and show an epoch that is completed, and take or keep what is due or the best."""
        with self._interruption.shielded():
            if self._folder:
                self._folder.append(metrics)
            self.done.append(metrics)
        self._display.epoch(metrics)
        if self.observe:
            self.observe(metrics)
        wish = agree(max(self._wish(self.place), _KEEP if self._is_best() else _GO_ON))
        if wish == _SAVE:
            self._take(self.place)
        elif wish == _KEEP:
            self._kept = self._task(self.place) or self._kept

    def take_last(self) -> Stored | None:
        """Take a checkpoint here if there is none, wait until it is written, and return it."""
        if self._schedule.last != self.place:
            self._take(self.place)
        if self._writer:
            self._writer.wait()
        return self.written

    def close(self) -> None:
        """Write what is kept, wait until it is written, and raise what went wrong with it."""
        if self._writer:
            try:
                self._submit()
            finally:
                self._writer.close()

    def abandon(self) -> None:
        """Wait for nothing, and raise nothing."""
        if self._writer:
            self._writer.abandon()

    def _obey(self, wish: int, position: Position) -> None:
        if wish == _STOP:
            raise Stopped(self._interruption.asked or signal.SIGTERM)
        # The wish may be of before the end of an epoch, where one was taken.
        if wish == _SAVE and self._schedule.last != _place(position):
            self._take(_place(position))

    def _wish_at(self, position: Position) -> int:
        asked = self._interruption.asked is not None
        return _STOP if asked else self._wish(_place(position))

    def _wish(self, place: Place) -> int:
        # Where the disk is slower than the schedule, the next one waits, and training does not.
        due = self._schedule.due(place)
        return _SAVE if due and self._writer and not self._writer.busy else _GO_ON

    def _is_best(self) -> bool:
        """Return whether the last epoch is better than all before, where this process writes."""
        accuracy = self.done[-1].test_accuracy if self.done else 0.0
        return self._writer is not None and (self._best is None or accuracy > self._best[1])

    def _take(self, place: Place) -> None:
        task = self._task(place)
        self._schedule.note(place)
        if task is not None:
            self._submit(task)

    def _submit(self, *tasks: Task) -> None:
        kept, self._kept = self._kept, None
        # It may have been bettered since.
        is_best = kept and self._best and kept.place.epoch == self._best[0]
        if kept and is_best and kept.place not in [task.place for task in tasks]:
            # In this order: no checkpoint names a best one that is not there.
            tasks = (kept, *tasks)
        if self._writer and tasks:
            self._writer.submit(*tasks)

    def _task(self, place: Place) -> Task | None:
        """Return the state as a checkpoint; None where it is not to be written, or not here."""
        assert self._engine is not None
        snapshot = self._engine.snapshot()
        if self._folder is None or self._writer is None:
            return None
        if not is_finite(snapshot):
            return None  # the engine is about to say so; the last good state is not to be replaced
        if place.step == 0 and self._is_best():
            self._best = [float(place.epoch), self.done[-1].test_accuracy]
        payload = {
            "format": FORMAT,
            "run": {key: self._folder.record[key] for key in IDENTITY},
            "engine": snapshot,
            "metrics": self._folder.metrics,
            "seconds": self._folder.seconds,
            "best": self._best,
        }
        return Task(payload, place, int(self._best[0]) if self._best else None)


def _place(position: Position) -> Place:
    return Place(position.epoch, position.step)


def is_finite(snapshot: Payload) -> bool:
    """Return whether parameters and their optimizer's state have no NaN and no infinity.

    A step may lose them with a loss that was finite still: the engine finds out in the next one.
    Buffers do not count: a mask of a model may well hold infinities.
    """
    tensors = []
    for name, state in snapshot["optimizer"].items():
        tensors += [snapshot["model"][name], *state.values()]
    # With a NaN or an infinity among them the sum is one, too, and it is had in a tenth of the time
    # that looking at each number takes. Finite numbers may have such a sum: then each is looked at.
    floating = [t for t in tensors if t.is_floating_point()]
    return all(bool(t.sum().isfinite()) or bool(t.isfinite().all()) for t in floating)
