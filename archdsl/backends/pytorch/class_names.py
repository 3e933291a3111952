"""Names of classes: what the spec calls a thing; variants say what sets them apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from archdsl.backends.pytorch.plan import Operation, Part, Plan
from archdsl.backends.pytorch.variables import RESERVED
from archdsl.ir import RegionKind
from archdsl.ir.naming import attribute

if TYPE_CHECKING:
    from archdsl.backends.pytorch.classes import ModuleClass


def class_name_of(name: str) -> str:
    """Return the class that a def or a model becomes; words that are taken are changed."""
    name = attribute(name)
    return f"{name}Module" if name in RESERVED else name


def name_classes(classes: Sequence[ModuleClass], class_of: Callable[[Plan], ModuleClass]) -> None:
    """Name the classes: the base for the commonest of its kind, telling names for the others."""
    by_base: dict[str, list[ModuleClass]] = {}
    for module_class in classes:
        by_base.setdefault(module_class.base, []).append(module_class)
    # Within a constructor a parameter hides the class of its name.
    taken = {*RESERVED, *(p.name for each in classes for p in each.parameters)}
    # The model's own name comes first; nothing else may take it.
    for module_class in reversed(classes):
        if module_class.plans[0].region.kind is RegionKind.MODEL:
            module_class.name = module_class.base
            taken.add(module_class.name)
    for base, group in by_base.items():
        common = max(group, key=lambda c: len(c.plans))
        told = {id(c): _differences(c, common, class_of) for c in group}
        for module_class in (common, *(c for c in group if c is not common)):
            if module_class.name:
                continue
            name = base
            if _is_section(module_class) and len(group) > 1 and len(module_class.plans) == 1:
                name += _section(module_class, group)
            elif module_class is not common:
                others = [told[id(c)] for c in group if c is not module_class]
                chosen = _telling(told[id(module_class)], others)
                name += "".join(suffix for suffix, _ in chosen)
                module_class.difference = ", ".join(words for _, words in chosen)
            elif base in taken:
                name += "Module"
            unique, number = name, 2
            while unique in taken:
                unique = f"{name}{number}"
                number += 1
            taken.add(unique)
            module_class.name = unique


# --- stages and blocks


def _is_section(module_class: ModuleClass) -> bool:
    return module_class.plans[0].region.kind in (RegionKind.STAGE, RegionKind.BLOCK)


def _section(module_class: ModuleClass, group: Sequence[ModuleClass]) -> str:
    """Return what a stage or block is called: `B1`, or `S3B1` where another is called so, too."""
    *_, outer, inner = ("", *module_class.plans[0].region.path.split("."))
    alike = [p for c in group for p in c.plans if p.region.path.rpartition(".")[2] == inner]
    return _camel(inner) if len(alike) == 1 else _camel(outer) + _camel(inner)


# --- variants of one def

Difference = tuple[str, str]
"""What sets a class apart, as part of its name and in words: WithSubsample, with subsample."""


def _telling(own: Sequence[Difference], others: Sequence[Sequence[Difference]]) -> list[Difference]:
    """Return as few differences, from the first on, as no other class has all of."""
    chosen: list[Difference] = []
    for difference in own:
        chosen.append(difference)
        if not any(set(chosen) <= set(other) for other in others):
            break
    return chosen


def _differences(
    module_class: ModuleClass, common: ModuleClass, class_of: Callable[[Plan], ModuleClass]
) -> list[Difference]:
    """Return everything that sets a class apart from the common one, the plainest first."""
    if module_class is common:
        return []
    own, usual = _features(module_class.plans[0]), _features(common.plans[0])
    found: list[Difference] = []
    parts: set[int] = set()
    for features, others, word in ((own, usual, "with"), (usual, own, "without")):
        for feature, (name, part) in features.items():
            # A part that is missing is named once: by its def, or by its own name.
            if feature not in others and part not in parts:
                found.append((f"{word.capitalize()}{name}", f"{word} {feature}"))
                parts.add(part)
    ours, theirs = _parts(module_class.plans[0]), _parts(common.plans[0])
    for name in ours:
        if name not in theirs:
            continue
        inner, other = class_of(ours[name]), class_of(theirs[name])
        if inner is not other and inner.difference:
            found.append((inner.name[len(inner.base) :], inner.difference))
    return list(dict.fromkeys(sorted(found, key=lambda d: (d[1].startswith("without"), 0))))


def _features(plan: Plan) -> dict[str, tuple[str, int]]:
    """Return what a plan is made of: operators, defs, then names; each as part of a name.

    The number tells which member it is, so that none is told twice.
    """
    found: dict[str, tuple[str, int]] = {}
    for member in plan.members:
        if isinstance(member, Operation):
            found.setdefault(member.node.op, (_camel(member.node.op), id(member)))
        elif isinstance(member, Part) and member.plan.region.definition is not None:
            made = member.plan.region.definition
            found.setdefault(made, (made, id(member)))
    for member in plan.members:
        name = _camel(member.name)
        definition = member.plan.region.definition if isinstance(member, Part) else None
        if definition is not None and name.lower().endswith(definition.lower()):
            name = name[: -len(definition)] + definition  # ConvBN, not ConvBn
        found.setdefault(member.name, (name, id(member)))
    return found


def _parts(plan: Plan) -> dict[str, Plan]:
    return {m.name: m.plan for m in plan.members if isinstance(m, Part) and not m.plan.is_chain}


def _camel(name: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in name.split("_"))
