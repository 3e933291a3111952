"""The runs of a sweep on a Ray cluster: one task each, with its GPU; retries are Ray's.

The cluster is one that is started on this machine for as long as the sweep takes, or one that is
there already. On every node there must be this package with the extras of the sweep. Where nodes
share ``runs``, an interrupted run is continued by whichever node gets it; where they do not, the
folder of each run comes back with its result (checkpoints stay where they were written).
"""

from __future__ import annotations

import io
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

from rich.console import Console

from archdsl.training.checkpoint_store import FOLDER as CHECKPOINTS
from archdsl.training.results import read_run
from archdsl.training.results_messages import no_cluster, ray_missing, run_crashed
from archdsl.training.sweep import (
    Outcome,
    Setup,
    State,
    Task,
    Told,
    carry_out,
    finished_run,
    read_all,
)
from archdsl.training.writing import make_folders, replace_file

RETRIES = 3
"""So often a run is begun again when its node is lost."""

_SECONDS = 5.0  # to wait for an address to answer
_STOPPING = 60.0  # seconds for running tasks to take their checkpoints


def sweep_on_ray(
    tasks: Sequence[Task], setup: Setup, console: Console, address: str | None, told: Told
) -> list[Outcome]:
    """Train what is not finished yet on a cluster, and return the outcome of every task in order.

    ``address`` is None for a cluster on this machine, else ``HOST:PORT``, ``ray://HOST:PORT`` or
    ``auto``. Raises Fault ARCH664 without Ray and ARCH665 without a cluster; what a run ends with
    is in its outcome. An interruption ends every run at its next step, with a checkpoint.
    """
    if find_spec("ray") is None:
        raise ray_missing()
    outcomes: dict[int, Outcome] = {}
    before = read_all(setup.runs)
    for number, task in enumerate(tasks):
        done = finished_run(task, before, setup.options)
        if done is not None:
            outcomes[number] = Outcome(task, State.KEPT, done)
            told(outcomes[number])
    waiting = [number for number in range(len(tasks)) if number not in outcomes]
    if waiting:
        if address is None:
            _fetch([tasks[number] for number in waiting], console)
        with _cluster(address) as ray:
            _train(ray, tasks, setup, console, told, waiting, outcomes)
    return [outcomes.get(n, Outcome(task, State.PENDING)) for n, task in enumerate(tasks)]


def _fetch(tasks: Sequence[Task], console: Console) -> None:
    """Download what is missing, once: tasks that run side by side would all begin to."""
    from archdsl.training.data.download import fetch
    from archdsl.training.data.files import locate

    for task in {(task.dataset.name, task.data): task for task in tasks}.values():
        if task.data is not None and task.dataset.files:
            _, missing = locate(task.dataset, task.data)
            if missing:
                fetch(task.dataset, missing, task.data, console)


def _train(
    ray: Any,
    tasks: Sequence[Task],
    setup: Setup,
    console: Console,
    told: Told,
    waiting: Sequence[int],
    outcomes: dict[int, Outcome],
) -> None:
    """Put every task in Ray's queue and note the outcomes as they come, in any order."""
    gpus = 0 if setup.device == "cpu" or not ray.cluster_resources().get("GPU") else 1
    remote = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=RETRIES)(work)
    # Workers have working folders of their own.
    at = replace(setup, runs=setup.runs.absolute())
    numbers = {remote.remote(_absolute(tasks[n]), at): n for n in waiting}
    console.print(
        f"{len(numbers)} runs on a Ray cluster of {len(ray.nodes())} node(s)", highlight=False
    )
    try:
        _collect(ray, numbers, tasks, setup, console, told, outcomes, None)
    except KeyboardInterrupt:
        console.print("interrupted: waiting for checkpoints", highlight=False)
        for reference in numbers:
            ray.cancel(reference, force=False)
        _collect(ray, numbers, tasks, setup, console, told, outcomes, _STOPPING)


def _collect(
    ray: Any,
    numbers: dict[Any, int],
    tasks: Sequence[Task],
    setup: Setup,
    console: Console,
    told: Told,
    outcomes: dict[int, Outcome],
    timeout: float | None,
) -> None:
    while open_ := [r for r, n in numbers.items() if n not in outcomes]:
        ready, _ = ray.wait(open_, num_returns=1, timeout=timeout)
        if not ready:
            return
        for reference in ready:
            number = numbers[reference]
            outcomes[number] = _outcome(ray, reference, tasks[number], setup)
            shown = outcomes[number]
            if shown.run is not None and shown.run.test_accuracy is not None:
                accuracy = f"test accuracy {shown.run.test_accuracy:.2%}"
                console.print(f"{shown.task.name}: {accuracy}", highlight=False, soft_wrap=True)
            told(shown)


def _outcome(ray: Any, reference: Any, task: Task, setup: Setup) -> Outcome:
    """Return what became of a task; the files of its run are put under ``setup.runs``."""
    try:
        outcome, name, files = ray.get(reference)
    except ray.exceptions.TaskCancelledError:
        return Outcome(task, State.PENDING)
    except Exception as error:  # its node is lost for good, or cannot import what it needs
        crash = run_crashed(error)
        return Outcome(task, State.FAILED, None, crash.diagnostic, crash.status)
    run = None
    if name is not None:
        folder = setup.runs / name
        if not folder.exists():
            for place, data in files.items():
                make_folders((folder / place).parent)
                replace_file(folder / place, data)
        run = read_run(folder)
    return Outcome(task, outcome.state, run, outcome.fault, outcome.status)


def work(task: Task, setup: Setup) -> tuple[Outcome, str | None, dict[str, bytes]]:
    """Train one task on a node; return its outcome, and the files of its run by their places."""
    outcome = carry_out(task, setup, Console(file=io.StringIO()))
    if outcome.run is None:
        return outcome, None, {}
    folder = outcome.run.folder
    files = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).parts[0] != CHECKPOINTS
    }
    # The run is read again where the files come to.
    return Outcome(task, outcome.state, None, outcome.fault, outcome.status), folder.name, files


@contextmanager
def _cluster(address: str | None) -> Iterator[Any]:
    """Connect to a cluster, or start one here; raises Fault ARCH665."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    if address is not None and address != "auto":
        _demand_answer(address)
    import ray

    quiet: dict[str, Any] = {"logging_level": "error", "log_to_driver": False}
    if address is None:
        quiet["include_dashboard"] = False
    try:
        ray.init(address=address or "local", **quiet)
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise no_cluster(address, lines[0]) from None
    try:
        yield ray
    finally:
        with suppress(Exception):
            ray.shutdown()


def _demand_answer(address: str) -> None:
    """Raise Fault ARCH665 where nobody listens: Ray itself would try for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon or not port.isdecimal() or not 0 < int(port) < 65536:
        raise no_cluster(address, "an address is HOST:PORT, ray://HOST:PORT, or auto")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _SECONDS).close()
    except OSError as error:
        raise no_cluster(address, error.strerror or str(error)) from None


def _absolute(task: Task) -> Task:
    return replace(task, data=task.data.absolute() if task.data is not None else None)
