"""Sections of a backbone: its stages, and what stands outside of any."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from archdsl.backends.figures import captions
from archdsl.backends.figures.drawing import Box, Role
from archdsl.backends.figures.outline import Chain, Element, Fork, Leaf, Part, nodes_of, outline
from archdsl.backends.figures.parts import box, titled
from archdsl.ir import Network, RegionKind
from archdsl.ir.naming import attribute
from archdsl.operators.operator import Shape


@dataclass(frozen=True, slots=True)
class Section:
    """A stage, or (``path`` is empty) what stands between stages.

    ``note`` is what else is to be said of it; ``shape`` is that of its output.
    """

    path: str
    title: str
    chain: Chain
    shape: Shape
    note: str = ""


def sections(network: Network) -> list[Section]:
    """Return the sections of the backbone in order.

    A stage ends where its resolution does: what makes its output smaller stands behind it.
    """
    chain = outline(network, "backbone")
    if any(node.op == "foreign" for node in network.nodes):
        return [_foreign(network)]
    found: list[Section] = []
    outside: list[Element] = []

    def close() -> None:
        if outside:
            found.append(Section("", "", tuple(outside), _shape(outside[-1], network)))
            outside.clear()

    for element in chain:
        is_stage = isinstance(element, Part) and element.kind is RegionKind.STAGE
        joins = bool(outside) and isinstance(outside[-1], Fork)
        if not is_stage or joins:
            outside.append(element)
            continue
        assert isinstance(element, Part)
        inside, behind = _split(element, network)
        if inside:
            close()
            title = stage_title(element.path.rpartition(".")[2])
            found.append(Section(element.path, title, inside, _shape(inside[-1], network)))
        outside += behind
    close()
    return found


def dead_box(network: Network) -> Box | None:
    """Return a box of the layers that are in the module, but that nothing reads; None without.

    What is left out of the module, having no weights, is not drawn.
    """
    dead = [
        node
        for node in network.nodes
        if node.id not in network.live and node.params and node.op != "foreign"
    ]
    if not dead:
        return None
    said = captions.title(dead[0]) if len(dead) == 1 else f"{len(dead)} layers"
    ids = [node.id for node in dead]
    lines = titled(said, "never read")
    found = box(ids[-1], Role.OTHER, lines, nodes=ids, tooltip="never read: " + ", ".join(ids[:9]))
    return replace(found, dashed=True)


def _split(stage: Part, network: Network) -> tuple[Chain, Chain]:
    """Return what of a stage has its resolution, and what behind that has another one."""
    blocks = [
        region
        for region in network.regions
        if region.kind is RegionKind.BLOCK and region.path.startswith(stage.path + ".")
    ]
    if not blocks:
        return stage.chain, ()
    resolution = network.by_id[blocks[-1].output].shape[1:]
    end = len(stage.chain)
    while end and _shape(stage.chain[end - 1], network)[1:] != resolution:
        end -= 1
    return stage.chain[:end], stage.chain[end:]


def _foreign(network: Network) -> Section:
    """Return the section of a backbone from elsewhere: its tapped features, in order."""
    (model,) = (node for node in network.nodes if node.op == "foreign")
    features = [node for node in network.nodes if node.op == "feature"]
    a = model.arguments
    note = f"{a['library']}{', frozen' if a['frozen'] else ''}"
    leaves = [
        Leaf((node.id,), node.id.removeprefix("backbone."), "", Role.CONV, node.shape)
        for node in features
        if node.id in network.live
    ]
    if not leaves:
        leaves = [Leaf((model.id,), str(a["model"]), "", Role.CONV, model.shape)]
    else:
        # Its weights are told of once, with the first of its features.
        first = leaves[0]
        leaves[0] = Leaf((model.id, *first.nodes), first.title, "", Role.CONV, first.shape)
    return Section("backbone", str(a["model"]), tuple(leaves), leaves[-1].shape, note)


def _shape(element: Element, network: Network) -> Shape:
    return network.by_id[nodes_of((element,))[-1]].shape


def stage_title(name: str) -> str:
    """Return what a stage is called in figures.

    >>> stage_title("s1"), stage_title("stage12"), stage_title("coarse")
    ('Stage 1', 'Stage 12', 'coarse')
    """
    if name.endswith("_") and attribute(name[:-1]) == name:
        name = name[:-1]  # a word of Python, which a module cannot have as it is
    number = re.fullmatch(r"(?:s|stage_?)(\d+)", name)
    return f"Stage {number[1]}" if number else name
