"""The reference of recipes as Markdown: what each declaration says, and the library's recipes."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from archdsl.elaborate.messages import show
from archdsl.operators.signature import Parameter, Value
from archdsl.recipes import ENTRIES, Entry
from archdsl.recipes.recipe import PLACES, SINGLES, Single
from archdsl.resources import resource

INTRODUCTION = """\
# What recipes can say

A recipe says how a network is trained. Numbers are settings of their own (`epochs 100`), everything
else is an entry with arguments (`optimizer sgd(lr = 0.1)`). What is not listed here is an error.

    recipe modern {
      epochs 100
      batch 128
      optimizer adamw(lr = 1e-3, weight_decay = 0.05, decay = weights)
      schedule cosine
      warmup linear(5)
      augment { random_crop(32, padding = 4) -> hflip -> mixup(0.2) }
      label_smoothing 0.1
      clip 1.0
      ema 0.999
    }

A recipe may extend another and change any setting, or one argument of an optimizer, a schedule or
a warm-up: `recipe gentle extends modern { optimizer.lr = 1e-4; warmup none }`. A call changes the
same without touching the spec, by the same paths, and reads whole entries as a recipe does:

    --set train.batch=256 --set train.optimizer.lr=0.05 --set train.warmup=none
    --set "train.optimizer=adamw(lr = 1e-3)"
    --set "train.augment=random_crop(32, padding = 4) -> hflip"

`archdsl recipes NAME` prints one entry. This page is generated from the declarations in
`archdsl/recipes/`; `pytest tests/recipes --update` rewrites it.
"""

ABOUT: dict[str, str] = {
    "optimizer": "What is done to the parameters with their gradients, after clipping.",
    "schedule": "The learning rate over time, as a factor of the optimizer's `lr`: `constant` "
    "where none is chosen. It is a function of the step alone, so that a run that is continued "
    "goes on exactly.",
    "warmup": "What stands before the schedule: `none` where none is chosen.",
    "augment": "What is done to training images, in the order of the row: "
    "`augment { resize(40) -> random_crop(32) }`, or `augment none`. What is random is drawn for a "
    "whole epoch from the seed and the number of the epoch, on the CPU: the same on every device, "
    "and with any number of processes. Test images are left as they are.",
}
"""What is said of the entries of each setting."""


def page() -> str:
    """Return the whole reference."""
    parts = [INTRODUCTION, "## Numbers\n", _singles()]
    for place, called in PLACES.items():
        parts.append(f"## {called.capitalize()}s\n\n{ABOUT[place]}\n")
        parts += [entry(each, level=3) for each in ENTRIES.values() if each.place == place]
    parts.append("## Recipes of the library\n\n`from std.recipes import NAME`\n")
    parts += [recipe(name, level=3) for name in library()]
    return "\n".join(parts)


def words() -> dict[str, Callable[[], str]]:
    """Return every word that can be looked up, with what returns its entry."""
    found: dict[str, Callable[[], str]] = {}
    for name in library():
        found[name] = partial(recipe, name)
    for place in PLACES:
        found[place] = partial(setting, place)
    found |= {name: partial(number, single) for name, single in SINGLES.items()}
    return found | {name: partial(entry, each) for name, each in ENTRIES.items()}


def listing() -> str:
    """Return all words with a line each, by what they are."""
    groups: dict[str, list[tuple[str, str]]] = {
        "Numbers": [(name, single.parameter.doc) for name, single in SINGLES.items()]
    }
    for place, called in PLACES.items():
        of_place = [(e.name, e.doc) for e in ENTRIES.values() if e.place == place]
        groups[f"{called.capitalize()}s ({place} ...)"] = of_place
    groups["Recipes of the library (from std.recipes import ...)"] = [
        (name, _first_sentence(comment)) for name, (comment, _) in library().items()
    ]
    width = max(len(name) for rows in groups.values() for name, _ in rows)
    lines: list[str] = []
    for title, rows in groups.items():
        lines += ["", title, *(f"  {name:{width}}  {line}" for name, line in rows)]
    return "\n".join(lines[1:]) + "\n"


def number(single: Single, level: int = 1) -> str:
    """Return the entry of a setting that is one number."""
    return "\n".join(
        [f"{'#' * level} {single.parameter.name}", "", *_table([single.parameter])]
    ) + (f"\n* Source: {single.source}.\n")


def setting(place: str) -> str:
    """Return the entry of a setting that names entries: what they are."""
    lines = [f"# {place}", "", ABOUT[place], ""]
    lines += [f"* `{signature(e)}`: {e.doc}." for e in ENTRIES.values() if e.place == place]
    return "\n".join(lines) + "\n"


def entry(each: Entry, level: int = 1) -> str:
    """Return the entry of an optimizer, a schedule, a warm-up or an augmentation."""
    lines = [f"{'#' * level} {each.name}", "", each.doc[0].upper() + each.doc[1:] + ".", ""]
    if each.details:
        lines += [each.details, ""]
    lines += [f"    {signature(each)}", ""]
    if each.parameters:
        lines += _table(each.parameters)
    return "\n".join([*lines, f"* Source: {each.source}.", ""])


def recipe(name: str, level: int = 1) -> str:
    """Return a recipe of the library, with what is said of it."""
    comment, text = library()[name]
    code = "\n".join(f"    {line}" for line in text.splitlines())
    return f"{'#' * level} {name}\n\n{comment}\n\n{code}\n"


def signature(each: Entry) -> str:
    """Return how an entry is written: ``schedule cosine(final = 0)``."""
    shown = [p.name if p.required else f"{p.name} = {written(p)}" for p in each.parameters]
    call = each.name + (f"({', '.join(shown)})" if shown else "")
    return f"augment {{ {call} }}" if each.place == "augment" else f"{each.place} {call}"


def written(parameter: Parameter) -> str:
    """Return the default of a parameter as a recipe would write it."""
    value = parameter.default
    if isinstance(value, str):
        return value
    return _plain(value)  # type: ignore[arg-type]


def library() -> dict[str, tuple[str, str]]:
    """Return the recipes of the library in order: what is said of each there, and its text."""
    text = resource("specs/std/recipes.arch").read_text(encoding="utf-8")
    found = re.findall(
        r"^((?:#[^\n]*\n)*)(recipe (\w+)[^\n]*\{(?:[^\n]*\}|.*?^\}))$", text, re.M | re.S
    )
    return {
        name: (" ".join(line.lstrip("# ") for line in comment.splitlines()), body)
        for comment, body, name in found
    }


def _singles() -> str:
    head = [
        "| setting | takes | unit | default | | source |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    rows = [_row(each.parameter, f" {each.source} |") for each in SINGLES.values()]
    return "\n".join([*head, *rows]) + "\n"


def _table(parameters: list[Parameter] | tuple[Parameter, ...]) -> list[str]:
    head = ["| argument | takes | unit | default | |", "| --- | --- | --- | --- | --- |"]
    return [*head, *(_row(parameter) for parameter in parameters), ""]


def _row(parameter: Parameter, end: str = "") -> str:
    wanted = parameter.kind.wanted + ("; by name alone" if parameter.named else "")
    default = "" if parameter.required else f"`{written(parameter)}`"
    cells = (f"`{parameter.name}`", wanted, parameter.unit, default, parameter.doc)
    return "| " + " | ".join(cells) + " |" + end


def _plain(value: Value) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_plain, value)) + "]"
    return f"{value:g}" if isinstance(value, float) else show(value)


def _first_sentence(comment: str) -> str:
    return re.split(r"(?<!\bal)[.:](?: |$)", comment)[0]
