"""Variants: a named grid of parameter settings of a model, for ablations."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from archdsl.diagnostics import Poison, Problems
from archdsl.elaborate import variant_messages
from archdsl.elaborate.loading import Module, Symbol
from archdsl.elaborate.messages import show
from archdsl.elaborate.values import Evaluator, Scope
from archdsl.operators.signature import Value
from archdsl.source import Span
from archdsl.syntax import nodes

MAX_POINTS = 1000
"""The most points a grid may have."""


@dataclass(frozen=True, slots=True)
class Point:
    """One setting of the parameters that a grid varies.

    >>> str(Point("depth", {"n": 2, "act": "relu"}))
    'depth[n=2, act=relu]'
    """

    grid: str
    settings: Mapping[str, Value]

    def __str__(self) -> str:
        return f"{self.grid}[{', '.join(self._written('='))}]"

    @property
    def slug(self) -> str:
        """The settings as part of a module's name; two points of a grid may share one.

        >>> Point("depth", {"n": 2, "rate": 0.5}).slug
        'n2_rate0_5'
        """
        return "_".join(re.sub(r"\W+", "_", part).strip("_") for part in self._written(""))

    def _written(self, equals: str) -> Iterator[str]:
        for name, value in self.settings.items():
            yield f"{name}{equals}{_text(value)}"


def _text(value: Value) -> str:
    """Return a value so that no other is written like it: all digits of a float."""
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_text, value)) + "]"
    return str(value) if isinstance(value, str | float) else show(value)


@dataclass(frozen=True, slots=True)
class Grid:
    """A grid without faults: for each parameter that it varies, the values, in order."""

    name: str
    model: Symbol
    axes: Mapping[str, tuple[Value, ...]]
    place: Span

    @property
    def points(self) -> Iterator[Point]:
        """Every combination of values; those of the last parameter change fastest."""
        for values in product(*self.axes.values()):
            yield Point(self.name, dict(zip(self.axes, values, strict=True)))


def parameter_names(model: nodes.Model, bases: Mapping[nodes.Model, Symbol]) -> list[str]:
    """Return the names of a model's parameters, those of its bases behind its own."""
    known = [p.name.text for p in model.parameters]
    while model in bases:
        base = bases[model].item
        assert isinstance(base, nodes.Model)
        model = base
        known += [p.name.text for p in model.parameters if p.name.text not in known]
    return known


class GridChecker:
    """Checks the grids of a program, and evaluates their values."""

    def __init__(
        self,
        bases: Mapping[nodes.Model, Symbol],
        evaluator: Evaluator,
        scope: Callable[[Module], Scope],
        problems: Problems,
    ) -> None:
        self.bases = bases
        self.evaluator = evaluator
        self.scope = scope
        self.problems = problems

    def check(self, modules: Iterable[Module]) -> dict[nodes.Variants, Grid]:
        """Return the grids that have no fault, by the item that declares them."""
        found = {}
        for module in modules:
            for item in module.file.items:
                if isinstance(item, nodes.Variants):
                    grid = self.grid(item, module)
                    if grid is not None:
                        found[item] = grid
        return found

    def grid(self, item: nodes.Variants, module: Module) -> Grid | None:
        """Return the grid of a declaration, or None where a fault was reported."""
        symbol = module.symbols.get(item.model.text)
        axes: dict[str, tuple[Value, ...]] = {}
        first: dict[str, Span] = {}
        complete = not module.has_fault(item.span)
        for line in item.grid:
            if isinstance(line, nodes.Error):
                continue  # reported by the parser
            name = line.path.text
            known = symbol is None or self.knows(line.path, symbol)
            if name in first:
                self.problems.add(variant_messages.varied_twice(line.path, first[name]))
                complete = False
            values = self.values(item.name, line, self.scope(module))
            first.setdefault(name, line.path.span)
            if not known or values is None:
                complete = False
            else:
                axes[name] = values
        if not complete or symbol is None or not isinstance(symbol.item, nodes.Model):
            return None
        if not axes:
            self.problems.add(variant_messages.nothing_varied(item.name))
            return None
        count = math.prod(len(values) for values in axes.values())
        if count > MAX_POINTS:
            self.problems.add(variant_messages.too_many_points(item.name, count, MAX_POINTS))
            return None
        return Grid(item.name.text, symbol, axes, item.name.span)

    def knows(self, path: nodes.Path, symbol: Symbol) -> bool:
        """Whether the model has a parameter; that it has not is reported."""
        item, module = symbol.item, symbol.module
        if not isinstance(item, nodes.Model):
            return False
        varied = item.name
        names = parameter_names(item, self.bases)
        if path.text in names:
            return True
        while item in self.bases and not module.has_open_header(item):
            base = self.bases[item]
            assert isinstance(base.item, nodes.Model)
            item, module = base.item, base.module
        if item.base is None and not module.has_open_header(item):  # else: not all are known
            self.problems.add(variant_messages.unknown_parameter(path, varied, names))
        return False

    def values(self, grid: nodes.Name, line: nodes.Vary, scope: Scope) -> tuple[Value, ...] | None:
        """Return the values of a line, or None where a fault was reported."""
        listed = line.values
        places: list[Span] = []
        if isinstance(listed, nodes.ListOf):
            # Each by itself: a value may be a list, too.
            values = [self.evaluator.evaluate(item, scope) for item in listed.items]
            places = [item.span for item in listed.items]
        else:
            whole = self.evaluator.evaluate(listed, scope)
            if isinstance(whole, Poison):
                return None
            if not isinstance(whole, tuple):
                self.problems.add(variant_messages.not_a_list(line, whole))
                return None
            values = list(whole)
            places = [listed.span] * len(values)
        if not values:
            self.problems.add(variant_messages.no_values(line))
            return None
        if len(values) > MAX_POINTS:
            self.problems.add(variant_messages.too_many_points(grid, len(values), MAX_POINTS))
            return None
        found: list[Value] = []
        sound = True
        for value, place in zip(values, places, strict=True):
            if isinstance(value, Poison):
                sound = False
            elif any(value == other and type(value) is type(other) for other in found):
                self.problems.add(variant_messages.value_twice(line.path.text, value, place))
                sound = False
            else:
                found.append(value)
        return tuple(found) if sound else None
