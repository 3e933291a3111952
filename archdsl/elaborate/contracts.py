"""Contracts: ``expect params == 6.68M +- 0.5%``, what it may say, checked before it is measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from archdsl.diagnostics import Poison, nearest
from archdsl.elaborate import contract_messages
from archdsl.elaborate.checking_values import ValueChecker
from archdsl.elaborate.scopes import Names, mark_used
from archdsl.elaborate.values import Evaluator, Scope
from archdsl.operators.signature import Value
from archdsl.source import Span
from archdsl.syntax import nodes

MEASURES = {
    "params": "trainable parameters",
    "macs": "multiply-accumulates per image",
    "convs": "convolutions, those of the backbone",
    "shape": "the shape of what comes out, without the batch axis",
    "receptive_field": "height and width of the input that one output pixel sees",
}
"""What a contract can be about: of the whole network, or of a part: ``shape(s1.b1)``."""

COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")


@dataclass(frozen=True, slots=True)
class Contract:
    """What is measured (of a part, by its path), and how it compares with what is wanted.

    ``margin`` is what a tolerance allows either side; ``given`` are parameters set from outside.
    """

    measure: str
    part: Span | None
    comparison: str
    wanted: Value
    margin: float | None
    given: Mapping[str, Value]
    place: Span
    claim: Span
    left: Span


def read_contract(
    item: nodes.Expect, evaluator: Evaluator, scope: Scope, given: Mapping[str, Value]
) -> Contract | None:
    """Return a contract with its right side evaluated; None where a fault in it was reported."""
    claim = item.claim
    if not isinstance(claim, nodes.Infix) or claim.operator not in COMPARISONS:
        return None
    measure = measure_of(claim.left)
    wanted = evaluator.evaluate(claim.right, scope)
    if measure is None or isinstance(wanted, Poison):
        return None
    margin: float | None = None
    if item.tolerance is not None:
        given_margin = item.tolerance.value
        if claim.operator != "==" or not isinstance(wanted, int | float):
            return None
        assert isinstance(given_margin, int | float)
        margin = abs(wanted) * given_margin / 100 if item.percent else given_margin
    name, part = measure
    return Contract(
        name,
        part.span if part is not None else None,
        claim.operator,
        wanted,
        margin,
        dict(given),
        item.span,
        claim.span,
        claim.left.span,
    )


def measure_of(expr: nodes.Expr) -> tuple[str, nodes.Path | None] | None:
    """Return the measure that an expression names, and the part it is of; None if it is none."""
    if isinstance(expr, nodes.Path) and expr.text in MEASURES:
        return expr.text, None
    if isinstance(expr, nodes.Call) and expr.callee.text in MEASURES and len(expr.arguments) == 1:
        (argument,) = expr.arguments
        if argument.name is None and isinstance(argument.value, nodes.Path):
            return expr.callee.text, argument.value
    return None


def check_contract(item: nodes.Expect, names: Names, values: ValueChecker) -> None:
    """Check the names of a contract and its form; parts are looked up when it is measured."""
    claim = item.claim
    if names.module.has_fault(item.span):
        mark_used(claim, names)
        return
    if not isinstance(claim, nodes.Infix) or claim.operator not in COMPARISONS:
        values.problems.add(contract_messages.not_a_comparison(claim.span))
        mark_used(claim, names)
        return
    if measure_of(claim.left) is None:
        mark_used(claim, names)
        turned = measure_of(claim.right) is not None
        callee = claim.left.callee if isinstance(claim.left, nodes.Call) else claim.left
        known = isinstance(callee, nodes.Path) and callee.text in MEASURES
        meant = nearest(callee.span.text, MEASURES) if not known else None
        values.problems.add(contract_messages.not_a_measure(claim, meant, turned=turned))
        return
    values.check(claim.right, names)
    if item.tolerance is not None and claim.operator != "==":
        values.problems.add(contract_messages.tolerance_without_equality(item, claim.operator))
