"""From bodies to operators: expands defs, repeats and choices; shapes are inferred on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from archdsl.diagnostics import Poison, Problems
from archdsl.elaborate import messages, shape_messages, step_messages
from archdsl.elaborate.checking_steps import Resolution, Step
from archdsl.elaborate.loading import Module, Symbol
from archdsl.elaborate.placing import (
    Branches,
    Flow,
    Here,
    Operand,
    Placer,
)
from archdsl.elaborate.placing import Stop as Stop
from archdsl.elaborate.rehearsal import REHEARSED_FROM, Rehearsal
from archdsl.elaborate.rows import Rows
from archdsl.elaborate.sections import Sections
from archdsl.elaborate.sizes import MAX_DIFFERENT, Sizes
from archdsl.elaborate.values import Evaluator, Scope
from archdsl.ir import Node, RegionKind
from archdsl.ir.draft import MAX_OPERATORS
from archdsl.ir.naming import snake_case
from archdsl.operators.operator import Operator
from archdsl.operators.signature import Value
from archdsl.source import Span, Use
from archdsl.syntax import nodes

MAX_USES = 100
"""How deep defs may use each other."""


class Expander:
    """Expands bodies into a draft."""

    def __init__(
        self,
        resolution: Resolution,
        problems: Problems,
        rehearse: Callable[[], None] | None = None,
    ) -> None:
        self.resolution = resolution
        self.problems = problems
        self.evaluator = Evaluator(problems)
        self.placer = Placer(self.evaluator, problems)
        self.draft = self.placer.draft
        self.sizes = Sizes(resolution, self.file_scope)
        self.sections = Sections(self)
        self.rows = Rows(self)
        self.rehearse = rehearse
        """Called once a network is large, to see how large it becomes."""
        self.rehearsal: Rehearsal | None = None
        """There if this expansion is one itself."""
        self.globals: dict[Module, Scope] = {}  # of files

    def file_scope(self, module: Module) -> Scope:
        """Return the scope of a file's constants, evaluated once."""
        if module not in self.globals:
            scope = self.globals[module] = Scope()
            for name, symbol in module.symbols.items():
                if isinstance(symbol.item, nodes.Let):
                    owner = scope if symbol.module is module else self.file_scope(symbol.module)
                    scope.names[name] = self.evaluator.evaluate(symbol.item.value, owner)
        return self.globals[module]

    # --- bodies

    def body(self, body: nodes.Body, scope: Scope, flow: Flow, here: Here) -> Flow:
        """Expand a body into the region at hand; return what flows out of it."""
        graph = any(isinstance(s, nodes.Bind) for s in body.statements)
        first = True
        for statement in body.statements:
            match statement:
                case nodes.Let():
                    value = self.evaluator.evaluate(statement.value, scope, here.use)
                    scope.names[statement.name.text] = value
                case nodes.Allow():
                    self.sections.allow(statement, here)
                case nodes.Error():
                    flow, first = self.unknown(flow, statement.span, here), False
                case nodes.Bind():
                    name = statement.name.text
                    place = here if name == "out" else here.prefixed(name)
                    result = self.single(self.step(statement.value, scope, None, place), here)
                    # A name given twice was reported; the first is kept.
                    scope.names.setdefault(name, result if result is not None else Poison())
                case _ if graph:
                    pass  # reported: it is bound to no name
                case _:
                    flow = self.step(statement, scope, flow, here, head=first)
                    first = False
        if graph:
            out = scope.names.get("out", Poison())
            return out if isinstance(out, Node) else Poison()
        return flow

    def single(self, flow: Flow, here: Here) -> Node | Poison | None:
        """Return a flow of one tensor; a fork that was not joined is reported."""
        if isinstance(flow, Branches):
            return self.problems.add(shape_messages.fork_not_joined(flow.place, here.use))
        return flow

    # --- steps

    def step(
        self, expr: nodes.Expr, scope: Scope, flow: Flow, here: Here, *, head: bool = False
    ) -> Flow:
        """Expand one step, or a pipeline of them."""
        match expr:
            case nodes.Pipeline():
                for i, step in enumerate(expr.steps):
                    flow = self.step(step, scope, flow, here, head=head and i == 0)
                return flow
            case nodes.Named():
                return self.named(expr, scope, flow, here, head=head)
            case nodes.Path() | nodes.Call():
                resolved = self.resolution.steps.get(expr)
                if resolved is not None:
                    return self.apply(expr, resolved, scope, flow, here, name=None)
                if isinstance(expr, nodes.Path) and (head or flow is None):
                    bound = scope.look_up(expr.names[0].text)
                    if isinstance(bound, Node):
                        return bound
            case nodes.Infix(operator="*"):
                return self.rows.repeat(expr, scope, flow, here)
            case nodes.Repeat():
                return self.rows.fold(expr, scope, flow, here)
            case nodes.Group():
                return self.braces(expr.body, scope, flow, here)
            case nodes.Fork():
                return self.fork(expr, scope, flow, here)
            case nodes.Choice():
                return self.choice(expr, scope, flow, here)
            case nodes.Stage():
                return self.sections.stage(expr, scope, flow, here)
            case nodes.Block():
                return self.sections.block(expr, scope, flow, here)
            case nodes.Tap():
                return self.sections.tap(expr, None, flow, here)
        # No step of a network: reported when names were checked.
        return self.unknown(flow, expr.span, here)

    def named(self, expr: nodes.Named, scope: Scope, flow: Flow, here: Here, *, head: bool) -> Flow:
        """Expand ``step as name``."""
        if isinstance(expr.step, nodes.Tap):
            return self.sections.tap(expr.step, expr.name.text, flow, here)
        resolved = None
        if isinstance(expr.step, nodes.Path | nodes.Call):
            resolved = self.resolution.steps.get(expr.step)
        if resolved is not None:
            result = self.apply(expr.step, resolved, scope, flow, here, name=expr.name.text)
        else:
            inner = here.prefixed(expr.name.text)
            result = self.step(expr.step, scope, flow, inner, head=head)
        result = self.single(result, here)
        scope.names[expr.name.text] = result if result is not None else Poison()
        return result

    def braces(self, body: nodes.Body, scope: Scope, flow: Flow, here: Here) -> Flow:
        """Expand a body between braces within the same region."""
        inner = Scope(scope)
        if flow is not None:
            flow = self.single(flow, here)
            inner.names["in"] = flow
        return self.body(body, inner, flow, here)

    def choice(self, expr: nodes.Choice, scope: Scope, flow: Flow, here: Here) -> Flow:
        """Expand the branch that is taken."""
        condition = expr.condition.span
        if here.module.has_fault(Span(condition.source, condition.start, expr.yes.span.start)):
            return self.unknown(flow, expr.span, here)
        chosen = self.evaluator.condition(expr.condition, scope, here.use)
        if isinstance(chosen, Poison):
            return self.unknown(flow, expr.span, here)
        branch = expr.yes if chosen else expr.no
        if branch is None:
            return flow
        if isinstance(branch, nodes.Choice):
            return self.choice(branch, scope, flow, here)
        return self.braces(branch, scope, flow, here)

    def fork(self, expr: nodes.Fork, scope: Scope, flow: Flow, here: Here) -> Flow:
        """Expand every branch."""
        flow = self.single(flow, here)
        tensors: list[Node] = []
        poison: Poison | None = None
        for number, branch in enumerate(expr.branches, 1):
            inner = Scope(scope)
            if flow is not None:
                inner.names["in"] = flow
            place = here.prefixed(f"branch{number}")
            result = self.single(self.step(branch, inner, flow, place, head=True), here)
            if isinstance(result, Node):
                tensors.append(result)
            else:
                poison = Poison()
        if poison is not None:
            return self.unknown(flow, expr.span, here)
        return Branches(tuple(tensors), tuple(b.span for b in expr.branches), expr.span)

    # --- operators and defs

    def apply(
        self,
        expr: nodes.Expr,
        resolved: Step,
        scope: Scope,
        flow: Flow,
        here: Here,
        *,
        name: str | None,
    ) -> Flow:
        """Apply an operator or a def to what flows in."""
        if isinstance(resolved.target, Symbol):
            single = self.single(flow, here)
            if not isinstance(single, Node):
                return Poison()
            label = here.label(name or snake_case(resolved.target.name))
            region = here.within(here.names.allocate(label))
            return self.use_def(expr, resolved, scope, single, here, region)
        operands, complete = self.operands(expr, resolved, scope, flow, here)
        if not complete:
            return self.placer.partial_join(operands, expr.span, here)
        wanted = name or here.label(resolved.target.name)
        id = here.id(here.names.allocate(wanted))
        return self.placer.place(expr, resolved, operands, scope, here, id)

    def unknown(self, flow: Flow, place: Span, here: Here) -> Node | Poison:
        """Return a tensor of which nothing is known."""
        return self.placer.unknown(flow, place, here)

    def operands(
        self, expr: nodes.Expr, resolved: Step, scope: Scope, flow: Flow, here: Here
    ) -> tuple[list[Operand], bool]:
        """Return what flows into an operator, and whether that is all of it.

        What is missing has been reported.
        """
        operator = resolved.target
        assert isinstance(operator, Operator)
        found: list[Operand] = []
        if isinstance(flow, Branches) and operator.joins:
            found += zip(flow.tensors, flow.places, strict=True)
        else:
            single = self.single(flow, here)
            if isinstance(single, Poison):
                return [], False
            if single is not None:
                found.append((single, None))
        complete = True
        for operand in resolved.operands:
            value = self.single(self.step(operand, scope, None, here), here)
            if isinstance(value, Node) and not self.placer.is_unknown(value):
                found.append((value, operand.span))
            else:
                complete = False
        if complete and len(found) < (2 if operator.joins else 1):
            self.problems.add(step_messages.join_needs_two(operator.name, expr.span))
            complete = False
        return found, complete

    def use_def(
        self,
        expr: nodes.Expr,
        resolved: Step,
        scope: Scope,
        flow: Node,
        here: Here,
        region: Here,
    ) -> Node | Poison:
        """Expand a def into a region of its own."""
        symbol = resolved.target
        assert isinstance(symbol, Symbol) and isinstance(symbol.item, nodes.Def)
        if here.depth >= MAX_USES:
            callee = expr.callee if isinstance(expr, nodes.Call) else expr
            self.problems.add(shape_messages.uses_too_deep(callee.span, MAX_USES, here.use))
            raise Stop
        inner = Scope(self.file_scope(symbol.module))
        shown: dict[str, Value] = {}
        for parameter in symbol.item.parameters:
            name = parameter.name.text
            given = resolved.arguments.get(name)
            value: Value | Poison = Poison()
            if given is not None and name not in resolved.faulty:
                value = self.evaluator.evaluate(given.value, scope, here.use)
            elif given is None and parameter.default is not None:
                value = self.evaluator.evaluate(parameter.default, inner, here.use)
            inner.names[name] = value
            if not isinstance(value, Poison):
                shown[name] = value
        self.check_size(expr, symbol, inner, here)
        arguments = dict(inner.names)
        inner.names["in"] = flow
        given_as = ", ".join(f"{name}={messages.show(value)}" for name, value in shown.items())
        use = Use(expr.span, f"{symbol.name}({given_as})", region.path, here.use)
        key = None
        if self.rehearsal is not None:
            key = self.rehearsal.key(symbol.item, arguments, flow)
            repeated = self.rehearsal.repeat(key, flow, use)
            if repeated is not None:
                return repeated
        before = self.draft.size
        place = replace(
            region, use=use, module=symbol.module, stage=None, block=None, depth=here.depth + 1
        )
        result = self.single(self.body(symbol.item.body, inner, flow, place), place)
        if not isinstance(result, Node):
            result = self.unknown(flow, expr.span, place)
        assert isinstance(result, Node)
        definition = Use(symbol.item.name.span, f"def {symbol.item.name.text}", "")
        self.draft.origins.setdefault(f"def:{symbol.item.name.text}", definition)
        self.draft.defaults.setdefault(symbol.item.name.text, {**symbol.item.plain_defaults})
        self.draft.add_region(
            region.path, RegionKind.DEF, flow, result, use, symbol.item.name.text, shown
        )
        if self.rehearsal is not None:
            self.rehearsal.remember(key, self.draft.size.since(before), result)
        return result

    def check_size(self, expr: nodes.Expr, symbol: Symbol, scope: Scope, here: Here) -> None:
        """Stop before a def is expanded that makes the network too large."""
        made = self.draft.size.total
        if made > REHEARSED_FROM and self.rehearse is not None:
            rehearse, self.rehearse = self.rehearse, None
            rehearse()
        if made + self.sizes.of_use(symbol, scope.names) > 2 * MAX_OPERATORS:
            if self.sizes.is_endless:
                self.problems.add(
                    shape_messages.too_many_different(expr.span, MAX_DIFFERENT, here.use)
                )
                raise Stop
            self.placer.too_many(expr.span, here)

    def is_known(self, flow: Flow) -> bool:
        """Whether a value is there, and none of its shape is a guess."""
        return isinstance(flow, Node) and flow.id not in self.placer.vague
