"""``archdsl evaluate``: a run's network on its test images, beside what the run recorded."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archdsl.cli import formats

if TYPE_CHECKING:
    from rich.console import Console

    from archdsl.training.evaluation import Evaluated
    from archdsl.training.trained import Trained

NAME = "evaluate"


class Format(StrEnum):
    """How the result is written."""

    TEXT = "text"
    JSON = "json"


def _choose(format: Format) -> Format:
    """Have faults told in JSON where the result is; else as text."""
    is_json = format is Format.JSON
    formats.CHOSEN.set(formats.Format.JSON if is_json else formats.Format.TEXT)
    return format


def run(
    run: Annotated[Path, typer.Argument(help="The folder of a run.", show_default=False)],
    data: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Where the data lie now [where they lay in training]."),
    ] = None,
    best: Annotated[
        bool, typer.Option("--best", help="The weights of the best epoch, not the final ones.")
    ] = False,
    other_data: Annotated[
        bool, typer.Option("--other-data", help="Evaluate on data that are not the run's.")
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    batch: Annotated[
        int | None, typer.Option(min=1, help="Images at a time [as in training].")
    ] = None,
    per_class: Annotated[bool, typer.Option("--per-class", help="Every class, too.")] = False,
    format: Annotated[
        Format,
        typer.Option(
            callback=_choose, is_eager=True, help="For people (text), or programs (json)."
        ),
    ] = Format.TEXT,
) -> None:
    """Evaluate the network of a run on its test images, and compare with what was recorded.

    Exit status 0: done, whether equal or not; 2: the call, the run or the data are at fault.
    """
    from archdsl.cli.output import call_fault, console, fail
    from archdsl.training import DeviceError, Fault
    from archdsl.training.requirements import require

    where = Path(data.removeprefix("folder:")) if data is not None else None
    progress = console(stderr=True)
    try:
        require("")
        from archdsl.training.engine import choose_device
        from archdsl.training.evaluation import data_for, evaluate
        from archdsl.training.trained import load_trained

        chosen = choose_device(device)
        trained = load_trained(run, "best" if best else "final")
        images, same = data_for(trained, where, progress, other=other_data)
        found = evaluate(trained, images, chosen, batch, same_data=same)
    except Fault as fault:
        fail([fault.diagnostic], fault.status)
    except DeviceError as error:
        fail([call_fault("ARCH608", str(error), "write --device cpu, or leave it out")], 2)
    facts = facts_of(trained, found, str(chosen))
    if format is Format.JSON:
        import json

        if not per_class:
            del facts["per_class"]
        print(json.dumps(facts, indent=2, ensure_ascii=False))
    else:
        _print(facts, console(), per_class=per_class)


def facts_of(trained: Trained, found: Evaluated, device: str) -> dict[str, Any]:
    """Return everything of an evaluation, ready for JSON; ``equal`` is None for other data."""
    names = trained.class_names
    recorded = {k: trained.metrics[k] for k in ("test_loss", "test_accuracy") if trained.metrics}
    equal = None
    if recorded and found.same_data:
        equal = (found.loss, found.accuracy) == tuple(recorded.values())
    return {
        "run": str(trained.recorded.folder),
        "model": trained.recorded.name,
        "weights": trained.which,
        "epoch": trained.epoch,
        "smoke": trained.recorded.is_smoke,
        "data": trained.recorded.dataset.name,
        "same_data": found.same_data,
        "images": sum(found.images),
        "device": device,
        "precision": found.precision,
        "loss": found.loss,
        "accuracy": found.accuracy,
        "recorded": recorded or None,
        "equal": equal,
        "per_class": [
            {
                "class": name,
                "images": images,
                "right": right,
                "accuracy": right / images if images else None,
            }
            for name, images, right in zip(names, found.images, found.right, strict=True)
        ],
    }


def _print(facts: dict[str, Any], out: Console, *, per_class: bool) -> None:
    which = "final weights" if facts["weights"] == "final" else "weights of the best epoch"
    epochs = "1 epoch" if facts["epoch"] == 1 else f"{facts['epoch']} epochs"
    lines = [
        f"{facts['model']}, {which}, after {epochs}",
        f"{facts['images']:,} test images of {facts['data']}, {facts['device']}, "
        f"{facts['precision']}",
        f"loss {facts['loss']:.4f}  accuracy {facts['accuracy']:.2%}",
        comparison(facts),
    ]
    for line in lines:
        out.print(line, soft_wrap=True)
    if per_class:
        _print_classes(facts["per_class"], out)


def comparison(facts: dict[str, Any]) -> str:
    """Return how the result compares with the recorded one, in words."""
    recorded = facts["recorded"]
    if not facts["same_data"]:
        return "other data than the run's: there is nothing to compare with"
    if facts["smoke"]:
        return "a smoke run: its accuracy means nothing, and there is nothing to compare with"
    if recorded is None:
        return "the run recorded nothing for this epoch"
    if facts["equal"]:
        return "equal to what the run recorded, to the bit"
    was = f"loss {recorded['test_loss']:.4f}, accuracy {recorded['test_accuracy']:.2%}"
    apart = abs(facts["loss"] - recorded["test_loss"])
    if facts["accuracy"] == recorded["test_accuracy"]:
        return f"the run recorded the same accuracy, and a loss that differs by {apart:.1e}"
    return f"the run recorded another result: {was}"


def _print_classes(classes: list[dict[str, Any]], out: Console) -> None:
    from rich.table import Table

    from archdsl.diagnostics.escaping import visible

    table = Table(box=None, pad_edge=False)
    for heading in ("class", "images", "right", "accuracy"):
        table.add_column(heading, justify="left" if heading == "class" else "right")
    for row in classes:
        accuracy = "" if row["accuracy"] is None else f"{row['accuracy']:.2%}"
        name = visible(str(row["class"]))
        table.add_row(name, f"{row['images']:,}", f"{row['right']:,}", accuracy)
    out.print()
    out.print(table)
