"""Binding a call to the parameters of what it calls: which argument is which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from archdsl.diagnostics import Poison, Problems
from archdsl.elaborate import messages
from archdsl.operators.signature import Kind, Parameter, Unfit, Value
from archdsl.source import Span, Use
from archdsl.syntax import nodes


@dataclass(frozen=True, slots=True)
class Slot:
    """A parameter as far as binding is concerned."""

    name: str
    required: bool


def slots(parameters: Sequence[Parameter]) -> list[Slot]:
    """Return the slots of a declared signature."""
    return [Slot(p.name, p.required) for p in parameters]


def bind(
    what: str,
    place: Span,
    arguments: Sequence[nodes.Argument],
    wanted: Sequence[Slot],
    problems: Problems,
) -> dict[str, nodes.Argument] | Poison:
    """Return arguments by parameter name, or Poison where any is unknown, missing or too many."""
    names = [slot.name for slot in wanted]
    bound: dict[str, nodes.Argument] = {}
    poison: Poison | None = None
    position = 0
    for argument in arguments:
        if argument.name is None:
            if position >= len(names):
                poison = problems.add(messages.too_many_arguments(what, argument.span, names))
                continue
            name = names[position]
            position += 1
            place_of_name = argument.span
        else:
            name, place_of_name = argument.name.text, argument.name.span
            if name not in names:
                poison = problems.add(messages.unknown_argument(what, argument.name, names))
                continue
        if name in bound:
            first = bound[name]
            poison = problems.add(messages.argument_twice(what, name, place_of_name, first.span))
            continue
        bound[name] = argument
    missing = [slot.name for slot in wanted if slot.required and slot.name not in bound]
    if missing and poison is None:
        poison = problems.add(messages.missing_arguments(what, place, missing))
    return bound if poison is None else poison


def check_value(
    what: str,
    parameter: Parameter,
    value: Value,
    place: Span,
    problems: Problems,
    use: Use | None = None,
) -> Value | Poison:
    """Return a value in its parameter's normal form, or Poison where its kind does not admit it."""
    try:
        return parameter.kind.check(value)
    except Unfit:
        return problems.add(
            messages.bad_argument(what, parameter.name, parameter.kind.wanted, value, place, use)
        )


def default_value(parameter: Parameter) -> Value:
    """Return a parameter's default in normal form. None means that the operator decides."""
    assert not parameter.required
    default = parameter.default
    return None if default is None else parameter.kind.check(default)  # type: ignore[arg-type]


def is_word(expr: nodes.Expr, kind: Kind) -> bool:
    """Whether an expression is one of the bare words that a kind takes (``same``, ``none``)."""
    return isinstance(expr, nodes.Path) and expr.text in kind.words
