"""``archdsl compile``: write a model's PyTorch source and JSON; with ``--train``, train it."""

from __future__ import annotations

from collections.abc import Sequence
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
    Locked,
    PrecisionOption,
    Resume,
    Smoke,
    TensorBoard,
)
from archdsl.cli.formats import Format, FormatOption
from archdsl.cli.options import AllowOutside

if TYPE_CHECKING:
    from archdsl.compiler import Compiled

NAME = "compile"


def run(
    spec: Annotated[Path, typer.Argument(help="The .arch file.", show_default=False)],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="Folder for <model>/<model>.py, .json, .svg, .html."),
    ] = Path("build"),
    model: Annotated[str | None, typer.Option(help="Which model, if the file has several.")] = None,
    variants: Annotated[
        str | None, typer.Option(metavar="NAME", help="Every point of variants, one by one.")
    ] = None,
    train: Annotated[
        str | None,
        typer.Option(
            metavar="DATASET", help="Train on digits, cifar10, cifar100, svhn or folder:PATH."
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Folder with the official files, or to download them into [data]."),
    ] = None,
    runs: Annotated[Path | None, typer.Option(help="Folder for the runs [runs].")] = None,
    set: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="PATH=VALUE",
            help="Set a model parameter (n=4), or a value of the recipe (train.batch=32).",
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the run.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Epochs of the run.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or cuda:N [auto].")] = None,
    skip_unreadable: Annotated[
        bool, typer.Option("--skip-unreadable", help="Leave out images that cannot be read.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="List images that cannot be read there.")
    ] = None,
    engine: EngineOption = None,
    precision: PrecisionOption = None,
    bn: BatchNormOption = None,
    deterministic: Deterministic = False,
    resume: Resume = False,
    locked: Locked = None,
    checkpoint_epochs: CheckpointEpochs = None,
    checkpoint_seconds: CheckpointSeconds = None,
    tensorboard: TensorBoard = False,
    smoke: Smoke = False,
    figures: Annotated[
        bool, typer.Option("--figures/--no-figures", help="Draw the model, too.")
    ] = True,
    format: FormatOption = Format.TEXT,
    allow_outside: AllowOutside = False,
) -> None:
    """Compile a model to a standalone PyTorch module with its figures, and train it if asked to.

    With --variants, every point is compiled to a module of its own (and trained, one by one).
    With --smoke, all that training does is done on a few images, in a few seconds, and leaves a
    folder of its own, whose accuracy means nothing. Under torchrun, one process of all writes and
    prints.

    Exit status 0: done; 1: the spec is at fault; 2: the call or its surroundings are; 3: the loss
    was not finite; 75: training was ended by a signal, with a checkpoint to go on from; 130: it
    was broken off by a second one.
    """
    from archdsl.cli.compiling import compile_or_exit, compile_variants_or_exit
    from archdsl.cli.output import console, parse_settings, print_diagnostics
    from archdsl.cli.summary import print_points, print_summary
    from archdsl.diagnostics.escaping import visible

    settings = parse_settings(set or ())
    of_model = {k: v for k, v in settings.items() if not k.startswith("train.")}
    of_recipe = {k[6:]: v for k, v in settings.items() if k.startswith("train.")}
    if seed is not None:
        of_recipe["seed"] = seed
    if epochs is not None:
        of_recipe["epochs"] = epochs
    computing = Computing(
        engine, precision, bn, deterministic, resume, locked, checkpoint_epochs, checkpoint_seconds,
        tensorboard, smoke,
    )  # fmt: skip
    if train is None:
        skips = skip_unreadable or None
        given: dict[str, object] = {"--data": data, "--runs": runs, "--device": device}
        given |= {"--skip-unreadable": skips, "--report": report}
        options = [k for k, v in given.items() if v is not None]
        _refuse_training_options([*of_recipe, *options, *computing.given()])
    else:
        from archdsl.cli.data import choose_data
        from archdsl.cli.output import fail
        from archdsl.cli.training import bind_classes, console_of_run

        if fault := computing.conflict():
            fail([fault.diagnostic], fault.status)

        dataset, data = choose_data(train, data, skip_unreadable=skip_unreadable, report=report)
        of_model = bind_classes(
            spec, model, dataset, of_model, variants, allow_outside=allow_outside
        )
    out = console() if train is None else console_of_run()
    if variants is None:
        points = {"": compile_or_exit(spec, model, of_model, allow_outside=allow_outside)}
    else:
        points = compile_variants_or_exit(
            spec, model, variants, of_model, allow_outside=allow_outside
        )
    chosen = list(points.values())
    written = []
    if not out.quiet:  # one process of several writes
        print_diagnostics(chosen[0].diagnostics, console(stderr=True))
        written = [p for compiled in chosen for p in write_files(compiled, output, figures=figures)]
    if variants is None:
        print_summary(chosen[0].network, out)
    else:
        print_points({name: point.network for name, point in points.items()}, out)
    for path in written:
        out.print(f"wrote {visible(str(path))}", soft_wrap=True)
    for name, compiled in points.items() if train is not None else ():
        from archdsl.cli.training import train_compiled

        assert train is not None
        if name:
            out.print(f"\n{name}", soft_wrap=True)
        train_compiled(
            compiled,
            dataset,
            of_recipe,
            data=data or Path("data"),
            runs=runs or Path("runs"),
            device=device or "auto",
            computing=computing,
        )


def _refuse_training_options(names: Sequence[str]) -> None:
    """End the command where training is set up but not asked for: nothing is ignored."""
    from archdsl.cli.output import call_fault, fail

    if names:
        fail(
            [
                call_fault(
                    "ARCH133",
                    f"{names[0]} is set for training, but nothing is to be trained",
                    "add --train DATASET",
                )
            ],
            2,
        )


def write_files(compiled: Compiled, output: Path, *, figures: bool) -> list[Path]:
    """Write source, JSON and figures; each file is replaced whole or not at all."""
    from archdsl.cli.writing import write_all

    name = output / compiled.module_name / compiled.module_name
    files = {
        name.with_suffix(".py"): compiled.source.encode(),
        name.with_suffix(".json"): compiled.network.to_json().encode(),
    }
    if figures:
        files |= {name.with_suffix(f".{f}"): data for f, data in _figures(compiled).items()}
    write_all(files)
    return list(files)


def _figures(compiled: Compiled) -> dict[str, bytes]:
    """Return the figures of a model, by ending; none where there is nothing to draw with."""
    from archdsl.backends.figures.faults import FigureFault
    from archdsl.backends.figures.files import figure_files
    from archdsl.backends.figures.views import default_view, draw
    from archdsl.cli.output import console

    def say(fault: FigureFault) -> None:
        # The module is what was asked for: it is written all the same.
        said = f"{fault.message}; {fault.help}" if fault.help else fault.message
        console(stderr=True).print(f"note: no figures [{fault.code}]: {said}", soft_wrap=True)

    network = compiled.network
    try:
        drawing = draw(network, default_view(network))
    except FigureFault as fault:
        say(fault)
        return {}
    for formats in (["svg", "html"], ["svg"]):
        try:
            return figure_files(network, drawing, formats)
        except FigureFault as fault:
            say(fault)
            if fault.code != "ARCH703":
                return {}
    return {}
