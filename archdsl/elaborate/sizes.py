"""How many operators a def makes at least, without expanding it.

Defs that use each other twice grow as powers of two: what is far beyond the limit is refused here,
at once, rather than when memory is full. Every use is counted, an empty def's too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from archdsl.diagnostics import Poison, Problems
from archdsl.elaborate.checking_steps import Resolution, Step
from archdsl.elaborate.loading import Module, Symbol
from archdsl.elaborate.values import Bound, Evaluator, Scope
from archdsl.ir import Node
from archdsl.ir.draft import MAX_OPERATORS
from archdsl.syntax import nodes

_DEEPEST = 100
_FARTHEST = 20_000
"""Uses of defs that are looked at where it is open whether they are made at all."""
MAX_DIFFERENT = 20_000
"""Uses of defs with different arguments: powers of two, too, if each use computes its own."""
_BEYOND = 3 * MAX_OPERATORS
"""A size that is refused, whatever else is made."""


class Sizes:
    """Least numbers of operators; shapes are not known, so both branches of a choice may be."""

    def __init__(self, resolution: Resolution, file_scope: Callable[[Module], Scope]) -> None:
        self.resolution = resolution
        self.file_scope = file_scope
        self.evaluator = Evaluator(Problems())  # what it reports is found again by expansion
        self.known: dict[tuple[object, ...], int] = {}
        self.depth = 0
        self.made = 0  # uses with different arguments: all of these are made, each once at least
        self.guesses = 0  # those within choices of which it is not known how they go
        self.open_choices = 0

    def of_use(self, symbol: Symbol, arguments: Mapping[str, Bound]) -> int:
        """Return how many operators a def makes at least."""
        assert isinstance(symbol.item, nodes.Def)
        # Of an argument that depends on a shape nothing is known.
        values = {n: v for n, v in arguments.items() if not isinstance(v, Node | Poison)}
        key = (symbol.item, *((n, type(v), v) for n, v in values.items()))
        if key not in self.known:
            if self.open_choices:
                self.guesses += 1
                if self.guesses > _FARTHEST:
                    return 1
            else:
                self.made += 1
                if self.made > MAX_DIFFERENT:
                    return _BEYOND
            self.known[key] = 1  # while it is counted: it may use itself
            if self.depth < _DEEPEST:
                self.depth += 1
                names: dict[str, Bound] = {n: values.get(n, Poison()) for n in arguments}
                scope = Scope(self.file_scope(symbol.module), names)
                self.known[key] = 1 + self.of_body(symbol.item.body, scope)
                self.depth -= 1
        return self.known[key]

    @property
    def is_endless(self) -> bool:
        """Whether there are more different uses than can be counted."""
        return self.made > MAX_DIFFERENT

    def of_body(self, body: nodes.Body, outer: Scope) -> int:
        """Return the same of a body."""
        scope = Scope(outer)
        total = 0
        for statement in body.statements:
            if isinstance(statement, nodes.Let):
                scope.names[statement.name.text] = self.evaluator.evaluate(statement.value, scope)
            elif isinstance(statement, nodes.Bind):
                total += self.of_step(statement.value, scope)
            elif not isinstance(statement, nodes.Allow):
                total += self.of_step(statement, scope)
        return total

    def of_step(self, expr: nodes.Expr, scope: Scope) -> int:
        """Return the same of a step."""
        match expr:
            case nodes.Pipeline():
                return sum(self.of_step(step, scope) for step in expr.steps)
            case nodes.Fork():
                return sum(self.of_step(branch, scope) for branch in expr.branches)
            case nodes.Named():
                return self.of_step(expr.step, scope)
            case nodes.Group() | nodes.Stage() | nodes.Block():
                return self.of_body(expr.body, scope)
            case nodes.Choice():
                return self.of_choice(expr, scope)
            case nodes.Infix(operator="*"):
                return self.count(expr.right, scope) * self.of_step(expr.left, scope)
            case nodes.Repeat():
                return self.count(expr.count, scope) * self.of_body(expr.body, scope)
            case nodes.Path() | nodes.Call():
                step = self.resolution.steps.get(expr)
                return self.of_call(step, scope) if step is not None else 0
        return 0

    def count(self, expr: nodes.Expr, scope: Scope) -> int:
        """Return a number of repetitions, or 0 where it is not known."""
        count = self.evaluator.evaluate(expr, scope)
        return count if isinstance(count, int) and count > 0 else 0

    def of_choice(self, expr: nodes.Choice, scope: Scope) -> int:
        """Return the same of the branch that is taken, or of the smaller one."""
        chosen = self.evaluator.condition(expr.condition, scope, None)
        sizes = []
        is_open = isinstance(chosen, Poison)
        self.open_choices += is_open
        for taken, branch in ((True, expr.yes), (False, expr.no)):
            if not isinstance(chosen, Poison) and chosen is not taken:
                continue
            if isinstance(branch, nodes.Choice):
                sizes.append(self.of_choice(branch, scope))
            else:
                sizes.append(self.of_body(branch, scope) if branch is not None else 0)
        self.open_choices -= is_open
        return min(sizes)

    def of_call(self, step: Step, scope: Scope) -> int:
        """Return the same of a call: of an operator 1, and what its operands make."""
        if not isinstance(step.target, Symbol):
            return 1 + sum(self.of_step(operand, scope) for operand in step.operands)
        symbol = step.target
        assert isinstance(symbol.item, nodes.Def)
        inner = Scope(self.file_scope(symbol.module))
        for parameter in symbol.item.parameters:
            name = parameter.name.text
            given = step.arguments.get(name)
            value: Bound = Poison()
            if given is not None:
                value = self.evaluator.evaluate(given.value, scope)
            elif parameter.default is not None:
                value = self.evaluator.evaluate(parameter.default, inner)
            inner.names[name] = value
        return self.of_use(symbol, inner.names)
