"""From a model declaration to a network: inheritance, parameters, backbone, aggregate, head."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from archdsl.diagnostics import Poison, Problems
from archdsl.elaborate import messages, model_messages
from archdsl.elaborate.aggregating import Aggregator
from archdsl.elaborate.checking_steps import Resolution
from archdsl.elaborate.contracts import Contract, read_contract
from archdsl.elaborate.expanding import Expander
from archdsl.elaborate.foreign import ForeignElaborator
from archdsl.elaborate.guessing import Axes
from archdsl.elaborate.loading import Module, Symbol
from archdsl.elaborate.placing import Here, Stop
from archdsl.elaborate.recipes import elaborate_recipes
from archdsl.elaborate.rehearsal import Rehearsal, rehearse
from archdsl.elaborate.values import Scope
from archdsl.ir import INPUT, Aggregation, Allowance, Network, Node, RegionKind
from archdsl.ir.naming import Names
from archdsl.operators.signature import Integer, Unfit, Value
from archdsl.source import Use
from archdsl.syntax import nodes

_USUAL = (3, 32, 32)
"""Stands in for an input that was reported."""


class Item(NamedTuple):
    """An item of a model, the model in which it stands, and the file."""

    item: nodes.ModelItem
    model: nodes.Model
    module: Module


Items: TypeAlias = dict[type, Item]


@dataclass(frozen=True, slots=True)
class Elaborated:
    """A network as far as it could be made, and the regions and taps whose value is unknown."""

    network: Network
    poisoned: frozenset[str]
    model: nodes.Model
    contracts: tuple[Contract, ...] = ()


class ModelElaborator:
    """Elaborates one model."""

    def __init__(
        self,
        symbol: Symbol,
        resolution: Resolution,
        problems: Problems,
        parameters: Mapping[str, Value],
    ) -> None:
        assert isinstance(symbol.item, nodes.Model)
        self.model = symbol.item
        self.module = symbol.module
        self.resolution = resolution
        self.problems = problems
        self.given = parameters
        self.expander = Expander(resolution, problems, self.rehearse)
        self.symbol = symbol
        self.lineage = list(self.ancestry())
        self.scopes: dict[nodes.Model, Scope] = {}

    def ancestry(self) -> Iterator[tuple[nodes.Model, Module]]:
        """Yield the model and what it extends, nearest first."""
        model, module = self.model, self.module
        yield model, module
        while model in self.resolution.bases:
            symbol = self.resolution.bases[model]
            assert isinstance(symbol.item, nodes.Model)
            model, module = symbol.item, symbol.module
            yield model, module

    def elaborate(self) -> Elaborated | None:
        """Return the network, or None where there is no input or no backbone to begin with."""
        parameters = self.parameters()
        items = self.items()
        try:
            return self.expand(parameters, items)
        except Stop:
            return None

    def rehearse(self) -> None:
        """Stop if the network becomes too large: expand it once without making uses twice."""

        def expand(problems: Problems) -> None:
            double = ModelElaborator(self.symbol, self.resolution, problems, self.given)
            double.expander.rehearse = None
            double.expander.rehearsal = Rehearsal(double.expander.placer)
            double.expand(double.parameters(), double.items())

        rehearse(expand, self.problems)

    def least_operators(self) -> int:
        """Return how many operators the network has at least, without making it."""
        parameters = self.parameters()
        total = 0
        for item, model, _ in self.items().values():
            if isinstance(item, nodes.Backbone | nodes.Head):
                total += self.expander.sizes.of_body(item.body, self.scope(model, parameters))
        return total

    # --- parameters and items, with inheritance

    def parameters(self) -> dict[str, Value | Poison]:
        """Return the model's parameters: the base's in order, with nearer defaults, then own."""
        declared: dict[str, tuple[nodes.Parameter, Module]] = {}
        for model, module in reversed(self.lineage):
            for parameter in model.parameters:
                declared[parameter.name.text] = (parameter, module)
        values: dict[str, Value | Poison] = {}
        for name, (parameter, module) in declared.items():
            scope = Scope(self.expander.file_scope(module))
            scope.names.update(values)
            if name in self.given:
                values[name] = self.given[name]
            elif parameter.default is not None:
                values[name] = self.expander.evaluator.evaluate(parameter.default, scope)
            elif self.has_open_header():
                values[name] = Poison()
            else:
                values[name] = self.problems.add(
                    model_messages.required_model_parameter(self.model.name, parameter.name)
                )
        return values

    def items(self) -> Items:
        """Return the model's items by kind, the nearest of each; two in one model are reported."""
        found: Items = {}
        for model, module in self.lineage:
            own: dict[type, nodes.ModelItem] = {}
            for item in model.items:
                kind = type(item)
                if kind is nodes.ForeignBackbone:
                    kind = nodes.Backbone
                if kind not in (nodes.Input, nodes.Backbone, nodes.Head, nodes.Aggregate):
                    continue
                if kind in own:
                    what = kind.__name__.lower()
                    self.problems.add(model_messages.item_twice(what, item.span, own[kind].span))
                    continue
                own[kind] = item
            for kind, item in own.items():
                found.setdefault(kind, Item(item, model, module))
        return found

    def scope(self, model: nodes.Model, parameters: Mapping[str, Value | Poison]) -> Scope:
        """Return the scope of the items that stand in ``model`` itself.

        It knows the model's parameters and those of its bases, but not what extends it declares.
        """
        if model not in self.scopes:
            generation = [m for m, _ in self.lineage].index(model)
            module = self.lineage[generation][1]
            known = {p.name.text for m, _ in self.lineage[generation:] for p in m.parameters}
            scope = Scope(self.expander.file_scope(module))
            scope.names.update({n: v for n, v in parameters.items() if n in known})
            for item in model.items:
                if isinstance(item, nodes.Let):
                    value = self.expander.evaluator.evaluate(item.value, scope)
                    scope.names[item.name.text] = value
            self.scopes[model] = scope
        return self.scopes[model]

    # --- expansion

    def expand(self, parameters: dict[str, Value | Poison], items: Items) -> Elaborated | None:
        """Expand backbone, aggregate clause and head."""
        expander = self.expander
        shape = self.input_shape(items, parameters)
        if nodes.Backbone not in items and not self.may_have("backbone"):
            self.problems.add(model_messages.missing_item(self.model.name, "backbone"))
        backbone = items.get(nodes.Backbone)
        if backbone is None or (shape is None and not isinstance(backbone.item, nodes.Backbone)):
            return None
        place = items[nodes.Input].item.span if nodes.Input in items else self.model.name.span
        start = expander.draft.add_input(shape or _USUAL, Use(place, "input", INPUT))
        if shape is None:
            expander.placer.vague[INPUT] = Axes.ALL
        top = Names()
        for taken in (INPUT, "backbone", "head"):
            top.allocate(taken)
        self.allow_in_model()

        if isinstance(backbone.item, nodes.ForeignBackbone):
            scope = self.scope(backbone.model, parameters)
            tensor = ForeignElaborator(backbone.item, expander, scope).elaborate(start)
            if isinstance(tensor, Poison):
                return None  # nothing is known of what would follow
        else:
            tensor = self.region(backbone, "backbone", RegionKind.BACKBONE, start, parameters, top)
        aggregation: Aggregation | None = None
        if nodes.Aggregate in items:
            clause, model, module = items[nodes.Aggregate]
            assert isinstance(clause, nodes.Aggregate)
            here = Here("", top, module)
            done = Aggregator(clause, expander, self.scope(model, parameters), here).elaborate()
            if isinstance(done, Poison):
                tensor = expander.placer.some_vector(start, clause.kind.span)
            else:
                tensor, aggregation = done
        if nodes.Head in items and isinstance(tensor, Node):
            tensor = self.region(
                items[nodes.Head], "head", RegionKind.HEAD, tensor, parameters, top
            )
        return self.finish(parameters, start, tensor, aggregation)

    def region(
        self,
        item: Item,
        name: str,
        kind: RegionKind,
        flow: Node,
        parameters: Mapping[str, Value | Poison],
        top: Names,
    ) -> Node | Poison:
        """Expand the backbone or the head."""
        part, model, module = item
        assert isinstance(part, nodes.Backbone | nodes.Head)
        here = Here("", top, module)
        inner = Here(name, Names(), module)
        scope = Scope(self.scope(model, parameters))
        scope.names["in"] = flow
        result = self.expander.single(self.expander.body(part.body, scope, flow, inner), here)
        if not self.expander.is_known(result):
            self.expander.sections.poisoned.add(name)
        if not isinstance(result, Node):
            result = Poison()
        output = result if isinstance(result, Node) else flow
        self.expander.draft.add_region(name, kind, flow, output, Use(part.keyword, name, name))
        return result

    def finish(
        self,
        parameters: Mapping[str, Value | Poison],
        start: Node,
        tensor: Node | Poison,
        aggregation: Aggregation | None,
    ) -> Elaborated:
        """Return the network with everything in it."""
        draft = self.expander.draft
        poisoned = set(self.expander.sections.poisoned)
        output = tensor if isinstance(tensor, Node) else start
        if not self.expander.is_known(tensor):
            poisoned.add("")
        draft.add_region(
            "", RegionKind.MODEL, start, output, Use(self.model.name.span, "model", "")
        )
        known = {n: v for n, v in parameters.items() if not isinstance(v, Poison)}
        output_shape = None if "" in poisoned else output.shape
        recipes = elaborate_recipes(self.lineage, self.expander, start.shape, known, output_shape)
        channels, height, width = start.shape
        network = Network(
            name=self.model.name.text,
            parameters=known,
            input=(channels, height, width),
            nodes=tuple(draft.nodes.values()),
            regions=tuple(draft.regions.values()),
            taps=tuple(self.expander.sections.taps),
            aggregation=aggregation,
            allowances=tuple(self.expander.sections.allowances),
            output=output.id,
            recipes=recipes,
            defaults=draft.defaults,
            origins=draft.origins,
        )
        contracts = tuple(self.contracts(parameters))
        return Elaborated(network, frozenset(poisoned), self.model, contracts)

    def contracts(self, parameters: Mapping[str, Value | Poison]) -> Iterator[Contract]:
        """Yield the model's own contracts; those of a base are about the base."""
        scope = self.scope(self.model, parameters)
        for item in self.model.items:
            if isinstance(item, nodes.Expect):
                contract = read_contract(item, self.expander.evaluator, scope, self.given)
                if contract is not None:
                    yield contract

    def input_shape(
        self,
        items: Items,
        parameters: Mapping[str, Value | Poison],
    ) -> tuple[int, int, int] | None:
        """Return the input's shape, or None where there is none; that is reported."""
        if nodes.Input not in items:
            if not self.may_have("input"):
                self.problems.add(model_messages.missing_item(self.model.name, "input"))
            return None
        item, model, module = items[nodes.Input]
        assert isinstance(item, nodes.Input)
        value = self.expander.evaluator.evaluate(item.shape, self.scope(model, parameters))
        if isinstance(value, Poison):
            return None
        try:
            sizes = value if isinstance(value, tuple) and len(value) == 3 else (None,)
            c, h, w = (Integer(1).check(size) for size in sizes)
        except (Unfit, ValueError):
            if not module.has_fault(item.span):
                self.problems.add(model_messages.bad_input(item.shape.span, value))
            return None
        assert isinstance(c, int) and isinstance(h, int) and isinstance(w, int)
        return c, h, w

    def has_open_header(self) -> bool:
        """Whether the header of the model, or of one of its bases, has syntax errors."""
        return any(module.has_open_header(model) for model, module in self.lineage)

    def may_have(self, keyword: str) -> bool:
        """Whether an item that is missing may stand in what could not be read."""
        if any(module.may_mention(keyword) for _, module in self.lineage):
            return True
        if self.has_open_header() or self.module.is_unfinished(self.model.span):
            return True  # a base that could not be read, or the text ends within the model
        # A base that could not be found has been reported; what it would bring is unknown.
        last = self.lineage[-1][0]
        return last.base is not None and last not in self.resolution.bases

    def allow_in_model(self) -> None:
        """Take note of what the model and its bases allow."""
        for model, _ in self.lineage:
            for item in model.items:
                if isinstance(item, nodes.Allow) and item.code.text in messages.RULES:
                    use = Use(item.span, f"allow {item.code.text}", "")
                    self.expander.sections.allowances.append(
                        Allowance(code=item.code.text, where="", reason=item.reason, place=use)
                    )
