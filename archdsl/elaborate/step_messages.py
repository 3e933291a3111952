"""The wording of faults of steps: what is none, what stands in the wrong place, is never read."""

from __future__ import annotations

from archdsl.diagnostics import Diagnostic, Label, nearest
from archdsl.diagnostics.fix import write
from archdsl.elaborate.messages import error
from archdsl.operators.operator import Shape, render
from archdsl.source import Span, Use
from archdsl.syntax import nodes


def carry_unread(name: nodes.Name) -> Diagnostic:
    """Return: a fold whose body does not go on from what it carries."""
    return error(
        "ARCH108",
        f"`{name.text}` is carried, but the body never reads it",
        name.span,
        f"go on from it: {{ {name.text} -> ... }}",
    )


def flow_unread(place: Span, carry: str) -> Diagnostic:
    """Return: something flows into a fold that begins elsewhere and never reads it."""
    return error(
        "ARCH108",
        "what flows into this repeat is never used",
        place,
        f"begin with it: carry {carry} = in",
    )


def no_input(what: str, place: Span) -> Diagnostic:
    """Return: a step that nothing flows into."""
    return error("ARCH115", f"nothing flows into {what}", place, f"write what does: in -> {what}")


def value_as_step(path: nodes.Path) -> Diagnostic:
    """Return: a number or tensor where a step is wanted."""
    return error(
        "ARCH113",
        f"`{path.text}` is a value, not a step that something can flow into",
        path.span,
        "write an operator or a def here",
    )


def tensor_or_operator(path: nodes.Path, bound: Span) -> Diagnostic:
    """Return: a name at the head of a body that is a tensor's, and an operator's as well."""
    return Diagnostic(
        "ARCH106",
        f"`{path.text}` is a tensor here, and the name of an operator",
        Label(path.span),
        (Label(bound, "the tensor"),),
        help=f"give the tensor another name; the operator is also written {path.text}(...)",
    )


def model_as_step(path: nodes.Path) -> Diagnostic:
    """Return: a model where a step is wanted."""
    return error(
        "ARCH113",
        f"`{path.text}` is a model, not a step",
        path.span,
        "a model is built upon with extends; a reusable part is a def",
    )


def not_a_step(place: Span, expr: nodes.Expr | None = None) -> Diagnostic:
    """Return: an expression that is no part of a network."""
    help = "write an operator or a def here"
    fix = None
    if isinstance(expr, nodes.Infix) and expr.operator == "+":
        text = f"add({expr.left.span.text}, {expr.right.span.text})"
        help = f"the sum of two tensors is {text}"
        named = isinstance(expr.left, nodes.Path) and isinstance(expr.right, nodes.Path)
        fix = write(expr.span, text, certain=named)
    elif isinstance(expr, nodes.Ternary):
        help = "a choice between steps is written if condition { ... } else { ... }"
        parts = (part.span.text for part in (expr.condition, expr.yes, expr.no))
        fix = write(expr.span, "if {} {{ {} }} else {{ {} }}".format(*parts))
    return error("ARCH113", "this is not a step of a network", place, help, fix)


def turned_repetition(expr: nodes.Infix) -> Diagnostic:
    """Return: ``2 * conv(8)``."""
    left, right = expr.left.span.text, expr.right.span.text
    return error(
        "ARCH113",
        "the number of repetitions stands behind the step",
        expr.span,
        f"write {right} * {left}",
        write(expr.span, f"{right} * {left}"),
    )


def not_a_value(place: Span) -> Diagnostic:
    """Return: a step where a number is wanted."""
    return error(
        "ARCH113",
        "a step of the network stands where a compile-time value is wanted",
        place,
        "write a number, or an expression of parameters",
    )


def tensor_as_value(path: nodes.Path) -> Diagnostic:
    """Return: a tensor where a number is wanted."""
    return error(
        "ARCH113",
        f"`{path.text}` is a tensor; a compile-time value is wanted here",
        path.span,
        f"ask for one of its sizes: {path.text}.c, {path.text}.h, {path.text}.w or {path.text}.n",
    )


def no_attributes(path: nodes.Path) -> Diagnostic:
    """Return: ``n.c`` where n is a number."""
    name = path.names[0].text
    return error(
        "ARCH113", f"`{name}` is not a tensor and has no sizes", path.span, f"write {name}"
    )


def unknown_attribute(name: nodes.Name) -> Diagnostic:
    """Return: ``x.channels``."""
    help = "ask for c, h or w of a feature map, or n of a vector"
    guess = nearest(name.text, "chwn") if len(name.text) == 2 else None
    if guess is not None:
        help = f"did you mean `{guess}`? {help}"
    return error("ARCH102", f"a tensor has no `{name.text}`", name.span, help)


def no_such_size(path: nodes.Path, what: str, shape: Shape, use: Use | None) -> Diagnostic:
    """Return: ``x.h`` where x is a vector."""
    kind, has = ("a feature map", "c, h and w") if len(shape) == 3 else ("a vector", "n")
    return Diagnostic(
        "ARCH201",
        f"`{path.names[0].text}` is {kind} {render(shape)} and has no {what}",
        Label(path.span),
        help=f"{kind} has {has}",
        use=use,
    )


def misplaced(what: str, place: Span) -> Diagnostic:
    """Return: stage, block, tap or allow where it may not stand."""
    where = {
        "stage": "a stage stands in the backbone",
        "block": "a block stands in a stage",
        "tap": "a tap stands in a block, or in a stage behind a block",
        "allow": "allow stands in a model, a stage or a block",
    }
    return error("ARCH118", f"{what} cannot stand here", place, where[what])


def empty_body(place: Span) -> Diagnostic:
    """Return: nothing between braces where a result is wanted."""
    return error("ARCH115", "this body is empty and has no input to hand on", place, "write a step")


def no_else(place: Span) -> Diagnostic:
    """Return: an ``if`` without ``else`` that must yield a value."""
    return error(
        "ARCH115",
        "this `if` yields nothing when its condition does not hold",
        place,
        "add else { ... }",
    )


def join_needs_two(what: str, place: Span) -> Diagnostic:
    """Return: a join of one tensor."""
    return error("ARCH209", f"{what} joins two or more tensors", place, f"write {what}(a, b)")
