"""Which folder a run has: a new one, that of an equal run which was left, or a given one.

Where a run has several processes, the one that writes decides, and the others are told by number.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from archdsl.training.distributed import World, agree
from archdsl.training.job import Job
from archdsl.training.record import Record
from archdsl.training.recorded import read_recorded
from archdsl.training.result import EpochMetrics, Result
from archdsl.training.run_folder import (
    METRICS,
    WEIGHTS,
    RunFolder,
    folder_called,
    name_of,
    runs_called,
)

_NEW, _AGAIN, _FINISHED = range(3)


@dataclass(frozen=True)
class Opened:
    """The folder of a run: ``folder`` is None in a process that does not write.

    ``again`` is whether it was there before; ``finished`` is the result of one that is finished.
    """

    path: Path
    folder: RunFolder | None
    again: bool = False
    finished: Result | None = None


Open = Callable[[Record, World], Opened]
"""Makes or finds the folder for a run of this record."""


def open_new(out: Path, job: Job, record: Record, here: World) -> Opened:
    """Make a new folder; raises Fault ARCH615 or ARCH616."""
    folder = RunFolder.create(out, job, record) if here.writes else None
    return _shared(out, name_of(job, record), folder, _NEW)


def open_same(out: Path, job: Job, record: Record, here: World) -> Opened:
    """Find the newest run of the same; one that is finished is nothing to be done again.

    Raises Fault ARCH625 where another process trains it; without any, a new folder is made.
    """
    name = name_of(job, record)
    folder: RunFolder | Path | None = None
    state = _NEW
    if here.writes:
        for path in runs_called(out, name):
            if read_recorded(path).status == "finished":
                folder, state = path, _FINISHED
            else:
                folder, state = RunFolder.reopen(path), _AGAIN
            break
        else:
            folder = RunFolder.create(out, job, record)
    return _shared(out, name, folder, state)


def open_again(path: Path, here: World) -> Opened:
    """Open the folder of a run; raises Fault ARCH620, ARCH621 or ARCH625."""
    folder = RunFolder.reopen(path) if here.writes else None
    agree(0)
    return Opened(path, folder, again=True)


def _shared(out: Path, name: str, folder: RunFolder | Path | None, state: int) -> Opened:
    """Return what the process that writes has chosen, in every process."""
    number = 0
    if folder is not None:
        path = folder if isinstance(folder, Path) else folder.path
        number = 1 if path.name == name else int(path.name.removeprefix(f"{name}-"))
    number, state = divmod(agree(number * 3 + state), 3)
    path = folder_called(out, name, number)
    if state == _FINISHED:
        return Opened(path, None, finished=_result_of(path))
    return Opened(path, folder if isinstance(folder, RunFolder) else None, state == _AGAIN)


def _result_of(path: Path) -> Result:
    lines = (path / METRICS).read_text(encoding="utf-8").splitlines()
    epochs = tuple(EpochMetrics(**json.loads(line)) for line in lines)
    return Result(path, path / WEIGHTS, epochs)
