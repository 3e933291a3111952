"""The inside of one def, as a model uses it: every operator, and nothing of what is around."""

from __future__ import annotations

from archdsl.backends.figures.blocks import Block, append, single
from archdsl.backends.figures.captions import shape_text
from archdsl.backends.figures.chains import Chains
from archdsl.backends.figures.drawing import Item, Role
from archdsl.backends.figures.outline import Chain, Fork, Part, Tangle, outline
from archdsl.backends.figures.parts import box, titled
from archdsl.ir import Network, Region


def uses(network: Network, name: str) -> list[Region]:
    """Return where a network uses a def, in order; ``name`` may also be the path of a region."""
    live = {node.region for node in network.nodes if node.id in network.live}
    return [
        region
        for region in network.regions
        if (region.definition == name or (name and region.path in (name, f"backbone.{name}")))
        and any(path == region.path or path.startswith(region.path + ".") for path in live)
    ]


def is_wired_freely(network: Network, region: Region) -> bool:
    """Whether branches of a region cross and never meet, so that no chain can show them."""
    return _has_tangle(outline(network, region.path))


def _has_tangle(chain: Chain) -> bool:
    return any(
        isinstance(element, Tangle)
        or (isinstance(element, Fork) and any(map(_has_tangle, element.branches)))
        or (isinstance(element, Part) and _has_tangle(element.chain))
        for element in chain
    )


def definition_items(network: Network, region: Region) -> list[Item]:
    """Return the operators of a region between what flows in and what flows out."""
    incoming, outgoing = network.by_id[region.input], network.by_id[region.output]
    trunk = Block(shape=incoming.shape)
    told = incoming.shape
    source = box("in", Role.IO, titled("in", shape_text(incoming.shape)), tooltip="what flows in")
    append(trunk, single(source, incoming.shape), told)
    for block in Chains(network, frozenset()).blocks(outline(network, region.path), trunk.shape):
        told = append(trunk, block, told)
    target = box(
        "out", Role.IO, titled("out", shape_text(outgoing.shape)), tooltip="what flows out"
    )
    append(trunk, single(target, outgoing.shape), outgoing.shape)
    return trunk.items
