"""Training from the command line: which recipe, with which changes, on which data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from archdsl.cli.output import call_fault, console, fail
from archdsl.compiler import CallFault, Compiled, choose_model, load_spec, model_parameters
from archdsl.diagnostics import did_you_mean
from archdsl.elaborate.messages import show
from archdsl.operators.signature import Value
from archdsl.recipes import DataSet, Recipe
from archdsl.recipes.override import UnfitValue, UnknownPath, override


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


def choose_recipe(compiled: Compiled, dataset: str, changes: Mapping[str, Value]) -> Recipe:
    """Return the recipe that the spec names for a data set, with the call's changes."""
    recipes = compiled.network.recipes
    if dataset not in recipes:
        has = f"; it trains on {', '.join(recipes)}" if recipes else ""
        fail(
            [
                call_fault(
                    "ARCH607",
                    f"{compiled.network.name} names no recipe for {dataset}{has}",
                    f"add `train {dataset} with RECIPE` to the model",
                )
            ],
            2,
        )
    recipe = recipes[dataset]
    for path, value in changes.items():
        try:
            recipe = override(recipe, path, value)
        except UnknownPath as unknown:
            help = did_you_mean(path, unknown.choices) or "choose one of: " + ", ".join(
                unknown.choices
            )
            fail([call_fault("ARCH602", f"recipe {recipe.name} has no `{path}`", help)], 2)
        except UnfitValue as unfit:
            message = f"train.{path} cannot be {show(value)}"
            fail([call_fault("ARCH105", message, f"{path} is {unfit.wanted}")], 2)
    return recipe


def train_compiled(
    compiled: Compiled,
    dataset: DataSet,
    changes: Mapping[str, Value],
    *,
    data: Path,
    runs: Path,
    device: str,
) -> None:
    """Train a compiled model; faults are printed and end the command with their status."""
    from archdsl.training import DeviceError, Fault, Job, train

    network = compiled.network
    recipe = choose_recipe(compiled, dataset.name, changes)
    output = network.by_id[network.output].shape
    if output != (dataset.classes,):
        message = (
            f"{dataset.name} has {dataset.classes} classes, but the model gives {show(output)}"
        )
        help = "give the model a parameter for it: model Name(classes = 10) ... linear(classes)"
        fail([call_fault("ARCH605", message, help)], 2)
    job = Job(
        name=network.name,
        class_name=compiled.class_name,
        source=compiled.source,
        network_json=network.to_json(),
        identity=network.identity,
        input=network.input,
        classes=dataset.classes,
        parameters=dict(network.parameters),
        spec_files=compiled.spec_files,
    )
    try:
        train(job, dataset, recipe, data=data, out=runs, console=console(), device=device)
    except Fault as fault:
        fail([fault.diagnostic], fault.status)
    except DeviceError as error:
        fail([call_fault("ARCH608", str(error), "write --device cpu, or leave it out")], 2)
