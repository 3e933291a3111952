"""From recipe declarations to recipes, and what a model's ``train`` statements bind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

from archdsl.diagnostics import Poison, Problems, nearest
from archdsl.elaborate import binding, messages, model_messages, recipe_messages
from archdsl.elaborate.expanding import Expander
from archdsl.elaborate.loading import MAX_EXTENDS, Module
from archdsl.elaborate.recipe_fit import fit_fault
from archdsl.elaborate.recipe_messages import ADJUSTABLE
from archdsl.elaborate.values import Evaluator, Scope
from archdsl.operators.operator import Shape
from archdsl.operators.signature import Parameter, Value
from archdsl.recipes import DATASETS, ENTRIES, Entry, Recipe, Setting
from archdsl.recipes.entry import Place
from archdsl.recipes.recipe import LAST, PLACES, SCALARS, conflict
from archdsl.source import Span
from archdsl.syntax import nodes

RecipeSetting: TypeAlias = nodes.SetEntry | nodes.SetValue | nodes.Error

KEYS = (*SCALARS, *PLACES)
"""Everything that a recipe can set."""


@dataclass
class _Plan:
    """A recipe while its settings are applied, base first."""

    scalars: dict[str, Value] = field(default_factory=dict)
    entries: dict[str, Setting] = field(default_factory=dict)  # by place; not augment
    augment: tuple[Setting, ...] = ()
    failed: set[str] = field(default_factory=set)  # what was reported, by key
    optimizer: Span | None = None  # where it was last chosen or changed
    length: Span | None = None  # where it was last said how long training or its schedule is


class RecipeElaborator:
    """Elaborates recipes; every fault is reported, whether a model uses the recipe or not."""

    def __init__(self, problems: Problems, evaluator: Evaluator) -> None:
        self.problems = problems
        self.evaluator = evaluator
        self.is_too_tall = False

    def elaborate(
        self, item: nodes.RecipeDef, module: Module, scopes: Mapping[Module, Scope]
    ) -> Recipe | Poison:
        """Return the recipe with inheritance applied, or Poison."""
        lineage = [(item, module)]
        while lineage[-1][0].base is not None:
            last, owner = lineage[-1]
            assert last.base is not None
            symbol = owner.symbols.get(last.base.text)
            if symbol is None or not isinstance(symbol.item, nodes.RecipeDef):
                return Poison()  # reported when names were resolved
            if any(symbol.item is known for known, _ in lineage):
                circle = [definition.base for definition, _ in lineage]
                first = messages.first_of([base for base in circle if base is not None])
                return self.problems.add(messages.circular_extends(first))
            if len(lineage) > MAX_EXTENDS:
                if not self.is_too_tall:
                    self.problems.add(messages.extends_too_often(last.base, MAX_EXTENDS))
                self.is_too_tall = True
                return Poison()
            lineage.append((symbol.item, symbol.module))
        plan = _Plan()
        good = not any(owner.has_fault(definition.span) for definition, owner in lineage)
        if any(owner.has_open_header(definition) for definition, owner in lineage):
            plan.failed.update(KEYS)  # what it extends could not be read
        for definition, owner in reversed(lineage):
            seen: dict[str, Span] = {}
            for setting in definition.settings:
                self.check_once(setting, seen)
                if owner.has_fault(setting.span):
                    self.fail(setting, plan, owner)
                    good = False
                elif not self.apply(setting, plan, scopes[owner]):
                    self.fail(setting, plan, owner)
                    good = False
                elif _first_name(setting) in ("epochs", "schedule", "warmup"):
                    plan.length = setting.span
                elif _first_name(setting) == "optimizer":
                    plan.optimizer = setting.span
        if not good:
            return Poison()
        missing = [k for k in ("epochs", "batch") if k not in plan.scalars]
        missing += [k for k in ("optimizer",) if k not in plan.entries]
        if missing:
            return self.problems.add(recipe_messages.incomplete(item.name, missing))
        settings: dict[str, Any] = {**plan.scalars, **plan.entries}
        recipe = Recipe(name=item.name.text, augment=plan.augment, **settings)
        wrong = conflict(recipe)
        if wrong is not None:
            return self.problems.add(
                messages.error("ARCH105", wrong[0], plan.optimizer or item.name.span, wrong[1])
            )
        if plan.length is not None:
            for fault in recipe_messages.unreached(recipe, plan.length):
                self.problems.add(fault)
        return recipe

    def check_once(self, setting: RecipeSetting, seen: dict[str, Span]) -> None:
        """Report a setting that the same recipe has already made."""
        if isinstance(setting, nodes.Error):
            return
        place = setting.name.span if isinstance(setting, nodes.SetEntry) else setting.path.span
        if place.text in seen:
            self.problems.add(recipe_messages.set_twice(place, seen[place.text]))
        seen.setdefault(place.text, place)

    # --- settings

    def fail(self, setting: RecipeSetting, plan: _Plan, owner: Module) -> None:
        """Take note that a setting was reported, so that nothing is made of its absence."""
        if isinstance(setting, nodes.SetEntry):
            plan.failed.add(setting.name.text)
        plan.failed.update(key for key in KEYS if owner.may_mention(key))

    def apply(self, setting: RecipeSetting, plan: _Plan, scope: Scope) -> bool:
        """Apply one setting to the plan; return whether it was good."""
        if isinstance(setting, nodes.Error):
            return False
        if isinstance(setting, nodes.SetValue) and len(setting.path.names) > 1:
            return self.apply_argument(setting, plan, scope)
        is_value = isinstance(setting, nodes.SetValue)
        name = setting.path.names[0] if is_value else setting.name  # type: ignore[union-attr]
        key = name.text
        if key in SCALARS:
            value = self.value("recipe", SCALARS[key], setting.value, scope)
            if isinstance(value, Poison):
                return False
            plan.scalars[key] = value
            return True
        if key not in KEYS:
            self.problems.add(recipe_messages.unknown_key(name, KEYS))
            return False
        if key == "augment":
            return self.apply_augment(setting.value, plan, scope)
        if key == "warmup" and _is_none(setting.value):
            plan.entries.pop(key, None)
            return True
        entry = self.entry(setting.value, cast(Place, key), scope)
        if isinstance(entry, Poison):
            return False
        plan.entries[key] = entry
        return True

    def apply_argument(self, setting: nodes.SetValue, plan: _Plan, scope: Scope) -> bool:
        """Apply ``optimizer.lr = 0.005``."""
        first, second = setting.path.names[:2]
        if first.text not in ADJUSTABLE or len(setting.path.names) > 2:
            self.problems.add(recipe_messages.unknown_path(setting.path))
            return False
        entry = plan.entries.get(first.text)
        if entry is None and first.text in plan.failed:
            return False
        if entry is None:
            self.problems.add(recipe_messages.nothing_to_change(first))
            return False
        parameters = {p.name: p for p in ENTRIES[entry.name].parameters}
        if second.text not in parameters:
            meant = nearest(second.text, parameters)
            self.problems.add(
                messages.unknown_argument(entry.name, second, list(parameters), meant)
            )
            return False
        value = self.value(entry.name, parameters[second.text], setting.value, scope)
        if isinstance(value, Poison):
            return False
        arguments = entry.arguments | {second.text: value}
        plan.entries[first.text] = Setting(name=entry.name, arguments=arguments)
        return True

    def apply_augment(self, expr: nodes.Expr, plan: _Plan, scope: Scope) -> bool:
        """Apply ``augment { resize(40) -> hflip }`` or ``augment none``."""
        if _is_none(expr):
            plan.augment = ()
            return True
        steps: list[nodes.Expr] = []
        for part in expr.body.statements if isinstance(expr, nodes.Group) else (expr,):
            steps += part.steps if isinstance(part, nodes.Pipeline) else (part,)  # type: ignore[arg-type]
        found = [self.entry(step, "augment", scope) for step in steps]
        if any(isinstance(step, Poison) for step in found):
            return False
        plan.augment = tuple(step for step in found if isinstance(step, Setting))
        for step, expr in zip(plan.augment[:-1], steps, strict=False):
            if step.name in LAST:
                self.problems.add(recipe_messages.not_last(step.name, expr.span))
                return False
        return True

    def entry(self, expr: nodes.Expr, place: Place, scope: Scope) -> Setting | Poison:
        """Return an optimizer, schedule or augmentation with its arguments."""
        if isinstance(expr, nodes.Call):
            callee, arguments = expr.callee, expr.arguments
        elif isinstance(expr, nodes.Path):
            callee, arguments = expr, ()
        else:
            return self.problems.add(recipe_messages.not_an_entry(place, expr.span))
        choices = [e.name for e in ENTRIES.values() if e.place == place]
        if callee.text not in choices:
            return self.problems.add(recipe_messages.unknown_entry(callee, place, choices))
        entry: Entry = ENTRIES[callee.text]
        bound = binding.bind(
            entry.name, callee.span, arguments, binding.slots(entry.parameters), self.problems
        )
        if not bound.is_good:
            return Poison()
        values: dict[str, Value] = {}
        for parameter in entry.parameters:
            given = bound.arguments.get(parameter.name)
            if given is None:
                values[parameter.name] = parameter.normal_default
                continue
            value = self.value(entry.name, parameter, given.value, scope)
            if isinstance(value, Poison):
                return value
            values[parameter.name] = value
        return Setting(name=entry.name, arguments=values)

    def value(
        self, what: str, parameter: Parameter, expr: nodes.Expr, scope: Scope
    ) -> Value | Poison:
        """Return a setting's value in its parameter's normal form."""
        value = self.evaluator.evaluate(expr, scope, words=parameter.kind.words)
        if isinstance(value, Poison):
            return value
        return binding.check_value(what, parameter, value, expr.span, self.problems)


def _first_name(setting: RecipeSetting) -> str:
    """Return what a setting is of: ``optimizer`` of ``optimizer.lr = 0.1``."""
    if isinstance(setting, nodes.Error):
        return ""
    name = setting.name if isinstance(setting, nodes.SetEntry) else setting.path.names[0]
    return name.text


def _is_none(expr: nodes.Expr) -> bool:
    return isinstance(expr, nodes.Path) and expr.text == "none"


def check_recipes(modules: Sequence[Module], expander: Expander) -> None:
    """Report the faults of every recipe that the modules declare."""
    elaborator = RecipeElaborator(expander.problems, expander.evaluator)
    scopes = _Scopes(expander)
    for module in modules:
        for symbol in module.declared(nodes.RecipeDef):
            assert isinstance(symbol.item, nodes.RecipeDef)
            elaborator.elaborate(symbol.item, module, scopes)


def elaborate_recipes(
    lineage: Sequence[tuple[nodes.Model, Module]],
    expander: Expander,
    input_shape: Shape,
    parameters: Mapping[str, Value],
    output: Shape | None,
) -> dict[str, Recipe]:
    """Return the recipes of a model by data set: the nearest ``train`` of each counts.

    Reports a data set that does not fit the model's input, and one whose number of classes the
    model cannot take.
    """
    problems = expander.problems
    elaborator = RecipeElaborator(problems, expander.evaluator)
    scopes = _Scopes(expander)
    found: dict[str, Recipe] = {}
    seen: set[str] = set()
    for model, module in lineage:
        own: dict[str, nodes.Train] = {}
        for item in model.items:
            if not isinstance(item, nodes.Train) or item.dataset.text not in DATASETS:
                continue
            name = item.dataset.text
            if name in own:
                problems.add(model_messages.item_twice(f"train {name}", item.span, own[name].span))
                continue
            own[name] = item
            if name in seen:
                continue
            seen.add(name)
            symbol = module.symbols.get(item.recipe.text)
            if symbol is None or not isinstance(symbol.item, nodes.RecipeDef):
                continue  # reported when names were resolved
            recipe = elaborator.elaborate(symbol.item, symbol.module, scopes)
            dataset = DATASETS[name]
            if isinstance(recipe, Recipe):
                found[name] = recipe
                fault = fit_fault(item.dataset, item.recipe, dataset, recipe, input_shape)
                if fault is not None:
                    problems.add(fault)
            known = (None, (dataset.classes,)) if dataset.classes else (output,)
            if "classes" not in parameters and output not in known:
                problems.add(recipe_messages.no_classes(item.dataset, dataset, output))
    return found


class _Scopes(Mapping[Module, Scope]):
    """The scopes of files, as a mapping."""

    def __init__(self, expander: Expander) -> None:
        self.expander = expander

    def __getitem__(self, module: Module) -> Scope:
        return self.expander.file_scope(module)

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(self.expander.globals)

    def __len__(self) -> int:
        return len(self.expander.globals)
