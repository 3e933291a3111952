"""The wording of ARCH1xx: faults of names, arguments and compile-time values."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics import Diagnostic, Label, Severity, did_you_mean, nearest
from archdsl.operators.operator import Shape, render
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


def _error(code: str, message: str, place: Span, help: str | None = None) -> Diagnostic:
    return Diagnostic(code, message, Label(place), help=help)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


# --- the file and its imports


def no_edition(place: Span) -> Diagnostic:
    """Return: the first line is not ``arch 1``."""
    return _error(
        "ARCH004",
        "the file does not say which edition of the language it is written in",
        place,
        "write `arch 1` as the first line",
    )


def edition_not_first(place: Span) -> Diagnostic:
    """Return: ``arch 1`` after something else."""
    return _error(
        "ARCH004", "the edition is named once, in the first line", place, "remove this line"
    )


def unknown_edition(number: nodes.Name) -> Diagnostic:
    """Return: an edition from the future."""
    return _error(
        "ARCH004",
        f"edition `{number.text}` is not known; this compiler knows edition 1",
        number.span,
        "write `arch 1`, or install a newer archdsl",
    )


def not_yet(what: str, place: Span) -> Diagnostic:
    """Return: edition 1 has it, this version has not."""
    return _error(
        "ARCH190",
        f"{what} is part of edition 1, but this version of archdsl cannot compile it yet",
        place,
        "leave it out, or use a later version",
    )


def unknown_library(name: str, place: Span, known: Sequence[str]) -> Diagnostic:
    """Return: an import from a package that is not the standard library."""
    library = [f"std.{module}" for module in known]
    return _error(
        "ARCH109",
        f"there is no library `{name}`",
        place,
        did_you_mean(name, library) or 'a file is imported by name: from "file.arch" import ...',
    )


def cannot_read(name: str, place: Span, reason: str) -> Diagnostic:
    """Return: an imported file that cannot be read."""
    return _error(
        "ARCH109",
        f"cannot read {name}: {reason.lower()}",
        place,
        "the path is relative to the file that imports it",
    )


def not_utf8(name: str, place: Span | None) -> Diagnostic:
    """Return: bytes that are no UTF-8."""
    return Diagnostic(
        "ARCH007",
        f"{name} is not UTF-8 text",
        Label(place) if place else None,
        help="save the file as UTF-8",
    )


def import_cycle(place: Span, chain: Sequence[str]) -> Diagnostic:
    """Return: files that import each other."""
    return _error(
        "ARCH111",
        "imports go in a circle: " + " -> ".join(chain),
        place,
        "move what both need into a third file",
    )


def too_many_files(place: Span, most: int) -> Diagnostic:
    """Return: the limit on files."""
    return _error("ARCH903", f"more than {most:,} files are imported", place, "import fewer files")


def no_such_export(
    name: nodes.Name, origin: nodes.Literal | nodes.Path, choices: Sequence[str]
) -> Diagnostic:
    """Return: a name that the imported file does not declare."""
    return _error(
        "ARCH110",
        f"`{name.text}` is not declared in {origin.span.text}",
        name.span,
        did_you_mean(name.text, choices),
    )


def unused_import(name: str, place: Span) -> Diagnostic:
    """Return (a warning): an import that nothing needs."""
    return Diagnostic(
        "ARCH119",
        f"`{name}` is imported and never used",
        Label(place),
        help="remove it from the import",
        severity=Severity.WARNING,
    )


# --- names


def duplicate_name(name: str, place: Span, first: Span) -> Diagnostic:
    """Return: a name that already means something here."""
    return Diagnostic(
        "ARCH106",
        f"`{name}` is already the name of something else here",
        Label(place),
        (Label(first, "first named here"),),
        help="choose another name",
    )


def unknown_operator(callee: nodes.Path, choices: Sequence[str]) -> Diagnostic:
    """Return: a step that is neither an operator nor a def."""
    return _error(
        "ARCH101",
        f"there is no operator or def `{callee.text}`",
        callee.span,
        did_you_mean(callee.text, choices) or f"define it: def {callee.text}(...) {{ ... }}",
    )


def unknown_tensor(path: nodes.Path, choices: Sequence[str]) -> Diagnostic:
    """Return: a dangling name where a tensor is wanted."""
    return _error(
        "ARCH102",
        f"nothing named `{path.text}` is in scope",
        path.span,
        did_you_mean(path.text, choices) or f"bind it first: {path.text} = ...",
    )


def unknown_value(name: nodes.Name, choices: Sequence[str]) -> Diagnostic:
    """Return: a dangling name where a compile-time value is wanted."""
    return _error(
        "ARCH102",
        f"nothing named `{name.text}` is in scope",
        name.span,
        did_you_mean(name.text, choices) or "write a number, or declare it as a parameter",
    )


def unknown_model(name: nodes.Name, purpose: str, choices: Sequence[str]) -> Diagnostic:
    """Return: ``extends``, or ``variants of``, something that is not there."""
    return _error(
        "ARCH102",
        f"there is no model `{name.text}` to {purpose}",
        name.span,
        did_you_mean(name.text, choices)
        or f'declare it, or import it: from "file.arch" import {name.text}',
    )


def circular_extends(name: nodes.Name) -> Diagnostic:
    """Return: something that extends itself."""
    return _error(
        "ARCH121", f"`{name.text}` extends itself in the end", name.span, "extend another one"
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
    return _error(
        "ARCH106",
        f"`{name}` is the name of an operator",
        place,
        "choose another name, such as " + name.capitalize(),
    )


def unused_parameter(name: str, place: Span, owner: str) -> Diagnostic:
    """Return: a parameter that changes nothing."""
    return _error(
        "ARCH107",
        f"parameter `{name}` of {owner} is never used",
        place,
        "use it, or remove it",
    )


def dead_branch(name: nodes.Name) -> Diagnostic:
    """Return: a binding that never reaches ``out``."""
    return _error(
        "ARCH108",
        f"dead branch: `{name.text}` is computed and never used",
        name.span,
        "use it on the way to `out`, or remove it",
    )


def result_unused(place: Span) -> Diagnostic:
    """Return: a pipeline in a graph that is bound to no name."""
    return _error(
        "ARCH108",
        "dead branch: the result of this step is bound to no name",
        place,
        "in a body with bindings every step is bound: name = ...",
    )


def no_out(place: Span, last: nodes.Name | None) -> Diagnostic:
    """Return: a graph that does not say what comes out of it."""
    where = last.span if last is not None else place
    return _error(
        "ARCH116",
        "this body has bindings, but does not bind `out`",
        where,
        "bind the result: out = ...",
    )


def bound_in(place: Span) -> Diagnostic:
    """Return: ``in = ...``."""
    return _error(
        "ARCH106", "`in` is the body's input and cannot be bound", place, "choose another name"
    )


# --- arguments


def unknown_argument(
    what: str, name: nodes.Name, choices: Sequence[str], free: Sequence[str] | None = None
) -> Diagnostic:
    """Return: a keyword that the callee does not have; ``free`` are those not given yet."""
    guess = nearest(name.text, choices if free is None else free)
    if guess is not None:
        help = f"did you mean `{guess}`?"
    elif not choices:
        help = f"{what} takes no named arguments"
    else:
        help = f"{what} takes: " + ", ".join(choices)
    return _error("ARCH103", f"{what} has no argument `{name.text}`", name.span, help)


def missing_arguments(what: str, place: Span, names: Sequence[str]) -> Diagnostic:
    """Return: arguments without a default that were not given."""
    return _error(
        "ARCH104",
        f"{what} needs {_listed(names)}",
        place,
        f"write {what}({', '.join(f'{name} = ...' for name in names)})",
    )


def too_many_arguments(what: str, place: Span, names: Sequence[str]) -> Diagnostic:
    """Return: more positional arguments than parameters."""
    takes = f"it takes {', '.join(names)}" if names else "it takes none"
    return _error("ARCH112", f"{what} has too many arguments", place, takes)


def argument_twice(what: str, name: str, place: Span, first: Span) -> Diagnostic:
    """Return: an argument given twice."""
    return Diagnostic(
        "ARCH106",
        f"{what}: argument `{name}` is given twice",
        Label(place),
        (Label(first, "first given here"),),
        help="remove one of them",
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


# --- steps and values out of place


def no_input(what: str, place: Span) -> Diagnostic:
    """Return: a step that nothing flows into."""
    return _error("ARCH115", f"nothing flows into {what}", place, f"write what does: in -> {what}")


def value_as_step(path: nodes.Path) -> Diagnostic:
    """Return: a number or tensor where a step is wanted."""
    return _error(
        "ARCH113",
        f"`{path.text}` is a value, not a step that something can flow into",
        path.span,
        "write an operator or a def here",
    )


def model_as_step(path: nodes.Path) -> Diagnostic:
    """Return: a model where a step is wanted."""
    return _error(
        "ARCH113",
        f"`{path.text}` is a model, not a step",
        path.span,
        "a model is built upon with extends; a reusable part is a def",
    )


def not_a_step(place: Span, expr: nodes.Expr | None = None) -> Diagnostic:
    """Return: an expression that is no part of a network."""
    help = "write an operator or a def here"
    if isinstance(expr, nodes.Infix) and expr.operator == "+":
        help = f"the sum of two tensors is add({expr.left.span.text}, {expr.right.span.text})"
    elif isinstance(expr, nodes.Ternary):
        help = "a choice between steps is written if condition { ... } else { ... }"
    return _error("ARCH113", "this is not a step of a network", place, help)


def turned_repetition(expr: nodes.Infix) -> Diagnostic:
    """Return: ``2 * conv(8)``."""
    left, right = expr.left.span.text, expr.right.span.text
    return _error(
        "ARCH113",
        "the number of repetitions stands behind the step",
        expr.span,
        f"write {right} * {left}",
    )


def not_a_value(place: Span) -> Diagnostic:
    """Return: a step where a number is wanted."""
    return _error(
        "ARCH113",
        "a step of the network stands where a compile-time value is wanted",
        place,
        "write a number, or an expression of parameters",
    )


def tensor_as_value(path: nodes.Path) -> Diagnostic:
    """Return: a tensor where a number is wanted."""
    return _error(
        "ARCH113",
        f"`{path.text}` is a tensor; a compile-time value is wanted here",
        path.span,
        f"ask for one of its sizes: {path.text}.c, {path.text}.h, {path.text}.w or {path.text}.n",
    )


def no_attributes(path: nodes.Path) -> Diagnostic:
    """Return: ``n.c`` where n is a number."""
    name = path.names[0].text
    return _error(
        "ARCH113", f"`{name}` is not a tensor and has no sizes", path.span, f"write {name}"
    )


def unknown_attribute(name: nodes.Name) -> Diagnostic:
    """Return: ``x.channels``."""
    return _error(
        "ARCH102",
        f"a tensor has no `{name.text}`",
        name.span,
        "ask for c, h or w of a feature map, or n of a vector",
    )


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
    return _error("ARCH118", f"{what} cannot stand here", place, where[what])


def empty_body(place: Span) -> Diagnostic:
    """Return: nothing between braces where a result is wanted."""
    return _error(
        "ARCH115", "this body is empty and has no input to hand on", place, "write a step"
    )


def no_else(place: Span) -> Diagnostic:
    """Return: an ``if`` without ``else`` that must yield a value."""
    return _error(
        "ARCH115",
        "this `if` yields nothing when its condition does not hold",
        place,
        "add else { ... }",
    )


def join_needs_two(what: str, place: Span) -> Diagnostic:
    """Return: a join of one tensor."""
    return _error("ARCH209", f"{what} joins two or more tensors", place, f"write {what}(a, b)")


# --- compile-time arithmetic


def nested_list(place: Span) -> Diagnostic:
    """Return: a list within a list."""
    return _error("ARCH114", "a list cannot hold a list", place, "write its items side by side")


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
    return _error(
        "ARCH102",
        f"there is no compile-time function `{callee.text}`",
        callee.span,
        did_you_mean(callee.text, choices),
    )


def function_arguments(call: nodes.Call, least: int, most: int | None) -> Diagnostic:
    """Return: a compile-time function with the wrong arguments."""
    if most is None:
        takes = f"{least} or more numbers"
    else:
        takes = f"{least} number" + ("s" if least > 1 else "")
    return _error(
        "ARCH112",
        f"{call.callee.text} takes {takes}",
        call.span,
        f"write {call.callee.text}({', '.join('abc'[:least])})",
    )


# --- models


def cannot_allow(code: nodes.Name) -> Diagnostic:
    """Return: ``allow`` of something that is no rule."""
    return _error(
        "ARCH131",
        f"`{code.text}` is not a rule that can be allowed",
        code.span,
        did_you_mean(code.text, RULES) or "choose one of: " + ", ".join(RULES),
    )


def no_reason(place: Span) -> Diagnostic:
    """Return: ``allow`` with an empty reason."""
    return _error("ARCH131", "an allowance needs a reason", place, 'write why: allow RA002 "why"')


def unused_allowance(code: str, place: Span) -> Diagnostic:
    """Return (a warning): an allowance that silences nothing."""
    return Diagnostic(
        "ARCH130",
        f"nothing breaks {code} here; this allowance silences nothing",
        Label(place),
        help="remove it",
        severity=Severity.WARNING,
    )


def missing_item(model: nodes.Name, what: str) -> Diagnostic:
    """Return: a model without an input or backbone."""
    example = "input [3, 32, 32]" if what == "input" else f"{what} {{ ... }}"
    return _error("ARCH122", f"model {model.text} has no {what}", model.span, f"add {example}")


def item_twice(what: str, place: Span, first: Span) -> Diagnostic:
    """Return: two of what a model has one of."""
    return Diagnostic(
        "ARCH106",
        f"a model has one {what}",
        Label(place),
        (Label(first, "the first is here"),),
        help="remove one of them",
    )


def bad_input(place: Span, value: Value) -> Diagnostic:
    """Return: an input shape that is none."""
    return _error(
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
