"""Scalars for TensorBoard, beside ``metrics.jsonl``, which has the same numbers.

Written with TensorBoard's own package (the extra ``archdsl[tensorboard]``), without TensorFlow and
without torch.
"""

from __future__ import annotations

import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from archdsl.training.result import EpochMetrics
from archdsl.training.results_messages import tensorboard_missing

TAGS = {
    "loss/training": "loss",
    "loss/test": "test_loss",
    "accuracy/training": "accuracy",
    "accuracy/test": "test_accuracy",
    "learning_rate": "learning_rate",
    "images_per_second": "images_per_second",
}
"""What TensorBoard calls each measure; losses in nats, accuracies fractions (0 to 1)."""


def has_tensorboard() -> bool:
    """Return whether the package is installed."""
    return find_spec("tensorboard") is not None


def require_tensorboard() -> None:
    """Raise Fault ARCH666 if the package is not installed."""
    if not has_tensorboard():
        raise tensorboard_missing()


class Scalars:
    """The event file of a run, or of one part of it: a run that goes on begins another.

    ``done`` epochs were there before; what older files tell of later ones, which a resumed run
    measures again, is then no longer shown.
    """

    def __init__(self, folder: Path, done: int = 0) -> None:
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self._writer: Any = EventFileWriter(str(folder))
        if done:
            start = SessionLog(status=SessionLog.START)
            event = Event(wall_time=time.time(), step=done + 1, session_log=start)
            self._writer.add_event(event)

    def append(self, metrics: EpochMetrics) -> None:
        """Add an epoch, and flush: whoever looks sees it at once."""
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        values = [
            Summary.Value(tag=tag, simple_value=getattr(metrics, name))
            for tag, name in TAGS.items()
        ]
        event = Event(wall_time=time.time(), step=metrics.epoch, summary=Summary(value=values))
        self._writer.add_event(event)
        self._writer.flush()

    def close(self) -> None:
        """End the file."""
        self._writer.close()
