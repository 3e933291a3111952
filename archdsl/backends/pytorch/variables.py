"""Names of variables in ``forward``: `x` along a chain, a telling name where two are alive."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable

from archdsl.backends.pytorch.plan import Foreign, Member, Operation, Part, Plan, Row
from archdsl.ir import INPUT, Network, RegionKind, Tap

# `i` counts instances in constructors. Of Python's own words some are used in what is emitted; to
# hide any of them would surprise.
RESERVED = frozenset(
    """self torch torchvision timm nn F Tensor OrderedDict features i
    LSTM LayerNorm2d LayerScale DropPath initialise __debug__
    abs aiter all anext any ascii bin bool breakpoint bytearray bytes callable chr classmethod
    compile complex delattr dict dir divmod enumerate eval exec filter float format frozenset
    getattr globals hasattr hash help hex id input int isinstance issubclass iter len list locals
    map max memoryview min next object oct open ord pow print property range repr reversed round
    set setattr slice sorted staticmethod str sum super tuple type vars zip""".split()
)


class Variables:
    """Chooses the variables of plans; names come from the spec: taps, bindings, `as` names."""

    def __init__(self, network: Network) -> None:
        # Without an aggregate clause taps change nothing, names of variables included.
        self.taps = {tap.node: tap.path for tap in _aggregated(network)}
        self.vectors = {tap.vector: i for i, tap in enumerate(_aggregated(network), 1)}
        self.aggregator = network.aggregation.node if network.aggregation else None

    def assign(self, plan: Plan) -> dict[str, str]:
        """Return a variable for every value that the plan's members define or read."""
        last_use: dict[str, int] = {}
        uses: dict[str, int] = {}
        for index, member in enumerate(plan.members):
            for value in member.inputs if member.live else ():
                last_use[value] = index
                uses[value] = uses.get(value, 0) + 1
        for value in plan.outputs:
            last_use[value] = len(plan.members)
            uses[value] = uses.get(value, 0) + 1
        names: dict[str, str] = {}
        holds: dict[str, str] = {}  # variable -> the value in it
        for number, value in enumerate(plan.inputs):
            wanted = "x" if number == 0 else self.telling(value, None, plan)
            self.give(value, wanted, names, holds, names.__contains__)
        for index, member in enumerate(plan.members):
            if not member.live:
                continue
            # Items of a row that is no chain are called one by one: what they read stays.
            until = index if isinstance(member, Row) and not member.is_chain else index + 1

            def is_alive(value: str | None, until: int = until) -> bool:
                return value is not None and last_use.get(value, -1) >= until

            for number, value in enumerate(member.outputs):
                beside = number > 0 or value in plan.outputs[1:]
                tapped = value in self.taps and (
                    len(member.outputs) > 1 or len(plan.outputs) > 1 or not plan.region.path
                )
                shared = uses.get(value, 0) > 1
                wanted = self.wanted(value, member, plan, named=beside or tapped or shared)
                self.give(value, wanted, names, holds, is_alive)
        return names

    def give(
        self,
        value: str,
        wanted: str,
        names: dict[str, str],
        holds: dict[str, str],
        is_alive: Callable[[str | None], bool],
    ) -> None:
        """Give a value the wanted variable, or the next one that holds nothing alive."""
        name, number = wanted, 2
        if name == "x" and is_alive(holds.get(name)):
            name = wanted = "y"
        while is_alive(holds.get(name)) and holds.get(name) != value:
            name = f"{wanted}{number}"
            number += 1
        names[value], holds[name] = name, value

    def wanted(self, value: str, member: Member, plan: Plan, *, named: bool) -> str:
        """Return the name that a value would best have."""
        if value == self.aggregator:
            return "states"
        if value in self.vectors and not plan.region.path:
            return f"v{self.vectors[value]}"
        if isinstance(member, Operation):
            prefix = _prefix(member.name, member.node.op)
            if prefix == member.name and not named:
                return "x"  # a name of its own (`as name`), but nothing else needs it
            if prefix:
                return _variable(prefix)
        elif value not in self.taps and not isinstance(member, Foreign):
            prefix = _part_prefix(member)
            if prefix:
                return _variable(prefix)
        return self.telling(value, member, plan) if named else "x"

    def telling(self, value: str, member: Member | None, plan: Plan) -> str:
        """Return a name for a value that lives beside others."""
        if value == INPUT:
            return "image"
        if value in self.taps:
            parts = self.taps[value].split(".")
            inside = plan.region.kind in (RegionKind.STAGE, RegionKind.BLOCK)
            return _variable(parts[-1] if inside else "_".join(parts))
        name = member.name if member is not None else value.rpartition(".")[2]
        return _variable("y" if name.isdigit() else name)


def _aggregated(network: Network) -> list[Tap]:
    chosen = network.aggregation.taps if network.aggregation else ()
    return [tap for tap in network.taps if tap.path in chosen]


def _prefix(name: str, op: str) -> str:
    """Return what a name says beyond its operator: `main` of `main_conv2`, `` of `conv2`."""
    match = re.fullmatch(rf"(?:(.*?)_)?{re.escape(op)}\d*_?", name)
    return (match[1] or "") if match else name


def _part_prefix(member: Part | Row) -> str:
    """Return the binding that a submodule belongs to, of a def: `b1` of `b1_conv_bn_relu`."""
    from archdsl.ir.naming import snake_case

    if isinstance(member, Part):
        definition = member.plan.region.definition
    else:
        first = next((i for i in member.items if isinstance(i, Plan)), None)
        definition = first.region.definition if first else None
    if definition is None:
        return ""
    match = re.fullmatch(rf"(.*?)_{re.escape(snake_case(definition))}\d*_?", member.name)
    return match[1] if match else ""


def _variable(name: str) -> str:
    if keyword.iskeyword(name) or name in RESERVED or not name.isidentifier():
        return f"{name}_" if name.isidentifier() else "y"
    return name
