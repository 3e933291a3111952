"""A writer of bodies: steps, groups, forks, choices and defs that fit one another.

It keeps track of shapes, strides and convolutions while it writes, so that nearly all of
its specs compile. Numbers are written as literals or as expressions of that value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias, TypeVar

from generation import operators
from generation.definitions import TEMPLATES
from generation.tracking import Apply, Definition, Flow, Scope, TapMade, uses
from hypothesis import strategies as st

T = TypeVar("T")
Draw: TypeAlias = Callable[[st.SearchStrategy[T]], T]

MAX_CHANNELS = 16
"""Wider tensors are narrowed again, so that a forward pass takes milliseconds."""

# Ordinary names, Python's keywords, attributes of nn.Module, names that emitted code may use
# itself, names that automatic numbering gives, and beginnings that Python mangles.
_NAMES = """
    a b y z first q_2 u1 class lambda def_ None True global train forward type half to apply
    children training parameters T_destination device self torch F nn Tensor super x h c states
    conv conv2 relu2 linear linear2 lstm LSTM readout Backbone head_ _private __init__ __x__
    Net branch1 main skip initialise reset_parameters i f g o step module map_s1_b1 print list
"""
NAMES = _NAMES.split()

_DEF_NAMES = """
    Unit Block Conv2 Net Backbone Head LSTM Module Tensor Train HTTPUnit aB _Hidden Sequential nn F
    torch unit_2 X Model ReLU6 Linear Conv2d class_ forward Parameter
"""
DEF_NAMES = _DEF_NAMES.split()


class Writer:
    """Writes one spec, drawing every choice."""

    def __init__(self, draw: Draw) -> None:  # type: ignore[type-arg]
        self.draw = draw
        self.definitions: list[Definition] = []
        self.definition_texts: list[str] = []
        self.budget = 45
        self.names_of_defs: set[str] = set()
        self.names_of_tensors: set[str] = set()
        self.taps: list[TapMade] = []
        self.file_numbers: dict[str, int] = {}

    # --- choices

    def integer(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def chance(self, percent: int) -> bool:
        return self.integer(0, 99) >= 100 - percent

    def one_of(self, options: Sequence[T]) -> T:
        return options[self.integer(0, len(options) - 1)]

    def name(self, scope: Scope) -> str:
        """Return a name that is new in scope."""
        known = scope.taken | self.names_of_defs | set(self.file_numbers)
        name = self.one_of([n for n in NAMES if n not in known])
        scope.taken.add(name)
        self.names_of_tensors.add(name)
        return name

    def number(self, value: int, scope: Scope, *, atom: bool = False) -> str:
        """Return an expression of that value; ``atom``: one that binds tightly."""
        if not self.chance(35):
            return str(value)
        options = [f"max({value}, {value - 1})", f"{value * 3} // 3", f"ceil({value * 2} / 2)"]
        options += [f"min({value + 3}, {value})", f"{value * 5 + 4} % 5 + {value - 4}", ""]
        for name, known in (scope.numbers | self.file_numbers).items():
            exact = {value: name, 2 * value: f"{name} // 2"}.get(known)
            options += [exact] * 6 if exact else []
            sign, rest = ("+", value - known) if value >= known else ("-", known - value)
            options.append(f"{name} {sign} {rest}")
        for name, flow in scope.tensors.items():
            options += [f"{name}.{'c' if flow.is_map else 'n'}"] * 3 if flow.c == value else []
        text = self.one_of(options) or f"{value} if {self.condition(scope)[0]} else {value}"
        return f"({text})" if atom and not text.isidentifier() else text

    def condition(self, scope: Scope) -> tuple[str, bool]:
        """Return a compile-time condition and its truth."""
        value = self.integer(0, 8)
        options = [("true", True), ("false", False)]
        for name, flow in scope.tensors.items():
            options.append((f"{name}.c > {value}", flow.c > value))
        if scope.inside is not None and scope.inside.is_map:
            c, h, w = scope.inside.shape
            options.append((f"in.h == in.w or in.c != {value}", h == w or c != value))
        for name, known in scope.numbers.items():
            options.append((f"{name} >= {value}", known >= value))
            options.append(
                (f"not ({name} == {value}) and {name} < 5", known != value and known < 5)
            )
        return self.one_of(options)

    # --- bodies

    def separated(self, steps: Sequence[str]) -> str:
        """Return the steps of a body: as a pipeline, or as statements."""
        return self.one_of([" -> ", " -> ", "\n", "\n-> ", "; "]).join(steps)

    def braces(self, text: str) -> str:
        return f"{{\n{text}\n}}" if "\n" in text or self.chance(20) else f"{{ {text} }}"

    def body(
        self, flow: Flow, scope: Scope, *, keep: bool, depth: int, least: int = 0
    ) -> tuple[str, Flow]:
        """Return the statements of a body and what flows out; ``keep`` its size.

        It has at least ``least`` convolutions on its longest path. ``scope`` is the body's own.
        """
        let = ""
        if self.chance(12):
            number = self.integer(1, 9)
            name = self.name(scope)
            scope.numbers[name] = number
            let = f"let {name} = {number}\n"
        if depth < 3 and self.chance(30):
            text, flow = self.graph(flow, scope, keep=keep, depth=depth + 1, least=least)
            return let + text, flow
        steps, flow = self.steps(flow, scope, keep=keep, depth=depth)
        while flow.convs < least:
            text, flow = self.conv(flow, scope, keep=True)
            steps.append(text)
        return let + self.separated(steps), flow

    def steps(
        self, flow: Flow, scope: Scope, *, keep: bool, depth: int, most: int = 4
    ) -> tuple[list[str], Flow]:
        """Return one or more steps that follow one another."""
        texts = []
        for _ in range(self.integer(1, most)):
            text, flow = self.step(flow, scope, keep=keep, depth=depth)
            texts.append(text)
        if flow.c > MAX_CHANNELS:
            text, flow = self.narrow(flow, self.integer(1, 6), scope)
            texts.append(text)
        return texts, flow

    def narrow(self, flow: Flow, length: int, scope: Scope) -> tuple[str, Flow]:
        """Return a step to a given number of channels or elements."""
        if flow.is_map:
            options = [f"conv({self.number(length, scope)}, 1)"]
            if length >= flow.c:
                options.append(f"pad_channels({self.number(length, scope)})")
            if length == flow.c:
                options.append("identity")
            text = self.one_of(options)
            added = int(text.startswith("conv"))
            return text, replace(flow, shape=(length, *flow.size), convs=flow.convs + added)
        return f"linear({self.number(length, scope)})", Flow((length,))

    def graph(
        self, flow: Flow, scope: Scope, *, keep: bool, depth: int, least: int
    ) -> tuple[str, Flow]:
        """Return the statements of a graph body."""
        lines = []
        start, head = flow, "in"
        if self.chance(40):
            steps, start = self.steps(flow, scope, keep=keep, depth=depth, most=2)
            head = self.name(scope)
            lines.append(f"{head} = in -> {' -> '.join(steps)}")
            scope.points[head] = start
        while start.convs < least:
            text, start = self.conv(start, scope, keep=True)
            name = self.name(scope)
            lines.append(f"{name} = {head} -> {text}")
            scope.points[name] = start
            head = name
        join = self.one_of(["add", "mul", "concat"])
        length = self.integer(1, 6)
        # Operands that are written in place come last in the text, so their names are new last.
        count = self.integer(2, 3)
        bound = [not self.chance(25) for _ in range(count)]
        operands, ends = [""] * count, [start] * count
        for index in sorted(range(count), key=lambda i: not bound[i]):
            steps, end = self.steps(start, scope, keep=True, depth=depth, most=2)
            if join != "concat" and end.c != length:
                text, end = self.narrow(end, length, scope)
                steps.append(text)
            operands[index] = f"{head} -> {' -> '.join(steps)}"
            ends[index] = end
            if bound[index]:
                name = self.name(scope)
                lines.append(f"{name} = {operands[index]}")
                scope.points[name] = end
                operands[index] = name
        joined = self.joined(join, ends)
        tail = ""
        if self.chance(50):
            steps, joined = self.steps(joined, scope, keep=keep, depth=depth, most=2)
            tail = " -> " + " -> ".join(steps)
        lines.append(f"out = {join}({', '.join(operands)}){tail}")
        return "\n".join(lines), joined

    def joined(self, join: str, ends: Sequence[Flow]) -> Flow:
        convs = max(end.convs for end in ends)
        c = sum(end.c for end in ends) if join == "concat" else ends[0].c
        return replace(ends[0], shape=(c, *ends[0].size), convs=convs)

    # --- steps

    def step(self, flow: Flow, scope: Scope, *, keep: bool, depth: int) -> tuple[str, Flow]:
        """Return one step and what flows out of it."""
        self.budget -= 1
        small = [self.named_operator] * 6 + [self.operator] * 10 + [self.repeated_operator] * 2
        large = [self.group, self.fork, self.fork, self.choice, self.choice, self.repeated_group]
        large += [self.use] * 5 + [self.fresh_def, self.rejoined, self.rejoined]
        kind = self.one_of(small + (large if depth < 3 and self.budget > 0 else []))
        return kind(flow, scope, keep=keep, depth=depth)

    def operator(self, flow: Flow, scope: Scope, *, keep: bool, depth: int) -> tuple[str, Flow]:
        if not flow.is_map:
            return self.vector_operator(flow, scope)
        kinds = [self.conv] * 6 + [self.plain] * 6 + [self.padded]
        kinds += [self.same] * 3
        kinds += [self.pool, self.pool, self.sampled, *[self.resized] * 3] if not keep else []
        return self.one_of(kinds)(flow, scope, keep=keep)

    def plain(self, flow: Flow, scope: Scope, *, keep: bool = True) -> tuple[str, Flow]:
        return operators.elementwise(self, flow, scope)

    def same(self, flow: Flow, scope: Scope, *, keep: bool) -> tuple[str, Flow]:
        """An operator that keeps the size."""
        return self.one_of(operators.KEEPING)(self, flow, scope)

    def resized(self, flow: Flow, scope: Scope, *, keep: bool) -> tuple[str, Flow]:
        return self.one_of(operators.RESIZING)(self, flow, scope)

    def vector_operator(self, flow: Flow, scope: Scope) -> tuple[str, Flow]:
        kind = self.integer(0, 5)
        if kind <= 1:
            n = self.integer(1, 8)
            bias = self.one_of(["", ", bias = false", ", bias = true", ", false"])
            return f"linear({self.number(n, scope)}{bias})", Flow((n,))
        if kind == 2:
            if self.chance(50):
                return operators.channels(self, flow, scope)
            return self.one_of(["layernorm", "flatten"]), flow
        return self.plain(flow, scope)

    def pair(self, value: tuple[int, int], scope: Scope) -> str:
        """Return a pair as an argument: one number where both are equal."""
        texts = [self.number(v, scope) for v in value]
        if value[0] == value[1] and not self.chance(15):
            return texts[0]
        return f"[{texts[0]}, {texts[1]}]"

    def conv(self, flow: Flow, scope: Scope, *, keep: bool) -> tuple[str, Flow]:
        """A convolution: kernels, strides, padding, dilation, groups, with and without bias."""
        c, groups = self.integer(1, 8), 1
        if self.chance(30):
            groups = self.one_of([g for g in range(1, flow.c + 1) if flow.c % g == 0])
            c = groups * self.integer(1, max(1, 8 // groups))
        kernel = self.one_of([(3, 3), (1, 1), (3, 3), (5, 5), (1, 3), (3, 1)])
        stride, dilation, padding = (1, 1), (1, 1), None
        if self.chance(15):
            dilation = self.one_of([(2, 2), (1, 2)])
        if not keep:
            stride = self.one_of([(1, 1), (2, 2), (2, 1), (3, 3)])
            if self.chance(40):
                kernel = self.one_of([(2, 2), (3, 3), (4, 4), (2, 3)])
                padding = self.one_of([(0, 0), (1, 1), (1, 0)])
        pads = padding or tuple(d * (k // 2) for d, k in zip(dilation, kernel, strict=True))
        made = flow.window(c, kernel, stride, pads, dilation)  # type: ignore[arg-type]
        if not made.fits or (not keep and min(made.size) < 2):
            kernel = stride = dilation = (1, 1)
            padding, made = None, flow.window(c, kernel, stride, (0, 0))
        arguments = []
        if stride != (1, 1) or self.chance(5):
            arguments.append(f"stride = {self.pair(stride, scope)}")
        if padding is not None:
            arguments.append(f"padding = {self.pair(padding, scope)}")
        elif self.chance(10):
            arguments.append("padding = same")
        if dilation != (1, 1):
            arguments.append(f"dilation = {self.pair(dilation, scope)}")
        if groups != 1:
            arguments.append(f"groups = {self.number(groups, scope)}")
        if self.chance(50):
            arguments.append(f"bias = {self.one_of(['false', 'false', 'true', 'in.c > 3'])}")
        if kernel != (3, 3) or self.chance(30):
            text = self.pair(kernel, scope)
            arguments.insert(0, text if self.chance(70) else f"k = {text}")
        first = self.number(c, scope)
        text = f"conv({', '.join([first, *arguments])})"
        return text, replace(made, convs=flow.convs + 1)

    def padded(self, flow: Flow, scope: Scope, *, keep: bool) -> tuple[str, Flow]:
        c = flow.c + self.integer(0, 3)
        return f"pad_channels({self.number(c, scope)})", replace(flow, shape=(c, *flow.size))

    def pool(self, flow: Flow, scope: Scope, *, keep: bool) -> tuple[str, Flow]:
        kind = self.one_of(["maxpool", "maxpool", "avgpool"])
        kernel = self.one_of([(2, 2), (3, 3), (2, 1), (1, 2), (1, 1)])
        stride = self.one_of([None, None, (1, 1), (2, 2), (2, 1)])
        padding = (0, 0)
        if kind == "maxpool" and self.chance(40):
            padding = (self.integer(0, kernel[0] // 2), self.integer(0, kernel[1] // 2))
        made = flow.window(flow.c, kernel, stride or kernel, padding)
        if not made.fits or min(made.size) < 2:
            return f"{kind}(1)", flow
        arguments = [self.pair(kernel, scope)]
        if stride is not None:
            arguments.append(f"stride = {self.pair(stride, scope)}")
        if padding != (0, 0):
            arguments.append(f"padding = {self.pair(padding, scope)}")
        return f"{kind}({', '.join(arguments)})", made

    def sampled(self, flow: Flow, scope: Scope, *, keep: bool) -> tuple[str, Flow]:
        stride = self.one_of([(1, 1), (2, 2), (1, 2), (3, 3)])
        made = flow.window(flow.c, (1, 1), stride, (0, 0))
        return f"subsample({self.pair(stride, scope)})", made

    # --- steps made of steps

    def named_operator(
        self, flow: Flow, scope: Scope, *, keep: bool, depth: int
    ) -> tuple[str, Flow]:
        text, flow = self.operator(flow, scope, keep=keep, depth=depth)
        name = self.name(scope)
        scope.points[name] = flow
        return f"{text} as {name}", flow

    def repeated_operator(
        self, flow: Flow, scope: Scope, *, keep: bool, depth: int
    ) -> tuple[str, Flow]:
        """An operator repeated; each instance has weights of its own."""
        times = self.one_of([2, 3, 1, 2, 0])
        if flow.is_map:
            c = self.integer(1, 6)
            if self.chance(30):
                return self.repeated_kept(flow, scope, times)
            text = self.one_of([f"conv({c})", f"conv({c}, bias = false)", f"pad_channels({c + 6})"])
            convs = times if text.startswith("conv") else 0
            if convs == 0 and c + 6 < flow.c:
                return "relu", flow
            made = replace(
                flow, shape=(c if convs else c + 6, *flow.size), convs=flow.convs + convs
            )
        else:
            c = self.integer(1, 6)
            text, made = f"linear({c})", Flow((c,))
        if times and self.chance(15):
            text = f"({text} as {self.name(scope)})"
        text = f"{text} * {self.number(times, scope, atom=True)}"
        return text, made if times else flow

    def repeated_kept(self, flow: Flow, scope: Scope, times: int) -> tuple[str, Flow]:
        options = ["dwconv", "layernorm", "prelu(true)", "layerscale(0.5)", "droppath(0.2)", "silu"]
        text = self.one_of(options)
        convs = flow.convs + (times if text == "dwconv" else 0)
        return f"{text} * {self.number(times, scope, atom=True)}", replace(flow, convs=convs)

    def group(self, flow: Flow, scope: Scope, *, keep: bool, depth: int) -> tuple[str, Flow]:
        text, made = self.body(flow, scope.within(flow), keep=keep, depth=depth + 1)
        text = self.braces(text)
        if self.chance(40):
            name = self.name(scope)
            scope.points[name] = made
            text += f" as {name}"
        return text, made

    def repeated_group(
        self, flow: Flow, scope: Scope, *, keep: bool, depth: int
    ) -> tuple[str, Flow]:
        """A group repeated; it gives what it takes, so that it fits any number of times."""
        inner = scope.within(flow)
        steps, made = self.steps(flow, inner, keep=True, depth=depth + 1, most=3)
        if made.c != flow.c:
            text, made = self.narrow(made, flow.c, inner)
            steps.append(text)
        times = self.one_of([2, 2, 1, 3, 0])
        body, count = self.braces(self.separated(steps)), self.number(times, scope, atom=True)
        if self.chance(30):
            carry = self.name(scope)
            text = f"repeat {count} carry {carry} = in {{ {carry} -> {body} }}"
        else:
            text = f"{body} * {count}"
        added = (made.convs - flow.convs) * times
        if self.chance(20):
            text += f" as {self.name(scope)}"
        return text, replace(flow, convs=flow.convs + added)

    def fork(self, flow: Flow, scope: Scope, *, keep: bool, depth: int) -> tuple[str, Flow]:
        join = self.one_of(["concat", "add", "mul"])
        length = self.integer(1, 6)
        branches, ends = [], []
        for _ in range(self.integer(2, 3)):
            inner = scope.within(flow)
            if self.chance(20):
                steps, end = ["in"], flow
            else:
                steps, end = self.steps(flow, inner, keep=True, depth=depth + 1, most=2)
            if join != "concat" and end.c != length:
                text, end = self.narrow(end, length, inner)
                steps.append(text)
            branches.append(" -> ".join(steps))
            ends.append(end)
        bar = self.one_of([" | ", "\n | "])
        return f"{{ {bar.join(branches)} }} -> {join}", self.joined(join, ends)

    def choice(self, flow: Flow, scope: Scope, *, keep: bool, depth: int) -> tuple[str, Flow]:
        """A choice at compile time; the branch that is not taken need not fit."""
        condition, truth = self.condition(scope)
        text, made = self.body(flow, scope.within(flow), keep=keep, depth=depth + 1)
        taken = self.braces(text)
        other = self.one_of(["{ conv(4, 999) }", "{ linear(3) }", "{ identity }", "{ gap -> gap }"])
        if truth:
            tail = f" else {other}" if self.chance(50) else ""
            return f"if {condition} {taken}{tail}", made
        if self.chance(30):
            return f"if {condition} {other}", flow
        if self.chance(30):
            return f"if {condition} {other} else if {condition} {other} else {taken}", made
        return f"if {condition} {other} else {taken}", made

    def rejoined(self, flow: Flow, scope: Scope, *, keep: bool, depth: int) -> tuple[str, Flow]:
        """A join with tensors named before."""
        same = [n for n, f in scope.points.items() if f.shape == flow.shape]
        if scope.inside is not None and scope.inside.shape == flow.shape:
            same.append("in")
        sized = [n for n, f in scope.points.items() if f.size == flow.size]
        if same and self.chance(60):
            names = [self.one_of(same) for _ in range(self.integer(1, 2))]
            known = [scope.tensors[n] for n in names]
            join = self.one_of(["add", "mul"])
        elif sized:
            names = [self.one_of(sized)]
            known = [scope.points[names[0]]]
            join = "concat"
        else:
            return self.operator(flow, scope, keep=keep, depth=depth)
        return f"{join}({', '.join(names)})", self.joined(join, [flow, *known])

    # --- defs

    def use(self, flow: Flow, scope: Scope, *, keep: bool, depth: int) -> tuple[str, Flow]:
        """A def in use: one of the standard library or of the file, perhaps repeated."""
        for _ in range(3):
            if not self.definitions or self.chance(40):
                definition = self.one_of(TEMPLATES)(self)
            else:
                definition = self.one_of(self.definitions)
            made = definition.call(flow, scope)
            if made is None:
                continue
            text, apply = made
            end = apply(flow)
            if keep and end.size != flow.size:
                continue
            if not end.fits or (end.is_map and min(end.size) < 2):
                continue
            if self.chance(25):
                times = self.one_of([2, 3, 0])
                ends = [flow]
                for _ in range(times):
                    ends.append(apply(ends[-1]))
                good = all(e.fits and e.c <= 2 * MAX_CHANNELS for e in ends)
                if good and (ends[-1].size == flow.size or (not keep and min(ends[-1].size) > 1)):
                    end = ends[-1]
                    text += f" * {self.number(times, scope, atom=True)}"
            if self.chance(25):
                name = self.name(scope)
                scope.points[name] = end
                text += f" as {name}"
            return text, end
        return self.operator(flow, scope, keep=keep, depth=depth)

    def def_name(self) -> str:
        """Return a new name for a def."""
        known = self.names_of_defs | self.names_of_tensors
        name = self.one_of([n for n in DEF_NAMES if n not in known])
        self.names_of_defs.add(name)
        return name

    def define(self, name: str, parameters: str, body: str) -> None:
        self.definition_texts.append(f"def {name}{parameters} {{\n{body}\n}}\n")

    def fresh_def(self, flow: Flow, scope: Scope, *, keep: bool, depth: int) -> tuple[str, Flow]:
        """A def whose body is written for the shape at hand, and fits that shape only."""
        if len(self.names_of_defs) > 6:
            return self.operator(flow, scope, keep=keep, depth=depth)
        name = self.def_name()
        numbers = {n: self.integer(1, 6) for n in ("c", "k_1", "groups")}
        inner = Scope(dict(numbers), flow, {}, set(numbers))
        text, end = self.body(flow, inner, keep=keep, depth=depth + 1)
        parameters = [n for n in numbers if uses(text, n)]
        defaults = {n for n in parameters if self.chance(40)}
        parameters.sort(key=lambda n: n in defaults)
        shown = ", ".join(f"{n} = {numbers[n]}" if n in defaults else n for n in parameters)
        self.define(name, f"({shown})" if shown or self.chance(30) else "", text)
        added = end.convs - flow.convs

        def call(other: Flow, scope: Scope) -> tuple[str, Apply] | None:
            if other.shape != flow.shape:
                return None
            given = [f"{n} = {self.number(numbers[n], scope)}" for n in parameters]
            ratio = (end.stride[0] // flow.stride[0], end.stride[1] // flow.stride[1])

            def apply(x: Flow) -> Flow:
                if x.shape != flow.shape:
                    return Flow((0,))
                strides = (x.stride[0] * ratio[0], x.stride[1] * ratio[1])
                return Flow(end.shape, strides, x.convs + added)

            return (f"{name}({', '.join(given)})" if given else name), apply

        definition = Definition(name, call)
        made = call(flow, scope)
        assert made is not None
        self.definitions.append(definition)
        return made[0], made[1](flow)
