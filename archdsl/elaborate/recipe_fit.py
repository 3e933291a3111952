"""Whether what a recipe makes of the images of a data set fits a model's input."""

from __future__ import annotations

from archdsl.diagnostics import Diagnostic
from archdsl.elaborate import recipe_messages
from archdsl.operators.operator import Shape
from archdsl.recipes import DataSet, Recipe
from archdsl.syntax import nodes


def image_size(dataset: DataSet, recipe: Recipe, wanted: tuple[int, int]) -> tuple[int, int]:
    """Return height and width of the training images behind the recipe's augmentation."""
    size = wanted if dataset.resizable else (dataset.image[1], dataset.image[2])
    for step in recipe.augment:
        if step.name in ("resize", "random_crop"):
            side = step.arguments["size"]
            assert isinstance(side, int)
            size = (side, side)
    return size


def fit_fault(
    of_dataset: nodes.Name,
    of_recipe: nodes.Name,
    dataset: DataSet,
    recipe: Recipe,
    shape: Shape,
) -> Diagnostic | None:
    """Return what does not fit an input of ``shape``, if anything: told where the names stand."""
    channels, wanted = shape[0], (shape[1], shape[2])
    fault = _augmentation_fault(of_recipe, dataset, recipe, wanted)
    if fault is not None:
        return fault
    size = image_size(dataset, recipe, wanted)
    plain = wanted if dataset.resizable else (dataset.image[1], dataset.image[2])
    fits = dataset.resizable or channels == dataset.image[0]
    if not fits or size != wanted or plain != wanted:
        return recipe_messages.does_not_fit(of_dataset, dataset, shape, size)
    return None


def _augmentation_fault(
    name: nodes.Name, dataset: DataSet, recipe: Recipe, wanted: tuple[int, int]
) -> Diagnostic | None:
    """Return what is wrong with the row of augmentations on the images of a data set, if it is."""
    size = wanted if dataset.resizable else (dataset.image[1], dataset.image[2])
    random: str | None = None
    for step in recipe.augment:
        if step.name == "resize" and random is not None:
            return recipe_messages.resize_too_late(name, random)
        if step.name != "resize":
            random = step.name
        side, padding = step.arguments.get("size"), step.arguments.get("padding", 0)
        if step.name == "cutout":
            if isinstance(side, int) and side >= 2 * max(size) - 1:
                return recipe_messages.nothing_left(name, side, size)
            continue
        if not isinstance(side, int) or not isinstance(padding, int):
            continue
        if step.name == "random_crop" and side > min(size) + 2 * padding:
            return recipe_messages.crop_too_large(name, side, size, padding)
        size = (side, side)
    return None
