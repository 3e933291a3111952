"""Repetitions: ``B * n``, n instances in a row, and ``repeat n carry``, a fold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archdsl.diagnostics import Poison
from archdsl.elaborate import shape_messages
from archdsl.elaborate.checking_steps import Step
from archdsl.elaborate.loading import Symbol
from archdsl.elaborate.placing import Flow, Here
from archdsl.elaborate.values import Scope
from archdsl.ir import Node, RegionKind
from archdsl.ir.draft import MAX_OPERATORS
from archdsl.ir.naming import snake_case
from archdsl.operators.operator import Operator
from archdsl.source import Use
from archdsl.syntax import nodes

if TYPE_CHECKING:
    from archdsl.elaborate.expanding import Expander


class Rows:
    """Expands repetitions. Each is a region; an instance's name in it is its index."""

    def __init__(self, expander: Expander) -> None:
        self.expander = expander

    def repeat(self, expr: nodes.Infix, scope: Scope, flow: Flow, here: Here) -> Flow:
        """Expand ``B * n``: n instances in a row, each with weights of its own."""
        expander = self.expander
        count = self.count(expr.right, scope, here)
        start = expander.single(flow, here)
        if count is None or not isinstance(start, Node):
            return expander.unknown(start, expr.span, here)
        body: nodes.Expr = expr.left
        name = None
        if isinstance(body, nodes.Named):
            name = body.name.text
            body = body.step
        resolved = None
        if isinstance(body, nodes.Path | nodes.Call):
            resolved = expander.resolution.steps.get(body)
            if resolved is None:
                return expander.unknown(start, expr.span, here)
        label = "unit"
        if resolved is not None and isinstance(resolved.target, Operator):
            label = resolved.target.name
        elif resolved is not None:
            label = snake_case(resolved.target.name)
        row = here.within(here.names.allocate(here.label(name or label)))
        current: Node = start
        for index in range(count):
            before = expander.draft.size.total
            result = self.instance(body, resolved, scope, current, here, row, index)
            if not isinstance(result, Node):
                return expander.unknown(start, expr.span, here)
            current = result
            self.check_size(before, index, count, expr, here)
        return self.close(row, start, current, f"{label} * {count}", count, expr, here)

    def fold(self, expr: nodes.Repeat, scope: Scope, flow: Flow, here: Here) -> Flow:
        """Expand ``repeat n carry y = start { ... }``: y is what the body makes of it, n times.

        Before: ``repeat 2 carry y = in { concat(y, y -> F) }``. After: y1 = concat(in, F(in)),
        y2 = concat(y1, F(y1)), each F with weights of its own.
        """
        expander = self.expander
        single = expander.single(flow, here)
        outer = Scope(scope)
        if single is not None:
            outer.names["in"] = single
        count = self.count(expr.count, scope, here)
        start = outer.look_up(expr.start.text) if isinstance(expr.start, nodes.Path) else None
        if count is None or not isinstance(start, Node):
            return expander.unknown(single, expr.span, here)
        label = expr.carry.text
        row = here.within(here.names.allocate(here.label(label)))
        current: Node = start
        for index in range(count):
            before = expander.draft.size.total
            inner = Scope(outer)
            inner.names[label] = current
            place = row.within(str(index))
            result = expander.single(expander.body(expr.body, inner, None, place), place)
            if not isinstance(result, Node):
                result = expander.unknown(current, expr.body.span, place)
                assert isinstance(result, Node)
            use = Use(expr.body.span, f"{label}, {index + 1} of {count}", place.path, here.use)
            expander.draft.add_region(place.path, RegionKind.GROUP, current, result, use)
            current = result
            self.check_size(before, index, count, expr, here)
        return self.close(row, start, current, f"repeat {count}", count, expr, here)

    # --- what both do

    def count(self, expr: nodes.Expr, scope: Scope, here: Here) -> int | None:
        """Return how often to repeat, or None where that is no count; it is reported."""
        count = self.expander.evaluator.evaluate(expr, scope, here.use)
        if isinstance(count, Poison):
            return None
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            self.expander.problems.add(shape_messages.bad_count(expr.span, count, here.use))
            return None
        return count

    def check_size(
        self, before: int, index: int, count: int, expr: nodes.Infix | nodes.Repeat, here: Here
    ) -> None:
        """Stop at once where ``count`` times the first instance is beyond the limit."""
        if index == 0 and (self.expander.draft.size.total - before) * count > MAX_OPERATORS:
            times = expr.right if isinstance(expr, nodes.Infix) else expr.count
            self.expander.placer.too_many(times.span, here)

    def close(
        self,
        row: Here,
        start: Node,
        end: Node,
        what: str,
        count: int,
        expr: nodes.Infix | nodes.Repeat,
        here: Here,
    ) -> Node:
        """Add the region of the whole row, unless nothing is in it."""
        if count:
            use = Use(expr.span, what, row.path, here.use)
            self.expander.draft.add_region(row.path, RegionKind.REPEAT, start, end, use)
        return end

    def instance(
        self,
        body: nodes.Expr,
        resolved: Step | None,
        scope: Scope,
        flow: Node,
        here: Here,
        row: Here,
        index: int,
    ) -> Flow:
        """Expand one instance of ``B`` in ``B * n``."""
        expander = self.expander
        if resolved is None:
            place = row.within(str(index))
            inner = Scope(scope)
            inner.names["in"] = flow
            result = expander.single(expander.step(body, inner, flow, place, head=True), here)
            if isinstance(result, Node):
                use = Use(body.span, "unit", place.path, here.use)
                expander.draft.add_region(place.path, RegionKind.GROUP, flow, result, use)
            return result
        if isinstance(resolved.target, Symbol):
            return expander.use_def(body, resolved, scope, flow, here, row.within(str(index)))
        operands, complete = expander.operands(body, resolved, scope, flow, here)
        if not complete:
            return expander.unknown(flow, body.span, here)
        return expander.placer.place(body, resolved, operands, scope, here, row.id(str(index)))
