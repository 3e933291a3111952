"""The wording of ARCH1xx: faults of names, arguments and compile-time values."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics import Diagnostic, Fix, Label, Severity, did_you_mean
from archdsl.diagnostics.fix import remove_item, respell
from archdsl.operators.signature import Value
from archdsl.source import Span, Use
from archdsl.syntax import nodes

RULES = ("RA001", "RA002", "RA003", "RA004", "RA005", "RA006")
"""The rules that `allow` can silence."""


def show(value: Value) -> str:
    """Return a value as a spec writes it.

    >>> show((3, True, None))
    '[3, true, none]'
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(show, value)) + "]"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, float):
        return f"{value:g}" if value != int(value) or abs(value) >= 1e15 else f"{value:.1f}"
    return str(value)


def error(
    code: str, message: str, place: Span, help: str | None = None, fix: Fix | None = None
) -> Diagnostic:
    """Return an error with one place."""
    return Diagnostic(code, message, Label(place), help=help, fix=fix)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def not_yet(what: str, place: Span) -> Diagnostic:
    """Return: edition 1 has it, this version has not."""
    return error(
        "ARCH190",
        f"{what} is part of edition 1, but this version of archdsl cannot compile it yet",
        place,
        "leave it out, or use a later version",
    )


# --- names


def duplicate_name(name: str, place: Span, first: Span, fix: Fix | None = None) -> Diagnostic:
    """Return: a name that already means something here; ``fix`` where it means the same."""
    return Diagnostic(
        "ARCH106",
        f"`{name}` is already the name of something else here",
        Label(place),
        (Label(first, "first named here"),),
        help="remove one of them" if fix else "choose another name",
        fix=fix,
    )


def unknown_operator(callee: nodes.Path, choices: Sequence[str]) -> Diagnostic:
    """Return: a step that is neither an operator nor a def."""
    return error(
        "ARCH101",
        f"there is no operator or def `{callee.text}`",
        callee.span,
        did_you_mean(callee.text, choices) or f"define it: def {callee.text}(...) {{ ... }}",
        respell(callee.span, choices),
    )


def unknown_tensor(path: nodes.Path, choices: Sequence[str]) -> Diagnostic:
    """Return: a dangling name where a tensor is wanted."""
    return error(
        "ARCH102",
        f"nothing named `{path.text}` is in scope",
        path.span,
        did_you_mean(path.text, choices) or f"bind it first: {path.text} = ...",
        respell(path.span, choices),
    )


def unknown_value(name: nodes.Name, choices: Sequence[str]) -> Diagnostic:
    """Return: a dangling name where a compile-time value is wanted."""
    return error(
        "ARCH102",
        f"nothing named `{name.text}` is in scope",
        name.span,
        did_you_mean(name.text, choices) or "write a number, or declare it as a parameter",
        respell(name.span, choices),
    )


def unknown_model(name: nodes.Name, purpose: str, choices: Sequence[str]) -> Diagnostic:
    """Return: ``extends``, or ``variants of``, something that is not there."""
    return error(
        "ARCH102",
        f"there is no model `{name.text}` to {purpose}",
        name.span,
        did_you_mean(name.text, choices)
        or f'declare it, or import it: from "file.arch" import {name.text}',
        respell(name.span, choices),
    )


def circular_extends(name: nodes.Name) -> Diagnostic:
    """Return: something that extends itself."""
    return error(
        "ARCH121", f"`{name.text}` extends itself in the end", name.span, "extend another one"
    )


def extends_too_often(name: nodes.Name, most: int) -> Diagnostic:
    """Return: the limit on what extends what extends."""
    return error(
        "ARCH902",
        f"more than {most} extend one another",
        name.span,
        "let some of them extend the same one",
    )


def first_of(names: Sequence[nodes.Name]) -> nodes.Name:
    """Return the name that stands first, so that a circle is reported once."""
    return min(names, key=lambda name: (name.span.source.name, name.span.start))


def unused_constant(name: str, place: Span) -> Diagnostic:
    """Return (a warning): a ``let`` that changes nothing."""
    return Diagnostic(
        "ARCH123",
        f"the constant `{name}` is never used",
        Label(place),
        help="use it, or remove it",
        severity=Severity.WARNING,
    )


def reserved_name(name: str, place: Span) -> Diagnostic:
    """Return: a def, model or import that has the name of an operator."""
    return error(
        "ARCH106",
        f"`{name}` is the name of an operator",
        place,
        "choose another name, such as " + name.capitalize(),
    )


def unused_parameter(name: str, place: Span, owner: str) -> Diagnostic:
    """Return: a parameter that changes nothing."""
    return error(
        "ARCH107",
        f"parameter `{name}` of {owner} is never used",
        place,
        "use it, or remove it",
    )


def dead_branch(name: nodes.Name) -> Diagnostic:
    """Return: a binding that never reaches ``out``."""
    return error(
        "ARCH108",
        f"dead branch: `{name.text}` is computed and never used",
        name.span,
        "use it on the way to `out`, or remove it",
    )


def result_unused(place: Span) -> Diagnostic:
    """Return: a pipeline in a graph that is bound to no name."""
    return error(
        "ARCH108",
        "dead branch: the result of this step is bound to no name",
        place,
        "in a body with bindings every step is bound: name = ...",
    )


def no_out(place: Span, last: nodes.Name | None) -> Diagnostic:
    """Return: a graph that does not say what comes out of it."""
    where = last.span if last is not None else place
    return error(
        "ARCH116",
        "this body has bindings, but does not bind `out`",
        where,
        "bind the result: out = ...",
    )


def bound_in(place: Span) -> Diagnostic:
    """Return: ``in = ...``."""
    return error(
        "ARCH106", "`in` is the body's input and cannot be bound", place, "choose another name"
    )


# --- arguments


def unknown_argument(
    what: str, name: nodes.Name, choices: Sequence[str], meant: str | None
) -> Diagnostic:
    """Return: a keyword that the callee does not have; ``meant`` is what it probably stands for."""
    if meant is not None:
        help = f"did you mean `{meant}`?"
    elif not choices:
        help = f"{what} takes no named arguments"
    else:
        help = f"{what} takes: " + ", ".join(choices)
    return error(
        "ARCH103",
        f"{what} has no argument `{name.text}`",
        name.span,
        help,
        respell(name.span, choices, meant),
    )


def missing_arguments(what: str, place: Span, names: Sequence[str]) -> Diagnostic:
    """Return: arguments without a default that were not given."""
    return error(
        "ARCH104",
        f"{what} needs {_listed(names)}",
        place,
        f"write {what}({', '.join(f'{name} = ...' for name in names)})",
    )


def too_many_arguments(
    what: str, place: Span, names: Sequence[str], in_order: Sequence[str]
) -> Diagnostic:
    """Return: more arguments than there are parameters to take them in order."""
    takes = f"it takes {', '.join(in_order)}" if in_order else "it takes none"
    by_name = [name for name in names if name not in in_order]
    if by_name:
        takes += f"{' in order' if in_order else ''}; by name alone: {', '.join(by_name)}"
    return error("ARCH112", f"{what} has too many arguments", place, takes)


def argument_twice(
    what: str, name: str, argument: nodes.Argument, first: nodes.Argument, given: Sequence[Span]
) -> Diagnostic:
    """Return: an argument given twice, one of all that are ``given``."""
    is_same = argument.value.span.text == first.value.span.text
    return Diagnostic(
        "ARCH106",
        f"{what}: argument `{name}` is given twice",
        Label(argument.name.span if argument.name is not None else argument.span),
        (Label(first.span, "first given here"),),
        help="remove one of them",
        fix=remove_item(argument.span, given) if is_same else None,
    )


def bad_argument(
    what: str, name: str, wanted: str, value: Value, place: Span, use: Use | None
) -> Diagnostic:
    """Return: a value that the parameter's kind does not admit."""
    return Diagnostic(
        "ARCH105",
        f"{what}: {name} cannot be {show(value)}",
        Label(place),
        help=f"{name} is {wanted}",
        use=use,
    )
