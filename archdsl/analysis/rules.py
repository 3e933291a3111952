"""The paper's rules for selecting features (section IV.A), and what they rest on."""

from __future__ import annotations

from dataclasses import replace

from archdsl.analysis import messages
from archdsl.analysis.subject import Subject
from archdsl.ir import Node, Region, RegionKind, Tap
from archdsl.ir.levels import stride_ratio
from archdsl.operators import CONVOLUTIONS
from archdsl.source import Span


def check_stage_resolution(subject: Subject) -> Subject:
    """ARCH207: the blocks of a stage agree in resolution."""
    for stage in subject.regions(RegionKind.STAGE):
        blocks = [b for b in subject.blocks(stage.path) if subject.known(b.path)]
        first = blocks[0] if blocks else None
        for block in blocks[1:]:
            assert first is not None
            size, wanted = _size(subject, block), _size(subject, first)
            if size != wanted:
                subject.problems.add(
                    messages.block_resolution(
                        subject.span(block.path),
                        _spec_name(block),
                        size,
                        subject.span(first.path),
                        wanted,
                    )
                )
    return subject


def check_tapped_blocks(subject: Subject) -> Subject:
    """RA001: a tapped block holds at least 2 convolutions on its longest path."""
    if subject.problems.told("ARCH108"):
        return subject  # they may stand in the branch that nothing uses
    for path in dict.fromkeys(t.block for t in subject.network.taps if subject.is_native(t)):
        block = subject.network.by_path[path]
        if not subject.known(path):
            continue
        count = longest_convolution_path(subject.network.inside(path), block.output)
        if count < 2:
            subject.report(
                messages.few_convolutions(subject.span(path), _spec_name(block), count), path
            )
    return subject


def longest_convolution_path(nodes: list[Node], output: str) -> int:
    """Return the most convolutions on a path through ``nodes`` (in order) to ``output``.

    A projection on a shortcut lies on a shorter path, so it does not count.
    """
    longest: dict[str, int] = {}
    for node in nodes:
        before = max((longest.get(i, 0) for i in node.inputs), default=0)
        longest[node.id] = before + (node.op in CONVOLUTIONS)
    return longest.get(output, 0)


def check_blocks_per_stage(subject: Subject) -> Subject:
    """RA002: a stage holds at most 2 blocks."""
    for stage in subject.regions(RegionKind.STAGE):
        blocks = subject.blocks(stage.path)
        for number, block in enumerate(blocks[2:], 3):
            subject.report(
                messages.many_blocks(
                    subject.span(block.path), _spec_name(block), number, _spec_name(stage)
                ),
                block.path,
            )
    return subject


def check_tap_positions(subject: Subject) -> Subject:
    """RA003: a tap stands before its stage's down-sampling.

    The tapped tensor must have the resolution of the stage's blocks (error); layers that follow
    the stage's last tap at that resolution are passed over by it (warning).
    """
    if subject.problems.told("ARCH002"):
        return subject  # where blocks end is not known
    last_of_stage = {tap.stage: tap for tap in subject.network.taps}
    for tap in subject.network.taps:
        tensor = subject.tensor(tap)
        if not subject.known(tap.block) or not subject.is_native(tap):
            continue
        block = subject.network.by_path[tap.block]
        resolution = subject.network.by_id[block.output].shape[1:]
        if tensor.shape[1:] != resolution:
            _report_late(subject, tap, tensor)
        elif tap is last_of_stage[tap.stage]:
            _check_nothing_follows(subject, tap, tensor)
    return subject


def _report_late(subject: Subject, tap: Tap, tensor: Node) -> None:
    block = subject.network.by_id[subject.network.by_path[tap.block].output]
    subject.report(
        messages.late_tap(subject.span(f"tap:{tap.path}"), tap.path, tensor.shape, block.shape),
        tap.block,
    )


def _check_nothing_follows(subject: Subject, tap: Tap, tensor: Node) -> None:
    if subject.problems.has_errors:
        return  # a layer that follows at this resolution may be the one at fault
    reached = {tensor.id}
    for node in subject.network.inside(tap.stage):
        if node.id not in reached and reached.intersection(node.inputs):
            reached.add(node.id)
            if node.op != "identity" and node.shape[1:] == tensor.shape[1:]:
                diagnostic = messages.layers_after_tap(
                    subject.span(node.id), tap.path, subject.span(f"tap:{tap.path}")
                )
                subject.report(diagnostic, tap.block)
                return


def check_last_block(subject: Subject) -> Subject:
    """RA004: the last block is tapped; its tensor is the standard S."""
    aggregation = subject.network.aggregation
    blocks = subject.regions(RegionKind.BLOCK)
    if aggregation is None or not blocks:
        return subject
    last = blocks[-1]
    if subject.aggregated()[-1].block != last.path:
        clause = subject.span(aggregation.node)
        place = Span(clause.source, clause.start, clause.start + len("aggregate"))
        fault = messages.last_block_untapped(place, last.path, subject.span(last.path))
        # Where it is allowed, the last tap's tensor is S.
        return replace(subject, standard_known=not subject.report(fault, ""))
    return subject


def check_tap_ratios(subject: Subject) -> Subject:
    """RA005: no tap is coarser than S. Ratios are of cumulative strides."""
    if not subject.standard_known:
        return subject
    taps = subject.aggregated()
    for tap in taps[:-1]:
        tensor, standard = subject.tensor(tap), subject.tensor(taps[-1])
        ratio = stride_ratio(tensor, standard)
        if ratio is not None and ratio < 1:
            place = subject.span(f"tap:{tap.path}")
            assert tensor.stride is not None and standard.stride is not None
            subject.report(
                messages.coarse_tap(place, tap.path, tensor.stride, standard.stride, taps[-1].path),
                tap.block,
            )
    return subject


def check_allowances(subject: Subject) -> Subject:
    """ARCH130: an allowance that silences nothing."""
    if subject.problems.has_errors:
        return subject  # the rule may be broken behind what could not be expanded
    for index, allowance in enumerate(subject.network.allowances):
        if index not in subject.silenced and allowance.place is not None:
            subject.problems.add(messages.unused_allowance(allowance.code, allowance.place.span))
    return subject


def _size(subject: Subject, region: Region) -> str:
    shape = subject.network.by_id[region.output].shape
    return f"{shape[1]}×{shape[2]}" if len(shape) == 3 else "no resolution (a vector)"


def _spec_name(region: Region) -> str:
    return region.path.rpartition(".")[2]
