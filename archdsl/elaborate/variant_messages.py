"""The wording of faults of variants: ARCH103, ARCH105, ARCH106, ARCH14x, ARCH908."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from archdsl.diagnostics import Diagnostic, Label, did_you_mean
from archdsl.elaborate.messages import error, show
from archdsl.operators.signature import Value
from archdsl.source import Span
from archdsl.syntax import nodes


def unknown_parameter(path: nodes.Path, model: nodes.Name, choices: Sequence[str]) -> Diagnostic:
    """Return: a grid over something that is no parameter of the model."""
    help = did_you_mean(path.text, choices)
    if len(path.names) > 1:
        help = "variants vary parameters of a model; to vary training, extend the recipe"
    elif not choices:
        help = f"declare it: model {model.text}({path.text} = ...) {{ ... }}"
    return error("ARCH103", f"model {model.text} has no parameter `{path.text}`", path.span, help)


def varied_twice(path: nodes.Path, first: Span) -> Diagnostic:
    """Return: two lines for one parameter."""
    return Diagnostic(
        "ARCH106",
        f"`{path.text}` is varied twice",
        Label(path.span),
        (Label(first, "first here"),),
        help="write all its values in one list",
    )


def value_twice(name: str, value: Value, place: Span) -> Diagnostic:
    """Return: the same value twice in a list."""
    return error("ARCH106", f"{name} is {show(value)} twice", place, "remove one of them")


def not_a_list(line: nodes.Vary, value: Value) -> Diagnostic:
    """Return: a single value where a list is wanted."""
    name = line.path.text
    return error(
        "ARCH105",
        f"the values of {name} cannot be {show(value)}",
        line.values.span,
        f"write a list: {name} in [{show(value)}]",
    )


def no_values(line: nodes.Vary) -> Diagnostic:
    """Return: an empty list."""
    name = line.path.text
    return error(
        "ARCH140",
        f"there is no value for {name} to have",
        line.values.span,
        f"write at least one: {name} in [2, 4]",
    )


def nothing_varied(name: nodes.Name) -> Diagnostic:
    """Return: a grid without a line."""
    return error(
        "ARCH140",
        f"variants {name.text} vary nothing",
        name.span,
        "name a parameter and its values: n in [2, 4]",
    )


def too_many_points(name: nodes.Name, count: int, limit: int) -> Diagnostic:
    """Return: a grid whose product of values is beyond the limit."""
    return error(
        "ARCH908",
        f"variants {name.text} have {count:,} points; at most {limit:,} are checked",
        name.span,
        "vary fewer parameters at a time, in variants of their own",
    )


def too_many_operators(place: Span, name: str, limit: int) -> Diagnostic:
    """Return: the networks of all points together are beyond the limit."""
    return error(
        "ARCH908",
        f"the networks of variants {name} have more than {limit:,} operators in all",
        place,
        "vary fewer parameters at a time, in variants of their own",
    )


def at_point(diagnostic: Diagnostic, point: str, others: int) -> Diagnostic:
    """Return a fault that some points have, and the model with its defaults has not."""
    more = "" if not others else f" and {others} more point" + "s" * (others > 1)
    return replace(diagnostic, notes=(*diagnostic.notes, f"found at {point}{more}"))
