"""Binding a call to the parameters of what it calls: which argument is which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from archdsl.diagnostics import Poison, Problems, nearest
from archdsl.elaborate import messages
from archdsl.operators.signature import Parameter, Unfit, Value
from archdsl.source import Span, Use
from archdsl.syntax import nodes


@dataclass(frozen=True, slots=True)
class Slot:
    """A parameter as far as binding is concerned."""

    name: str
    required: bool
    named: bool = False


@dataclass(slots=True)
class Bound:
    """Arguments by parameter.

    ``stray`` are those that belong to none; ``faulty`` are parameters that lack an argument, or
    may have been meant by a stray one. All of this has been reported.
    """

    arguments: dict[str, nodes.Argument] = field(default_factory=dict)
    stray: list[nodes.Argument] = field(default_factory=list)
    faulty: set[str] = field(default_factory=set)

    @property
    def is_good(self) -> bool:
        """Whether there is nothing to report."""
        return not self.stray and not self.faulty


def slots(parameters: Sequence[Parameter]) -> list[Slot]:
    """Return the slots of a declared signature."""
    return [Slot(p.name, p.required, p.named) for p in parameters]


def bind(
    what: str,
    place: Span,
    arguments: Sequence[nodes.Argument],
    wanted: Sequence[Slot],
    problems: Problems,
) -> Bound:
    """Return arguments by parameter name; any that is unknown, missing or too many is reported.

    One that is misspelt is taken for the one it was meant to be.
    """
    result = Bound()
    if not arguments and not any(slot.required for slot in wanted):
        return result  # as of every `relu`
    names = [slot.name for slot in wanted]
    in_order = [slot.name for slot in wanted if not slot.named]
    given = {argument.name.text for argument in arguments if argument.name is not None}
    by_place = sum(argument.name is None for argument in arguments)
    bound = result.arguments
    position = 0
    extra: Span | None = None
    for argument in arguments:
        if argument.name is None:
            if position >= len(in_order):
                result.stray.append(argument)
                extra = extra or argument.span
                extra = extra.to(argument.span)
                continue
            name = in_order[position]
            position += 1
        else:
            name = argument.name.text
            if name not in names:
                free = [n for n in names if n not in bound and n not in given]
                # One that has to be given, and is not, is likelier than one that may be left out.
                needed = [s.name for s in wanted if s.required and s.name in free]
                needed = [n for n in needed if n not in in_order[:by_place]]
                is_short = len(name) == 1 or nearest(name, free) is None
                likely = needed[0] if len(needed) == 1 and is_short else None
                meant = likely or nearest(name, free)
                problems.add(messages.unknown_argument(what, argument.name, names, meant))
                if meant is None:
                    result.stray.append(argument)
                    result.faulty.update(free)
                else:
                    bound[meant] = argument
                continue
        if name in bound:
            first = bound[name]
            places = [other.span for other in arguments]
            problems.add(messages.argument_twice(what, name, argument, first, places))
            result.stray.append(argument)
            result.faulty.add(name)
            continue
        bound[name] = argument
    if extra is not None:
        problems.add(messages.too_many_arguments(what, extra, names, in_order))
    missing = [slot.name for slot in wanted if slot.required and slot.name not in bound]
    if missing and not result.stray:
        problems.add(messages.missing_arguments(what, place, missing))
    result.faulty.update(missing)
    return result


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
