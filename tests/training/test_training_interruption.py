"""Signals in a real process: obeyed between steps, recorded, and nothing half written."""

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
from rich.console import Console

from archdsl.recipes import DataSet, Recipe
from archdsl.training import Fault, Job, attempt, session, train
from archdsl.training.checkpoint import Place
from archdsl.training.checkpoint_schedule import Every
from archdsl.training.checkpoint_store import CheckpointStore
from archdsl.training.distributed import World
from archdsl.training.engine import Position
from archdsl.training.interruption import Interruption, Stopped
from archdsl.training.progress import Display

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


def start(tmp_path: Path, before: str = "") -> subprocess.Popen[str]:
    program = tmp_path / "program.py"
    program.write_text(before + PROGRAM)
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


def epochs_of(folder: Path) -> list[int]:
    text = (folder / "metrics.jsonl").read_text()
    assert text == "" or text.endswith("\n")
    epochs = [json.loads(line)["epoch"] for line in text.splitlines()]
    assert epochs == list(range(1, len(epochs) + 1))
    return epochs


@pytest.mark.parametrize(
    ("number", "wait"),
    [
        (signal.SIGTERM, 0.1371),
        # What they share is tested without a process of its own, below.
        pytest.param(signal.SIGINT, 0.0, marks=pytest.mark.slow),
        pytest.param(signal.SIGUSR1, 0.0521, marks=pytest.mark.slow),
    ],
)
def test_a_signal_while_training(number: signal.Signals, wait: float, tmp_path: Path) -> None:
    process = start(tmp_path)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("epoch "):
            break
    time.sleep(wait)
    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 75, errors
    assert errors == ""
    assert "ARCH617: interrupted after" in output
    (folder,) = (tmp_path / "runs").iterdir()
    record = json.loads((folder / "run.json").read_text())
    assert record["status"] == "interrupted"
    epochs = epochs_of(folder)
    assert record["final"]["epoch"] == len(epochs)
    assert sorted(path.name for path in folder.iterdir()) == [
        *("checkpoints", "metrics.jsonl", "model.py", "network.json", "run.json", "spec"),
    ]
    newest = CheckpointStore(folder).load()
    assert newest is not None
    assert newest.stored.place.epoch == len(epochs)
    assert f"interrupted after {newest.stored.place}, of 100000" in output


def test_a_second_sigint_ends_the_run_while_it_saves(tmp_path: Path) -> None:
    slow = """
import time
from archdsl.training.checkpoint_store import CheckpointStore

def save(*_):
    print("saving", flush=True)
    time.sleep(600)

CheckpointStore.save = save
"""
    process = start(tmp_path, slow)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("epoch "):
            process.send_signal(signal.SIGTERM)
        if line == "saving\n":
            process.send_signal(signal.SIGINT)
            break
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "ARCH617: interrupted after" in output
    (folder,) = (tmp_path / "runs").iterdir()
    assert json.loads((folder / "run.json").read_text())["status"] == "interrupted"
    assert epochs_of(folder)
    assert not (folder / "checkpoints").exists()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 75)])
def test_a_signal_before_training(
    number: signal.Signals,
    status: int,
    job: Job,
    digits: DataSet,
    recipe: Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def read(*_: object) -> None:
        signal.raise_signal(number)
        raise AssertionError("it went on")

    monkeypatch.setattr(attempt, "read", read)
    with pytest.raises(Fault, match="before training began") as caught:
        train(job, digits, recipe, data=None, out=tmp_path, console=Console(quiet=True))
    assert caught.value.diagnostic.code == "ARCH617"
    assert caught.value.status == status
    assert not list(tmp_path.iterdir())


ALL = [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1]


@pytest.mark.parametrize("number", ALL)
def test_the_first_is_noted_sigint_after_it_breaks(number: signal.Signals) -> None:
    with Interruption() as interruption:
        interruption.check()
        signal.raise_signal(number)
        assert interruption.asked == number
        with pytest.raises(Stopped) as caught:
            interruption.check()
        assert caught.value.signal == number
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        for other in (signal.SIGTERM, signal.SIGUSR1):
            signal.raise_signal(other)  # once asked, the same again changes nothing
        assert interruption.asked == number


def test_a_shield_puts_the_second_off_until_its_end() -> None:
    with Interruption() as interruption:
        signal.raise_signal(signal.SIGINT)
        written = False
        with pytest.raises(KeyboardInterrupt), interruption.shielded():
            with interruption.shielded():
                signal.raise_signal(signal.SIGINT)
            written = True
        assert written
        with interruption.shielded():
            pass  # it has been obeyed


@pytest.mark.parametrize("number", ALL)
def test_where_nothing_can_be_lost_the_first_is_obeyed_at_once(number: signal.Signals) -> None:
    kind = KeyboardInterrupt if number == signal.SIGINT else Stopped
    with Interruption() as interruption:
        with pytest.raises(kind), interruption.at_once():
            signal.raise_signal(number)
        with pytest.raises(Stopped), interruption.at_once():
            raise AssertionError("a signal has come before")


def test_nothing_happens_without_a_signal_and_the_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in ALL]
    with Interruption() as interruption:
        for number, handler in zip(ALL, before, strict=True):
            assert signal.getsignal(number) != handler
        interruption.check()
    assert [signal.getsignal(number) for number in ALL] == before


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


@pytest.fixture
def one_of_two(monkeypatch: pytest.MonkeyPatch) -> session.Session:
    monkeypatch.setattr(session, "world", lambda: World(1, 2))
    monkeypatch.setattr(session, "ask", lambda value: lambda: value)
    display = Display(Console(quiet=True), 1, 40)
    return session.Session(Interruption(), display, Every())


def test_several_processes_do_at_a_boundary_what_they_wished_for_at_the_one_before(
    one_of_two: session.Session,
) -> None:
    one_of_two.boundary(Position(0, 0))
    one_of_two._interruption.asked = signal.SIGTERM
    one_of_two.boundary(Position(0, 1))
    with pytest.raises(Stopped):
        one_of_two.boundary(Position(0, 2))


def test_what_is_due_is_saved_once(
    one_of_two: session.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[Place] = []
    wish = lambda place: session._GO_ON if saved else session._SAVE  # noqa: E731
    monkeypatch.setattr(one_of_two, "_wish", wish)
    monkeypatch.setattr(one_of_two, "_take", saved.append)
    for index in range(5):
        one_of_two.boundary(Position(0, index))
    assert saved == [Place(0, 1)]
    saved.clear()
    one_of_two.boundary(Position(0, 5))
    one_of_two._schedule.note(Place(1, 0))  # taken at the end of the epoch
    one_of_two.boundary(Position(1, 0))
    assert saved == []


def test_one_process_stops_before_the_next_step() -> None:
    interruption = Interruption()
    one = session.Session(interruption, Display(Console(quiet=True), 1, 40), Every())
    for index in range(100):
        one.boundary(Position(0, index))
    interruption.asked = signal.SIGTERM
    with pytest.raises(Stopped):
        one.boundary(Position(0, 100))
