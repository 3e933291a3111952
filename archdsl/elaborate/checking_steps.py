"""Names in bodies, checked before anything is expanded: what each step calls, with what.

Every body is checked, used or not, taken or not, so a typo in an untaken branch is found. The
result says what each call means and which argument is which; expansion looks nothing up twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from archdsl.diagnostics import Poison, Problems, nearest
from archdsl.elaborate import binding, messages, model_messages, step_messages
from archdsl.elaborate.checking_values import ValueChecker
from archdsl.elaborate.loading import Symbol
from archdsl.elaborate.scopes import Entry, Names, Sort, mark_meant, mark_used, parts
from archdsl.elaborate.variants import Grid
from archdsl.operators import OPERATORS
from archdsl.operators.operator import Operator
from archdsl.operators.signature import Parameter
from archdsl.source import Span
from archdsl.syntax import nodes

Target: TypeAlias = Operator | Symbol
"""What a step calls: an operator, or the symbol of a def."""


@dataclass(frozen=True, slots=True)
class Step:
    """A resolved call: its target, and its arguments by parameter (of a join: its operands).

    ``faulty`` are parameters whose argument was reported: the default stands in for it.
    ``bound_at`` says where the operands that are names were bound, by where they stand.
    """

    target: Target
    arguments: dict[str, nodes.Argument]
    operands: tuple[nodes.Expr, ...] = ()
    faulty: frozenset[str] = frozenset()
    bound_at: Mapping[int, Span] = field(default_factory=dict)


@dataclass
class Resolution:
    """What every step means. A step that is not here has been reported."""

    steps: dict[nodes.Expr, Step] = field(default_factory=dict)
    bases: dict[nodes.Model, Symbol] = field(default_factory=dict)
    grids: dict[nodes.Variants, Grid] = field(default_factory=dict)


class StepChecker:
    """Checks bodies and their steps."""

    def __init__(self, resolution: Resolution, values: ValueChecker, problems: Problems) -> None:
        self.resolution = resolution
        self.values = values
        self.problems = problems

    # --- bodies

    def body(self, body: nodes.Body, names: Names, *, fed: bool) -> None:
        """Check a body; its names are added to ``names``, a scope of its own."""
        if any(isinstance(s, nodes.Bind) for s in body.statements):
            self.graph(body, names)
        else:
            self.pipeline(body, names, fed=fed)
        self.values.report_unused_lets(names)

    def pipeline(self, body: nodes.Body, names: Names, *, fed: bool) -> None:
        """Check a body whose statements feed each other."""
        first = True
        for statement in body.statements:
            if isinstance(statement, nodes.Let | nodes.Allow):
                self.aside(statement, names)
            elif not isinstance(statement, nodes.Bind):
                self.step(statement, names, fed=fed or not first, head=first)
                first = False
        if first and not fed:
            self.problems.add(step_messages.empty_body(body.span))

    def aside(self, statement: nodes.Let | nodes.Allow, names: Names) -> None:
        """Check a statement that is no step."""
        if isinstance(statement, nodes.Let):
            self.values.let(statement, names)
            return
        self.allow(statement)
        if names.inside not in ("stage", "block"):
            self.problems.add(step_messages.misplaced("allow", statement.span))

    def allow(self, part: nodes.Allow) -> None:
        """Check what is allowed, and that it says why."""
        if part.code.text not in messages.RULES:
            self.problems.add(model_messages.cannot_allow(part.code))
        elif not part.reason.strip():
            self.problems.add(model_messages.no_reason(part.span))

    def graph(self, body: nodes.Body, names: Names) -> None:
        """Check a body that binds names, ``out`` among them."""
        bound: list[tuple[nodes.Bind, Entry]] = []
        out: Entry | None = None
        broken = False
        for statement in body.statements:
            match statement:
                case nodes.Let() | nodes.Allow():
                    self.aside(statement, names)
                case nodes.Error():
                    broken = True
                case nodes.Bind():
                    self.step(statement.value, names, fed=False)
                    entry = self.values.declare(statement.name, names, Sort.TENSOR)
                    if statement.name.text == "out":
                        out = entry
                    elif statement.name.text != "in":
                        bound.append((statement, entry))
                case _ if names.module.has_fault(statement.span):
                    # Probably a binding once; its name is not missed where it is used.
                    mark_used(statement, names)
                    word = statement.span.text.partition(" ")[0]
                    names.entries.setdefault(word, Entry(statement.span, Sort.TENSOR, used=True))
                case _:
                    self.step(statement, names, fed=True, head=True)
                    if not names.module.has_fault(body.span):
                        self.problems.add(messages.result_unused(statement.span))
        broken = broken or names.module.is_unfinished(body.span)
        broken = broken or names.module.has_fault(body.span)
        if out is None and not broken:
            self.problems.add(messages.no_out(body.span, bound[-1][0].name if bound else None))
        if out is None or broken:
            return
        for bind, entry in bound:
            used = entry.used or names.module.may_mention(bind.name.text) or _has_tap(bind.value)
            is_broken = any(isinstance(part, nodes.Error) for part in parts(bind.value))
            if not used and not is_broken and not names.module.has_fault(bind.span):
                self.problems.add(messages.dead_branch(bind.name))

    # --- steps

    def step(self, expr: nodes.Expr, names: Names, *, fed: bool, head: bool = False) -> None:
        """Check an expression that yields a tensor.

        ``fed``: something flows into it. ``head``: it opens a fed body or branch, so it may also
        name a tensor to begin with (``in -> ...``).
        """
        match expr:
            case nodes.Pipeline():
                for i, step in enumerate(expr.steps):
                    self.step(step, names, fed=fed or i > 0, head=head and i == 0)
            case nodes.Named():
                self.step(expr.step, names, fed=fed, head=head)
                if not isinstance(expr.step, nodes.Tap):
                    self.values.declare(expr.name, names, Sort.TENSOR).used = True
            case nodes.Path():
                self.bare(expr, names, fed=fed, head=head)
            case nodes.Call():
                if len(expr.callee.names) > 1:
                    self.problems.add(step_messages.not_a_step(expr.callee.span))
                    mark_used(expr.arguments, names)
                else:
                    self.target(expr, expr.callee, expr.arguments, names, fed=fed)
            case nodes.Infix(operator="*"):
                self.row(expr, names, fed=fed)
            case nodes.Group():
                self.inner(expr.body, names, expr.span, fed=fed)
            case nodes.Fork():
                for branch in expr.branches:
                    scope = Names(names.module, names)
                    if fed:
                        scope.input(expr.span)
                    self.step(branch, scope, fed=fed, head=True)
            case nodes.Choice():
                self.choice(expr, names, fed=fed)
            case nodes.Stage() | nodes.Block():
                self.part(expr, names, fed=fed)
            case nodes.Tap():
                if names.inside not in ("stage", "block"):
                    self.problems.add(step_messages.misplaced("tap", expr.span))
                elif not fed:
                    self.problems.add(step_messages.no_input("tap", expr.span))
            case nodes.Repeat():
                self.fold(expr, names, fed=fed)
            case nodes.Error():
                pass
            case _:
                mark_used(expr, names)
                if not names.module.has_fault(expr.span):
                    self.problems.add(step_messages.not_a_step(expr.span, expr))

    def inner(self, body: nodes.Body, names: Names, place: Span, *, fed: bool) -> None:
        """Check a body between braces."""
        scope = Names(names.module, names, inside=names.inside)
        if fed:
            scope.input(place)
        self.body(body, scope, fed=fed)

    def row(self, expr: nodes.Infix, names: Names, *, fed: bool) -> None:
        """Check ``B * n``."""
        turned = isinstance(expr.left, nodes.Literal) and not isinstance(expr.right, nodes.Literal)
        if turned:
            mark_used(expr.right, names)
            self.problems.add(step_messages.turned_repetition(expr))
            return
        self.values.check(expr.right, names)
        self.step(expr.left, Names(names.module, names), fed=fed)

    def fold(self, expr: nodes.Repeat, names: Names, *, fed: bool) -> None:
        """Check ``repeat n carry y = start { ... }``: its body is fed by nothing, it reads y."""
        self.values.check(expr.count, names)
        outer = Names(names.module, names)
        if fed:
            outer.entries["in"] = Entry(expr.span, Sort.TENSOR)
        before = self.problems.count
        self.step(expr.start, outer, fed=False, head=True)
        inner = Names(names.module, outer)
        carry = self.values.declare(expr.carry, inner, Sort.TENSOR)
        self.body(expr.body, Names(names.module, inner), fed=False)
        if names.module.has_fault(expr.span) or self.problems.count > before:
            return  # what was reported may be why something seems unread
        if not carry.used:
            self.problems.add(step_messages.carry_unread(expr.carry))
        if fed and not outer.entries["in"].used:
            self.problems.add(step_messages.flow_unread(expr.start.span, expr.carry.text))

    def bare(self, expr: nodes.Path, names: Names, *, fed: bool, head: bool) -> None:
        """Check a name that stands as a step: a tensor to begin with, an operator or a def."""
        name = expr.names[0].text
        entry = names.find(name)
        if (head or not fed) and entry is not None and len(expr.names) == 1 and entry.is_tensor:
            entry.used = True
            if fed and name in OPERATORS:
                self.problems.add(step_messages.tensor_or_operator(expr, entry.place))
        elif len(expr.names) > 1:
            mark_used(expr, names)
            self.problems.add(step_messages.not_a_step(expr.span))
        elif fed or name in OPERATORS or name in names.module.symbols:
            self.target(expr, expr, (), names, fed=fed)
        elif entry is not None:
            entry.used = True
            self.problems.add(step_messages.value_as_step(expr))
        elif not names.may_mention(name):
            choices = names.all_names(tensors=True)
            self.problems.add(messages.unknown_tensor(expr, choices))
            mark_meant(name, choices, names)

    def target(
        self,
        expr: nodes.Expr,
        callee: nodes.Path,
        arguments: tuple[nodes.Argument, ...],
        names: Names,
        *,
        fed: bool,
    ) -> None:
        """Check a call of an operator or a def, and record what it means."""
        target = self.find_target(callee, names)
        joins = isinstance(target, Operator) and target.joins
        if not fed and not joins and not isinstance(target, Poison):
            target = self.problems.add(step_messages.no_input(callee.text, expr.span))
        if isinstance(target, Poison) or names.module.has_fault(expr.span):
            for argument in arguments:
                mark_used(argument.value, names)
        elif joins:
            assert isinstance(target, Operator)
            self.join(expr, target, arguments, names, fed=fed)
        else:
            self.call(expr, callee, target, arguments, names)

    def find_target(self, callee: nodes.Path, names: Names) -> Target | Poison:
        """Return what a step calls; one misspelt is reported, and taken for what was meant."""
        name = callee.text
        if name in OPERATORS:
            return OPERATORS[name]
        symbol = names.module.symbols.get(name)
        if symbol is not None and isinstance(symbol.item, nodes.Def | Poison):
            symbol.used = True
            return symbol if isinstance(symbol.item, nodes.Def) else symbol.item
        if symbol is not None and isinstance(symbol.item, nodes.Model):
            symbol.used = True
            return self.problems.add(step_messages.model_as_step(callee))
        entry = names.find(name)
        if entry is not None:
            entry.used = True
            if names.module.has_fault(callee.span):
                return Poison()  # the sign before it could not be read
            return self.problems.add(step_messages.value_as_step(callee))
        if names.module.may_mention(name):
            return Poison()
        defs = {s.name: s for s in names.module.symbols.values() if isinstance(s.item, nodes.Def)}
        choices = [*OPERATORS, *defs, "tap"]
        meant = nearest(name, choices)
        if meant is None and names.module.is_vague:
            return Poison()
        self.problems.add(messages.unknown_operator(callee, choices))
        if meant in defs:
            defs[meant].used = True
            return defs[meant]
        return OPERATORS.get(meant or "", Poison())

    def call(
        self,
        expr: nodes.Expr,
        callee: nodes.Path,
        target: Target,
        arguments: tuple[nodes.Argument, ...],
        names: Names,
    ) -> None:
        """Check the arguments of an operator or a def."""
        parameters: Sequence[Parameter] = ()
        if isinstance(target, Operator):
            parameters = target.parameters
            wanted = binding.slots(parameters)
        else:
            assert isinstance(target.item, nodes.Def)
            wanted = [binding.Slot(p.name.text, p.default is None) for p in target.item.parameters]
        what = target.name
        # A header that could not be read whole may well declare what seems to be missing.
        is_open = isinstance(target, Symbol) and target.is_open
        problems = Problems() if is_open or what != callee.text else self.problems
        bound = binding.bind(what, callee.span, arguments, wanted, problems)
        by_name = {p.name: p for p in parameters}
        faulty = set(bound.faulty)
        for name, argument in bound.arguments.items():
            parameter = by_name.get(name)
            words = parameter.kind.words if parameter else ()
            good = self.values.check(argument.value, names, words=words)
            if good and parameter is not None:
                good = self.values.literal(what, parameter, argument.value)
            if not good:
                faulty.add(name)
        for argument in bound.stray:
            mark_used(argument.value, names)
        if problems is not self.problems and problems.has_errors:
            return
        self.resolution.steps[expr] = Step(target, bound.arguments, (), frozenset(faulty))

    def join(
        self,
        expr: nodes.Expr,
        target: Operator,
        arguments: tuple[nodes.Argument, ...],
        names: Names,
        *,
        fed: bool,
    ) -> None:
        """Check the operands of a join."""
        bound_at: dict[int, Span] = {}
        for argument in arguments:
            self.step(argument.value, names, fed=False)
            entry = names.find(argument.span.text)
            if entry is not None and argument.span.text != "in":
                bound_at[argument.span.start] = entry.place
            if argument.name is not None:
                self.problems.add(messages.unknown_argument(target.name, argument.name, [], None))
        if not fed and len(arguments) < 2:
            self.problems.add(step_messages.join_needs_two(target.name, expr.span))
            return
        operands = tuple(argument.value for argument in arguments)
        self.resolution.steps[expr] = Step(target, {}, operands, bound_at=bound_at)

    def choice(self, expr: nodes.Choice, names: Names, *, fed: bool) -> None:
        """Check both branches of a choice."""
        self.values.check(expr.condition, names)
        for branch in (expr.yes, expr.no):
            if isinstance(branch, nodes.Choice):
                self.choice(branch, names, fed=fed)
            elif branch is not None:
                self.inner(branch, names, expr.span, fed=fed)
        if expr.no is None and not fed:
            self.problems.add(step_messages.no_else(expr.span))

    def part(self, expr: nodes.Stage | nodes.Block, names: Names, *, fed: bool) -> None:
        """Check a stage or a block."""
        kind = "stage" if isinstance(expr, nodes.Stage) else "block"
        wanted = "backbone" if kind == "stage" else "stage"
        if names.inside != wanted:
            place = Span(expr.span.source, expr.span.start, expr.span.start + len(kind))
            self.problems.add(step_messages.misplaced(kind, place))
        elif not fed:
            self.problems.add(step_messages.no_input(f"{kind} {expr.name.text}", expr.name.span))
        scope = Names(names.module, names, inside=kind)
        scope.input(expr.name.span)
        self.body(expr.body, scope, fed=True)
        self.values.declare(expr.name, names, Sort.TENSOR).used = True


def _has_tap(expr: nodes.Expr) -> bool:
    return any(isinstance(part, nodes.Tap | nodes.Stage | nodes.Block) for part in parts(expr))
