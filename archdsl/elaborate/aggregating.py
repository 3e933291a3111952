"""The aggregate clause: checks its words, and adds the aggregator and its readout to the draft.

Before: the taps are marked tensors. After: an aggregator node over the tapped tensors themselves
and a readout node. Mapping nodes between the two are derived later, by ``archdsl.analysis``.
"""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.aggregators import AGGREGATORS, NOT_YET, READOUTS
from archdsl.diagnostics import Poison
from archdsl.elaborate import binding, messages, model_messages, shape_messages
from archdsl.elaborate.expanding import Expander
from archdsl.elaborate.placing import Here
from archdsl.elaborate.resolving import is_settings
from archdsl.elaborate.values import Scope
from archdsl.ir import Aggregation, Level, Node, RegionKind, Tap
from archdsl.ir.levels import level_of
from archdsl.ir.naming import Names, attribute
from archdsl.operators.signature import Integer, Parameter, Value, Word
from archdsl.source import Use
from archdsl.syntax import nodes

SETTINGS = {
    parameter.name: parameter
    for parameter in (
        Parameter("kernel", Integer(1), "kernel size; of a shallow node also the stride"),
        Parameter("norm", Word(("batch", "none")), "normalisation behind the convolution"),
        Parameter("act", Word(("relu", "none")), "activation behind it"),
    )
}
"""What ``map LEVEL { ... }`` can set."""

_NORMALIZATIONS = ("none", "layer", "batch")


class Aggregator:
    """Elaborates one aggregate clause."""

    def __init__(self, clause: nodes.Aggregate, expander: Expander, scope: Scope, here: Here):
        self.clause = clause
        self.expander = expander
        self.problems = expander.problems
        self.scope = scope
        self.here = here

    def elaborate(self) -> tuple[Node, Aggregation] | Poison:
        """Return the node whose value goes to the head, and the clause as data."""
        arguments = self.arguments()
        taps = self.chosen_taps()
        readout, normalize = self.words()
        settings = self.settings(taps)
        if isinstance(arguments, Poison) or isinstance(taps, Poison):
            return Poison()
        if isinstance(readout, Poison) or isinstance(settings, Poison):
            return Poison()
        if any(name.startswith("tap:") for name in self.expander.sections.poisoned):
            return Poison()
        by_hand = self.by_hand(taps)
        if isinstance(by_hand, Poison):
            return Poison()
        kind = self.clause.kind.text
        tensors = tuple(self.expander.draft.nodes[tap.node] for tap in taps)
        use = Use(self.clause.span, f"aggregate {kind}", kind, None)
        name = self.here.names.allocate(kind)
        states = self.expander.draft.add(name, AGGREGATORS[kind], tensors, arguments, use)
        reader = READOUTS[readout]
        inputs = (states, tensors[-1]) if reader.uses_feature else (states,)
        out = self.expander.draft.add(self.here.names.allocate("readout"), reader, inputs, {}, use)
        aggregation = Aggregation(
            kind=kind,
            taps=tuple(tap.path for tap in taps),
            readout_kind=readout,
            normalize=normalize,
            settings=settings,
            by_hand=by_hand,
            node=states.id,
            readout=out.id,
        )
        return out, aggregation

    # --- the clause's own words

    def arguments(self) -> dict[str, Value] | Poison:
        """Return the aggregator's arguments."""
        kind = self.clause.kind
        if kind.text not in AGGREGATORS:
            if kind.text in NOT_YET:
                return self.problems.add(messages.not_yet(f"the aggregator {kind.text}", kind.span))
            choices = [*AGGREGATORS, *NOT_YET]
            return self.problems.add(shape_messages.unknown_aggregator(kind, choices))
        if self.here.module.has_fault(self.clause.header):
            return Poison()
        operator = AGGREGATORS[kind.text]
        bound = binding.bind(
            kind.text,
            kind.span,
            self.clause.arguments,
            binding.slots(operator.parameters),
            self.problems,
        )
        if not bound.is_good:
            return Poison()
        values: dict[str, Value] = {}
        for parameter in operator.parameters:
            given = bound.arguments.get(parameter.name)
            if given is None:
                values[parameter.name] = parameter.normal_default
                continue
            value = self.value(kind.text, parameter, given.value)
            if isinstance(value, Poison):
                return value
            values[parameter.name] = value
        return values

    def value(self, what: str, parameter: Parameter, expr: nodes.Expr) -> Value | Poison:
        """Return an expression's value in its parameter's normal form."""
        words = parameter.kind.words
        value = self.expander.evaluator.evaluate(expr, self.scope, words=words)
        if isinstance(value, Poison):
            return value
        return binding.check_value(what, parameter, value, expr.span, self.problems)

    def chosen_taps(self) -> list[Tap] | Poison:
        """Return the taps to aggregate, in the order of the network."""
        taps, places = self.expander.sections.taps, self.expander.sections.tap_places
        if not places:
            if self.expander.sections.poisoned:
                return Poison()  # the tap may stand in what could not be read
            return self.problems.add(shape_messages.no_taps(self.clause.kind.span))
        if self.clause.over is None:
            return taps
        poison: Poison | None = None
        wanted: dict[str, nodes.Path] = {}
        for path in self.clause.over:
            if path.text in wanted:
                first = wanted[path.text].span
                poison = self.problems.add(
                    shape_messages.tap_chosen_twice(path, first, self.clause.over)
                )
            elif path.text not in places:
                poison = self.problems.add(shape_messages.unknown_tap(path, list(places)))
            wanted.setdefault(path.text, path)
        return poison or [tap for tap in taps if tap.path in wanted]

    def words(self) -> tuple[str | Poison, str | None]:
        """Return the readout and the normalisation of the vectors."""
        readout: str | Poison = "last"
        normalize: str | None = None
        seen: dict[str, nodes.Readout | nodes.Normalize] = {}
        for override in self.clause.overrides:
            if not isinstance(override, nodes.Readout | nodes.Normalize):
                continue
            is_readout = isinstance(override, nodes.Readout)
            what = "readout" if is_readout else "normalization"
            choices = list(READOUTS) if is_readout else list(_NORMALIZATIONS)
            if what in seen:
                self.problems.add(model_messages.item_twice(what, override.span, seen[what].span))
            seen[what] = override
            word = override.kind.text
            if word not in choices:
                poison = self.problems.add(
                    shape_messages.unknown_word(what, override.kind, choices)
                )
                readout = poison if is_readout else readout
            elif is_readout:
                readout = word
            else:
                normalize = None if word == "none" else word
        return readout, normalize

    # --- map

    def maps(self) -> list[nodes.Map]:
        """Return the clause's ``map`` overrides."""
        return [o for o in self.clause.overrides if isinstance(o, nodes.Map)]

    def settings(self, taps: list[Tap] | Poison) -> dict[str, dict[str, Value]] | Poison:
        """Return what ``map`` sets, by level or tap path; unknown targets are reported."""
        found: dict[str, dict[str, Value]] = {}
        seen: dict[str, nodes.Map] = {}
        poison: Poison | None = None
        for item in self.maps():
            target = item.target.text
            if target in seen:
                poison = self.problems.add(
                    shape_messages.mapped_twice(item.target, seen[target].target.span)
                )
                continue
            seen[target] = item
            if target not in list(Level):
                known = list(self.expander.sections.tap_places)
                if target not in known:
                    choices = [*Level, *known]
                    poison = self.problems.add(shape_messages.unknown_tap(item.target, choices))
                    continue
            if is_settings(item.body):
                values = self.setting_values(item)
                if isinstance(values, Poison):
                    poison = values
                else:
                    found[target] = values
        return found if poison is None else poison

    def setting_values(self, item: nodes.Map) -> dict[str, Value] | Poison:
        """Return what one ``map`` sets; what cannot be set is reported."""
        values: dict[str, Value] = {}
        poison: Poison | None = None
        choices = [] if item.target.text == Level.LAST else list(SETTINGS)
        for statement in item.body.statements:
            if not isinstance(statement, nodes.Bind):
                poison = Poison()  # could not be read
                continue
            name = statement.name
            if name.text not in choices:
                poison = self.problems.add(
                    shape_messages.unknown_setting(name, item.target.text, choices)
                )
                continue
            value = self.value("map", SETTINGS[name.text], statement.value)
            if isinstance(value, Poison):
                poison = value
            else:
                values[name.text] = value
                use = Use(statement.value.span, name.text, "")
                self.expander.draft.origins[f"map:{item.target.text}.{name.text}"] = use
        return values if poison is None else poison

    def by_hand(self, taps: list[Tap]) -> dict[str, str] | Poison:
        """Expand the mapping nodes that are written by hand; return their outputs by tap."""
        bodies = {i.target.text: i for i in self.maps() if not is_settings(i.body)}
        standard = self.expander.draft.nodes[taps[-1].node]
        names = map_names(taps)
        found: dict[str, str] = {}
        poison: Poison | None = None
        used: set[str] = set()
        for tap in taps:
            tensor = self.expander.draft.nodes[tap.node]
            level = level_of(tensor, standard, is_last=tap is taps[-1])
            target = tap.path if tap.path in bodies else level.value
            used.update((tap.path, level.value))
            if target not in bodies:
                continue
            item = bodies[target]
            region = self.here.within(names[tap.path])
            scope = Scope(self.scope)
            scope.names["in"] = tensor
            result = self.expander.single(
                self.expander.body(item.body, scope, tensor, region), region
            )
            if not isinstance(result, Node) or not self.expander.is_known(result):
                poison = Poison()
                continue
            use = Use(item.target.span, f"map {target}", region.path, None)
            self.expander.draft.add_region(region.path, RegionKind.MAP, tensor, result, use)
            found[tap.path] = result.id
        for item in self.maps():
            if item.target.text not in used:
                self.problems.add(shape_messages.unused_level(item))
        return found if poison is None else poison


def map_names(taps: Sequence[Tap]) -> dict[str, str]:
    """Return the submodule names of the taps' mapping nodes: ``map_s1_b1``, each of its own."""
    names = Names()
    return {
        tap.path: names.allocate("map_" + "_".join(map(attribute, tap.path.split("."))))
        for tap in taps
    }
