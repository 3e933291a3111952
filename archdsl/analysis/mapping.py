"""Mapping nodes: from each tapped tensor to a vector of length C (paper, sections III.A, IV.B).

Before: the aggregator's inputs are tapped tensors. After: they are vectors, each the output of a
region ``map_...`` that holds the nodes derived from the tap's level, or those written by hand.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TypeAlias

from archdsl.analysis import messages
from archdsl.analysis.subject import Subject
from archdsl.diagnostics import Diagnostic
from archdsl.elaborate.aggregating import map_names
from archdsl.ir import Draft, Level, Node, RegionKind, Tap
from archdsl.ir.levels import level_of, stride_ratio
from archdsl.ir.naming import Names
from archdsl.operators import OPERATORS
from archdsl.operators.signature import Value
from archdsl.source import Span, Use

Settings: TypeAlias = dict[str, Value]


def valid_strides(ratio: int, channels: int) -> list[int]:
    """Return every stride l of a shallow node: l divides r, and (r / l)^2 divides C.

    With l = k the node gives h = w = r / l and c = C (l / r)^2, so that h w c = C.

    >>> valid_strides(4, 342)
    [4]
    """
    return [
        stride
        for stride in range(1, ratio + 1)
        if ratio % stride == 0 and channels % (ratio // stride) ** 2 == 0
    ]


def derive_mapping_nodes(subject: Subject) -> Subject:
    """Derive a mapping node for every aggregated tap (RA006 where there is none)."""
    aggregation = subject.network.aggregation
    if aggregation is None or not subject.standard_known:
        return subject
    deriver = _Deriver(subject)
    taps = subject.aggregated()
    for tap in taps:
        deriver.derive(tap, taps[-1])
    if subject.problems.has_errors or len(deriver.vectors) < len(taps):
        return subject
    return deriver.finish()


class _Deriver:
    """Adds mapping nodes to a copy of the network."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        network = subject.network
        assert network.aggregation is not None
        self.aggregation = network.aggregation
        self.draft = Draft()
        self.draft.nodes = dict(network.by_id)
        self.draft.regions = dict(network.by_path)
        self.draft.origins = dict(network.origins)
        self.vectors: dict[str, str] = {}
        self.paths = map_names(subject.aggregated())
        self.taps: dict[str, Tap] = {tap.path: tap for tap in network.taps}

    def derive(self, tap: Tap, last: Tap) -> None:
        """Derive the node of one tap, or take the one written by hand."""
        tensor, standard = self.subject.tensor(tap), self.subject.tensor(last)
        level = level_of(tensor, standard, is_last=tap is last)
        ratio = stride_ratio(tensor, standard)
        self.path = self.paths[tap.path]
        self.names = Names()
        inside = f"{self.path}."
        self.names.taken.update(i[len(inside) :] for i in self.draft.nodes if i.startswith(inside))
        self.use = Use(
            self.subject.span(f"tap:{tap.path}"), f"mapping of {tap.path} ({level})", self.path
        )
        vector: Node | None
        if tap.path in self.aggregation.by_hand:
            vector = self.by_hand(tap, standard)
        elif ratio is None or ratio.denominator != 1 or ratio < 1:
            # A ratio below 1 is RA005's, unless that is allowed and nothing is written by hand.
            if ratio is None or ratio > 1 or not self.subject.problems.has_errors:
                self.report(tap, messages.no_ratio(self.use.span, tap.path, tensor, standard))
            return
        elif level is Level.LAST:
            vector = self.add("gap", tensor)
        elif level is Level.MIDDLE:
            vector = self.middle(tap, tensor, standard, ratio)
        else:
            vector = self.shallow(tap, tensor, standard, ratio)
        if vector is None:
            return
        if self.aggregation.normalize is not None:
            vector = self.add(f"{self.aggregation.normalize}norm", vector)
        self.draft.add_region(self.path, RegionKind.MAP, tensor, vector, self.use)
        integral = ratio is not None and ratio.denominator == 1
        self.taps[tap.path] = replace(
            tap,
            level=level,
            ratio=int(ratio) if ratio is not None and integral else None,
            vector=vector.id,
        )
        self.vectors[tap.path] = vector.id

    def report(self, tap: Tap, diagnostic: Diagnostic) -> None:
        """Report that there is no mapping node. An allowance cannot make one: it is always told."""
        self.subject.problems.add(diagnostic)

    def add(self, operator: str, *inputs: Node, **arguments: Value) -> Node:
        """Add an operator to the tap's mapping region, other arguments at their defaults."""
        declared = OPERATORS[operator]
        full: dict[str, Value] = {}
        for parameter in declared.parameters:
            given = parameter.name in arguments
            full[parameter.name] = (
                parameter.kind.check(arguments[parameter.name])
                if given
                else parameter.normal_default
            )
        id = f"{self.path}.{self.names.allocate(operator)}"
        return self.draft.add(id, declared, inputs, full, self.use)

    def settings(self, tap: Tap, level: Level) -> Settings:
        """Return what the clause sets for a tap: by its own path, else by its level."""
        given = self.aggregation.settings
        return given.get(level, {}) | given.get(tap.path, {})

    def place_of_kernel(self, tap: Tap) -> Span:
        """Return where the kernel of a shallow node is set, or the tap where it is derived."""
        origins = self.subject.network.origins
        keys = [f"map:{target}.kernel" for target in (tap.path, Level.SHALLOW)]
        return next((origins[key].span for key in keys if key in origins), self.use.span)

    def norm_and_act(self, node: Node, tap: Tap, settings: Settings) -> Node:
        if settings.get("norm", "batch") is not None:
            node = self.add("batchnorm", node)
        if settings.get("act", "relu") is not None:
            return self.add("relu", node)
        self.subject.problems.add(messages.linear_mapping(self.use.span, tap.path))
        return node

    def middle(self, tap: Tap, tensor: Node, standard: Node, ratio: Fraction) -> Node | None:
        """conv(C, k, stride = r) -> batchnorm -> relu -> gap, with k = 3 unless set."""
        settings = self.settings(tap, Level.MIDDLE)
        kernel = settings.get("kernel", 3)
        assert isinstance(kernel, int)
        channels, *size = standard.shape
        if kernel > min(tensor.shape[1:]) + 2 * ((kernel - 1) // 2):
            self.report(tap, messages.kernel_too_large(self.use.span, tap.path, kernel, tensor))
            return None
        node = self.add(
            "conv",
            tensor,
            c=channels,
            k=kernel,
            stride=int(ratio),
            padding=(kernel - 1) // 2,
            bias=settings.get("norm", "batch") is None,
        )
        if list(node.shape[1:]) != size:
            self.subject.problems.add(
                messages.size_hidden_by_gap(self.use.span, tap.path, node.shape, standard.shape)
            )
        return self.add("gap", self.norm_and_act(node, tap, settings))

    def shallow(self, tap: Tap, tensor: Node, standard: Node, ratio: Fraction) -> Node | None:
        """conv(c, k, stride = k) -> batchnorm -> relu -> avgpool(shape of S) -> flatten.

        k = 2 unless set, c = C (k / r)^2.
        """
        settings = self.settings(tap, Level.SHALLOW)
        kernel, r = settings.get("kernel", 2), int(ratio)
        assert isinstance(kernel, int)
        channels, height, width = standard.shape
        strides = valid_strides(r, channels)
        if kernel not in strides:
            self.report(
                tap,
                messages.no_mapping(
                    self.place_of_kernel(tap), self.use.span, tap.path, r, channels, kernel, strides
                ),
            )
            return None
        side = r // kernel
        made = (tensor.shape[1] // kernel // height, tensor.shape[2] // kernel // width)
        if made != (side, side):
            self.report(
                tap, messages.sizes_do_not_divide(self.use.span, tap.path, tensor, standard, kernel)
            )
            return None
        node = self.add(
            "conv",
            tensor,
            c=channels // side**2,
            k=kernel,
            stride=kernel,
            padding=0,
            bias=settings.get("norm", "batch") is None,
        )
        node = self.norm_and_act(node, tap, settings)
        return self.add("flatten", self.add("avgpool", node, k=(height, width)))

    def by_hand(self, tap: Tap, standard: Node) -> Node | None:
        """Check the length of a mapping written by hand."""
        vector = self.draft.nodes[self.aggregation.by_hand[tap.path]]
        place = self.last_step(vector)
        if vector.shape != (standard.shape[0],):
            self.subject.problems.add(
                messages.wrong_length(place, tap.path, vector.shape, standard.shape)
            )
            return None
        return vector

    def last_step(self, vector: Node) -> Span:
        """Return the name of the step that makes a mapping's vector, or of what is mapped."""
        use = self.draft.origins[vector.id]
        if use.outer is not None or not use.span.text.startswith(vector.op):
            return self.subject.span(self.path)
        return Span(use.span.source, use.span.start, use.span.start + len(vector.op))

    # --- putting it together

    def finish(self) -> Subject:
        """Return the subject with the mapping nodes in place, before the aggregator."""
        network = self.subject.network
        derived = [n for i, n in self.draft.nodes.items() if i not in network.by_id]
        chosen = [self.vectors[path] for path in self.aggregation.taps]
        last_tensor = network.by_id[self.taps[self.aggregation.taps[-1]].node].id
        nodes: list[Node] = []
        for node in network.nodes:
            if node.id == self.aggregation.node:
                nodes += derived
                node = replace(node, inputs=tuple(chosen))
            elif node.id == self.aggregation.readout:
                inputs = tuple(chosen[-1] if i == last_tensor else i for i in node.inputs)
                node = replace(node, inputs=inputs)
            nodes.append(node)
        return self.subject.with_network(
            nodes=tuple(nodes),
            regions=tuple(self.draft.regions.values()),
            taps=tuple(self.taps.values()),
            origins=self.draft.origins,
        )
