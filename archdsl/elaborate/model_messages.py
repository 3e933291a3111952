"""The wording of faults of models and allowances: ARCH104 to ARCH106, ARCH122, ARCH13x."""

from __future__ import annotations

from archdsl.diagnostics import Diagnostic, Label, Severity, did_you_mean
from archdsl.diagnostics.fix import remove, respell
from archdsl.elaborate.messages import RULES, error, show
from archdsl.operators.signature import Value
from archdsl.source import Span
from archdsl.syntax import nodes


def cannot_allow(code: nodes.Name) -> Diagnostic:
    """Return: ``allow`` of something that is no rule."""
    return error(
        "ARCH131",
        f"`{code.text}` is not a rule that can be allowed",
        code.span,
        did_you_mean(code.text, RULES) or "choose one of: " + ", ".join(RULES),
        respell(code.span, RULES),
    )


def no_reason(place: Span) -> Diagnostic:
    """Return: ``allow`` with an empty reason."""
    return error("ARCH131", "an allowance needs a reason", place, 'write why: allow RA002 "why"')


def unused_allowance(code: str, place: Span) -> Diagnostic:
    """Return (a warning): an allowance that silences nothing."""
    return Diagnostic(
        "ARCH130",
        f"nothing breaks {code} here; this allowance silences nothing",
        Label(place),
        help="remove it",
        severity=Severity.WARNING,
        fix=remove(place),
    )


def missing_item(model: nodes.Name, what: str) -> Diagnostic:
    """Return: a model without an input or backbone."""
    example = "input [3, 32, 32]" if what == "input" else f"{what} {{ ... }}"
    return error("ARCH122", f"model {model.text} has no {what}", model.span, f"add {example}")


def item_twice(what: str, place: Span, first: Span) -> Diagnostic:
    """Return: two of what a model has one of."""
    return Diagnostic(
        "ARCH106",
        f"a model has one {what}",
        Label(_opening(place, what)),
        (Label(_opening(first, what), "the first is here"),),
        help="remove one of them",
    )


def _opening(place: Span, words: str) -> Span:
    """Return the stretch of an item that names it: ``head``, not all of ``head { ... }``."""
    length = len(words) if place.text.startswith(words) else place.end - place.start
    return Span(place.source, place.start, place.start + length)


def bad_input(place: Span, value: Value) -> Diagnostic:
    """Return: an input shape that is none."""
    return error(
        "ARCH105",
        f"input: the shape cannot be {show(value)}",
        place,
        "write channels, height and width: input [3, 32, 32]",
    )


def required_model_parameter(model: nodes.Name, parameter: nodes.Name) -> Diagnostic:
    """Return: a model parameter without a value."""
    return Diagnostic(
        "ARCH104",
        f"model {model.text} needs a value for `{parameter.text}`",
        Label(parameter.span),
        help=f"give it a default ({parameter.text} = ...), or pass --set {parameter.text}=...",
    )
