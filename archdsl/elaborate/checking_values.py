"""Names in compile-time values, checked before anything is evaluated."""

from __future__ import annotations

from archdsl.diagnostics import Poison, Problems, nearest
from archdsl.elaborate import binding, messages, step_messages, value_messages
from archdsl.elaborate.scopes import Entry, Names, Sort, mark_meant, mark_used
from archdsl.elaborate.values import ATTRIBUTES, FUNCTIONS
from archdsl.operators.signature import Parameter
from archdsl.syntax import nodes
from archdsl.syntax.feeding import MISSING_NAME


class ValueChecker:
    """Checks compile-time expressions."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems

    def declare(self, name: nodes.Name, names: Names, sort: Sort) -> Entry:
        """Declare a name in a scope; one that means something already is reported."""
        known = names.find(name.text)
        if name.text == "in":
            self.problems.add(messages.bound_in(name.span))
        elif known is not None and name.text != MISSING_NAME:
            self.problems.add(messages.duplicate_name(name.text, name.span, known.place))
            known.used = True  # by the one or by the other
        entry = Entry(name.span, sort, used=name.text == MISSING_NAME)
        if name.text != "in":
            names.entries[name.text] = entry
        return entry

    def let(self, item: nodes.Let, names: Names) -> None:
        """Check a constant, and declare it."""
        self.check(item.value, names)
        self.declare(item.name, names, Sort.CONSTANT)

    def report_unused_lets(self, names: Names) -> None:
        """Warn of constants of a scope that nothing uses."""
        for name, entry in names.unused(Sort.CONSTANT):
            self.problems.add(messages.unused_constant(name, entry.place))

    def check(self, expr: nodes.Expr, names: Names, *, words: tuple[str, ...] = ()) -> bool:
        """Check a compile-time expression; return whether its names are right."""
        if names.module.has_fault(expr.span):
            mark_used(expr, names)
            return False
        match expr:
            case nodes.Literal():
                return True
            case nodes.ListOf():
                return self.all(expr.items, names)
            case nodes.Path():
                return self.name(expr, names, words)
            case nodes.Prefix():
                return self.check(expr.operand, names)
            case nodes.Infix():
                return self.all((expr.left, expr.right), names)
            case nodes.Ternary():
                return self.all((expr.condition,), names) & self.all(
                    (expr.yes, expr.no), names, words
                )
            case nodes.Call():
                return self.function(expr, names)
            case nodes.Error():
                return False
        self.problems.add(step_messages.not_a_value(expr.span))
        return False

    def all(self, exprs: tuple[nodes.Expr, ...], names: Names, words: tuple[str, ...] = ()) -> bool:
        """Check several expressions, none left out."""
        results = [self.check(expr, names, words=words) for expr in exprs]
        return all(results)

    def name(self, expr: nodes.Path, names: Names, words: tuple[str, ...]) -> bool:
        """Check a name, or a size of a tensor."""
        first = expr.names[0]
        entry = names.find(first.text)
        if len(expr.names) == 1 and expr.text in words:
            return True
        if entry is None:
            symbol = names.module.symbols.get(first.text)
            is_poison = symbol is not None and isinstance(symbol.item, Poison)
            if not is_poison and not names.may_mention(first.text):
                choices = [*names.all_names(tensors=False), *words]
                if len(expr.names) > 1:
                    choices = names.all_names(tensors=True)
                choices += [w for w in ("true", "false") if nearest(first.text, [w])]
                self.problems.add(messages.unknown_value(first, choices))
                mark_meant(first.text, choices, names)
            return False
        entry.used = True
        if len(expr.names) == 1 and entry.is_tensor:
            self.problems.add(step_messages.tensor_as_value(expr))
            return False
        if len(expr.names) > 1 and not entry.is_tensor:
            self.problems.add(step_messages.no_attributes(expr))
            return False
        if len(expr.names) > 1 and (len(expr.names) > 2 or expr.names[1].text not in ATTRIBUTES):
            self.problems.add(step_messages.unknown_attribute(expr.names[1]))
            return False
        return True

    def function(self, expr: nodes.Call, names: Names) -> bool:
        """Check a call of a compile-time function."""
        function = FUNCTIONS.get(expr.callee.text)
        good = self.all(tuple(a.value for a in expr.arguments), names)
        if function is None:
            self.problems.add(value_messages.unknown_function(expr.callee, list(FUNCTIONS)))
            return False
        if not function.takes(expr.arguments):
            self.problems.add(
                value_messages.function_arguments(expr, function.least, function.most)
            )
            return False
        return good

    def literal(self, what: str, parameter: Parameter, expr: nodes.Expr) -> bool:
        """Check an argument whose value is plain to see; others are checked when expanded."""
        negative = isinstance(expr, nodes.Prefix) and expr.operator == "-"
        inner = expr.operand if isinstance(expr, nodes.Prefix) and negative else expr
        if not isinstance(inner, nodes.Literal):
            return True
        value = inner.value
        if negative:
            if isinstance(value, bool) or not isinstance(value, int | float):
                return True  # reported when evaluated
            value = -value
        checked = binding.check_value(what, parameter, value, expr.span, self.problems)
        return not isinstance(checked, Poison)
