"""``archdsl reproduce``: train the networks of a table or figure of the paper, and compare."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archdsl.cli.computing import (
    Computing,
    Deterministic,
    EngineOption,
    PrecisionOption,
)
from archdsl.cli.sweep import (
    DataOption,
    DeviceOption,
    RayAddressOption,
    RayOption,
    RunsOption,
    SeedsOption,
    TableFormat,
)

if TYPE_CHECKING:
    from archdsl.training.paper import Exhibit
    from archdsl.training.reproduction import Cell
    from archdsl.training.sweep import Outcome, Setup, Task

NAME = "reproduce"


class What(StrEnum):
    """The tables and figures that can be reproduced."""

    TABLE2 = "table2"
    TABLE3 = "table3"
    FIGURE7 = "figure7"
    FIGURE8 = "figure8"


def run(
    what: Annotated[What, typer.Argument(help="Which table or figure.", show_default=False)],
    networks: Annotated[
        str | None, typer.Option(metavar="NAMES", help="With commas: VGG-1,VGG-1-RA [all].")
    ] = None,
    datasets: Annotated[
        str | None, typer.Option(metavar="NAMES", help="With commas: cifar10,cifar100 [all].")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Fewer epochs than the paper's; marked as such.")
    ] = None,
    seeds: SeedsOption = None,
    data: DataOption = Path("data"),
    runs: RunsOption = Path("runs"),
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Of a figure: .svg, .png or .pdf [<figure>.svg]."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be trained, and how long.")
    ] = False,
    device: DeviceOption = "auto",
    engine: EngineOption = None,
    precision: PrecisionOption = None,
    deterministic: Deterministic = False,
    ray: RayOption = False,
    ray_address: RayAddressOption = None,
    format: Annotated[TableFormat, typer.Option(help="Of the table.")] = TableFormat.TEXT,
) -> None:
    """Train what is missing, and print the paper's numbers beside those that were measured here.

    Exit status 0: done; 2: the call is at fault, or a run failed; 3: the loss of a run was not
    finite; 75: interrupted, with a checkpoint to go on from.
    """
    from archdsl.cli.curves import endings
    from archdsl.cli.output import call_fault, fail
    from archdsl.cli.sweep import carry_out, say_what_is_missing
    from archdsl.training.paper import EXHIBITS
    from archdsl.training.reproduction import cells_of
    from archdsl.training.sweep import Setup, exit_status

    exhibit = EXHIBITS[what.value]
    if output is not None and not exhibit.is_figure:
        fail([call_fault("ARCH133", f"-o is set, but {what} is not a figure", "leave -o out")], 2)
    figure = output or Path(f"{what}.svg")
    endings([figure])
    chosen = choose(exhibit.reported, networks, exhibit)
    of_data = choose(exhibit.datasets, datasets, exhibit)
    setup = Setup(runs, device, Computing(engine, precision, None, deterministic).options())
    tasks = tasks_by_cell(chosen, of_data, data, epochs, seeds)
    flat = [task for cell in tasks.values() for task in cell]
    if dry_run:
        foretell(flat, setup)
        return
    outcomes = carry_out(flat, setup, format, ray=ray, address=ray_address)
    found: dict[tuple[str, str], list[Outcome]] = {}
    rest = iter(outcomes)
    for key, of_cell in tasks.items():
        found[key] = [next(rest) for _ in of_cell]
    cells = cells_of(exhibit, found)
    print_cells(exhibit, cells, format)
    if exhibit.is_figure:
        draw_figure(exhibit, cells, figure)
    say_what_is_missing(outcomes)
    raise typer.Exit(exit_status(outcomes))


def choose(
    known: Sequence[str] | dict[str, dict[str, float]], text: str | None, exhibit: Exhibit
) -> list[str]:
    """Return what a text with commas names; ends the command where the exhibit has it not."""
    from archdsl.cli.output import fail
    from archdsl.diagnostics import did_you_mean
    from archdsl.training.results_messages import unknown_network

    if text is None:
        return list(known)
    # The name of the model in its spec will do, too: VGG1_RA is VGG-1-RA.
    plain = {_plain(name): name for name in known}
    found = []
    for name in text.split(","):
        if _plain(name) not in plain:
            help = did_you_mean(name.strip(), known) or "choose of: " + ", ".join(known)
            fail([unknown_network(name.strip(), exhibit.name, help).diagnostic], 2)
        found.append(plain[_plain(name)])
    return list(dict.fromkeys(found))


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())


def tasks_by_cell(
    networks: Sequence[str],
    datasets: Sequence[str],
    data: Path,
    epochs: int | None,
    seeds: str | None,
) -> dict[tuple[str, str], list[Task]]:
    """Return the runs of each network and data set, by the paper's recipe."""
    from archdsl.cli.sweep import tasks_of
    from archdsl.operators.signature import Value
    from archdsl.resources import resource
    from archdsl.training.paper import NETWORKS

    settings: dict[str, Value] = {} if epochs is None else {"train.epochs": epochs}
    return {
        (network, dataset): tasks_of(
            [Path(str(resource(f"specs/{NETWORKS[network]}")))], [dataset], data, settings, seeds
        )
        for network in networks
        for dataset in datasets
    }


def foretell(tasks: Sequence[Task], setup: Setup) -> None:
    """Print what would be trained, and about how long each run would take."""
    from archdsl.cli.output import call_fault, console, fail
    from archdsl.cli.sweep import print_text
    from archdsl.training import DeviceError
    from archdsl.training.reproduction_estimate import duration, estimate, measured_rate
    from archdsl.training.sweep import find_run, read_all

    runs = read_all(setup.runs)
    try:
        rate = measured_rate(setup.device)
    except DeviceError as error:
        fail([call_fault("ARCH608", str(error), "write --device cpu, or leave it out")], 2)
    rows, total = [], 0.0
    for task in tasks:
        row = [task.job.name, task.dataset.name, str(task.recipe.seed), str(task.recipe.epochs)]
        done = find_run(task, runs, setup.options, whole=True)
        if done is not None:
            rows.append([*row, "", f"finished: {done.folder}"])
            continue
        guess = estimate(task, runs, rate)
        begun = find_run(task, runs, setup.options, whole=False)
        left = 1 - (len(begun.epochs) / task.recipe.epochs if begun else 0)
        total += guess.seconds * left
        state = f"goes on after epoch {len(begun.epochs)}" if begun else "to be trained"
        rows.append([*row, f"about {duration(guess.seconds * left)}", f"{state} ({guess.basis})"])
    out = console()
    print_text(rows, ("network", "data", "seed", "epochs", "time", "what"), out, 6)
    out.print(f"\nabout {duration(total)} in all: an estimate, one run after another")


def print_cells(exhibit: Exhibit, cells: Sequence[Cell], format: TableFormat) -> None:
    """Print a table of the paper with our numbers beside its own."""
    from archdsl.cli.output import console
    from archdsl.cli.sweep import print_text
    from archdsl.training import reproduction

    match format:
        case TableFormat.JSON:
            print(reproduction.to_json(exhibit, cells), end="")
        case TableFormat.CSV:
            print(reproduction.to_csv(cells), end="")
        case TableFormat.MARKDOWN:
            print(reproduction.to_markdown(exhibit, cells), end="")
        case TableFormat.TEXT:
            out = console()
            out.print(f"\n{exhibit.title}", soft_wrap=True)
            rows = reproduction.lines(exhibit, cells)
            print_text(rows, reproduction.headings(exhibit), out, 1)
            for note in reproduction.notes(exhibit, cells):
                out.print(f"  {note}", soft_wrap=True)


def draw_figure(exhibit: Exhibit, cells: Sequence[Cell], path: Path) -> None:
    """Draw the learning curves over the reported levels; nothing where there are no curves."""
    from archdsl.backends.figures.faults import FigureFault
    from archdsl.cli.output import console, fail, figure_fault
    from archdsl.cli.writing import write_all
    from archdsl.diagnostics.escaping import visible
    from archdsl.training.curves import draw
    from archdsl.training.paper import PICTURE_ONLY
    from archdsl.training.reproduction import curves_of

    series, reported = curves_of(cells)
    said = console(stderr=True)
    if not series:
        said.print("note: no figure: no run is finished", soft_wrap=True)
        return
    shorter = sorted({c.epochs for c in cells if c.is_shorter and c.epochs})
    notes = [PICTURE_ONLY]
    notes += [f"not trained for the paper's 100 epochs, but for {n}" for n in shorter]
    ending = path.suffix.removeprefix(".").lower()
    try:
        files = draw(series, exhibit.title, [ending], reported=reported, notes=notes)
    except FigureFault as fault:
        fail([figure_fault(fault)], 2)
    write_all({path: files[ending]})
    said.print(f"wrote {visible(str(path))}", soft_wrap=True)
