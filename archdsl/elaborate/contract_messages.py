"""The wording of ARCH4xx: contracts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from archdsl.diagnostics import Diagnostic, Label, Severity, did_you_mean
from archdsl.elaborate.messages import error, show
from archdsl.operators.signature import Value
from archdsl.source import Span
from archdsl.syntax import nodes

if TYPE_CHECKING:
    from archdsl.elaborate.contracts import Contract

_EXAMPLE = "compare a measure: expect params < 10M"


def not_a_comparison(place: Span) -> Diagnostic:
    """Return: ``expect params``."""
    return error("ARCH402", "a contract is a comparison", place, _EXAMPLE)


def not_a_measure(claim: nodes.Infix, meant: str | None, *, turned: bool) -> Diagnostic:
    """Return: something that cannot be measured on the left side."""
    left, right = claim.left.span.text, claim.right.span.text
    mirrored = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(claim.operator, claim.operator)
    help = "measure params, macs, convs, shape or receptive_field, or one of a part: shape(s1.b1)"
    if turned:
        help = f"write the measure first: expect {right} {mirrored} {left}"
    elif meant is not None:
        help = f"did you mean `{meant}`?"
    return error("ARCH402", f"`{left}` is no measure of a network", claim.left.span, help)


def tolerance_without_equality(item: nodes.Expect, operator: str) -> Diagnostic:
    """Return: ``expect params < 3 +- 1``."""
    assert item.tolerance is not None
    return error(
        "ARCH402",
        f"a tolerance goes with ==, not with {operator}",
        item.tolerance.span,
        "leave the tolerance out, or write ==",
    )


def not_comparable(contract: Contract, found: Value) -> Diagnostic:
    """Return: a shape compared with a number, or in size."""
    if isinstance(found, tuple):
        help = f"write == {show(found)}"
    else:
        help = f"compare it with a number, such as {show(found)}"
    return error(
        "ARCH402",
        f"{contract.left.text} is {show(found)}, which"
        f" `{contract.comparison} {show(contract.wanted)}` cannot compare",
        contract.claim,
        help,
    )


def broken(contract: Contract, found: Value, *, severity: Severity) -> Diagnostic:
    """Return: a contract that does not hold."""
    left = contract.left.text
    text = f"{found:,}" if isinstance(found, int) and not isinstance(found, bool) else show(found)
    notes = []
    if contract.margin is not None and isinstance(contract.wanted, int | float):
        low, high = contract.wanted - contract.margin, contract.wanted + contract.margin
        notes.append(f"the contract allows {low:,.10g} to {high:,.10g}")
    if contract.given:
        settings = ", ".join(f"{n} = {show(v)}" for n, v in contract.given.items())
        notes.append(f"here {settings} is set from outside the spec")
    return Diagnostic(
        "ARCH401",
        f"{left} is {text}; the contract does not hold",
        Label(contract.place, f"found {text}"),
        notes=tuple(notes),
        help=f"change the network, or write {left} == {show(found)}",
        severity=severity,
    )


def unknown_part(part: Span, choices: Iterable[str]) -> Diagnostic:
    """Return: a part that is not there."""
    known = list(choices)
    return error(
        "ARCH403",
        f"the network has no part `{part.text}`",
        part,
        did_you_mean(part.text, known) or "name a stage, a block or a tap by its path",
    )


def sees_everything(contract: Contract) -> Diagnostic:
    """Return: the receptive field of what depends on the whole image."""
    of = f"{contract.part.text} has" if contract.part is not None else "the network has"
    return error(
        "ARCH402",
        f"{of} no receptive field: it sees the whole image",
        contract.left,
        "ask for that of a feature map before it",
    )
