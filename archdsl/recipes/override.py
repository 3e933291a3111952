"""Changing one value of a recipe by its path: ``batch``, ``optimizer.lr``, ``schedule.at``."""

from __future__ import annotations

from dataclasses import replace

from archdsl.operators.signature import Parameter, Unfit, Value
from archdsl.recipes.recipe import ENTRIES, PLACES, SCALARS, Recipe, Setting


class UnknownPath(Exception):
    """The recipe has no such value; ``choices`` are the paths that it has."""

    def __init__(self, choices: list[str]) -> None:
        super().__init__()
        self.choices = choices


class UnfitValue(Exception):
    """The value is not one that the path takes; ``wanted`` says what is."""

    def __init__(self, wanted: str) -> None:
        super().__init__()
        self.wanted = wanted


def paths(recipe: Recipe) -> dict[str, Parameter]:
    """Return every value of a recipe that can be changed, by its path."""
    found = dict(SCALARS)
    for place in PLACES:
        setting = getattr(recipe, place)
        if not isinstance(setting, Setting):
            continue  # no warm-up; or augment, which is a row
        for parameter in ENTRIES[setting.name].parameters:
            found[f"{place}.{parameter.name}"] = parameter
    return found


def override(recipe: Recipe, path: str, value: Value) -> Recipe:
    """Return the recipe with another value; raises :class:`UnknownPath`, :class:`UnfitValue`."""
    known = paths(recipe)
    if path not in known:
        raise UnknownPath(list(known))
    try:
        checked = known[path].kind.check(value)
    except Unfit:
        raise UnfitValue(known[path].kind.wanted) from None
    place, _, name = path.rpartition(".")
    if not place:
        return replace(recipe, **{name: checked})  # type: ignore[arg-type]
    setting: Setting = getattr(recipe, place)
    changed = Setting(setting.name, setting.arguments | {name: checked})
    return replace(recipe, **{place: changed})  # type: ignore[arg-type]
