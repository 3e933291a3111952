"""The folder of a run: what it is made from, its metrics as they come, and its weights."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from archdsl.training.job import Job
from archdsl.training.record import Record, digest_of
from archdsl.training.result import EpochMetrics
from archdsl.training.writing import append_line, make_folders, make_new_folder, replace_file

Status = Literal["running", "finished", "interrupted", "failed"]

WEIGHTS = "weights.safetensors"
METRICS = "metrics.jsonl"


class RunFolder:
    """A new folder under ``out``, never one that was there before.

    Its name is the model, the data set and the digest of what determines the run; a second run of
    the same is called ``...-2``. Every write raises Fault ARCH615 or ARCH616 and leaves no half
    of a file.
    """

    def __init__(self, out: Path, job: Job, record: Record) -> None:
        """Make the folder and write all that is known before training starts."""
        data = record["data"]
        assert isinstance(data, dict)
        self._record = record
        self._started = datetime.now(UTC)
        self.path = _claim(out, f"{_plain(job.name)}-{data['name']}-{digest_of(record)}")
        specs = spec_paths(list(job.spec_files))
        record["spec_paths"] = specs
        try:
            self._write_record("running", None)
            for name, text in job.spec_files.items():
                path = self.path / specs[name]
                make_folders(path.parent)
                replace_file(path, text.encode())
            replace_file(self.path / "model.py", job.source.encode())
            replace_file(self.path / "network.json", job.network_json.encode())
            replace_file(self.path / METRICS, b"")
        except BaseException:
            # Nothing was trained yet: a folder that does not tell all is of no use.
            shutil.rmtree(self.path, ignore_errors=True)
            raise

    @property
    def weights(self) -> Path:
        """Where the weights lie once the run is finished."""
        return self.path / WEIGHTS

    def append(self, metrics: EpochMetrics) -> None:
        """Add the metrics of an epoch: one line of JSON."""
        append_line(self.path / METRICS, json.dumps(asdict(metrics)))

    def write_weights(self, state: dict[str, Any]) -> None:
        """Write the weights, with the model's identity in the header."""
        from safetensors.torch import save

        # One entry only: their order in the file is not fixed, and equal runs give equal files.
        identity = {"identity": str(self._record["identity"])}
        replace_file(self.weights, save(state, metadata=identity))

    def close(self, status: Status, last: EpochMetrics | None, reason: str | None = None) -> None:
        """Record how the run ended; ``last`` is the last whole epoch, ``reason`` a fault."""
        self._write_record(status, last, reason)

    def _write_record(
        self, status: Status, last: EpochMetrics | None, reason: str | None = None
    ) -> None:
        now = datetime.now(UTC)
        facts: Record = {
            "status": status,
            "reason": reason,
            **self._record,
            "started": self._started.isoformat(timespec="seconds"),
            "duration_seconds": round((now - self._started).total_seconds(), 3),
            "final": asdict(last) if last else None,
        }
        replace_file(self.path / "run.json", f"{json.dumps(facts, indent=2)}\n".encode())


def _claim(out: Path, name: str) -> Path:
    """Make and return the first of ``name``, ``name-2``, ... that nobody has."""
    for number in count(1):
        path = out / (name if number == 1 else f"{name}-{number}")
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
