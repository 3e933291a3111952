"""The body of a class, with numbers taken through a callback.

Two regions become one class if their structures are equal once every number reads ``#``. The same
function therefore makes the key that classes are compared by, and the text that is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from archdsl.backends.pytorch.plan import Foreign, Operation, Part, Plan, Row
from archdsl.backends.pytorch.runs import Item, split_runs
from archdsl.operators.operator import ModuleCall
from archdsl.operators.signature import Value

if TYPE_CHECKING:
    from archdsl.backends.pytorch.classes import ModuleClass

Take: TypeAlias = Callable[[str, int | float], str]
"""Takes a number with its role (``out_channels``) and returns its text."""

IN_FORWARD = "@"
"""Marks the role of a number that stands in ``forward``, where parameters are attributes."""


@dataclass(frozen=True)
class Call:
    """A constructor call; an argument is (keyword or None, text, text of torch's default)."""

    callee: str | ModuleClass
    arguments: tuple[tuple[str | None, str, str | None], ...]


@dataclass(frozen=True)
class Run:
    """Several equal calls, or calls with an ``i`` in them that counts from 0."""

    call: Call
    count: str
    counts: bool


@dataclass(frozen=True)
class Container:
    """``nn.Sequential`` or ``nn.ModuleList`` over runs of calls."""

    kind: str
    runs: tuple[Run, ...]


@dataclass(frozen=True)
class Chain:
    """``nn.Sequential`` over submodules with names of their own."""

    members: tuple[tuple[str, Call], ...]


Construction: TypeAlias = Call | Container | Chain
"""How a submodule is made."""


@dataclass(frozen=True)
class Line:
    """A statement of ``forward``: what it sets, its text, and the values whose shapes it shows."""

    targets: tuple[str, ...]
    text: str
    values: tuple[int, ...]


@dataclass(frozen=True)
class Structure:
    """Everything of a class but its name and its parameters."""

    base: str
    takes: tuple[str, ...]
    submodules: tuple[tuple[str, Construction], ...]
    lines: tuple[Line, ...]
    returns: tuple[str, ...]


def literal(value: Value, role: str, take: Take) -> str:
    """Return a value as Python text; its numbers are taken."""
    if isinstance(value, tuple):
        return "(" + ", ".join(literal(v, role, take) for v in value) + ")"
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return repr(value)
    return take(role, value)


def module_call(call: ModuleCall, take: Take) -> Call:
    """Return the constructor call of an operator's submodule."""
    arguments = []
    for index, (name, value) in enumerate(call.arguments):
        default = repr(call.defaults[name]) if name in call.defaults else None
        keyword = None if index < call.positional else name
        arguments.append((keyword, literal(value, name, take), default))
    return Call(call.type, tuple(arguments))


class Structurer:
    """Makes structures; classes of inner plans must be known."""

    def __init__(
        self,
        class_of: Callable[[Plan], ModuleClass],
        variables: Callable[[Plan], dict[str, str]],
        base: Callable[[Plan], str],
    ) -> None:
        self.class_of = class_of
        self.variables = variables
        self.base = base

    def structure(self, plan: Plan, take: Take) -> Structure:
        """Return the structure of a plan."""
        names = self.variables(plan)
        order = list(self.values(plan))
        values = {value: i for i, value in enumerate(order)}
        readers = Counter(
            value for member in plan.members if member.live for value in set(member.inputs)
        )
        readers.update(plan.outputs)
        submodules: list[tuple[str, Construction]] = []
        lines: list[Line] = []
        for member in plan.members:
            match member:
                case Operation():
                    if member.module is not None:
                        submodules.append((member.name, module_call(member.module, take)))
                    text = self.expression(member, names, take) if member.live else ""
                    output = member.node.id
                    line = Line((names.get(output, ""),), text, (values[output],))
                case Part():
                    submodules.append((member.name, self.part(member.plan, take)))
                    arguments = ", ".join(names[i] for i in member.inputs) if member.live else ""
                    line = Line(
                        tuple(names[o] for o in member.outputs),
                        f"self.{member.name}({arguments})",
                        tuple(values[o] for o in member.outputs),
                    )
                case Foreign():
                    made = tuple((None, text, None) for text, _ in member.module.arguments)
                    submodules.append((member.name, Call(member.module.type, made)))
                    line = Line(
                        tuple(names[o] for o in member.outputs),
                        member.call.format(names[member.inputs[0]]),
                        tuple(values[o] for o in member.outputs),
                    )
                case Row():
                    submodules.append((member.name, self.container(member, take)))
                    if member.live:
                        lines += self.row_lines(member, names, values)
                    continue
            if member.live:
                feeds_only = len(member.inputs) > 0 and readers[member.inputs[0]] == 1
                self.append(lines, line, member, names, order, feeds_only=feeds_only)
        return Structure(
            self.base(plan),
            tuple(names[i] for i in plan.inputs),
            tuple(submodules),
            tuple(lines),
            tuple(names[o] for o in plan.outputs),
        )

    def values(self, plan: Plan) -> Iterator[str]:
        """Yield the values that a plan's members define, in order."""
        for member in plan.members:
            yield from member.outputs

    def append(
        self,
        lines: list[Line],
        line: Line,
        member: Operation | Part | Foreign,
        names: dict[str, str],
        order: Sequence[str],
        *,
        feeds_only: bool,
    ) -> None:
        """Append a line; an elementwise operator is written around the call before it.

        ``feeds_only``: nothing else reads what flows into ``member``.
        """
        if (
            lines
            and isinstance(member, Operation)
            and member.elementwise
            and feeds_only
            and len(lines[-1].targets) == 1
            and lines[-1].values
            and lines[-1].targets[0] == names[member.inputs[0]]
            and order[lines[-1].values[-1]] == member.inputs[0]
        ):
            inner = lines[-1]
            call = line.text.replace(f"({inner.targets[0]}", f"({inner.text}", 1)
            # The rest of the line is for the target and a comment.
            if len(call) <= 64:
                lines[-1] = Line(line.targets, call, line.values)
                return
        lines.append(line)

    def expression(self, member: Operation, names: dict[str, str], take: Take) -> str:
        variables = [names[i] for i in member.inputs]
        values = {
            name: literal(value, IN_FORWARD + name, take)
            for name, value in member.expression.values.items()
        }
        return member.expression.template.format(
            *variables, module=member.name, inputs=", ".join(variables), **values
        )

    def part(self, plan: Plan, take: Take) -> Construction:
        """Return how an inner region is made: by its class, or as a chain without one."""
        if not plan.is_chain:
            return self.construct(plan, take)
        inner = [member for member in plan.members if isinstance(member, Part)]
        return Chain(tuple((part.name, self.construct(part.plan, take)) for part in inner))

    def construct(self, plan: Plan, take: Take) -> Call:
        """Return the constructor call of an inner region."""
        inner = self.class_of(plan)
        arguments = zip(inner.parameters, inner.arguments(plan), strict=True)
        return Call(inner, tuple((p.keyword, take(p.name, v), p.default) for p, v in arguments))

    def container(self, row: Row, take: Take) -> Container:
        """Return the container of a repeated region: neighbours that are alike in one run."""
        items = []
        for member in row.items:
            numbers: list[int | float] = []

            def note(role: str, value: int | float, numbers: list[int | float] = numbers) -> str:
                numbers.append(value)
                return "#"

            items.append(Item(self.item(member, note), tuple(numbers)))
        runs = []
        start = 0
        for stretch in split_runs(items):
            growing = _growing(stretch.steps, take)
            call = self.item(row.items[start], growing)
            count = take("count", stretch.length)
            runs.append(Run(call, count, any(stretch.steps)))
            start += stretch.length
        kind = "nn.Sequential" if row.is_chain else "nn.ModuleList"
        return Container(kind, tuple(runs))

    def item(self, item: Plan | Operation | None, take: Take) -> Call:
        """Return the constructor call of one item of a repeated region."""
        if item is None:
            return Call("nn.Identity", ())
        if isinstance(item, Operation):
            assert item.module is not None
            return module_call(item.module, take)
        return self.construct(item, take)

    def row_lines(self, row: Row, names: dict[str, str], values: dict[str, int]) -> list[Line]:
        """Return the calls of a repeated region: one of all, or one an item where they differ."""
        (output,) = row.outputs
        name = names[output]
        if row.is_chain:
            text = f"self.{row.name}({names[row.entries[0]]})"
            return [Line((name,), text, (values[output],))]
        lines: list[Line] = []
        current = names.get(row.entries[0], name)
        for index, (item, entry) in enumerate(zip(row.items, row.entries, strict=True)):
            if item is None or not item.outputs:
                continue
            takes = ", ".join(current if i == entry else names[i] for i in item.inputs)
            lines.append(Line((name,), f"self.{row.name}[{index}]({takes})", ()))
            current = name
        lines[-1] = Line((name,), lines[-1].text, (values[output],))
        return lines


def _growing(steps: Sequence[int], take: Take) -> Take:
    """Return a take that writes numbers which grow from item to item: ``64 + 32 * i``."""
    remaining = iter(steps)

    def take_growing(role: str, value: int | float) -> str:
        text, step = take(role, value), next(remaining)
        if not step:
            return text
        size = take("step", abs(step))
        if " + " in size or " - " in size:
            size = f"({size})"
        return f"{text} {'+' if step > 0 else '-'} {size} * i"

    return take_growing
