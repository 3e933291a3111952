"""The folder of a run: what it is made from, its metrics as they come, and its weights."""

from __future__ import annotations

import json
import re
import shutil
import time
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from archdsl.training import checkpoint_messages
from archdsl.training.folder_claim import Claim
from archdsl.training.job import Job
from archdsl.training.record import Record, digest_of
from archdsl.training.recorded import RECORD, read_recorded
from archdsl.training.result import EpochMetrics
from archdsl.training.writing import (
    append_line,
    cut_file,
    make_folders,
    make_new_folder,
    replace_file,
)

Status = Literal["running", "finished", "interrupted", "failed"]

WEIGHTS = "weights.safetensors"
METRICS = "metrics.jsonl"

_ENDS = ("status", "reason", "duration_seconds", "final")
"""What of a record tells how the run stands, not what it is."""


class RunFolder:
    """The folder of a run, claimed by this process until :meth:`release`.

    Its name is the model, the data set (and ``smoke``, if it is a smoke run) and the digest of what
    determines the run; a second run of the same is called ``...-2``. Every write raises Fault
    ARCH615 or ARCH616 and leaves no half of a file.
    """

    def __init__(self, path: Path, record: Record, claim: Claim) -> None:
        """Take what :meth:`create` and :meth:`reopen` have found."""
        self.path = path
        self.metrics = ""
        """The lines of ``metrics.jsonl``."""
        self._record = record
        self._claim = claim
        self._since = time.monotonic()
        self._before = 0.0  # seconds of training before this process

    @classmethod
    def create(cls, out: Path, job: Job, record: Record) -> RunFolder:
        """Make a new folder under ``out`` and write all that is known before training starts."""
        path = _claim(out, name_of(job, record))
        specs = spec_paths(list(job.spec_files))
        started = datetime.now(UTC).isoformat(timespec="seconds")
        folder = cls(path, record | {"spec_paths": specs, "started": started}, Claim(path))
        try:
            folder._write_record("running", None)
            for name, text in job.spec_files.items():
                place = path / specs[name]
                make_folders(place.parent)
                replace_file(place, text.encode())
            replace_file(path / "model.py", job.source.encode())
            replace_file(path / "network.json", job.network_json.encode())
            replace_file(path / METRICS, b"")
        except BaseException:
            # Nothing was trained yet: a folder that does not tell all is of no use.
            folder.release()
            shutil.rmtree(path, ignore_errors=True)
            raise
        return folder

    @classmethod
    def reopen(cls, path: Path) -> RunFolder:
        """Claim the folder of a run to be continued; nothing in it is changed.

        Raises Fault ARCH620, ARCH621 for a run that is finished, ARCH625 for one that another
        process trains, and ARCH626 for a smoke run.
        """
        claim = Claim(path)
        try:
            # Read when it is claimed: the process that had it may have finished the run.
            recorded = read_recorded(path)
            if recorded.is_smoke:
                raise checkpoint_messages.smoke_not_continued(path)
            if recorded.status == "finished":
                raise checkpoint_messages.finished(path)
        except BaseException:
            claim.release()
            raise
        return cls(path, {k: v for k, v in recorded.facts.items() if k not in _ENDS}, claim)

    @property
    def weights(self) -> Path:
        """Where the weights lie once the run is finished."""
        return self.path / WEIGHTS

    @property
    def record(self) -> Record:
        """What the run was begun with."""
        return self._record

    @property
    def seconds(self) -> float:
        """How long the run has been trained, over all processes that had a part in it."""
        return self._before + time.monotonic() - self._since

    def go_on(self, metrics: str, seconds: float, facts: Record) -> None:
        """Go back to where a checkpoint was taken.

        ``metrics`` are the lines that were there then (later ones are cut off), ``seconds`` is how
        long training had taken; ``facts`` are recorded in the list ``resumed``.
        """
        path = self.path / METRICS
        size = len(metrics.encode())
        try:
            there = path.read_bytes()
        except OSError:
            there = b""
        if there[:size] == metrics.encode() and there:
            if len(there) > size:
                cut_file(path, size)
        else:
            replace_file(path, metrics.encode())
        self.metrics = metrics
        self._before, self._since = seconds, time.monotonic()
        now = datetime.now(UTC).isoformat(timespec="seconds")
        former = self._record.get("resumed")
        resumed = [*(former if isinstance(former, list) else ()), {"at": now, **facts}]
        self._record = self._record | {"resumed": resumed}
        self._write_record("running", None)

    def append(self, metrics: EpochMetrics) -> None:
        """Add the metrics of an epoch: one line of JSON."""
        line = json.dumps(asdict(metrics))
        append_line(self.path / METRICS, line)
        self.metrics += f"{line}\n"

    @property
    def epochs(self) -> tuple[EpochMetrics, ...]:
        """The metrics of all epochs so far."""
        return tuple(EpochMetrics(**json.loads(line)) for line in self.metrics.splitlines())

    def write_weights(self, state: dict[str, Any]) -> None:
        """Write the weights, with the model's identity in the header."""
        from safetensors.torch import save

        # One entry only: their order in the file is not fixed, and equal runs give equal files.
        identity = {"identity": str(self._record["identity"])}
        replace_file(self.weights, save(state, metadata=identity))

    def write_json(self, name: str, facts: Record) -> Path:
        """Write facts as a file of the folder, and return its path."""
        path = self.path / name
        replace_file(path, f"{json.dumps(facts, indent=2)}\n".encode())
        return path

    def note(self, facts: Record) -> None:
        """Add facts to the record that are known only now."""
        self._record = self._record | facts

    def close(self, status: Status, reason: str | None = None) -> None:
        """Record how the run ended; ``reason`` is a fault."""
        epochs = self.epochs
        self._write_record(status, epochs[-1] if epochs else None, reason)

    def release(self) -> None:
        """Give up the claim."""
        self._claim.release()

    def _write_record(
        self, status: Status, last: EpochMetrics | None, reason: str | None = None
    ) -> None:
        facts: Record = {
            "status": status,
            "reason": reason,
            **self._record,
            "duration_seconds": round(self.seconds, 3),
            "final": asdict(last) if last else None,
        }
        self.write_json(RECORD, facts)


def name_of(job: Job, record: Record) -> str:
    """Return the name of a run's folder: equal for equal runs."""
    data = record["data"]
    assert isinstance(data, dict)
    smoke = "smoke-" if "smoke" in record else ""
    return f"{_plain(job.name)}-{_plain(str(data['name']))}-{smoke}{digest_of(record)}"


def folder_called(out: Path, name: str, number: int) -> Path:
    """Return the folder of the ``number``-th run of a name, from 1."""
    return out / (name if number == 1 else f"{name}-{number}")


def runs_called(out: Path, name: str) -> list[Path]:
    """Return the folders of the runs of a name: ``name``, ``name-2``, ..., the newest first."""
    found = []
    with suppress(OSError):
        for path in out.iterdir():
            number = path.name.removeprefix(f"{name}-")
            if path.name == name:
                found.append((1, path))
            elif path.name.startswith(f"{name}-") and number.isdecimal():
                found.append((int(number), path))
    return [path for _, path in sorted(found, reverse=True)]


def _claim(out: Path, name: str) -> Path:
    """Make and return the first of ``name``, ``name-2``, ... that nobody has."""
    for number in count(1):
        path = folder_called(out, name, number)
        if make_new_folder(path):
            return path
    raise AssertionError("there is always a next number")


def _plain(name: str) -> str:
    return re.sub(r"[^\w.-]", "_", name, flags=re.ASCII).lstrip(".") or "_"


def spec_paths(names: list[str]) -> dict[str, str]:
    """Return where in the run folder each spec file goes, by the name it is shown under.

    Names that stay below one folder keep their places, so that imports still lead to them; if any
    is absolute or leads out of it, all are put side by side, numbered where they clash.
    """
    paths = {name: PurePosixPath(name.replace("\\", "/")) for name in names}
    inside = all(
        not path.is_absolute() and ".." not in path.parts and _is_plain(path)
        for path in paths.values()
    )
    if inside:
        return {name: f"spec/{path}" for name, path in paths.items()}
    taken: set[str] = set()
    for name, path in paths.items():
        plain = PurePosixPath(_plain(path.name))
        number, choice = 1, plain.name
        while choice in taken:
            number += 1
            choice = f"{plain.stem}-{number}{plain.suffix}"
        taken.add(choice)
        paths[name] = PurePosixPath(choice)
    return {name: f"spec/{path}" for name, path in paths.items()}


def _is_plain(path: PurePosixPath) -> bool:
    return bool(path.parts) and all(_plain(part) == part for part in path.parts)
