"""What the passes work on: a network, what of it is unknown, and the faults found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from archdsl.diagnostics import Diagnostic, Problems
from archdsl.elaborate.contracts import Contract
from archdsl.elaborate.modelling import Elaborated
from archdsl.ir import Allowance, Network, Node, Region, RegionKind, Tap
from archdsl.source import Span


@dataclass(frozen=True)
class Subject:
    """A network on its way through the passes.

    ``poisoned`` are paths of regions (and ``tap:path``) whose value is unknown because of a fault
    that was reported; passes stay silent about them. ``silenced`` are the allowances that have
    silenced something.
    """

    network: Network
    poisoned: frozenset[str]
    problems: Problems
    contracts: tuple[Contract, ...] = ()
    silenced: set[int] = field(default_factory=set)
    standard_known: bool = True
    """False where the last block is not tapped, so that nothing can be said of S."""

    @classmethod
    def of(cls, elaborated: Elaborated, problems: Problems) -> Subject:
        """Return the subject for a network just elaborated."""
        return cls(elaborated.network, elaborated.poisoned, problems, elaborated.contracts)

    def with_network(self, **changes: object) -> Subject:
        """Return a copy with a changed network."""
        network = replace(self.network, **changes)  # type: ignore[arg-type]
        return replace(self, network=network)

    def report(self, diagnostic: Diagnostic, where: str) -> bool:
        """Report a broken rule, unless the model, a stage or a block around ``where`` allows it.

        Return whether it was reported.
        """
        for index, allowance in enumerate(self.network.allowances):
            if allowance.code == diagnostic.code and _covers(allowance, where):
                self.silenced.add(index)
                return False
        self.problems.add(diagnostic)
        return True

    def span(self, key: str) -> Span:
        """Return the place of a node, region or tap in the spec."""
        return self.network.origins[key].span

    def known(self, *paths: str) -> bool:
        """Whether the values of these regions are known."""
        return not any(path in self.poisoned for path in paths)

    # --- stages, blocks and taps in the order of the network

    def regions(self, kind: RegionKind) -> list[Region]:
        """Return the regions of a kind in the order of the spec's execution."""
        return [r for r in self.network.regions if r.kind is kind]

    def blocks(self, stage: str) -> list[Region]:
        """Return the blocks of a stage."""
        prefix = stage + "."
        return [b for b in self.regions(RegionKind.BLOCK) if b.path.startswith(prefix)]

    def aggregated(self) -> list[Tap]:
        """Return the taps that are aggregated, low level first."""
        aggregation = self.network.aggregation
        chosen = aggregation.taps if aggregation else ()
        return [tap for tap in self.network.taps if tap.path in chosen]

    def tensor(self, tap: Tap) -> Node:
        """Return the node that a tap marks."""
        return self.network.by_id[tap.node]

    def is_native(self, tap: Tap) -> bool:
        """Whether a tap stands in a block of the spec, not in a backbone from elsewhere."""
        return self.tensor(tap).op != "feature"


Pass: TypeAlias = Callable[[Subject], Subject]
"""Takes a subject, reports what it finds, and returns it, changed or not."""


def _covers(allowance: Allowance, where: str) -> bool:
    path = allowance.where
    return not path or where == path or where.startswith(path + ".")
