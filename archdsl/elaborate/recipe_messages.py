"""The wording of ARCH6xx: recipes, and data sets that do not fit a model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archdsl.diagnostics import Diagnostic, Label, Severity, did_you_mean
from archdsl.diagnostics.fix import respell
from archdsl.operators.operator import Shape, render
from archdsl.recipes import DataSet, Recipe
from archdsl.recipes.entry import Place
from archdsl.recipes.recipe import PLACES
from archdsl.source import Span
from archdsl.syntax import nodes

ADJUSTABLE = tuple(place for place in PLACES if place != "augment")
"""The settings of which single arguments can be changed: ``optimizer.lr = 0.1``."""


def unknown_recipe(name: nodes.Name, choices: Sequence[str]) -> Diagnostic:
    """Return: ``train ... with`` something that is no recipe."""
    return Diagnostic(
        "ARCH601",
        f"there is no recipe `{name.text}`",
        Label(name.span),
        help=did_you_mean(name.text, choices) or f"import it: from std.recipes import {name.text}",
        fix=respell(name.span, choices),
    )


def unknown_dataset(name: nodes.Name, choices: Iterable[str]) -> Diagnostic:
    """Return: ``train`` on a data set that is not there."""
    return Diagnostic(
        "ARCH603",
        f"there is no data set `{name.text}`",
        Label(name.span),
        help=did_you_mean(name.text, choices) or "choose one of: " + ", ".join(choices),
        fix=respell(name.span, choices),
    )


def unknown_key(name: nodes.Name, choices: Sequence[str]) -> Diagnostic:
    """Return: a setting that recipes do not have."""
    return Diagnostic(
        "ARCH602",
        f"a recipe has no setting `{name.text}`",
        Label(name.span),
        help=did_you_mean(name.text, choices) or "choose one of: " + ", ".join(choices),
        fix=respell(name.span, choices),
    )


def unknown_path(path: nodes.Path) -> Diagnostic:
    """Return: ``augment.size = 3``."""
    first = path.names[0]
    guess = did_you_mean(first.text, ADJUSTABLE)
    return Diagnostic(
        "ARCH602",
        f"`{path.text}` cannot be set",
        Label(path.span),
        help=f"{guess} ({first.text} has no settings of its own)"
        if guess and first.text not in ADJUSTABLE
        else f"settings of {', '.join(ADJUSTABLE)} can be changed: optimizer.lr = 0.1",
        fix=respell(first.span, ADJUSTABLE),
    )


def set_twice(place: Span, first: Span) -> Diagnostic:
    """Return: a setting that the same recipe makes twice."""
    return Diagnostic(
        "ARCH106",
        f"`{place.text}` is set twice",
        Label(place),
        (Label(first, "first set here"),),
        help="remove one of them",
    )


def nothing_to_change(name: nodes.Name) -> Diagnostic:
    """Return: ``schedule.at = ...`` where no schedule has been chosen."""
    return Diagnostic(
        "ARCH602",
        f"no {name.text} has been chosen that could be changed",
        Label(name.span),
        help=f"choose one first: {name.text} name(...)",
    )


def not_an_entry(place: Place, span: Span) -> Diagnostic:
    """Return: something that is neither an optimizer, a schedule nor an augmentation."""
    what = PLACES[place]
    article = "an" if what[0] in "ao" else "a"
    return Diagnostic(
        "ARCH602", f"this is not {article} {what}", Label(span), help=f"write {place} name(...)"
    )


def unknown_entry(path: nodes.Path, place: Place, choices: Sequence[str]) -> Diagnostic:
    """Return: an optimizer, schedule or augmentation that is not there."""
    return Diagnostic(
        "ARCH602",
        f"there is no {PLACES[place]} `{path.text}`",
        Label(path.span),
        help=did_you_mean(path.text, choices) or "choose one of: " + ", ".join(choices),
        fix=respell(path.span, choices),
    )


def incomplete(name: nodes.Name, missing: Sequence[str]) -> Diagnostic:
    """Return: a recipe that leaves something open."""
    listed = ", ".join(f"`{key}`" for key in missing)
    return Diagnostic(
        "ARCH606",
        f"recipe {name.text} does not say {listed}",
        Label(name.span),
        help="set it, or extend a recipe that does",
    )


def does_not_fit(
    name: nodes.Name, dataset: DataSet, shape: Shape, size: tuple[int, int]
) -> Diagnostic:
    """Return: images that the model's input does not take."""
    # Images that are brought to the input have its channels and its size in testing.
    plain = shape if dataset.resizable else dataset.image
    return Diagnostic(
        "ARCH604",
        f"the model takes {render(shape)}, but {dataset.title} gives "
        f"{render((plain[0], *size))} in training and {render(plain)} in testing",
        Label(name.span),
        help=f"end augment with a crop to {plain[1]}"
        if dataset.resizable
        else f"write input {render(plain)}, and end augment with a crop to {plain[1]}",
    )


def crop_too_large(name: nodes.Name, side: int, size: tuple[int, int], padding: int) -> Diagnostic:
    """Return: a random crop that is larger than the padded images."""
    return Diagnostic(
        "ARCH604",
        f"{name.text} crops {side} pixels out of images of {size[0]}×{size[1]} "
        f"with padding {padding}",
        Label(name.span),
        help=f"resize to {side} or more before the crop, or pad it: "
        f"random_crop({side}, padding = {-(-(side - min(size)) // 2)})",
    )


def resize_too_late(name: nodes.Name, before: str) -> Diagnostic:
    """Return: a resize, which is done once, behind a step that is drawn anew every epoch."""
    return Diagnostic(
        "ARCH602",
        f"{name.text} resizes behind {before}, but images are resized once, before training",
        Label(name.span),
        help=f"write resize first: augment {{ resize(...) -> {before}... }}",
    )


def nothing_left(name: nodes.Name, side: int, size: tuple[int, int]) -> Diagnostic:
    """Return: a cutout that covers images wherever its centre is."""
    return Diagnostic(
        "ARCH642",
        f"{name.text} blanks a square of {side} pixels in images of {size[0]}×{size[1]}: "
        "nothing is left of any",
        Label(name.span),
        help=f"make it smaller; half a side is usual: cutout({min(size) // 2})",
    )


def not_one_entry(place: Place, text: str) -> Diagnostic:
    """Return: the value of ``--set train.optimizer`` that is more than one optimizer."""
    example = {
        "optimizer": "adamw(lr = 1e-3)",
        "schedule": "cosine",
        "warmup": "linear(5)",
        "augment": "{ random_crop(32, padding = 4) -> hflip }",
    }[place]
    return Diagnostic(
        "ARCH114",
        f"train.{place}: {text!r} is not a value",
        help=f'write it as in a recipe: --set "train.{place}={example}"',
    )


def not_last(step: str, place: Span) -> Diagnostic:
    """Return: a blending of images that is followed by something else."""
    return Diagnostic(
        "ARCH641",
        f"{step} must be the last augmentation",
        Label(place),
        help=f"move it to the end: whole images are blended, behind all else ... -> {step}",
    )


def unreached(recipe: Recipe, place: Span) -> list[Diagnostic]:
    """Return: epochs at which the learning rate is to change, behind the end of training."""
    found = []
    at = recipe.schedule.arguments.get("at", ())
    assert isinstance(at, tuple)
    beyond = [epoch for epoch in at if isinstance(epoch, int) and epoch >= recipe.epochs]
    trained = f"training ends after {recipe.epochs} epoch{'s' if recipe.epochs > 1 else ''}"
    if beyond:
        found.append(
            Diagnostic(
                "ARCH640",
                f"the learning rate is to change at epoch {beyond[0]}, but {trained}",
                Label(place),
                severity=Severity.WARNING,
                help=f"epochs count from 0, the last is {recipe.epochs - 1}: "
                f"change schedule.at, or train for more than {beyond[-1]} epochs",
            )
        )
    if recipe.warmup is not None and recipe.warmup.arguments["unit"] == "epochs":
        length = recipe.warmup.arguments["length"]
        assert isinstance(length, int | float)
        if length >= recipe.epochs:
            found.append(
                Diagnostic(
                    "ARCH640",
                    f"the warm-up takes {length:g} epochs, but {trained}: "
                    "the schedule never begins",
                    Label(place),
                    severity=Severity.WARNING,
                    help=f"warm up for less than {recipe.epochs} epochs, or train for more",
                )
            )
    return found


def no_classes(name: nodes.Name, dataset: DataSet, output: Shape | None) -> Diagnostic:
    """Return: a model whose number of outputs a data set cannot set."""
    shown = render(output) if output else "something else"
    return Diagnostic(
        "ARCH605",
        f"{dataset.title} has {dataset.classes} classes, but the model gives {shown}",
        Label(name.span),
        help="give the model a parameter for it: model Name(classes = 10) ... linear(classes)",
    )
