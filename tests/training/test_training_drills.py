"""Drills of whole commands, in real processes: ended at random moments, and two that lose one."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest
import torch

from archdsl.training.checkpoint_store import CheckpointStore

ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {
    "PYTHONPATH": str(ROOT),
    "PYTHONUNBUFFERED": "1",
    "OMP_NUM_THREADS": "1",
}

pytestmark = pytest.mark.slow


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_ended_by_five_sigterm_and_ten_sigkill_a_run_is_the_same(tmp_path: Path) -> None:
    script = ROOT / "tests" / "benchmarks" / "training_resume.py"
    done = subprocess.run(
        [sys.executable, str(script)], env=ENVIRONMENT, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    ends = [re.match(r"(SIG\w+) +exit status +(-?\d+)  (.*)", line) for line in lines]
    found = [(match[1], int(match[2])) for match in ends if match]
    assert sorted(name for name, _ in found) == ["SIGKILL"] * 10 + ["SIGTERM"] * 5
    # Most of them came in time: they ended a run, and did not find it finished.
    assert sum(code in (75, -9) for _, code in found) >= 12
    digests = [line.split()[0] for line in lines[-2:]]
    assert len(digests[0]) == 64 and digests[0] == digests[1]


# Without batch normalization, whose statistics are each process's own.
SPEC = """arch 1
model Small(classes = 10) {
  input [1, 8, 8]
  backbone { stage s1 { block b1 { conv(4) -> relu -> conv(4) -> relu } -> tap } }
  head { gap -> linear(classes) }
  train digits with small
}

recipe small {
  epochs 400
  batch 100
  optimizer sgd(lr = 0.05, momentum = 0.9)
  schedule step(at = [5, 350], factor = 0.3)
  augment { random_crop(8, padding = 1) -> hflip }
}
"""


class Pair:
    """Two processes of one run, started as ``torchrun`` starts them."""

    def __init__(self, folder: Path, *more: str) -> None:
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            port = found.getsockname()[1]
        environment = ENVIRONMENT | {
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(port),
            "WORLD_SIZE": "2",
        }
        self.processes = [
            subprocess.Popen(
                command(folder, "runs", *more),
                env=environment | {"RANK": rank, "LOCAL_RANK": rank},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for rank in "01"
        ]

    def __enter__(self) -> Pair:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.kill()
            process.communicate()

    def wait_for(self, text: str) -> None:
        """Return when the process that prints has printed a line that begins with ``text``."""
        stream: IO[str] | None = self.processes[0].stdout
        assert stream is not None
        for line in stream:
            if line.startswith(text):
                return
        raise AssertionError(self.processes[0].communicate()[1])

    def ends(self) -> list[tuple[int, str, str]]:
        """Return exit status, rest of the output and errors of both."""
        texts = [process.communicate(timeout=120) for process in self.processes]
        self.processes, ended = [], self.processes
        return [(p.returncode, *text) for p, text in zip(ended, texts, strict=True)]


def command(folder: Path, runs: str, *more: str) -> list[str]:
    spec = folder / "small.arch"
    spec.write_text(SPEC)
    where = ["-o", str(folder / "build"), "--runs", str(folder / runs), "--no-figures"]
    how = ["--precision", "float64", "--device", "cpu", *more]
    call = ["compile", str(spec), "--train", "digits", *where, *how]
    return [sys.executable, "-m", "archdsl", *call]


def the_run(folder: Path) -> Path:
    (run,) = folder.iterdir()
    return run


def test_two_processes_stop_at_the_same_step_and_either_number_goes_on(tmp_path: Path) -> None:
    short = ("--epochs", "12")
    whole = subprocess.run(command(tmp_path, "whole", *short), env=ENVIRONMENT, timeout=120)
    assert whole.returncode == 0
    with Pair(tmp_path, *short, "--resume") as pair:
        pair.wait_for("epoch  2")
        pair.processes[1].send_signal(signal.SIGTERM)  # one that does not write
        one, two = pair.ends()
    assert (one[0], two[0]) == (75, 75), (one, two)
    assert "ARCH617" in one[2]
    assert two[1:] == ("", "")  # one prints
    run = the_run(tmp_path / "runs")
    record = json.loads((run / "run.json").read_text())
    assert (record["status"], record["world_size"]) == ("interrupted", 2)
    assert CheckpointStore(run).load() is not None

    with Pair(tmp_path, *short, "--resume") as pair:  # two go on
        pair.wait_for("epoch  6")
        pair.processes[0].send_signal(signal.SIGUSR1)
        assert [end[0] for end in pair.ends()] == [75, 75]
    resume = [sys.executable, "-m", "archdsl", "resume", str(run)]
    alone = subprocess.run(resume, env=ENVIRONMENT, timeout=120)  # one goes on
    assert alone.returncode == 0

    states = []
    for folder in (the_run(tmp_path / "whole"), run):
        loaded = CheckpointStore(folder).load()
        assert loaded is not None
        assert loaded.stored.place.epoch == 12
        states.append(loaded.payload["engine"]["model"])
    for name, value in states[0].items():
        assert value.dtype == torch.float64
        assert float((value - states[1][name]).abs().max()) <= 1e-12


def test_a_process_that_is_killed_ends_the_other_and_the_run_goes_on(tmp_path: Path) -> None:
    with Pair(tmp_path, "--checkpoint-epochs", "1") as pair:
        pair.wait_for("epoch   3")
        pair.processes[1].kill()
        one, two = pair.ends()
    assert two[0] == -signal.SIGKILL
    assert one[0] == 2, one
    assert "error[ARCH634]: rank 0 has lost another process of the run" in one[2]
    assert "Traceback" not in one[2]
    run = the_run(tmp_path / "runs")
    assert json.loads((run / "run.json").read_text())["status"] == "failed"
    loaded = CheckpointStore(run).load()
    assert loaded is not None and loaded.stored.place.epoch >= 2 and not loaded.damaged
    resume = [sys.executable, "-m", "archdsl", "resume", str(run)]
    said = []
    with subprocess.Popen(
        resume, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            if line.startswith("epoch "):
                process.terminate()
        assert process.wait(60) == 75
    beginning = f"going on after {loaded.stored.place}: "
    assert any(line.startswith(beginning) for line in said), said
