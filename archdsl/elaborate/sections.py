"""Stages, blocks and taps: the parts of a backbone that have names, and what is noted of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from archdsl.diagnostics import Poison
from archdsl.elaborate import messages, shape_messages
from archdsl.elaborate.placing import Flow, Here, Part, StageRecord
from archdsl.elaborate.values import Scope
from archdsl.ir import INPUT, Allowance, Node, RegionKind, Tap
from archdsl.source import Span, Use
from archdsl.syntax import nodes

if TYPE_CHECKING:
    from archdsl.elaborate.expanding import Expander


class Sections:
    """Expands stages, blocks and taps.

    ``poisoned`` are the paths of regions (and ``tap:path``) whose value is not known.
    """

    def __init__(self, expander: Expander) -> None:
        self.expander = expander
        self.taps: list[Tap] = []
        self.tap_places: dict[str, Span] = {}
        self.allowances: list[Allowance] = []
        self.poisoned: set[str] = set()

    def allow(self, statement: nodes.Allow, here: Here) -> None:
        """Take note of an allowance within a stage or block."""
        if statement.code.text in messages.RULES:
            use = Use(statement.span, f"allow {statement.code.text}", here.path, here.use)
            self.allowances.append(
                Allowance(
                    code=statement.code.text, where=here.path, reason=statement.reason, place=use
                )
            )

    def stage(self, expr: nodes.Stage, scope: Scope, flow: Flow, here: Here) -> Flow:
        """Expand a stage."""
        region = here.within(here.names.allocate(expr.name.text))
        record = StageRecord(Part(expr.name.text, region.path))
        place = replace(region, stage=record)
        return self.part(expr, scope, flow, here, place, RegionKind.STAGE)

    def block(self, expr: nodes.Block, scope: Scope, flow: Flow, here: Here) -> Flow:
        """Expand a block."""
        if here.stage is None:  # reported when names were checked
            result = self.expander.braces(expr.body, scope, flow, here)
            scope.names[expr.name.text] = result if isinstance(result, Node) else Poison()
            return result
        region = here.within(here.names.allocate(expr.name.text))
        block = Part(f"{here.stage.part.path}.{expr.name.text}", region.path)
        place = replace(region, block=block)
        result = self.part(expr, scope, flow, here, place, RegionKind.BLOCK)
        here.stage.blocks.append(block)
        return result

    def part(
        self,
        expr: nodes.Stage | nodes.Block,
        scope: Scope,
        flow: Flow,
        here: Here,
        place: Here,
        kind: RegionKind,
    ) -> Flow:
        """Expand a stage or a block into the region ``place``."""
        inner = Scope(scope)
        single = self.expander.single(flow, here)
        inner.names["in"] = single
        result = self.expander.single(self.expander.body(expr.body, inner, single, place), here)
        scope.names[expr.name.text] = result if result is not None else Poison()
        use = Use(expr.name.span, f"{kind} {expr.name.text}", place.path, here.use)
        if not self.expander.is_known(result):
            self.poisoned.add(place.path)
        network_input = self.expander.draft.nodes[INPUT]
        start = single if isinstance(single, Node) else network_input
        output = result if isinstance(result, Node) else network_input
        self.expander.draft.add_region(place.path, kind, start, output, use)
        return result

    def tap(self, expr: nodes.Tap, name: str | None, flow: Flow, here: Here) -> Flow:
        """Mark what flows by; hand it on."""
        if here.stage is None:
            return flow
        block = here.block or (here.stage.blocks[-1] if here.stage.blocks else None)
        if block is None:
            self.expander.problems.add(shape_messages.tap_without_block(expr.span))
            return flow
        path = f"{here.stage.part.path}.{name}" if name else block.path
        first = self.tap_places.get(path)
        if first is not None and here.module.has_fault(first.to(expr.span)):
            return flow  # what stands between them could not be read
        if first is not None:
            self.expander.problems.add(shape_messages.second_tap(expr.span, path, first))
            return flow
        self.tap_places[path] = expr.span
        single = self.expander.single(flow, here)
        if not self.expander.is_known(single):
            self.poisoned.add(f"tap:{path}")
        if not isinstance(single, Node):
            return Poison()
        self.taps.append(
            Tap(path=path, node=single.id, block=block.region, stage=here.stage.part.region)
        )
        self.expander.draft.origins[f"tap:{path}"] = Use(expr.span, "tap", here.path, here.use)
        return single
