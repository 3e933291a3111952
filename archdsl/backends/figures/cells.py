"""Cells: the boxes of views that do not tell every operator, one for each run of equal parts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from archdsl.backends.figures import captions
from archdsl.backends.figures.captions import shape_text
from archdsl.backends.figures.drawing import DETAIL_SIZE, Box, Line, Role, Run
from archdsl.backends.figures.outline import Chain, Element, Fork, Leaf, Part, Tangle, nodes_of
from archdsl.backends.figures.parts import box, muted, shortened, titled
from archdsl.backends.figures.runs import key, unrolled
from archdsl.backends.figures.sections import Section
from archdsl.ir import Network, Node
from archdsl.ir.network import convolutions_of
from archdsl.operators.operator import Shape

MOST_SINGLE = 2
"""So many runs of a section are drawn beside each other; more are listed in one box."""
MOST_LISTED = 7
"""Lines of such a list."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A run of parts, or a list of runs."""

    role: Role
    lines: tuple[Line, ...]
    count: int
    nodes: tuple[str, ...]
    shape: Shape
    tooltip: str

    def box(self) -> Box:
        """Return it as a box at (0, 0)."""
        return box(
            self.nodes[-1],
            self.role,
            self.lines,
            nodes=self.nodes,
            count=self.count,
            tooltip=self.tooltip,
        )


@dataclass(slots=True)
class _Run:
    """Parts in a row that have one name: ``elements`` are one instance each."""

    name: str
    role: Role
    detail: str
    elements: list[Chain]
    shape: Shape

    @property
    def nodes(self) -> tuple[str, ...]:
        return tuple(id for chain in self.elements for id in nodes_of(chain))


def cells(
    section: Section, network: Network, *, shapes: bool = True, beside: int = MOST_SINGLE
) -> list[Cell]:
    """Return the cells of a section: a tap ends a cell, so that its arrow can leave there.

    With ``shapes`` they say what they make, where that is not what their stage does. More than
    ``beside`` runs are listed in one.
    """
    tapped = {tap.node for tap in network.taps if tap.vector is not None}
    is_told = section.path and not section.note
    told = (section.shape if is_told else ()) if shapes else None
    found: list[Cell] = []
    group: list[_Run] = []
    for run in _runs(section.chain, network, tapped):
        group.append(run)
        if not tapped.isdisjoint(run.nodes):
            found += _cells(group, network, told, beside)
            group = []
    return [*found, *_cells(group, network, told, beside)]


def _cells(group: Sequence[_Run], network: Network, told: Shape | None, beside: int) -> list[Cell]:
    if len(group) > beside:
        return [_list(group, told)]
    return [_cell(run, network, told) for run in group]


def _cell(run: _Run, network: Network, told: Shape | None) -> Cell:
    details = [run.detail]
    odd = _oddity(run, network)
    if odd:
        details = [odd]
    is_vector_told = run.role in (Role.FC, Role.IO)  # by its name
    if told is not None and run.shape != told and not is_vector_told:
        details.append(shape_text(run.shape))
    return Cell(
        run.role,
        titled(run.name, *details),
        len(run.elements),
        run.nodes,
        run.shape,
        f"{len(run.elements)} × {run.name}" if len(run.elements) > 1 else run.name,
    )


def _list(group: Sequence[_Run], told: Shape | None) -> Cell:
    """Return several runs as one box that lists them."""
    lines: list[Line] = []
    for run in group:
        line: Line = (Run(shortened(run.name), DETAIL_SIZE),)
        if len(run.elements) > 1:
            line = (*line, Run(f"\u00a0×{len(run.elements)}", DETAIL_SIZE, bold=True))
        lines.append(line)
    if len(lines) > MOST_LISTED:
        hidden = len(lines) - MOST_LISTED + 1
        lines[MOST_LISTED - 2 : -1] = [(muted(f"… {hidden} more"),)]
    shape = group[-1].shape
    if told is not None and shape != told:
        lines.append((muted(shape_text(shape)),))
    roles = [run.role for run in group]
    role = next((r for r in (Role.RESIDUAL, Role.CONV) if r in roles), max(roles, key=roles.count))
    nodes = tuple(id for run in group for id in run.nodes)
    tooltip = ", ".join(run.name for run in group)
    return Cell(role, tuple(lines), 1, nodes, shape, tooltip)


def _runs(chain: Chain, network: Network, tapped: set[str]) -> list[_Run]:
    """Return the runs of a chain: what joins branches belongs to them."""
    runs: list[_Run] = []
    fork: Fork | None = None
    is_ended = False
    for element in unrolled(chain):
        if isinstance(element, Fork):
            fork = element
            continue
        instance: Chain = (element,) if fork is None else (fork, element)
        run = _run(instance, network)
        fork = None
        last = runs[-1] if runs else None
        if (
            last is not None
            and (last.name, last.shape) == (run.name, run.shape)
            and not is_ended
            and _continues(last, instance, run, network)
        ):
            last.elements.append(instance)
            last.role, last.detail = run.role, run.detail
        else:
            runs.append(run)
        is_ended = not tapped.isdisjoint(nodes_of(instance))
    return runs


def _continues(last: _Run, instance: Chain, run: _Run, network: Network) -> bool:
    """Whether an instance is equal to those of a run, of which the first may be an odd one."""
    if not isinstance(instance[-1], Part):
        return (last.role, last.detail) == (run.role, run.detail)
    wanted, found = (_keys(chain, network) for chain in (last.elements[-1], instance))
    if wanted == found:
        return True
    both = replace(run, elements=[*last.elements, instance])
    return len(last.elements) == 1 and bool(_oddity(both, network))


def _keys(chain: Chain, network: Network) -> tuple[object, ...]:
    return tuple(key(element, network, shapes=False) for element in chain)


def described(part: Part, network: Network) -> tuple[str, str, Role]:
    """Return what a part is called, what is in it, and what it is to the reader."""
    run = _run((part,), network)
    return run.name, run.detail, run.role


def _run(instance: Chain, network: Network) -> _Run:
    element = instance[-1]
    shape = network.by_id[nodes_of(instance)[-1]].shape
    if len(instance) > 1:
        assert isinstance(instance[0], Fork)
        name = f"{len(instance[0].branches)} branches"
        convolutions = _convolutions(instance, network)
        inside = _number(convolutions, "conv") if convolutions else ""
        return _Run(name, _role(instance, network), inside, [instance], shape)
    if isinstance(element, Leaf):
        node = network.by_id[element.nodes[0]]
        name = element.title if element.role is Role.CONV else captions.short(node)
        if node.op in ("foreign", "feature"):
            name = element.title
        return _Run(name, element.role, element.detail, [instance], shape)
    if isinstance(element, Part):
        role, inside = _role(element.chain, network), _inside(element.chain, network)
        return _Run(element.title, role, inside, [instance], shape)
    assert isinstance(element, Tangle)
    inside = f"{len(element.nodes)} operators"
    return _Run("wired freely", Role.CONV, inside, [instance], shape)


def _role(chain: Chain, network: Network) -> Role:
    """Return what a part is: a residual unit adds what came in to what it made of it."""
    if _skips(chain, network):
        return Role.RESIDUAL
    nodes = [network.by_id[id] for id in nodes_of(chain)]
    if any(map(convolutions_of, nodes)):
        return Role.CONV
    return Role.FC if any(node.op == "linear" for node in nodes) else Role.OTHER


def _skips(chain: Chain, network: Network) -> int:
    """Return how many shortcuts a chain has: what came in, or little of it, is added again."""
    return sum(
        isinstance(join, Leaf)
        and join.title == "+"
        and isinstance(fork, Fork)
        and _is_shortcut(fork, network)
        for fork, join in pairwise(chain)
    )


def _is_shortcut(fork: Fork, network: Network) -> bool:
    """Whether one of two branches hands on what came in, at most projected."""
    if len(fork.branches) != 2:
        return False
    short, long = sorted(fork.branches, key=lambda branch: len(nodes_of(branch)))
    if not short:
        return True
    kernels = [n.arguments["k"] for n in _convolving(short, network) if "k" in n.arguments]
    is_projection = len(kernels) <= 1 and set(kernels) <= {(1, 1)}
    return is_projection and len(_convolving(long, network)) > 1


def _convolving(chain: Chain, network: Network) -> list[Node]:
    return [n for id in nodes_of(chain) if convolutions_of(n := network.by_id[id])]


def _contents(instance: Chain) -> Chain:
    """Return what is in an instance of a part."""
    return instance[0].chain if isinstance(instance[0], Part) else instance


def _inside(chain: Chain, network: Network) -> str:
    """Return in a few words what is in a part; convolutions of shortcuts are not counted."""
    skips = _skips(chain, network)
    if skips:
        said = _number(_longest(chain, network), "conv")
        return f"{said} + skip" if skips == 1 else f"{said} + {skips} skips"
    convolutions = _convolutions(chain, network)
    branches = max((len(e.branches) for e in chain if isinstance(e, Fork)), default=0)
    told = [_number(convolutions, "conv")] if convolutions else []
    if branches > 1 and any(isinstance(e, Leaf) and e.title == "concat" for e in chain):
        told.append(f"{branches} branches")
    return " · ".join(told)


def _longest(chain: Chain, network: Network) -> int:
    """Return the convolutions on the longest way through a chain."""
    return sum(
        max((_longest(branch, network) for branch in element.branches), default=0)
        if isinstance(element, Fork)
        else _longest(element.chain, network)
        if isinstance(element, Part)
        else _convolutions((element,), network)
        for element in chain
    )


def _convolutions(chain: Iterable[Element], network: Network) -> int:
    return sum(convolutions_of(network.by_id[id]) for id in nodes_of(tuple(chain)))


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _oddity(run: _Run, network: Network) -> str:
    """Return how the first of a run differs from the others, if it does: by its stride, mostly."""
    if len(run.elements) < 2:
        return ""
    if _keys(run.elements[0], network) == _keys(run.elements[1], network):
        return ""
    first = network.by_id[nodes_of(run.elements[0])[0]]
    before = network.by_id[first.inputs[0]].shape
    if len(before) == 3 and before[1] != run.shape[1]:
        return f"first one: stride {round(before[1] / run.shape[1])}"
    own, other = (_convolutions(run.elements[i], network) for i in (0, 1))
    if run.role is Role.RESIDUAL and not _skips(_contents(run.elements[0]), network):
        return "first one: no skip"
    return "first one: projection" if own > other else ""
