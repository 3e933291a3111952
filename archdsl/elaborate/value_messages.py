"""The wording of faults in compile-time values: ARCH112 to ARCH114, ARCH102."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics import Diagnostic, Label, did_you_mean, nearest
from archdsl.diagnostics.fix import respell
from archdsl.elaborate.messages import error, show
from archdsl.operators.signature import Value
from archdsl.source import Span, Use
from archdsl.syntax import nodes


def nested_list(place: Span) -> Diagnostic:
    """Return: a list within a list."""
    return error("ARCH114", "a list cannot hold a list", place, "write its items side by side")


def wrong_operand(place: Span, operator: str, value: Value, use: Use | None) -> Diagnostic:
    """Return: arithmetic on what is no number."""
    return Diagnostic(
        "ARCH114",
        f"`{operator}` takes numbers, but this is {show(value)}",
        Label(place),
        help="write a number",
        use=use,
    )


def not_a_truth_value(place: Span, value: Value, use: Use | None) -> Diagnostic:
    """Return: a condition that is neither true nor false."""
    return Diagnostic(
        "ARCH114",
        f"a condition is true or false, but this is {show(value)}",
        Label(place),
        help="write a comparison, such as n > 0",
        use=use,
    )


def division_by_zero(place: Span, use: Use | None) -> Diagnostic:
    """Return: a divisor of 0."""
    return Diagnostic(
        "ARCH114", "division by zero", Label(place), help="the divisor is 0 here", use=use
    )


def out_of_range(place: Span, use: Use | None) -> Diagnostic:
    """Return: a number too large to be meant."""
    return Diagnostic(
        "ARCH114",
        "the result is too large or not a number",
        Label(place),
        help="values stay below 10^18",
        use=use,
    )


def unknown_function(callee: nodes.Path, choices: Sequence[str]) -> Diagnostic:
    """Return: a compile-time function that is not there."""
    choices = [*choices, "not"] if _is_like_not(callee.text) else choices
    return error(
        "ARCH102",
        f"there is no compile-time function `{callee.text}`",
        callee.span,
        did_you_mean(callee.text, choices),
        respell(callee.span, choices),
    )


def _is_like_not(name: str) -> bool:
    return nearest(name, ["not"]) is not None


def function_arguments(call: nodes.Call, least: int, most: int | None) -> Diagnostic:
    """Return: a compile-time function with the wrong arguments."""
    if most is None:
        takes = f"{least} or more numbers"
    else:
        takes = f"{least} number" + ("s" if least > 1 else "")
    return error(
        "ARCH112",
        f"{call.callee.text} takes {takes}",
        call.callee.span,
        f"write {call.callee.text}({', '.join('abc'[:least])})",
    )
