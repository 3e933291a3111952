"""Ctrl-C in a real process, at many moments: said, recorded, and nothing half written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from archdsl.training.interruption import Interruption

# A run of the smallest model that would last for hours.
PROGRAM = """
import sys
from pathlib import Path

from rich.console import Console

from archdsl.recipes import DATASETS, Recipe, Setting
from archdsl.training import Fault, Job, train

source = '''
import torch


class Small(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.head = torch.nn.Linear(64, 10)

    def forward(self, x):
        return self.head(x.flatten(1))
'''
job = Job("Small", "Small", source, "{}", "00" * 32, (1, 8, 8), 10, {}, {"small.arch": "text"})
arguments = {"lr": 0.01, "momentum": 0.9, "weight_decay": 0.0, "nesterov": False}
recipe = Recipe(
    name="long", epochs=100_000, batch=200, optimizer=Setting(name="sgd", arguments=arguments)
)
try:
    train(
        job,
        DATASETS["digits"],
        recipe,
        data=None,
        out=Path(sys.argv[1]),
        console=Console(file=sys.stdout),
        device="cpu",
    )
except Fault as fault:
    print(fault, flush=True)
    sys.exit(fault.status)
"""


def start(tmp_path: Path) -> subprocess.Popen[str]:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    environment = os.environ | {
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.Popen(
        [sys.executable, "-W", "error", str(program), str(tmp_path / "runs")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


@pytest.mark.parametrize(("times", "wait"), [(1, 0.0), (1, 0.1371), (5, 0.0)])
def test_sigint_while_training(times: int, wait: float, tmp_path: Path) -> None:
    process = start(tmp_path)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("epoch "):
            break
    time.sleep(wait)
    for _ in range(times):
        process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert errors == ""
    assert "ARCH617: interrupted after" in output
    (folder,) = (tmp_path / "runs").iterdir()
    record = json.loads((folder / "run.json").read_text())
    assert record["status"] == "interrupted"
    text = (folder / "metrics.jsonl").read_text()
    assert text.endswith("\n")
    epochs = [json.loads(line)["epoch"] for line in text.splitlines()]
    assert epochs == list(range(1, len(epochs) + 1))
    assert record["final"]["epoch"] == len(epochs)
    assert sorted(path.name for path in folder.iterdir()) == [
        "metrics.jsonl",
        "model.py",
        "network.json",
        "run.json",
        "spec",
    ]


def test_the_first_is_noted_the_second_breaks() -> None:
    with Interruption() as interruption:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            interruption.check()
        with interruption.shielded():
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_nothing_happens_without_a_signal_and_the_handler_is_put_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interruption() as interruption:
        assert signal.getsignal(signal.SIGINT) != before
        interruption.check()
    assert signal.getsignal(signal.SIGINT) is before


def test_another_thread_and_an_ignored_signal_are_left_alone() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen: list[object] = []

    def enter() -> None:
        with Interruption():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        enter()
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == [before, signal.SIG_IGN]
