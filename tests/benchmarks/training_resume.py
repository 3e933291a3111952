"""A run that is ended by signals again and again comes to the same bits as one that is not.

    python tests/benchmarks/training_resume.py [--sigterm 5] [--sigkill 10] [--seed 0] [--epochs 60]

Trains a small network on handwritten digits twice: once without interruption, once ended by so
many signals, each at a random moment from the start of its process on, and continued each time by
the same command (``archdsl compile ... --resume``). Prints how far each process came, and a
SHA-256 of each run: of weights, momentum, statistics, generators, and all metrics but times. Exit
status 0 where both are equal.

Each process is forked from one that has torch loaded, so that this takes seconds.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import torch

from archdsl.cli import main as command
from archdsl.training.checkpoint_store import CheckpointStore

SPEC = """arch 1
from std.blocks import ConvBNReLU

model Small(classes = 10) {
  input [1, 8, 8]
  backbone {
    stage s1 { block b1 { ConvBNReLU(16) * 2 } -> tap -> maxpool(2) }
  }
  head { flatten -> dropout(0.2) -> linear(classes) }
  train digits with small
}

recipe small {
  epochs 60
  batch 128
  optimizer sgd(lr = 0.05, momentum = 0.9, nesterov = true)
  schedule step(at = [30, 50], factor = 0.3)
  augment { random_crop(8, padding = 1) -> hflip }
}
"""


def start(folder: Path, name: str, epochs: int, log: Path) -> int:
    """Return the id of a process that begins or continues a run; its output goes to ``log``."""
    child = os.fork()
    if child:
        return child
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    status = 70
    try:
        status = carry_out(folder, name, epochs)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def carry_out(folder: Path, name: str, epochs: int) -> int:
    """Call the command in this process, and return its exit status."""
    where = ["-o", str(folder / "build"), "--runs", str(folder / name), "--no-figures"]
    often = ["--epochs", str(epochs), "--checkpoint-seconds", "0.15", "--device", "cpu"]
    spec = str(folder / "small.arch")
    sys.argv = ["archdsl", "compile", spec, "--train", "digits", "--resume", *where, *often]
    try:
        command()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1


def digest(run: Path) -> str:
    """Return the SHA-256 of everything that a finished run came to, but times."""
    loaded = CheckpointStore(run).load()
    assert loaded is not None and not loaded.damaged
    found = hashlib.sha256((run / "weights.safetensors").read_bytes())
    feed(found, loaded.payload["engine"])
    for line in (run / "metrics.jsonl").read_text().splitlines():
        metrics = json.loads(line)
        del metrics["seconds"], metrics["images_per_second"]
        found.update(json.dumps(metrics).encode())
    return found.hexdigest()


def feed(digest: Any, value: Any) -> None:
    """Add a value of a snapshot to a digest: tensors by their bytes, the rest by its text."""
    if isinstance(value, torch.Tensor):
        digest.update(f"{value.dtype}{list(value.shape)}".encode())
        digest.update(value.contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    elif isinstance(value, dict):
        for key, inner in value.items():
            digest.update(repr(key).encode())
            feed(digest, inner)
    elif isinstance(value, list):
        for inner in value:
            feed(digest, inner)
    else:
        digest.update(repr(value).encode())


def place(runs: Path) -> str:
    """Return how far a run is, by its newest checkpoint."""
    for run in runs.glob("*/"):
        if loaded := CheckpointStore(run).load():
            return str(loaded.stored.place)
    return "nothing"


def wait_for(text: str, log: Path) -> None:
    """Return when a text stands in the log, or after a minute."""
    deadline = time.monotonic() + 60
    while text not in log.read_text() and time.monotonic() < deadline:
        time.sleep(0.005)


def main() -> int:
    """Run both, print the digests, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, usual in (("sigterm", 5), ("sigkill", 10), ("seed", 0), ("epochs", 60)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    call = parser.parse_args()
    torch.set_num_threads(1)
    chance = random.Random(call.seed)
    signals = [signal.SIGTERM] * call.sigterm + [signal.SIGKILL] * call.sigkill
    chance.shuffle(signals)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = folder / "log"
        log.touch()
        (folder / "small.arch").write_text(SPEC)
        with redirect_stdout(StringIO()):
            carry_out(folder, "warm-up", 1)  # what is loaded here, no process has to load
        began = time.perf_counter()
        child = start(folder, "whole", call.epochs, log)
        wait_for("training Small", log)
        preparing = time.perf_counter() - began
        _, status = os.waitpid(child, 0)
        training = time.perf_counter() - began - preparing
        if status:
            print(log.read_text())
            return 1
        print(f"not interrupted: {preparing:.1f} s to prepare, {training:.1f} s to train")
        for number in signals:
            log.write_bytes(b"")
            child = start(folder, "ended", call.epochs, log)
            if chance.random() < 0.2:  # while data are read, the module is built, and so on
                time.sleep(chance.uniform(0, preparing))
            else:
                wait_for("training Small", log)
                time.sleep(chance.uniform(0, 1.5 * training / (len(signals) + 1)))
            os.kill(child, number)
            _, status = os.waitpid(child, 0)
            code = os.waitstatus_to_exitcode(status)
            print(f"{number.name:7}  exit status {code:3}  {place(folder / 'ended')}", flush=True)
            if code not in (75, -number, 0):
                print(log.read_text())
                return 1
        _, status = os.waitpid(start(folder, "ended", call.epochs, log), 0)
        if status:
            print(log.read_text())
            return 1
        digests = []
        for runs in ("whole", "ended"):
            (run,) = (folder / runs).iterdir()
            digests.append(digest(run))
            print(f"{digests[-1]}  {runs}")
    return int(digests[0] != digests[1])


if __name__ == "__main__":
    sys.exit(main())
