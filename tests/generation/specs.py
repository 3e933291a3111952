"""Strategies for spec texts of edition 1 that are valid by construction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from generation.tracking import Flow, Scope, TapMade, uses
from generation.writing import MAX_CHANNELS, Draw, Writer
from hypothesis import strategies as st

T = TypeVar("T")


@dataclass(frozen=True)
class Spec:
    """Texts by relative path, which of them to compile, and how."""

    files: dict[str, str]
    root: str
    model: str
    parameters: dict[str, int]

    def __hash__(self) -> int:
        return hash(repr(self))

    def write(self, folder: Path) -> Path:
        """Write all files; return the one to compile."""
        for name, text in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return folder / self.root

    def __repr__(self) -> str:
        shown = "\n".join(f"===== {name}\n{text}" for name, text in self.files.items())
        return f"\n{shown}\n===== compile {self.root}, model {self.model}, {self.parameters}\n"


class ModelWriter(Writer):
    """Writes a model: stages, blocks, taps, an aggregator, a head; perhaps in two halves."""

    def spec(self) -> Spec:
        self.file_numbers = {n: self.integer(1, 6) for n in ("width", "t_0") if self.chance(40)}
        numbers = {n: self.integer(1, 6) for n in ("wd", "n_2", "depth")}
        self.staged = self.chance(75)
        self.aggregated = self.staged and self.chance(75)
        sides = [max(self.integer(8, 20), self.integer(8, 20)) for _ in range(2)]
        shape = (self.integer(1, 4), *sides)
        if self.chance(50):
            shape = (shape[0], shape[1], shape[1])
        flow = Flow(shape)
        backbone, flow = self.backbone(flow, Scope(dict(numbers), flow, {}, set(numbers)))
        base = [f"input {self.input_shape(shape, numbers)}", f"backbone {{\n{backbone}\n}}"]
        own: list[str] = []
        if self.aggregated:
            text, flow = self.aggregate(Scope(dict(numbers), None, {}, set(numbers)))
            own.append(text)
        if self.chance(85):
            own.append(f"head {self.braces(self.head(flow, numbers))}")
        if self.chance(25):
            own.append(f"let k_9 = {self.integer(1, 9)}")
        return self.files(base, own, numbers)

    def input_shape(self, shape: tuple[int, ...], numbers: dict[str, int]) -> str:
        name = next((n for n in numbers if numbers[n] == shape[0]), None)
        first = name if name and self.chance(30) else str(shape[0])
        return f"[{first}, {shape[1]}, {shape[2]}]"

    # --- backbone

    def backbone(self, flow: Flow, scope: Scope) -> tuple[str, Flow]:
        if not self.staged:
            return self.body(flow, scope, keep=False, depth=0)
        parts: list[str] = []
        if self.chance(15):
            text, flow = self.step(flow, scope, keep=True, depth=1)
            parts.append(text)
        count = self.one_of([3, 1, 2, 3, 4, 4, 4])
        for index in range(count):
            name = self.name(scope)
            text, flow = self.stage(flow, scope, name, last=index == count - 1)
            parts.append(text)
        if self.chance(20):
            lines = []
            head = "in"
            for number, part in enumerate(parts):
                lines.append(f"flow{number} = {head} -> {part}")
                head = f"flow{number}"
            return "\n".join([*lines, f"out = {head}"]), flow
        return self.one_of(["\n", " -> ", "\n -> "]).join(parts), flow

    def shrink(self, flow: Flow, scope: Scope, rate: int) -> tuple[str, Flow]:
        """Return a step of a stride, the same in both directions."""
        r = (rate, rate)
        options = [
            (f"maxpool({rate})", flow.window(flow.c, r, r, (0, 0))),
            (f"avgpool({rate})", flow.window(flow.c, r, r, (0, 0))),
            (f"subsample({self.pair(r, scope)})", flow.window(flow.c, (1, 1), r, (0, 0))),
            (f"maxpool(3, stride = {rate}, padding = 1)", flow.window(flow.c, (3, 3), r, (1, 1))),
        ]
        c = self.integer(2, 8)
        made = flow.window(c, (3, 3), r, (1, 1))
        text = f"conv({self.number(c, scope)}, stride = {rate})"
        options += [(text, replace(made, convs=flow.convs + 1))] * 3
        return self.one_of([o for o in options if o[1].fits and min(o[1].size) > 1])

    def rate(self, flow: Flow) -> int:
        rate = self.one_of([2, 2, 4, 2, 2, 1, 3, 2])
        return rate if min(flow.size) // rate >= 2 else 1

    def stage(self, flow: Flow, scope: Scope, name: str, *, last: bool) -> tuple[str, Flow]:
        inner = scope.within(flow)
        parts: list[str] = []
        blocks = self.one_of([1, 1, 2, 2, 3])
        if blocks > 2:
            parts.append('allow RA002 "three blocks are wanted here"')
        for index in range(blocks):
            block = self.name(inner)
            final = last and index == blocks - 1
            tapped = final or self.chance(70)
            body, flow = self.block(flow, inner, shrinks=index == 0, tapped=tapped)
            if final and self.chance(60):  # a width that shallow mapping nodes divide
                text, flow = self.narrow(flow, self.one_of([4, 8, 16]), Scope({}, None))
                body = f"{self.braces(body)} -> {text}"
            inner.points[block] = flow
            within = tapped and self.chance(15)
            parts.append(f"block {block} {self.braces(body + (' -> tap' if within else ''))}")
            if within:
                self.taps.append(TapMade(f"{name}.{block}", flow))
            if tapped and (not within or self.chance(20)):
                for _ in range(2):
                    if self.chance(10):
                        text, flow = self.plain(flow, inner)
                        parts.append(text)
                if within or self.chance(25):
                    label = self.name(inner)
                    parts.append(f"tap as {label}")
                    self.taps.append(TapMade(f"{name}.{label}", flow))
                else:
                    parts.append("tap")
                    self.taps.append(TapMade(f"{name}.{block}", flow))
        if (rate := self.rate(flow)) > 1 and self.chance(60):
            text, flow = self.shrink(flow, inner, rate)
            parts.append(text)
        joint = self.one_of([" -> ", "\n", "\n"])
        if blocks > 2:
            joint = "\n"
        return f"stage {name} {self.braces(joint.join(parts))}", replace(flow, convs=0)

    def block(self, flow: Flow, scope: Scope, *, shrinks: bool, tapped: bool) -> tuple[str, Flow]:
        """Return a block's body: a down-sampling step at most, then steps that keep the size."""
        flow = replace(flow, convs=0)
        inner = scope.within(flow)
        inner.points = {name: replace(point, convs=0) for name, point in inner.points.items()}
        parts: list[str] = []
        if shrinks and self.chance(70) and (rate := self.rate(flow)) > 1:
            text, flow = self.shrink(flow, inner, rate)
            parts.append(text)
        if parts or self.chance(60):
            texts, flow = self.steps(flow, inner, keep=True, depth=1)
            parts += texts
            if tapped and flow.convs < 2 and self.chance(10):
                return 'allow RA001 "a small block"\n' + "\n".join(parts), flow
            while tapped and flow.convs < 2:
                text, flow = self.conv(flow, inner, keep=True)
                parts.append(text)
            return self.one_of([" -> ", "\n"]).join(parts), flow
        text, flow = self.body(flow, inner, keep=True, depth=1, least=2 if tapped else 0)
        if flow.c > MAX_CHANNELS or "\nout = " in text or text.startswith("out = "):
            text = self.braces(text)
            if flow.c > MAX_CHANNELS:
                step, flow = self.narrow(flow, 4, inner)
                text += f" -> {step}"
        return text, flow

    # --- aggregation

    def aggregate(self, scope: Scope) -> tuple[str, Flow]:
        taps = self.taps
        over = ""
        if self.chance(25):
            taps = [tap for tap in taps[:-1] if self.chance(60)] + taps[-1:]
            over = " over " + ", ".join(tap.path for tap in self.shuffled(taps))
        standard = taps[-1].flow
        overrides: list[str] = []
        levels: dict[str, list[TapMade]] = {}
        for tap in taps:
            levels.setdefault(self.level(tap, taps[-1]), []).append(tap)
        settings: dict[str, dict[str, int]] = {}
        for level in ("shallow", "middle"):
            if level in levels and self.chance(35):
                text, settings[level] = self.settings(level, levels[level], standard)
                overrides.append(f"map {level} {text}")
        for tap in taps:
            level = self.level(tap, taps[-1])
            good = self.derivable(tap, level, standard, settings.get(level, {}))
            if not good or self.chance(12):
                kernels = self.kernels(tap, level, standard)
                if level in ("shallow", "middle") and kernels and self.chance(60):
                    text, _ = self.settings(level, [tap], standard)
                    if "kernel" not in text:
                        text = f"{{ kernel = {self.one_of(kernels)} }}"
                else:
                    text = self.by_hand(tap.flow, standard.c, scope)
                overrides.append(f"map {tap.path} {text}")
        readout = self.one_of(["", "last", "last_and_feature", "all", "all"])
        if readout:
            overrides.append(f"readout {readout}")
        if self.chance(40):
            overrides.append(f"normalize {self.one_of(['none', 'layer', 'batch'])}")
        hidden = self.integer(1, 8)
        clause = f"aggregate lstm(hidden = {self.number(hidden, scope)}){over}"
        if overrides or self.chance(20):
            clause += " {\n" + "\n".join(self.shuffled(overrides)) + "\n}"
        length = hidden
        if readout == "last_and_feature":
            length = hidden + standard.c
        elif readout == "all":
            length = hidden * len(taps)
        return clause, Flow((length,))

    def shuffled(self, items: list[T]) -> list[T]:
        return self.draw(st.permutations(items)) if len(items) > 1 else items

    def level(self, tap: TapMade, last: TapMade) -> str:
        if tap is last:
            return "last"
        return "middle" if self.ratio(tap.flow, last.flow) in (1, 2) else "shallow"

    def ratio(self, tap: Flow, standard: Flow) -> int | None:
        ratios = {b / a for a, b in zip(tap.stride, standard.stride, strict=True)}
        ratio = ratios.pop()
        return int(ratio) if not ratios and ratio == int(ratio) else None

    def kernels(self, tap: TapMade, level: str, standard: Flow) -> list[int]:
        """Return the kernels with which a mapping node can be derived."""
        r = self.ratio(tap.flow, standard)
        if r is None:
            return []
        if level == "middle":
            least = min(tap.flow.size)
            return [k for k in (1, 2, 3, 4, 5) if k <= least + 2 * ((k - 1) // 2)]
        return [
            k
            for k in range(1, r + 1)
            if r % k == 0
            and standard.c % (r // k) ** 2 == 0
            and all(
                n // k // s == r // k for n, s in zip(tap.flow.size, standard.size, strict=True)
            )
        ]

    def derivable(self, tap: TapMade, level: str, standard: Flow, settings: dict[str, int]) -> bool:
        default = {"middle": 3, "shallow": 2, "last": 0}[level]
        return level == "last" or settings.get("kernel", default) in self.kernels(
            tap, level, standard
        )

    def settings(
        self, level: str, taps: list[TapMade], standard: Flow
    ) -> tuple[str, dict[str, int]]:
        """Return settings of derived nodes that fit all of the taps, where any kernel does."""
        fitting = [
            k for k in range(1, 17) if all(k in self.kernels(t, level, standard) for t in taps)
        ]
        lines, found = [], {}
        if fitting and self.chance(70):
            found["kernel"] = self.one_of(fitting)
            lines.append(f"kernel = {found['kernel']}")
        if self.chance(40):
            lines.append(f"norm = {self.one_of(['none', 'batch'])}")
        if self.chance(40):
            lines.append(f"act = {self.one_of(['none', 'relu'])}")
        if not lines:
            lines.append("act = relu")
        return self.braces(self.one_of(["; ", "\n"]).join(lines)), found

    def by_hand(self, flow: Flow, length: int, scope: Scope) -> str:
        """Return a mapping to a vector of that length, written by hand."""
        inner = scope.within(flow)
        kind = self.integer(0, 3)
        if kind == 0:
            return f"{{ gap -> linear({self.number(length, inner)}) }}"
        if kind == 1:
            return f"{{ gap as g_1 -> linear(3) -> layernorm -> dropout -> linear({length}) }}"
        if kind == 2:
            return (
                f"{{\nkey = in -> conv({length}, 1) -> gap -> softmax\n"
                f"value = in -> conv({length}, 1, bias = false) -> batchnorm -> gap\n"
                "out = mul(key, value)\n}"
            )
        steps, end = self.steps(flow, inner, keep=True, depth=2, most=2)
        text, end = self.narrow(end, length, inner)
        return f"{{ {' -> '.join([*steps, text])} -> gap }}"

    # --- head, and files

    def head(self, flow: Flow, numbers: dict[str, int]) -> str:
        scope = Scope(dict(numbers), flow, {}, set(numbers))
        if not flow.is_map:
            return self.body(flow, scope, keep=True, depth=1)[0]
        if self.chance(20):
            return self.body(flow, scope, keep=False, depth=1)[0]
        steps, flow = self.steps(flow, scope, keep=False, depth=2, most=2)
        way = (
            self.one_of(["gap", "flatten"]) if flow.c * flow.size[0] * flow.size[1] < 600 else "gap"
        )
        length = flow.c if way == "gap" else flow.c * flow.size[0] * flow.size[1]
        more, _ = self.steps(Flow((length,)), scope, keep=True, depth=1)
        return self.separated([*steps, way, *more])

    def files(self, base: list[str], own: list[str], numbers: dict[str, int]) -> Spec:
        """Put a model together: one declaration, or a base and one that extends it."""
        names = [n for n in ("Small", "LSTMish", "M1", "Tiny_RA") if n not in self.names_of_defs]
        names += [n for n in ("Net", "LSTM", "Model", "nn") if n not in self.names_of_defs]
        name = self.one_of(names)
        parameters: dict[str, int] = {}
        lets = "".join(f"let {n} = {v}\n" for n, v in self.file_numbers.items())
        defs = "\n".join(self.shuffled(self.definition_texts))
        halves = base + own
        extends = self.chance(45)
        if extends:
            halves = base

        def signature(texts: list[str], overriding: Sequence[str] = ()) -> str:
            shown = []
            for n, value in numbers.items():
                if n in overriding or not any(uses(t, n) for t in texts):
                    continue
                if self.chance(30):
                    parameters[n] = value
                    value = self.integer(1, 9)
                shown.append(f"{n} = {value}")
            return f"({', '.join(shown)})" if shown else ""

        def model(head: str, items: list[str]) -> str:
            return f"model {head} {{\n" + "\n".join(self.shuffled(items)) + "\n}\n"

        if not extends:
            text = model(name + signature(halves), halves)
            files = {"spec.arch": self.file(lets + defs + text)}
            return Spec(files, "spec.arch", name, parameters)
        other = self.one_of([n for n in names if n != name])
        in_base = [n for n in numbers if any(uses(t, n) for t in base)]
        shown = ", ".join(f"{n} = {self.integer(1, 9)}" for n in in_base)
        first = model(other + (f"({shown})" if shown else ""), base)
        # A base's default is wrong on purpose: the extending model, or the call, gives the value.
        redefined = []
        for n in in_base:
            if self.chance(70):
                redefined.append(f"{n} = {numbers[n]}")
            else:
                parameters[n] = numbers[n]
        rest = signature(own, in_base)
        redefined += [rest[1:-1]] if rest else []
        head = f"{name}({', '.join(redefined)})" if redefined else name
        second = model(f"{head} extends {other}", own)
        if self.chance(50):
            text = self.file(lets + defs + "".join(self.shuffled([first, second])))
            return Spec({"spec.arch": text}, "spec.arch", name, parameters)
        known = [n for n in (*self.names_of_defs, *self.file_numbers) if uses(second, n)]
        imported = ", ".join([other, *sorted(known)])
        files = {
            "spec.arch": f'arch 1\nfrom "parts/base.arch" import {imported}\n'
            + f"{self.standard(second)}{second}",
            "parts/base.arch": self.file(lets + defs + first),
        }
        return Spec(files, "spec.arch", name, parameters)

    def standard(self, text: str) -> str:
        found = [n for n in ("Basic", "BasicProjected", "ConvBNReLU") if uses(text, n)]
        return f"from std.blocks import {', '.join(found)}\n" if found else ""

    def file(self, text: str) -> str:
        return f"arch 1\n{self.standard(text)}\n{text}"


@st.composite
def specs(draw: Draw) -> Spec:  # type: ignore[type-arg]
    """A spec that should compile."""
    return ModelWriter(draw).spec()
