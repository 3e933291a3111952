"""Writing checkpoints in a thread, so that training waits for a copy and never for a disk."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from queue import SimpleQueue

from archdsl.training.checkpoint import Payload, Place
from archdsl.training.checkpoint_store import CheckpointStore, Stored


@dataclass(frozen=True, slots=True)
class Task:
    """A checkpoint to be written: see :meth:`CheckpointStore.save`."""

    payload: Payload
    place: Place
    best_epoch: int | None


class CheckpointWriter:
    """A thread that writes checkpoints one after another, in the order they are handed over.

    The payloads must not change any more. Whoever hands one over while :attr:`busy` waits for
    nothing, but holds one more copy in memory: ask first. What goes wrong in the thread is raised
    by the next call of any method, and once raised, nothing more is written.
    """

    def __init__(self, store: CheckpointStore) -> None:
        self._store = store
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._left = 0
        self._changed = threading.Condition()
        self._error: BaseException | None = None
        self._written: Stored | None = None
        # A daemon: a second Ctrl-C ends the process at once, whatever the disk does. What is
        # then half written has no name of a checkpoint yet.
        self._thread = threading.Thread(target=self._run, name="checkpoints", daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether something is being written; raises what went wrong."""
        with self._changed:
            self._raise()
            return self._left > 0

    @property
    def written(self) -> Stored | None:
        """The checkpoint that was written last, or None."""
        with self._changed:
            return self._written

    def submit(self, *tasks: Task) -> None:
        """Hand over checkpoints and return at once; raises what went wrong before."""
        with self._changed:
            self._raise()
            self._left += len(tasks)
        for task in tasks:
            self._tasks.put(task)

    def wait(self) -> None:
        """Return when all is written; raises what went wrong.

        A signal that raises an exception, such as a second Ctrl-C, breaks this off.
        """
        with self._changed:
            while self._left and self._error is None:
                self._changed.wait(0.1)  # with a timeout: signals are handled in between
            self._raise()

    def close(self) -> None:
        """Wait for what is to be written, and end the thread; raises what went wrong."""
        try:
            self.wait()
        finally:
            self.abandon()

    def abandon(self) -> None:
        """End the thread after what it is writing now; waits for nothing, raises nothing."""
        self._tasks.put(None)

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None:
            stored = None
            try:
                if self._error is None:
                    stored = self._store.save(task.payload, task.place, task.best_epoch)
            except BaseException as error:  # raised in the thread that trains
                with self._changed:
                    self._error = error
            with self._changed:
                self._written = stored or self._written
                self._left -= 1
                self._changed.notify_all()
