"""Which regions share a class, what its constructor takes, and what it is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from archdsl.backends.pytorch.class_names import class_name_of, name_classes
from archdsl.backends.pytorch.plan import Operation, Part, Plan, Row
from archdsl.backends.pytorch.structure import IN_FORWARD, Structure, Structurer
from archdsl.backends.pytorch.variables import RESERVED, Variables
from archdsl.ir import Network, RegionKind
from archdsl.ir.naming import attribute

Number = int | float

_OF_INPUT = ("in_channels", "in_features")


@dataclass(frozen=True)
class Parameter:
    """A parameter of a constructor."""

    name: str
    is_float: bool
    default: str | None = None

    @property
    def keyword(self) -> str | None:
        """The name that its argument is written with: what has a default is named."""
        return self.name if self.default is not None else None


@dataclass(eq=False)
class ModuleClass:
    """A class to emit: its instances, the parameters of its constructor, its numbers as text."""

    base: str
    plans: list[Plan]
    parameters: list[Parameter] = field(default_factory=list)
    values: dict[str, list[Number]] = field(default_factory=dict)
    """Of each parameter: its value in each instance."""
    numbers: list[str] = field(default_factory=list)
    """The text of every number of the structure, in order."""
    position: dict[int, int] = field(default_factory=dict)
    """Where each instance stands among ``plans``, by id."""
    name: str = ""
    difference: str = ""
    """What sets it apart from the commonest class of the same def: ``with skip_conv``."""

    def add(self, plan: Plan) -> None:
        """Add an instance."""
        self.position[id(plan)] = len(self.plans)
        self.plans.append(plan)

    def arguments(self, plan: Plan) -> list[Number]:
        """Return what the constructor is called with for one instance."""
        index = self.position[id(plan)]
        return [self.values[p.name][index] for p in self.parameters]


class Classifier:
    """Sorts all plans of a network into classes, innermost first."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.variables = Variables(network)
        self._variables: dict[int, dict[str, str]] = {}
        self._class_of: dict[int, ModuleClass] = {}
        self.sources: list[str] = []  # of classes that operators bring with them
        self.structurer = Structurer(self.class_of, self.variables_of, self.base)

    def class_of(self, plan: Plan) -> ModuleClass:
        """Return the class of a plan."""
        return self._class_of[id(plan)]

    def variables_of(self, plan: Plan) -> dict[str, str]:
        """Return the variables of a plan, chosen once."""
        if id(plan) not in self._variables:
            self._variables[id(plan)] = self.variables.assign(plan)
        return self._variables[id(plan)]

    def base(self, plan: Plan) -> str:
        """Return what a region's class is called if it is the only one of its kind."""
        region = plan.region
        match region.kind:
            case RegionKind.MODEL:
                return class_name_of(self.network.name)
            case RegionKind.DEF:
                return class_name_of(region.definition or "Part")
            case RegionKind.MAP:
                return f"{self.level_of(plan).capitalize()}Map"
            case RegionKind.GROUP:
                return "Unit"
        return region.kind.value.capitalize()

    def level_of(self, plan: Plan) -> str:
        for tap in self.network.taps:
            if tap.vector and tap.vector.startswith(plan.region.path + "."):
                return tap.level or "tap"
        return "tap"

    def classify(self, root: Plan) -> list[ModuleClass]:
        """Return all classes in the order in which they must be written."""
        self.sources = _sources(_all_plans(root))
        plans = [plan for plan in _all_plans(root) if not plan.is_chain]
        heights: dict[int, list[Plan]] = {}
        for plan in plans:
            heights.setdefault(plan.height, []).append(plan)
        classes: list[ModuleClass] = []
        for height in sorted(heights):
            groups: dict[Structure, ModuleClass] = {}
            numbers: dict[int, list[tuple[str, Number]]] = {}
            for plan in heights[height]:
                found: list[tuple[str, Number]] = []

                def take(role: str, value: Number, found: list[tuple[str, Number]] = found) -> str:
                    found.append((role, value))
                    return "#"

                structure = self.structurer.structure(plan, take)
                if structure not in groups:
                    groups[structure] = ModuleClass(structure.base, [])
                    classes.append(groups[structure])
                groups[structure].add(plan)
                numbers[id(plan)] = found
            for module_class in groups.values():
                self.parametrize(module_class, [numbers[id(p)] for p in module_class.plans])
                for plan in module_class.plans:
                    self._class_of[id(plan)] = module_class
        name_classes(classes, self.class_of)
        return classes

    # --- parameters

    def parametrize(
        self, module_class: ModuleClass, numbers: Sequence[list[tuple[str, Number]]]
    ) -> None:
        """Choose the parameters of a constructor, and the text of every number.

        A number that is equal in all instances is written as it is; one that follows a parameter
        is written as an expression of it; any other becomes a parameter.
        """
        hints = self.hints(module_class)
        chosen = module_class.values
        submodules = {member.name for member in module_class.plans[0].members}
        for slot in range(len(numbers[0])):
            role = numbers[0][slot][0]
            values = [found[slot][1] for found in numbers]
            text = _constant(values)
            if text is None:
                text = _hinted(role, values, hints, chosen)
            text = text or _derived(values, chosen)
            if text is None:
                text = _free_name(role.removeprefix(IN_FORWARD), {*chosen, *hints, *submodules})
                chosen[text] = values
            module_class.numbers.append(text)
        defaults = self.defaults(module_class)
        names = sorted(chosen, key=lambda n: (n in defaults, n not in _OF_INPUT))
        module_class.parameters = [
            Parameter(name, any(isinstance(v, float) for v in chosen[name]), defaults.get(name))
            for name in names
        ]

    def defaults(self, module_class: ModuleClass) -> dict[str, str]:
        """Return the defaults of a def's parameters that are numbers, as text."""
        definition = module_class.plans[0].region.definition or ""
        given = self.network.defaults.get(definition, {})
        return {
            _parameter_name(name): repr(value)
            for name, value in given.items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        }

    def hints(self, module_class: ModuleClass) -> dict[str, list[Number]]:
        """Return names that the spec has for numbers: a def's arguments, the input's channels."""
        plans = module_class.plans
        found: dict[str, list[Number]] = {}
        submodules = {member.name for member in plans[0].members}
        for name in plans[0].region.arguments:
            if _parameter_name(name) in submodules:
                continue  # both would be attributes of one module
            values = [plan.region.arguments.get(name) for plan in plans]
            if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
                found[_parameter_name(name)] = values  # type: ignore[assignment]
        inputs = [self.network.by_id[plan.inputs[0]].shape for plan in plans if plan.inputs]
        if len(inputs) == len(plans):
            is_map = all(len(shape) == 3 for shape in inputs)
            found["in_channels" if is_map else "in_features"] = [shape[0] for shape in inputs]
        return found


def _all_plans(plan: Plan) -> list[Plan]:
    """Return a plan and those within it, innermost first."""
    found: list[Plan] = []
    for member in plan.members:
        inner: list[Plan] = []
        if isinstance(member, Part):
            inner = [member.plan]
        elif isinstance(member, Row):
            inner = [item for item in member.items if isinstance(item, Plan)]
        for each in inner:
            found += _all_plans(each)
    return [*found, plan]


def _sources(plans: Sequence[Plan]) -> list[str]:
    """Return the sources of classes that torch does not have, each once."""
    found: dict[str, None] = {}
    for plan in plans:
        for member in plan.members:
            for item in member.items if isinstance(member, Row) else (member,):
                if isinstance(item, Operation) and item.module is not None and item.module.source:
                    found[item.module.source.rstrip("\n")] = None
    return list(found)


def _constant(values: Sequence[Number]) -> str | None:
    return repr(values[0]) if all(v == values[0] for v in values) else None


def _hinted(
    role: str,
    values: list[Number],
    hints: Mapping[str, list[Number]],
    chosen: dict[str, list[Number]],
) -> str | None:
    """Return the values by a name that the spec has for them, or as a multiple of it.

    What a unit puts out is rather ``4 * c`` than ``in_channels``, though both may be equal.
    """
    own = {name: hint for name, hint in hints.items() if name not in _OF_INPUT}
    text = None
    if role == "padding":
        halves = {name: [h // 2 for h in hint] for name, hint in own.items()}
        half = next((name for name, hint in halves.items() if hint == values), None)
        if half is not None:  # `same`: half the kernel
            chosen.setdefault(half, own[half])
            return f"{half} // 2"
    elif role not in _OF_INPUT:
        text = next((n for n, h in own.items() if h == values), None) or _multiple(values, own)
    text = text or next((name for name, hint in hints.items() if hint == values), None)
    if text is None:
        for name in _OF_INPUT:
            part = _part(values, hints.get(name, []))
            if part > 1:
                chosen.setdefault(name, hints[name])
                return f"{name} // {part}"
    if text is not None:
        name = text.rpartition(" ")[2]
        chosen.setdefault(name, hints[name])
    return text


def _part(values: Sequence[Number], base: Sequence[Number]) -> int:
    """Return the whole number by which every value of ``base`` is divided; 0 if there is none."""
    if not base or not all(isinstance(v, int) and v > 0 for v in values):
        return 0
    ratio = int(base[0] // values[0])
    fits = all(b == ratio * v for v, b in zip(values, base, strict=True))
    return ratio if fits else 0


def _multiple(values: Sequence[Number], names: Mapping[str, list[Number]]) -> str | None:
    """Return the values as a whole multiple of one of several names."""
    if any(isinstance(v, float) for v in values):
        return None
    for name, base in names.items():
        if any(isinstance(b, float) or not b for b in base):
            continue
        ratio = int(values[0] // base[0])
        if ratio > 1 and all(v == ratio * b for v, b in zip(values, base, strict=True)):
            return f"{ratio} * {name}"
    return None


def _derived(values: Sequence[Number], chosen: dict[str, list[Number]]) -> str | None:
    """Return the values as an expression of one or two parameters, if a plain one fits."""
    for name, base in chosen.items():
        if values == base:
            return name
    if any(isinstance(v, float) for v in values):
        return None
    multiple = _multiple(values, chosen)
    if multiple is not None:
        return multiple
    for name, base in chosen.items():
        if any(isinstance(b, float) or not b for b in base):
            continue
        if values[0] and all(v and b % v == 0 for v, b in zip(values, base, strict=True)):
            ratio = base[0] // values[0]
            if ratio > 1 and all(b == ratio * v for v, b in zip(values, base, strict=True)):
                return f"{name} // {ratio}"
    for name, base in chosen.items():
        for other, second in chosen.items():
            if name != other and all(
                v == a - b for v, a, b in zip(values, base, second, strict=True)
            ):
                return f"{name} - {other}"
    return None


def _free_name(wanted: str, taken: set[str]) -> str:
    name, number = _parameter_name(wanted), 2
    while name in taken:
        name = f"{_parameter_name(wanted)}{number}"
        number += 1
    return name


def _parameter_name(name: str) -> str:
    return f"{name}_" if name in RESERVED else attribute(name)
