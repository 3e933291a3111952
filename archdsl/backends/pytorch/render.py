"""The text of a class."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence

from archdsl.backends.pytorch.classes import Classifier, ModuleClass
from archdsl.backends.pytorch.foreign import initialising, train_method
from archdsl.backends.pytorch.layout import (
    INDENT,
    WIDTH,
    Bracketed,
    comment,
    lay_out,
    split_call,
)
from archdsl.backends.pytorch.shapes import ShapeText
from archdsl.backends.pytorch.structure import (
    IN_FORWARD,
    Call,
    Construction,
    Container,
    Line,
    Structure,
)
from archdsl.ir import Network, RegionKind
from archdsl.source import Span


class ClassWriter:
    """Writes classes of one network."""

    def __init__(self, network: Network, classifier: Classifier) -> None:
        self.network = network
        self.classifier = classifier

    def write(self, module_class: ModuleClass, *, initialises: bool) -> list[str]:
        """Return the lines of a class."""
        numbers: Iterator[str] = iter(module_class.numbers)
        names = {p.name for p in module_class.parameters}
        kept: set[str] = set()

        def take(role: str, value: int | float) -> str:
            text = next(numbers)
            if not role.startswith(IN_FORWARD):
                return text
            words = re.split(r"\b", text)
            kept.update(names.intersection(words))
            return "".join(f"self.{word}" if word in names else word for word in words)

        structure = self.classifier.structurer.structure(module_class.plans[0], take)
        lines = [f"class {module_class.name}(nn.Module):"]
        lines += docstring(*self.describe(module_class), INDENT)
        if structure.submodules or kept:
            header = self.constructor(module_class, structure, kept, initialises=initialises)
            lines += ["", *header]
        forward = self.forward(module_class, structure)
        if module_class.plans[0].region.path == "":
            lines += train_method(self.network, module_class.name)
        return [*lines, "", *forward] if forward else lines

    # --- constructor

    def constructor(
        self, module_class: ModuleClass, structure: Structure, kept: set[str], *, initialises: bool
    ) -> list[str]:
        parameters = ["self"]
        for p in module_class.parameters:
            default = f" = {p.default}" if p.default is not None else ""
            parameters.append(f"{p.name}: {'float' if p.is_float else 'int'}{default}")
        header = Bracketed("def __init__(", tuple(parameters), ") -> None:")
        lines = lay_out(header, INDENT)
        lines.append(INDENT * 2 + "super().__init__()")
        for parameter in module_class.parameters:
            if parameter.name in kept:
                lines.append(f"{INDENT * 2}self.{parameter.name} = {parameter.name}")
        for name, made in structure.submodules:
            text = construction_text(made)
            bracket = Bracketed(f"self.{name} = {text.head}", text.items, text.tail)
            lines += lay_out(bracket, INDENT * 2)
        if module_class.plans[0].region.path == "":
            lines += initialising(self.network, others=initialises)
        return lines

    # --- forward

    def forward(self, module_class: ModuleClass, structure: Structure) -> list[str]:
        plans = module_class.plans
        shapes = ShapeText(self.network, module_class)
        values = [list(self.classifier.structurer.values(plan)) for plan in plans]

        def shown(line: Line) -> str:
            return ", ".join(shapes.text([v[i] for v in values]) for i in line.values)

        takes = ["self", *(f"{name}: Tensor" for name in structure.takes)]
        count = len(structure.returns)
        each = ", ".join(["Tensor"] * count) if count <= 4 else "Tensor, ..."
        result = "Tensor" if count == 1 else f"tuple[{each}]"
        header = Bracketed("def forward(", tuple(takes), f") -> {result}:")
        inputs = ", ".join(
            shapes.text([plan.inputs[i] for plan in plans]) for i in range(len(plans[0].inputs))
        )
        lines = comment(lay_out(header, INDENT), inputs)
        if not structure.lines and not structure.returns:
            return []  # nothing reads what it would compute
        body = list(structure.lines)
        last = body.pop() if body and body[-1].targets == structure.returns and count else None
        for line in body:
            lines += self.statement(line, shown(line))
        if last is not None and count == 1:
            lines += comment(lay_out(_prefixed("return ", last.text), INDENT * 2), shown(last))
        else:
            if last is not None:
                lines += self.statement(last, shown(last))
            lines += tuple_lines("return ", structure.returns)
        return lines

    def statement(self, line: Line, shown: str) -> list[str]:
        indent = INDENT * 2
        if line.text == line.targets[0]:
            return []
        head = ", ".join(line.targets) + " = "
        if len(indent) + len(head) + len(line.text) > WIDTH and len(line.targets) > 1:
            lines = comment(lay_out(_prefixed("outputs = ", line.text), indent), "")
            for index, target in enumerate(line.targets):
                lines.append(f"{indent}{target} = outputs[{index}]")
            return lines
        return comment(lay_out(_prefixed(head, line.text), indent), shown)

    # --- documentation

    def describe(self, module_class: ModuleClass) -> tuple[str, str]:
        """Return what a class is, and the place in the spec that it comes from, if it has one."""
        plan = module_class.plans[0]
        region = plan.region
        paths = [p.region.path.removeprefix("backbone.") for p in module_class.plans]
        listed = ", ".join(paths[:4]) + (f" and {len(paths) - 4} more" if len(paths) > 4 else "")
        plural = "s" if len(paths) > 1 else ""
        match region.kind:
            case RegionKind.DEF:
                span = self.network.origins[f"def:{region.definition}"].span
                if module_class.difference:
                    return f"{region.definition} {module_class.difference}", place(span)
                return comment_above(span) or f"{region.definition}", place(span)
            case RegionKind.BACKBONE:
                taps = self.classifier.variables.taps
                handed = [taps[v] for v in plan.outputs if v in taps and len(plan.outputs) > 1]
                returns = f"; returns the taps {', '.join(handed)}" if handed else ""
                return f"The backbone{returns}", ""
            case RegionKind.STAGE | RegionKind.BLOCK:
                return f"{region.kind.capitalize()}{plural} {listed}", ""
            case RegionKind.MAP:
                names = [p.removeprefix("map_") for p in paths]
                level = self.classifier.level_of(plan)
                where = ", ".join(self.tap_path(name) for name in names)
                return f"Mapping node{plural} of {where} ({level} level)", ""
            case RegionKind.MODEL:
                span = self.network.origins[""].span
                return comment_above(span) or self.network.name, place(span)
            case RegionKind.GROUP:
                return f"Repeated unit of {paths[0].rpartition('.')[0]}", ""
        return f"The {region.kind}", ""

    def tap_path(self, name: str) -> str:
        for tap in self.network.taps:
            if tap.vector is not None and tap.vector.startswith(f"map_{name}."):
                return tap.path
        return name


def _prefixed(prefix: str, text: str) -> str | Bracketed:
    split = split_call(text)
    if isinstance(split, str):
        return prefix + split
    return Bracketed(prefix + split.head, split.items, split.tail)


def call_text(call: Call) -> Bracketed:
    """Return a constructor call; keyword arguments at torch's defaults are left out."""
    callee = call.callee if isinstance(call.callee, str) else call.callee.name
    items = []
    for keyword, text, default in call.arguments:
        if keyword is None:
            items.append(text)
        elif text != default:
            items.append(f"{keyword}={text}")
    return Bracketed(f"{callee}(", tuple(items), ")")


def construction_text(made: Construction) -> Bracketed:
    """Return how a submodule is made."""
    if isinstance(made, Call):
        return call_text(made)
    if isinstance(made, Container):
        return container_text(made)
    members = []
    for name, call in made.members:
        text = call_text(call)
        members.append(Bracketed(f"{name}={text.head}", text.items, text.tail))
    return Bracketed("nn.Sequential(", (Bracketed("OrderedDict(", tuple(members), ")"),), ")")


def container_text(container: Container) -> Bracketed:
    """Return a container; equal instances in a row are written once."""
    items: list[str | Bracketed] = []
    for run in container.runs:
        made = call_text(run.call)
        if run.count == "1":
            items.append(made)
            continue
        index = "i" if run.counts else "_"
        items.append(Bracketed("*(", (made,), f" for {index} in range({run.count}))"))
    if container.kind == "nn.Sequential":
        return Bracketed("nn.Sequential(", tuple(items), ")")
    return Bracketed("nn.ModuleList([", tuple(items), "])")


def docstring(text: str, origin: str, indent: str) -> list[str]:
    """Return a docstring; it ends with a full stop, and no text of the spec can end it early."""
    text, origin = _plain(text), _plain(origin)
    line = f"{text} ({origin})." if origin else f"{text}."
    if len(indent) + len(line) + 6 <= WIDTH:
        return [f'{indent}"""{line}"""']
    # Narrower than a line by its closing quotes, so that no line is left which ruff would join.
    wrapped = textwrap.wrap(f"{text}.", WIDTH - len(indent) - 6, break_on_hyphens=False)
    lines = [f'{indent}"""{wrapped[0]}', *(indent + line for line in wrapped[1:])]
    if origin:
        lines += ["", *textwrap.wrap(f"From {origin}.", WIDTH, initial_indent=indent)]
    return [*lines, f'{indent}"""']


def tuple_lines(prefix: str, items: Sequence[str]) -> list[str]:
    """Return a statement that ends in a tuple; a long one stands in brackets, an item a line."""
    line = INDENT * 2 + prefix + ", ".join(items)
    if len(line) <= WIDTH:
        return [line]
    return lay_out(Bracketed(f"{prefix}(", tuple(items), ")"), INDENT * 2)


def _plain(text: str) -> str:
    text = " ".join(text.replace("\\", "/").replace('"', "'").split()).rstrip(".")
    return "".join(char if char.isprintable() else "?" for char in text)


def comment_above(span: Span) -> str:
    """Return the comment that stands directly above a declaration, without its marks."""
    found: list[str] = []
    number = span.line - 1
    while number >= 1 and span.source.line(number).lstrip().startswith("#"):
        found.insert(0, span.source.line(number).lstrip().lstrip("#").strip())
        number -= 1
    return " ".join(found).rstrip(".")


def place(span: Span) -> str:
    """Return file and line, the file without its folder; ``std/`` is kept."""
    name = span.source.name.replace("\\", "/")
    parts = name.split("/")
    kept = parts[-2:] if len(parts) > 1 and parts[-2] == "std" else parts[-1:]
    return f"{'/'.join(kept)}:{span.line}"
