"""The passes over an elaborated network, in order."""

from archdsl.analysis.contracts import check_contracts
from archdsl.analysis.foreign import check_foreign_taps
from archdsl.analysis.liveness import drop_unused
from archdsl.analysis.mapping import derive_mapping_nodes
from archdsl.analysis.rules import (
    check_allowances,
    check_blocks_per_stage,
    check_last_block,
    check_stage_resolution,
    check_tap_positions,
    check_tap_ratios,
    check_tapped_blocks,
)
from archdsl.analysis.subject import Pass, Subject
from archdsl.diagnostics import Problems
from archdsl.elaborate.modelling import Elaborated
from archdsl.ir import Network

PASSES: tuple[Pass, ...] = (
    check_stage_resolution,
    check_tapped_blocks,
    check_blocks_per_stage,
    check_tap_positions,
    check_last_block,
    check_foreign_taps,
    check_tap_ratios,
    derive_mapping_nodes,
    drop_unused,
    check_allowances,
    check_contracts,
)
"""Every pass. Each returns the subject it is given, or one with a changed network."""


def analyse(elaborated: Elaborated, problems: Problems) -> Network:
    """Run all passes; return the network as far as it could be completed."""
    subject = Subject.of(elaborated, problems)
    for run in PASSES:
        subject = run(subject)
    return subject.network
