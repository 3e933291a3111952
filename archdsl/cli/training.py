"""Training from the command line: which recipe, with which changes, on which data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from archdsl.cli.computing import Computing
from archdsl.cli.output import call_fault, console, fail
from archdsl.compiler import CallFault, Compiled, choose_model, load_spec, model_parameters
from archdsl.elaborate.messages import show
from archdsl.elaborate.recipe_changes import Unchangeable, change, demand_fit
from archdsl.operators.signature import Value
from archdsl.recipes import DataSet, Recipe

if TYPE_CHECKING:
    from rich.console import Console

    from archdsl.training import Job


def bind_classes(
    spec: Path,
    model: str | None,
    dataset: DataSet,
    parameters: Mapping[str, Value],
    variants: str | None,
    *,
    allow_outside: bool = False,
) -> dict[str, Value]:
    """Return the model's parameters with ``classes`` bound to the data set."""
    bound = dict(parameters)
    wanted = dataset.classes
    try:
        loaded = load_spec(spec, allow_outside=allow_outside)
        if variants is not None:
            chosen = next((g.model for g in loaded.grids if g.name == variants), None)
        else:
            chosen = choose_model(loaded, model) if loaded.models else None
        if chosen is None:
            return bound  # reported when it is compiled
        known = model_parameters(loaded, chosen)
    except CallFault as fault:
        fail([fault.diagnostic], 2)
    if "classes" in known and bound.setdefault("classes", wanted) != wanted:
        given = show(bound["classes"])
        message = f"{dataset.name} has {wanted} classes, but classes is set to {given}"
        fail([call_fault("ARCH605", message, "leave --set classes out")], 2)
    return bound


def choose_recipe(compiled: Compiled, dataset: DataSet, changes: Mapping[str, Value]) -> Recipe:
    """Return the recipe that the spec names for a data set, with the call's changes."""
    recipes = compiled.network.recipes
    if dataset.name not in recipes:
        has = f"; it trains on {', '.join(recipes)}" if recipes else ""
        fail(
            [
                call_fault(
                    "ARCH607",
                    f"{compiled.network.name} names no recipe for {dataset.name}{has}",
                    f"add `train {dataset.name} with RECIPE` to the model",
                )
            ],
            2,
        )
    try:
        recipe = change(recipes[dataset.name], changes)
        if "augment" in changes:
            demand_fit(recipe, dataset, compiled.network.input)
    except Unchangeable as fault:
        fail(fault.diagnostics, 2)
    return recipe


def train_compiled(
    compiled: Compiled,
    dataset: DataSet,
    changes: Mapping[str, Value],
    *,
    data: Path,
    runs: Path,
    device: str,
    computing: Computing | None = None,
) -> None:
    """Train a compiled model; faults are printed and end the command with their status."""
    from archdsl.training import train

    network = compiled.network
    recipe = choose_recipe(compiled, dataset, changes)
    output = network.by_id[network.output].shape
    if output != (dataset.classes,):
        message = (
            f"{dataset.name} has {dataset.classes} classes, but the model gives {show(output)}"
        )
        help = "give the model a parameter for it: model Name(classes = 10) ... linear(classes)"
        fail([call_fault("ARCH605", message, help)], 2)
    how = computing or Computing()
    job = job_of(compiled, dataset.classes)
    carry_out(
        lambda: train(
            job,
            dataset,
            recipe,
            data=data,
            out=runs,
            console=console_of_run(),
            device=device,
            options=how.options(),
            every=how.every(),
            resume=how.resume,
            locked=how.locked,
            tensorboard=how.tensorboard,
            smoke=how.smoke,
        )
    )


def job_of(compiled: Compiled, classes: int) -> Job:
    """Return what training needs of a compiled model."""
    from archdsl.training import Job

    network = compiled.network
    return Job(
        name=network.name,
        class_name=compiled.class_name,
        source=compiled.source,
        network_json=network.to_json(),
        identity=network.identity,
        input=network.input,
        classes=classes,
        parameters=dict(network.parameters),
        spec_files=compiled.spec_files,
    )


def writes() -> bool:
    """Return whether this process writes and prints: of those of a ``torchrun``, one does.

    Faults are printed and end the command.
    """
    from archdsl.training import Fault
    from archdsl.training.distributed import world

    try:
        return world().writes
    except Fault as fault:
        fail([fault.diagnostic], fault.status)


def console_of_run() -> Console:
    """Return where a run is shown: in one process of a ``torchrun``."""
    if writes():
        return console()
    from rich.console import Console

    return Console(quiet=True)


def carry_out(work: Callable[[], object]) -> None:
    """Do what trains; faults are printed and end the command with their status.

    Of several processes, those that do not write print only what the one that does cannot know.
    """
    from archdsl.training import DeviceError, Fault

    try:
        work()
    except Fault as fault:
        if not writes() and fault.diagnostic.code != "ARCH634":
            raise typer.Exit(fault.status) from None
        fail([fault.diagnostic], fault.status)
    except DeviceError as error:
        fail([call_fault("ARCH608", str(error), "write --device cpu, or leave it out")], 2)
