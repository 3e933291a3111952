"""Operators of a body placed into a draft: operands, arguments, shapes, and what does not fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from archdsl.diagnostics import Label, Poison, Problems
from archdsl.elaborate import binding, shape_messages
from archdsl.elaborate.checking_steps import Step
from archdsl.elaborate.guessing import (
    Axes,
    is_doubtful,
    of_output,
    of_parameter,
    probable_shape,
    stand_in,
)
from archdsl.elaborate.loading import Module
from archdsl.elaborate.values import Evaluator, Scope
from archdsl.ir import INPUT, Draft, Node, TooManyOperators
from archdsl.ir.draft import MAX_OPERATORS
from archdsl.ir.naming import Names
from archdsl.operators import OPERATORS
from archdsl.operators.operator import Misfit, Operator, render
from archdsl.operators.signature import Value
from archdsl.source import Span, Use
from archdsl.syntax import nodes


@dataclass(frozen=True, slots=True)
class Branches:
    """What a fork yields: one tensor a branch, and where each branch stands."""

    tensors: tuple[Node, ...]
    places: tuple[Span, ...]
    place: Span


Flow: TypeAlias = Node | Branches | Poison | None
"""What flows between steps; None where nothing does."""

Operand: TypeAlias = tuple[Node, Span | None]
"""A tensor that flows into an operator, and where the spec says so."""


class Stop(Exception):
    """Expansion cannot go on (a limit); a diagnostic has been given."""


@dataclass(frozen=True, slots=True)
class Part:
    """A stage or block: its path as a spec says it (``s1.b1``), and that of its region."""

    path: str
    region: str


@dataclass(frozen=True, slots=True)
class StageRecord:
    """A stage while its body is expanded, with the blocks seen so far."""

    part: Part
    blocks: list[Part] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Here:
    """Where an expansion stands: the region, names given out in it, and the chain of uses."""

    path: str
    names: Names
    module: Module
    use: Use | None = None
    prefix: str = ""
    stage: StageRecord | None = None
    block: Part | None = None
    depth: int = 0

    def within(self, name: str) -> Here:
        """Return the place inside a new region."""
        path = f"{self.path}.{name}" if self.path else name
        return replace(self, path=path, names=Names(), prefix="")

    def prefixed(self, name: str) -> Here:
        """Return the place for what is named ``name``: its operators' names begin with that."""
        return replace(self, prefix=self.label(name))

    def label(self, name: str) -> str:
        """Return a name with the prefix."""
        return f"{self.prefix}_{name}" if self.prefix else name

    def id(self, name: str) -> str:
        """Return the id of something in this region."""
        return f"{self.path}.{name}" if self.path else name


class Placer:
    """Places operators into a draft, and keeps the books on what is only a guess."""

    def __init__(self, evaluator: Evaluator, problems: Problems) -> None:
        self.evaluator = evaluator
        self.problems = problems
        self.draft = Draft()
        self.vague = evaluator.vague

    def place(
        self,
        expr: nodes.Expr,
        step: Step,
        operands: Sequence[Operand],
        scope: Scope,
        here: Here,
        id: str,
    ) -> Node | Poison:
        """Add an operator to the draft; shapes that do not fit are reported."""
        operator = step.target
        assert isinstance(operator, Operator)
        inputs = tuple(node for node, _ in operands)
        arguments, doubt = self.arguments(operator, step, scope, here, inputs[0])
        vague = [Axes.NONE] * len(inputs)
        union = Axes.NONE
        if self.vague:
            vague = [self.vague.get(node.id, Axes.NONE) for node in inputs]
            for axes in vague:
                union |= axes
        use = Use(expr.span, operator.name, id, here.use)
        try:
            node = self.draft.add(id, operator, inputs, arguments, use)
        except TooManyOperators:
            self.too_many(expr.span, here)
        except Misfit as fault:
            shapes = [node.shape for node in inputs]
            if not doubt and not is_doubtful(fault, operator, shapes, vague):
                self.report_misfit(fault, expr, step, operands, here)
            probable = probable_shape(fault, operator, shapes, arguments)
            if probable is None:
                return self.unknown(inputs[0], expr.span, here)
            shape, guessed = probable
            doubt |= guessed
            node = self.stand_in(id, operator, inputs, arguments, shape, use)
        if union or doubt:
            axes = of_output(operator, union, node.shape) | doubt
            if axes:
                self.vague[node.id] = axes
        return node

    def too_many(self, place: Span, here: Here) -> None:
        """Report the limit on operators, and stop."""
        self.problems.add(shape_messages.too_many_operators(place, MAX_OPERATORS, here.use))
        raise Stop

    # --- what is not known

    def unknown(self, flow: Flow, place: Span, here: Here) -> Node | Poison:
        """Return a tensor of which nothing is known, where something of ``flow`` was wanted.

        Its fault has been reported.
        """
        if isinstance(flow, Branches):
            flow = flow.tensors[0] if flow.tensors else None
        if not isinstance(flow, Node):
            flow = self.draft.nodes.get(INPUT)
        if flow is None:
            return Poison()
        identity = OPERATORS["identity"]
        id = here.id(here.names.allocate(here.label("unknown")))
        use = Use(place, "unknown", id, here.use)
        node = self.stand_in(id, identity, (flow,), {}, flow.shape, use)
        self.vague[node.id] = Axes.ALL
        return node

    def is_unknown(self, node: Node) -> bool:
        """Whether nothing is known of a tensor."""
        return self.vague.get(node.id) == Axes.ALL

    def partial_join(self, operands: Sequence[Operand], place: Span, here: Here) -> Node | Poison:
        """Return what a join yields of which not every input is known."""
        known = [node for node, _ in operands]
        result = self.unknown(known[0] if known else None, place, here)
        if known and isinstance(result, Node):
            # The size is that of the others; the channels were perhaps to come from it.
            self.vague[result.id] = self.vague.get(known[0].id, Axes.NONE) | Axes.CHANNELS
        return result

    def some_vector(self, flow: Node, place: Span) -> Node:
        """Return a vector of unknown length."""
        identity = OPERATORS["identity"]
        node = self.stand_in("unknown", identity, (flow,), {}, (1,), Use(place, "unknown", ""))
        self.vague[node.id] = Axes.CHANNELS
        return node

    def stand_in(
        self,
        id: str,
        operator: Operator,
        inputs: tuple[Node, ...],
        arguments: dict[str, Value],
        shape: tuple[int, ...],
        use: Use,
    ) -> Node:
        """Add a node with a shape of our own; the network is never emitted."""
        node = Node(
            id=id,
            op=operator.name,
            arguments=arguments,
            inputs=tuple(node.id for node in inputs),
            shape=shape,
            stride=inputs[0].stride if len(shape) == 3 else None,
        )
        self.draft.nodes[id] = node
        self.draft.origins[id] = use
        return node

    # --- arguments

    def arguments(
        self, operator: Operator, step: Step, scope: Scope, here: Here, flow: Node
    ) -> tuple[dict[str, Value], Axes]:
        """Return an operator's arguments, evaluated and checked, defaults filled in.

        In place of one that was reported stands its default; what that leaves open is returned.
        """
        values: dict[str, Value] = {}
        doubt = Axes.NONE
        for parameter in operator.parameters:
            given = step.arguments.get(parameter.name)
            is_faulty = parameter.name in step.faulty
            if given is None and not is_faulty:
                values[parameter.name] = operator.defaults[parameter.name]
                continue
            value: Value | Poison = Poison()
            if given is not None and not is_faulty:
                words = parameter.kind.words
                value = self.evaluator.evaluate(given.value, scope, here.use, words)
            if not isinstance(value, Poison):
                assert given is not None
                place = given.value.span
                value = binding.check_value(
                    operator.name, parameter, value, place, self.problems, here.use
                )
                if isinstance(value, Poison) and isinstance(given.value, nodes.Path):
                    scope.poison(given.value.text)  # one message is enough
            if isinstance(value, Poison):
                doubt |= of_parameter(parameter.name)
                if parameter.required:
                    value = stand_in(parameter, flow.shape)
                else:
                    value = parameter.normal_default
            values[parameter.name] = value
        return values, doubt

    # --- wording of shapes

    def report_misfit(
        self,
        fault: Misfit,
        expr: nodes.Expr,
        step: Step,
        operands: Sequence[Operand],
        here: Here,
    ) -> None:
        """Report shapes that do not fit, at the smallest place that shows it."""
        place = expr.callee.span if isinstance(expr, nodes.Call) else expr.span
        if fault.argument is not None and fault.argument in step.arguments:
            place = step.arguments[fault.argument].value.span
        labels: tuple[Label, ...] = ()
        if fault.operands:
            assert isinstance(step.target, Operator)
            labels = tuple(self.operand_labels(operands, step, here))
            age = {id: number for number, id in enumerate(self.draft.nodes)}
            named = [
                (place.text if place else "what flows in", node.shape, age[node.id])
                for node, place in operands
            ]
            fault.help = shape_messages.equalise(named, step.target.name) or fault.help
        elif fault.code in shape_messages.OF_THE_INPUT:
            labels = tuple(self.operand_labels(operands, step, here))
        self.problems.add(shape_messages.misfit(fault, place, labels, here.use))

    def origin(self, node: Node, here: Here) -> Span:
        """Return where a tensor is made, in the body at hand or in the nearest around it."""
        chain = self.draft.origins[node.id].chain()
        level = here.use
        while True:
            for link in chain:
                if link.outer is level:
                    return link.span
            if level is None:
                return chain[0].span
            level = level.outer

    def operand_labels(
        self, operands: Sequence[Operand], step: Step, here: Here
    ) -> Iterator[Label]:
        """Yield the shapes of the inputs, and where each comes from."""
        for node, place in operands:
            if place is None:
                origin = self.origin(node, here)
                yield Label(origin, f"{render(node.shape)}   flows in from here")
                continue
            bound = step.bound_at.get(place.start)
            text = f"from {place.text}, line {bound.line}" if bound is not None else ""
            yield Label(place, f"{render(node.shape)}   {text}".rstrip())
