"""Compile-time values: scopes, and the evaluation of expressions."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

from archdsl.diagnostics import Poison, Problems
from archdsl.elaborate import step_messages, value_messages
from archdsl.elaborate.guessing import Axes
from archdsl.ir import Node
from archdsl.operators.signature import Scalar, Value
from archdsl.source import Use
from archdsl.syntax import nodes

Bound: TypeAlias = Value | Node | Poison
"""What a name can stand for in a body."""

ATTRIBUTES = ("c", "h", "w", "n")
"""What can be asked of a tensor at compile time."""


@dataclass(eq=False)
class Scope:
    """Names and what they stand for, within an outer scope."""

    outer: Scope | None = None
    names: dict[str, Bound] = field(default_factory=dict)

    def poison(self, name: str) -> None:
        """Let a name stand for Poison: a fault in its value was reported."""
        scope: Scope | None = self
        while scope is not None and name not in scope.names:
            scope = scope.outer
        if scope is not None:
            scope.names[name] = Poison()

    def look_up(self, name: str) -> Bound:
        """Return what a name stands for; Poison if it is not there (that has been reported)."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.outer
        return Poison()


def _round_to(x: Any, multiple: Any) -> int:
    # Half rounds up; never more than a tenth below x: the rule of MobileNet's reference code.
    rounded = max(multiple, int(x + multiple / 2) // multiple * multiple)
    return int(rounded + multiple if rounded < 0.9 * x else rounded)


@dataclass(frozen=True)
class Function:
    """A compile-time function: how many arguments it takes, and what it returns."""

    least: int
    most: int | None
    apply: Callable[..., Any]
    doc: str

    def takes(self, arguments: tuple[nodes.Argument, ...]) -> bool:
        """Whether these are as many as it takes, none of them named."""
        if any(argument.name is not None for argument in arguments):
            return False
        return self.least <= len(arguments) <= (self.most or len(arguments))


FUNCTIONS: dict[str, Function] = {
    "min": Function(2, None, min, "the least of several numbers"),
    "max": Function(2, None, max, "the greatest of several numbers"),
    "ceil": Function(1, 1, math.ceil, "the least integer not below a number"),
    "floor": Function(1, 1, math.floor, "the greatest integer not above a number"),
    "round_to": Function(2, 2, _round_to, "a number rounded to a multiple, as MobileNet does"),
}

_NUMERIC = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_MAX_MAGNITUDE = 10**18


class Evaluator:
    """Evaluates compile-time expressions; faults are reported where they stand."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.vague: dict[str, Axes] = {}
        """Nodes whose shape is in part a guess, because a fault was reported."""

    def evaluate(
        self,
        expr: nodes.Expr,
        scope: Scope,
        use: Use | None = None,
        words: tuple[str, ...] = (),
    ) -> Value | Poison:
        """Return the value of an expression, or Poison; ``words`` are values of their own."""
        match expr:
            case nodes.Literal():
                return expr.value
            case nodes.ListOf():
                items = [self.evaluate(item, scope, use) for item in expr.items]
                if any(isinstance(item, Poison) for item in items):
                    return Poison()
                for item, value in zip(expr.items, items, strict=True):
                    if isinstance(value, tuple):
                        return self.problems.add(value_messages.nested_list(item.span))
                return cast(tuple[Scalar, ...], tuple(items))
            case nodes.Path():
                return expr.text if expr.text in words else self.path(expr, scope, use)
            case nodes.Prefix():
                return self.prefix(expr, scope, use)
            case nodes.Infix():
                return self.infix(expr, scope, use)
            case nodes.Ternary():
                chosen = self.condition(expr.condition, scope, use)
                if isinstance(chosen, Poison):
                    return chosen
                return self.evaluate(expr.yes if chosen else expr.no, scope, use, words)
            case nodes.Call():
                return self.call(expr, scope, use)
        return Poison()  # a step of the network: reported when names were resolved

    def condition(self, expr: nodes.Expr, scope: Scope, use: Use | None) -> bool | Poison:
        """Return a truth value, or Poison."""
        value = self.evaluate(expr, scope, use)
        if isinstance(value, Poison | bool):
            return value
        return self.problems.add(value_messages.not_a_truth_value(expr.span, value, use))

    def path(self, expr: nodes.Path, scope: Scope, use: Use | None) -> Value | Poison:
        """Return what a name stands for, or a size of a tensor."""
        bound = scope.look_up(expr.names[0].text)
        if isinstance(bound, Poison):
            return bound
        if len(expr.names) == 1:
            # A tensor where a number is wanted: reported when names were resolved.
            return Poison() if isinstance(bound, Node) else bound
        if not isinstance(bound, Node):
            return Poison()
        shape, what = bound.shape, expr.names[1].text
        if what not in ATTRIBUTES:
            return Poison()  # reported when names were checked
        wanted = Axes.CHANNELS if what in ("c", "n") else Axes.SIZE
        if self.vague.get(bound.id, Axes.NONE) & (wanted | Axes.RANK):
            return Poison()
        of_map = {"c": 0, "h": 1, "w": 2}
        if len(shape) == 3 and what in of_map:
            return shape[of_map[what]]
        if len(shape) == 1 and what in ("n", "c"):
            return shape[0]
        return self.problems.add(step_messages.no_such_size(expr, what, shape, use))

    def prefix(self, expr: nodes.Prefix, scope: Scope, use: Use | None) -> Value | Poison:
        """Return the value of ``-x`` or ``not x``."""
        if expr.operator == "not":
            truth = self.condition(expr.operand, scope, use)
            return truth if isinstance(truth, Poison) else not truth
        value = self.evaluate(expr.operand, scope, use)
        if isinstance(value, Poison):
            return value
        if not _is_number(value):
            return self.problems.add(
                value_messages.wrong_operand(expr.operand.span, "-", value, use)
            )
        return -value  # type: ignore[operator]

    def infix(self, expr: nodes.Infix, scope: Scope, use: Use | None) -> Value | Poison:
        """Return the value of ``a + b``."""
        if expr.operator in ("and", "or"):
            left = self.condition(expr.left, scope, use)
            if isinstance(left, Poison) or left == (expr.operator == "or"):
                return left
            return self.condition(expr.right, scope, use)
        values = []
        for side in (expr.left, expr.right):
            value = self.evaluate(side, scope, use)
            if isinstance(value, Poison):
                return value
            values.append(value)
        if expr.operator in ("==", "!="):
            return bool(values[0] == values[1]) == (expr.operator == "==")
        for side, value in zip((expr.left, expr.right), values, strict=True):
            if not _is_number(value):
                return self.problems.add(
                    value_messages.wrong_operand(side.span, expr.operator, value, use)
                )
        try:
            result = _NUMERIC[expr.operator](*cast(tuple[Any, Any], tuple(values)))
        except ZeroDivisionError:
            return self.problems.add(value_messages.division_by_zero(expr.right.span, use))
        except OverflowError:
            return self.problems.add(value_messages.out_of_range(expr.span, use))
        return self.in_range(expr, result, use)

    def in_range(self, expr: nodes.Expr, result: Any, use: Use | None) -> Value | Poison:
        """Return a result, unless it is too large to be meant."""
        if isinstance(result, float):
            if not math.isfinite(result):
                return self.problems.add(value_messages.out_of_range(expr.span, use))
        elif not isinstance(result, bool) and abs(result) > _MAX_MAGNITUDE:
            return self.problems.add(value_messages.out_of_range(expr.span, use))
        return cast(Value, result)

    def call(self, expr: nodes.Call, scope: Scope, use: Use | None) -> Value | Poison:
        """Return the value of a compile-time function."""
        function = FUNCTIONS.get(expr.callee.text)
        if function is None or not function.takes(expr.arguments):
            return Poison()  # reported when names were checked
        values = [self.evaluate(a.value, scope, use) for a in expr.arguments]
        if any(isinstance(v, Poison) for v in values):
            return Poison()
        for argument, value in zip(expr.arguments, values, strict=True):
            assert not isinstance(value, Poison)
            if not _is_number(value):
                return self.problems.add(
                    value_messages.wrong_operand(argument.span, expr.callee.text, value, use)
                )
        try:
            return self.in_range(expr, function.apply(*values), use)
        except (ZeroDivisionError, OverflowError, ValueError):
            return self.problems.add(value_messages.out_of_range(expr.span, use))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
