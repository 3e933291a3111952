"""Many runs, one after another: what is finished is kept, what fails does not stop the others."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from rich.console import Console

from archdsl.diagnostics import Diagnostic
from archdsl.recipes import FOLDER, DataSet, Recipe
from archdsl.training.checkpoint_schedule import Every
from archdsl.training.faults import DeviceError, Fault
from archdsl.training.job import Job
from archdsl.training.options import Options
from archdsl.training.recorded import sha256_of
from archdsl.training.results import Run, read_run
from archdsl.training.results_messages import bad_seeds, run_crashed
from archdsl.training.run import train

_MOST_SEEDS = 10_000


class State(StrEnum):
    """How a run of a sweep ended; ``KEPT`` is one that was finished before."""

    TRAINED = "trained"
    KEPT = "kept"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    PENDING = "not begun"


@dataclass(frozen=True)
class Task:
    """One run to be had: a compiled model, the data, and the recipe with its seed.

    ``data`` is the folder that has the files, or to download them into.
    """

    job: Job
    dataset: DataSet
    recipe: Recipe
    data: Path | None = None

    @property
    def name(self) -> str:
        """What the run is called in messages."""
        return f"{self.job.name} on {self.dataset.name}, seed {self.recipe.seed}"


@dataclass(frozen=True)
class Outcome:
    """What became of a task: its run, as far as there is one, and the fault that ended it.

    ``status`` is the exit status that the run alone would have had.
    """

    task: Task
    state: State
    run: Run | None = None
    fault: Diagnostic | None = None
    status: int = 0


@dataclass(frozen=True)
class Setup:
    """Where and how the runs of a sweep are trained; see ``run.train``."""

    runs: Path
    device: str = "auto"
    options: Options = field(default_factory=Options)
    every: Every = field(default_factory=Every)
    tensorboard: bool = False


Told = Callable[[Outcome], None]
"""Called with each outcome as soon as it is known."""


def parse_seeds(text: str) -> tuple[int, ...]:
    """Return the seeds that a text names: ``3``, ``0..4`` (both included), ``0,2,8..10``.

    Raises Fault ARCH663.

    >>> parse_seeds("0..2,7")
    (0, 1, 2, 7)
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, dots, last = part.strip().partition("..")
        if not first.isdecimal() or (dots and not last.isdecimal()):
            what = f"`{part.strip()}`" if part.strip() else "nothing between commas"
            raise bad_seeds(text, f"{what} is not a seed, nor a range of seeds")
        low, high = int(first), int(last) if dots else int(first)
        if high < low:
            raise bad_seeds(text, f"{part.strip()} is a range without a seed")
        if high - low >= _MOST_SEEDS:
            raise bad_seeds(text, f"{part.strip()} are more than {_MOST_SEEDS:,} seeds")
        seeds += range(low, high + 1)
    return tuple(dict.fromkeys(seeds))


def with_seeds(task: Task, seeds: Sequence[int] | None) -> list[Task]:
    """Return the task with each seed; as it is where ``seeds`` is None."""
    if seeds is None:
        return [task]
    return [replace(task, recipe=replace(task.recipe, seed=seed)) for seed in seeds]


def finished_run(task: Task, runs: Iterable[Run], options: Options) -> Run | None:
    """Return the finished run of a task among some, or None; no data is read.

    The official files of a data set have one content, so model, recipe, options and the name of
    the data say whether a run is the one; a folder of images may have changed, and is looked into
    when it is trained.
    """
    if task.dataset.name == FOLDER:
        return None
    return find_run(task, runs, options, whole=True)


def read_all(runs: Path) -> list[Run]:
    """Return every run of a folder that can be read; what is wrong with others is not told."""
    found = []
    for path in sorted(runs.glob("*/run.json")):
        try:
            found.append(read_run(path.parent))
        except Fault:
            continue
    return found


def find_run(task: Task, runs: Iterable[Run], options: Options, *, whole: bool) -> Run | None:
    """Return the run of a task: the one with most epochs; with ``whole`` only a finished one."""
    fitting = [
        run
        for run in runs
        if is_of(task, run, options) and (run.is_whole if whole else bool(run.epochs))
    ]
    return max(fitting, key=lambda run: (run.is_whole, len(run.epochs)), default=None)


def is_of(task: Task, run: Run, options: Options) -> bool:
    """Return whether a run is that of a task: its model, data, recipe, seed and options.

    A smoke run is of no task.
    """
    record = run.record
    data = record.get("data")
    # Tuples are lists in JSON.
    recipe = json.loads(json.dumps(asdict(task.recipe)))
    recorded = dict(run.recipe)
    for one in (recipe, recorded):
        one.pop("name", None)
    return (
        not run.is_smoke
        and record.get("identity") == task.job.identity
        and record.get("source_sha256") == sha256_of(task.job.source)
        and isinstance(data, dict)
        and data.get("name") == task.dataset.name
        and (not task.dataset.files or data.get("train") == task.dataset.train)
        and recorded == recipe
        and record.get("options") == asdict(options)
    )


def sweep(
    tasks: Sequence[Task], setup: Setup, console: Console, told: Told = lambda _: None
) -> list[Outcome]:
    """Train what is not finished yet, in order, and return the outcome of every task.

    A run that was interrupted is continued. Any fault ends its own run only; an interruption ends
    the sweep, after the running one has taken its checkpoint.
    """
    outcomes: list[Outcome] = []
    before = read_all(setup.runs)
    for number, task in enumerate(tasks, 1):
        if outcomes and outcomes[-1].state in (State.INTERRUPTED, State.PENDING):
            outcomes.append(Outcome(task, State.PENDING))
            continue
        done = finished_run(task, before, setup.options)
        if done is not None:
            outcome = Outcome(task, State.KEPT, done)
        else:
            console.print(
                f"\n{number}/{len(tasks)}  {task.name}",
                highlight=False, markup=False, soft_wrap=True,
            )  # fmt: skip
            outcome = _carry_out_here(task, setup, console)
        outcomes.append(outcome)
        told(outcome)
    return outcomes


def _carry_out_here(task: Task, setup: Setup, console: Console) -> Outcome:
    try:
        return carry_out(task, setup, console)
    except KeyboardInterrupt:  # before training, or while the curves were drawn
        return Outcome(task, State.INTERRUPTED, status=130)


def carry_out(task: Task, setup: Setup, console: Console) -> Outcome:
    """Train one task, or continue it; whatever ends it is in the outcome, not raised.

    KeyboardInterrupt is raised where it comes outside of training.
    """
    try:
        result = train(
            task.job,
            task.dataset,
            task.recipe,
            data=task.data,
            out=setup.runs,
            console=console,
            device=setup.device,
            options=setup.options,
            every=setup.every,
            tensorboard=setup.tensorboard,
            resume=True,
        )
        return Outcome(task, State.TRAINED, read_run(result.folder))
    except Fault as fault:
        state = State.INTERRUPTED if fault.diagnostic.code == "ARCH617" else State.FAILED
        unfinished = find_run(task, read_all(setup.runs), setup.options, whole=False)
        return Outcome(task, state, unfinished, fault.diagnostic, fault.status)
    except DeviceError as error:
        help = "write --device cpu, or leave it out"
        return Outcome(task, State.FAILED, None, Diagnostic("ARCH608", str(error), help=help), 2)
    except Exception as error:  # of torch, for example: no memory is left for this network
        crash = run_crashed(error)
        return Outcome(task, State.FAILED, None, crash.diagnostic, crash.status)
    finally:
        gc.collect()  # a network, its optimizer and the images, before the next ones come


def exit_status(outcomes: Iterable[Outcome]) -> int:
    """Return the exit status of a sweep: that of the interruption, else of the gravest fault."""
    interrupted = [o.status for o in outcomes if o.state is State.INTERRUPTED]
    return max(interrupted, default=0) or max((o.status for o in outcomes), default=0)
