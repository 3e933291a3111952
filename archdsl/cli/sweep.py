"""``archdsl sweep``: train several specs, data sets and seeds, and compare what came out."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archdsl.cli.computing import (
    BatchNormOption,
    CheckpointEpochs,
    CheckpointSeconds,
    Computing,
    Deterministic,
    EngineOption,
    PrecisionOption,
    TensorBoard,
)
from archdsl.cli.options import AllowOutside

if TYPE_CHECKING:
    from rich.console import Console

    from archdsl.operators.signature import Value
    from archdsl.training.sweep import Outcome, Setup, Task

NAME = "sweep"


class TableFormat(StrEnum):
    """What ``--format`` takes."""

    TEXT = "text"
    MARKDOWN = "markdown"
    CSV = "csv"
    JSON = "json"


SeedsOption = Annotated[
    str | None,
    typer.Option(metavar="SEEDS", help="0..4 (both included), or 0,7,42 [that of the recipe]."),
]
RunsOption = Annotated[Path, typer.Option(help="Folder for the runs.")]
DataOption = Annotated[
    Path, typer.Option(help="Folder with the official files, or to download them into.")
]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]
RayOption = Annotated[
    bool, typer.Option("--ray", help="Train on a Ray cluster: one started here, or --ray-address.")
]
RayAddressOption = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="A running Ray cluster: HOST:PORT, or auto to find it."),
]


def run(
    specs: Annotated[
        list[Path], typer.Argument(metavar="SPEC...", help="The .arch files.", show_default=False)
    ],
    train: Annotated[
        list[str],
        typer.Option(
            metavar="DATASET",
            help="Train on digits, cifar10, cifar100, svhn or folder:PATH. Can be given several "
            "times, or with commas.",
            show_default=False,
        ),
    ],
    seeds: SeedsOption = None,
    set: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="As of compile: for all runs."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Epochs of each run.")] = None,
    data: DataOption = Path("data"),
    runs: RunsOption = Path("runs"),
    device: DeviceOption = "auto",
    engine: EngineOption = None,
    precision: PrecisionOption = None,
    bn: BatchNormOption = None,
    deterministic: Deterministic = False,
    checkpoint_epochs: CheckpointEpochs = None,
    checkpoint_seconds: CheckpointSeconds = None,
    tensorboard: TensorBoard = False,
    ray: RayOption = False,
    ray_address: RayAddressOption = None,
    format: Annotated[
        TableFormat, typer.Option(help="Of the table at the end; all else goes to stderr then.")
    ] = TableFormat.TEXT,
    allow_outside: AllowOutside = False,
) -> None:
    """Train every spec on every data set with every seed, one run after another.

    Finished runs are kept, interrupted ones continued; what fails does not stop the others.

    Exit status 0: all is trained; 1: a spec is at fault; 2: the call is, or a run failed; 3: the
    loss of a run was not finite; 75: interrupted, with a checkpoint to go on from.
    """
    from archdsl.cli.output import parse_settings
    from archdsl.training.sweep import Setup, exit_status

    computing = Computing(
        engine, precision, bn, deterministic,
        checkpoint_epochs=checkpoint_epochs, checkpoint_seconds=checkpoint_seconds,
    )  # fmt: skip
    setup = Setup(runs, device, computing.options(), computing.every(), tensorboard)
    settings = parse_settings(set or ())
    if epochs is not None:
        settings["train.epochs"] = epochs
    datasets = [name for given in train for name in given.split(",")]
    tasks = tasks_of(specs, datasets, data, settings, seeds, allow_outside=allow_outside)
    outcomes = carry_out(tasks, setup, format, ray=ray, address=ray_address)
    print_table(outcomes, format)
    say_what_is_missing(outcomes)
    raise typer.Exit(exit_status(outcomes))


def tasks_of(
    specs: Sequence[Path],
    datasets: Sequence[str],
    data: Path,
    settings: dict[str, Value],
    seeds: str | None,
    *,
    allow_outside: bool = False,
) -> list[Task]:
    """Return the runs of a sweep; what is at fault ends the command before anything is trained."""
    from archdsl.cli.compiling import compile_or_exit
    from archdsl.cli.data import choose_data
    from archdsl.cli.output import call_fault, fail
    from archdsl.cli.training import bind_classes, choose_recipe, job_of
    from archdsl.training.faults import Fault
    from archdsl.training.sweep import Task, parse_seeds, with_seeds

    try:
        numbers = parse_seeds(seeds) if seeds is not None else None
    except Fault as fault:
        fail([fault.diagnostic], fault.status)
    of_model = {k: v for k, v in settings.items() if not k.startswith("train.")}
    of_recipe = {k[6:]: v for k, v in settings.items() if k.startswith("train.")}
    tasks: list[Task] = []
    for spec in dict.fromkeys(specs):
        for name in dict.fromkeys(datasets):
            dataset, folder = choose_data(name, None if ":" in name else data)
            bound = bind_classes(spec, None, dataset, of_model, None, allow_outside=allow_outside)
            compiled = compile_or_exit(spec, None, bound, allow_outside=allow_outside)
            network = compiled.network
            output = network.by_id[network.output].shape
            if output != (dataset.classes,):
                message = f"{name} has {dataset.classes} classes, but {network.name} gives {output}"
                help = "give the model a parameter for it: model Name(classes = 10)"
                fail([call_fault("ARCH605", message, help)], 2)
            recipe = choose_recipe(compiled, dataset, of_recipe)
            task = Task(job_of(compiled, dataset.classes), dataset, recipe, folder)
            tasks += with_seeds(task, numbers)
    return tasks


def carry_out(
    tasks: Sequence[Task],
    setup: Setup,
    format: TableFormat = TableFormat.TEXT,
    *,
    ray: bool = False,
    address: str | None = None,
) -> list[Outcome]:
    """Train what is not finished yet, here or on a cluster; where none is to be had, ends."""
    from archdsl.cli.output import call_fault, fail
    from archdsl.training.distributed import world
    from archdsl.training.faults import Fault
    from archdsl.training.sweep import sweep

    out = _console(format)
    try:
        if world().size > 1:
            message = "torchrun has started several processes, but a sweep is one"
            help = "leave torchrun out, or train one run with archdsl compile --train"
            fail([call_fault("ARCH133", message, help)], 2)
        if ray or address is not None:
            from archdsl.training.sweep_ray import sweep_on_ray

            return sweep_on_ray(tasks, setup, out, address, lambda outcome: tell(outcome, out))
        return sweep(tasks, setup, out, lambda outcome: tell(outcome, out))
    except Fault as fault:
        fail([fault.diagnostic], fault.status)


def tell(outcome: Outcome, out: Console) -> None:
    """Say what became of a run, at once: in an hour it may have scrolled away."""
    from archdsl.cli.output import console, print_diagnostics
    from archdsl.training.sweep import State

    if outcome.state is State.KEPT and outcome.run is not None:
        out.print(f"{outcome.task.name}: finished before: {outcome.run.folder}", soft_wrap=True)
    if outcome.fault is not None:
        print_diagnostics([outcome.fault], console(stderr=True))


def print_table(outcomes: Sequence[Outcome], format: TableFormat) -> None:
    """Print the results, a row for each network and data set."""
    from archdsl.cli.output import console
    from archdsl.training import sweep_table

    rows = sweep_table.rows_of(outcomes)
    match format:
        case TableFormat.JSON:
            print(sweep_table.to_json(rows, outcomes), end="")
        case TableFormat.CSV:
            print(sweep_table.to_csv(rows), end="")
        case TableFormat.MARKDOWN:
            print(sweep_table.to_markdown(rows), end="")
        case TableFormat.TEXT:
            print_text([sweep_table.cells(row) for row in rows], sweep_table.HEADINGS, console())


def print_text(
    rows: Sequence[Sequence[str]], headings: Sequence[str], out: Console, lefts: int = 2
) -> None:
    """Print a table in columns as wide as they need to be; the first ``lefts`` are of text."""
    widths = [max(len(line[i]) for line in (headings, *rows)) for i in range(len(headings))]
    out.print()
    for line in (headings, *rows):
        cells = [
            cell.ljust(width) if i < lefts else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        out.print("  ".join(cells).rstrip(), soft_wrap=True)


def say_what_is_missing(outcomes: Sequence[Outcome]) -> None:
    """Print what failed, once more and together, and how many runs were not begun."""
    from archdsl.cli.output import console, print_diagnostics
    from archdsl.training.results_messages import runs_failed
    from archdsl.training.sweep import State
    from archdsl.training.sweep_table import failures

    failed = failures(outcomes)
    if failed:
        print_diagnostics([runs_failed(failed, len(outcomes))], console(stderr=True))
    pending = sum(outcome.state is State.PENDING for outcome in outcomes)
    if pending or any(outcome.state is State.INTERRUPTED for outcome in outcomes):
        console(stderr=True).print(
            f"interrupted: {pending} of {len(outcomes)} runs were not begun; the same command goes "
            "on from here",
            soft_wrap=True,
        )


def _console(format: TableFormat) -> Console:
    """Return where progress is shown: beside output that is for programs."""
    from archdsl.cli.output import console

    return console(stderr=format is not TableFormat.TEXT)
