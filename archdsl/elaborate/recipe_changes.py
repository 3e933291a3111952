"""Changes of a recipe from outside of its spec: ``--set train.optimizer=adamw(lr=1e-3)``.

Single values go by the kinds of their parameters; whole entries are texts, which are read by the
language's own parser, so that they mean what they would mean in a recipe.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from archdsl.diagnostics import Diagnostic, Poison, Problems, TooManyFaults, did_you_mean
from archdsl.elaborate import recipe_messages
from archdsl.elaborate.expanding import Expander
from archdsl.elaborate.loading import Loader, Module
from archdsl.elaborate.messages import show
from archdsl.elaborate.recipe_fit import fit_fault
from archdsl.elaborate.recipes import RecipeElaborator
from archdsl.elaborate.resolving import Resolver
from archdsl.operators.operator import Shape
from archdsl.operators.signature import Value
from archdsl.recipes import DataSet, Recipe
from archdsl.recipes.entry import Place
from archdsl.recipes.override import UnfitValue, UnknownPath, override, paths
from archdsl.recipes.recipe import PLACES, conflict
from archdsl.source import Source, Span
from archdsl.syntax import nodes
from archdsl.syntax.recursion import room_to_recurse

_SOURCE = "--set"


class Unchangeable(Exception):
    """A change that cannot be made; ``diagnostics`` say why, without places in a spec."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("; ".join(d.message for d in diagnostics))
        self.diagnostics = diagnostics


def change(recipe: Recipe, changes: Mapping[str, Value]) -> Recipe:
    """Return a recipe with other values, by their paths below ``train.``.

    Whole entries are changed before single arguments of them, in whatever order both are given.
    Raises :class:`Unchangeable`.
    """
    for path in sorted(changes, key=lambda path: path not in PLACES):
        value = changes[path]
        if path in PLACES:
            recipe = _with_entry(recipe, path, _text(value))
            continue
        try:
            recipe = override(recipe, path, value)
        except UnknownPath as unknown:
            choices = [*unknown.choices, *PLACES]
            help = did_you_mean(path, choices) or "choose one of: " + ", ".join(choices)
            message = f"recipe {recipe.name} has no `{path}`"
            raise Unchangeable(Diagnostic("ARCH602", message, help=help)) from None
        except UnfitValue as unfit:
            message = f"train.{path} cannot be {show(value)}"
            help = f"{path} is {unfit.wanted}"
            raise Unchangeable(Diagnostic("ARCH105", message, help=help)) from None
    wrong = conflict(recipe)
    if wrong is not None:
        raise Unchangeable(Diagnostic("ARCH105", wrong[0], help=wrong[1]))
    return recipe


def demand_fit(recipe: Recipe, dataset: DataSet, shape: Shape) -> None:
    """Raise :class:`Unchangeable` where a changed recipe no longer fits data and input."""
    source = Source(_SOURCE, f"{dataset.name} {recipe.name}")
    split = len(dataset.name)
    of_dataset = nodes.Name(dataset.name, Span(source, 0, split))
    of_recipe = nodes.Name(recipe.name, Span(source, split + 1, len(source.text)))
    fault = fit_fault(of_dataset, of_recipe, dataset, recipe, shape)
    if fault is not None:
        raise Unchangeable(_without_places(fault))


def changeable(recipe: Recipe) -> list[str]:
    """Return the paths of everything in a recipe that can be changed."""
    return [*paths(recipe), *PLACES]


def _with_entry(recipe: Recipe, place: Place, text: str) -> Recipe:
    """Return a recipe with another optimizer, schedule, warm-up or row of augmentations."""
    changed = _read(place, text)
    return replace(recipe, **{place: getattr(changed, place)})


def _read(place: Place, text: str) -> Recipe:
    """Return a recipe in which a place has the entry that a text names."""
    if place == "augment" and text != "none" and not text.startswith("{"):
        text = f"{{ {text} }}"  # a shell has its own mind about braces
    needed = {"epochs": "1", "batch": "1", "optimizer": "sgd(1)", place: text}
    lines = [f"  {key} {value}\n" for key, value in needed.items()]
    source = Source(_SOURCE, "arch 1\nrecipe changed {\n" + "".join(lines) + "}\n")
    problems = Problems()
    recipe: Recipe | Poison | None = None
    with room_to_recurse(), suppress(TooManyFaults):
        program = Loader(_read_nothing, problems).load(source)
        resolution = Resolver(program, problems).resolve()
        items = program.root.file.items
        if problems.has_errors or (len(items) == 2 and isinstance(items[1], nodes.RecipeDef)):
            expander = Expander(resolution, problems)
            recipe = _elaborated(program.root, expander, problems)
    faults = [d for d in problems.sorted() if d.code != "ARCH640"]
    faults = [d for d in faults if not _is_follower(d, faults)]
    syntax = [d for d in faults if d.code.startswith("ARCH00")]
    if faults:
        said = f"train.{place}: " if syntax else ""  # else the message names what is meant
        raise Unchangeable(*(_without_places(d, said) for d in syntax or faults))
    wanted = [*needed]
    if not isinstance(recipe, Recipe) or _keys(program.root) != wanted:
        raise Unchangeable(recipe_messages.not_one_entry(place, text))
    return recipe


def _elaborated(module: Module, expander: Expander, problems: Problems) -> Recipe | Poison | None:
    item = next((i for i in module.file.items if isinstance(i, nodes.RecipeDef)), None)
    if item is None:
        return None
    elaborator = RecipeElaborator(problems, expander.evaluator)
    return elaborator.elaborate(item, module, {module: expander.file_scope(module)})


def _keys(module: Module) -> list[str]:
    """Return the settings of the only recipe of a file."""
    recipes = [item for item in module.file.items if isinstance(item, nodes.RecipeDef)]
    settings = recipes[0].settings if len(recipes) == 1 else ()
    return [s.name.text for s in settings if isinstance(s, nodes.SetEntry)]


def _is_follower(diagnostic: Diagnostic, faults: list[Diagnostic]) -> bool:
    """Whether a fault is only that the recipe around a faulty entry is incomplete."""
    return diagnostic.code == "ARCH606" and len(faults) > 1


def _without_places(diagnostic: Diagnostic, before: str = "") -> Diagnostic:
    return Diagnostic(diagnostic.code, before + diagnostic.message, help=diagnostic.help)


def _text(value: Value) -> str:
    return value if isinstance(value, str) else show(value)


def _read_nothing(path: object) -> str:
    raise FileNotFoundError(2, "a setting imports nothing")
