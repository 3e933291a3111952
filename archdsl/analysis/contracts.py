"""Contracts measured: what a spec expects of its network, against the figures it has."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from archdsl.analysis.receptive_fields import receptive_fields
from archdsl.analysis.subject import Subject
from archdsl.diagnostics import Severity
from archdsl.elaborate import contract_messages as messages
from archdsl.elaborate.contracts import Contract
from archdsl.ir import Network, Node
from archdsl.ir.network import convolutions_of
from archdsl.operators.signature import Value

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def check_contracts(subject: Subject) -> Subject:
    """Report every contract that does not hold; none where the figures themselves are unknown."""
    found = subject.problems.sorted() if subject.contracts else ()
    errors = [d for d in found if d.severity is Severity.ERROR]
    if all(d.code.startswith("ARCH4") for d in errors):
        for contract in subject.contracts:
            _check(contract, subject)
    return subject


def _check(contract: Contract, subject: Subject) -> None:
    found, wanted = _measure(contract, subject), contract.wanted
    if found is None:
        return  # reported
    are_numbers = _is_number(found) and _is_number(wanted)
    are_shapes = isinstance(found, tuple) and isinstance(wanted, tuple)
    if not are_numbers and not (are_shapes and contract.comparison in ("==", "!=")):
        subject.problems.add(messages.not_comparable(contract, found))
        return
    if contract.margin is not None:
        holds = abs(found - wanted) <= contract.margin  # type: ignore[operator]
    else:
        holds = _COMPARE[contract.comparison](found, wanted)
    if not holds:
        # It was written for the model's own parameters: with others it is only worth a note.
        severity = Severity.NOTE if contract.given else Severity.ERROR
        subject.problems.add(messages.broken(contract, found, severity=severity))


def _measure(contract: Contract, subject: Subject) -> Value | None:
    """Return what a network, or a part of it, measures; None where that is reported."""
    network, name = subject.network, contract.measure
    path = _find(network, contract.part.text) if contract.part is not None else ""
    if path is None:
        assert contract.part is not None
        subject.problems.add(messages.unknown_part(contract.part, _known(network)))
        return None
    if name == "convs" and not path:
        return network.convolutions
    if name in ("params", "macs", "convs"):
        inside = [n for n in network.nodes if not path or _lies_in(n.id, path)]
        if name == "convs":
            return sum(map(convolutions_of, inside))
        if name == "params":
            return sum(node.params for node in inside)
        return sum(node.macs for node in inside if node.id in network.live)
    node = _output(network, path, field=name == "receptive_field")
    if name == "shape":
        return node.shape
    seen = receptive_fields(network)[node.id]
    if seen is None:
        subject.problems.add(messages.sees_everything(contract))
        return None
    return seen[0] if seen[0] == seen[1] else seen


def _find(network: Network, name: str) -> str | None:
    """Return the path of the region, tap or node that a spec calls ``name``."""
    for tap in network.taps:
        if tap.path == name:
            return _regions(network).get(name, tap.node)
    for path in (name, f"backbone.{name}"):
        if path in network.by_path or path in network.by_id:
            return path
    return None


def _regions(network: Network) -> dict[str, str]:
    return {path.removeprefix("backbone."): path for path in network.by_path if path}


def _known(network: Network) -> list[str]:
    return [*_regions(network), *(tap.path for tap in network.taps)]


def _lies_in(id: str, path: str) -> bool:
    return id == path or id.startswith(path + ".")


def _output(network: Network, path: str, *, field: bool) -> Node:
    """Return the node whose value a part hands on; of the whole, the backbone's for its field."""
    if path in network.by_id:
        return network.by_id[path]
    if field and not path and "backbone" in network.by_path:
        path = "backbone"
    return network.by_id[network.by_path[path].output]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
