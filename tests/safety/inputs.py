"""Hostile inputs: derivations of the grammar, specs with changed tokens, bytes of every kind."""

from __future__ import annotations

import os
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lark.grammar import NonTerminal, Rule, Symbol, Terminal
from markdown_cases import read_cases
from safety.hostile_names import HOSTILE
from specs_of_tests import ROOT, spec_texts

from archdsl.aggregators import AGGREGATORS, READOUTS
from archdsl.elaborate.values import FUNCTIONS
from archdsl.operators import OPERATORS
from archdsl.syntax.parser import grammar_parser

BESIDE = {
    "unit.arch": "arch 1\nlet width = 4\ndef Unit(c, k = 3) { conv(c, k) -> relu }\n",
    "blocks/attention.arch": 'arch 1\nfrom "../unit.arch" import Unit\n'
    "def Attention(c) { Unit(c) -> softmax }\n",
    "blocks/base.arch": "arch 1\nmodel Base(n = 2) { input [3, 8, 8]; backbone { conv(n) } }\n",
}
"""Files that lie beside every input."""

FORBIDDEN = ("../secret.arch", "/etc/passwd.arch", "/dev/zero", "link.arch", "pipe.arch")
"""Paths that an input may name, and that must never be opened."""

PATHS = (*BESIDE, *FORBIDDEN, "main.arch", "gone.arch", "blocks", "", "os", "torch/nn.arch")
LIBRARIES = ("std.blocks", "std.recipes", "std", "os", "os.path", "subprocess", "torch.nn", "this")
WORDS = (
    "c n k w in out a b x width Unit Attention Base M Model Tiny s1 s2 b1 b2 t class lambda self "
    "nn torch F forward train __init__ __class__ __import__ eval exec open os system print import "
    "in shallow middle last all none same digits cifar10 sgd adam cosine step batch epochs "
    "optimizer lr RA001 RA002 RA003 ARCH101 params macs shape convs gap flatten Basic ConvBNReLU SE"
).split()
NUMBERS = (
    "0 1 2 3 4 8 16 31 32 64 255 1000 200001 2147483648 999999999999999999 1000000000"
    "000000000 9223372036854775808 1e18 1e308 1e309 1e-309 0.0 0.5 1.5 3k 300k 2.5M 999999999G 1e0"
).split()


@dataclass(frozen=True)
class Input:
    """One input: what kind it is of, and its bytes."""

    kind: str
    data: bytes


def inputs(seed: int, count: int) -> Iterator[Input]:
    """Yield ``count`` inputs; the same seed gives the same ones. Every kind has its turn."""
    generator = random.Random(seed)
    kinds = list(KINDS)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        found = KINDS[kind](generator)
        yield Input(kind, found if isinstance(found, bytes) else found.encode("utf-8", "replace"))


# --- derivations of the grammar


@cache
def names() -> list[str]:
    """Return names that mean something somewhere."""
    return [*OPERATORS, *AGGREGATORS, *READOUTS, *FUNCTIONS, *WORDS, *OPERATORS]


@cache
def rules() -> dict[str, list[Rule]]:
    """Return the rules of the grammar by what they derive, without those of recovery."""
    found: dict[str, list[Rule]] = {}
    for rule in grammar_parser().rules:
        if not any(symbol.name in ("ERROR", "HOLE") for symbol in rule.expansion):
            found.setdefault(rule.origin.name, []).append(rule)
    changed = True
    while changed:  # what derives nothing without them goes too
        changed = False
        for origin, own in list(found.items()):
            kept = [r for r in own if all(is_there(s, found) for s in r.expansion)]
            if len(kept) < len(own):
                found[origin], changed = kept, True
            if not found[origin]:
                del found[origin]
    return found


def is_there(symbol: Symbol, known: dict[str, list[Rule]]) -> bool:
    return isinstance(symbol, Terminal) or symbol.name in known


@cache
def heights() -> dict[str, int]:
    """Return how deep the shallowest derivation of each nonterminal is."""
    found: dict[str, int] = {}
    changed = True
    while changed:
        changed = False
        for origin, own in rules().items():
            best = min((height(rule, found) for rule in own), default=1000)
            if best < found.get(origin, 1000):
                found[origin], changed = best, True
    return found


def height(rule: Rule, known: dict[str, int]) -> int:
    inner = [known.get(s.name, 1000) for s in rule.expansion if isinstance(s, NonTerminal)]
    return 1 + max(inner, default=0)


@cache
def literals() -> dict[str, str]:
    """Return the text of every terminal that has one."""
    return {t.name: t.pattern.value for t in grammar_parser().terminals if t.pattern.type == "str"}


def derive(r: random.Random, start: str, depth: int) -> str:
    """Return a random derivation, at most ``depth`` rules deep where that is possible."""
    words: list[str] = []
    pending: list[tuple[Symbol, int]] = [(NonTerminal(start), depth)]
    while pending and len(words) < 3_000:
        symbol, left = pending.pop()
        if isinstance(symbol, Terminal):
            words.append(terminal(r, symbol.name))
            continue
        own = rules()[symbol.name]
        fitting = [rule for rule in own if height(rule, heights()) <= left]
        shallow = min(own, key=lambda rule: height(rule, heights()))
        rule = r.choice(fitting) if fitting else shallow
        pending += [(inner, left - 1) for inner in reversed(rule.expansion)]
    return " ".join(words)


def terminal(r: random.Random, name: str) -> str:
    match name:
        case "NAME":
            return r.choice(names())
        case "INT":
            return r.choice(NUMBERS) if r.random() < 0.1 else str(r.randrange(12))
        case "FLOAT":
            return r.choice(("0.5", "1e-4", "2.0", "1e300", "0.1"))
        case "QUANTITY":
            return r.choice(("3k", "6.7M", "1.2G", "999999999999999999999G"))
        case "STRING":
            return f'"{r.choice(PATHS)}"'
        case "_NL":
            return "\n"
    return literals().get(name, ";")


def whole_derivation(r: random.Random) -> str:
    return "arch 1\n" + derive(r, "start", r.randrange(6, 30))


def model_of_derivations(r: random.Random) -> str:
    """Return a model whose bodies are derivations: more of them get as far as shapes."""
    lines = ["arch 1"]
    if r.random() < 0.5:
        lines.append('from "unit.arch" import Unit, width')
    if r.random() < 0.5:
        lines.append(f"from std.blocks import {r.choice(('Basic', 'ConvBNReLU', 'Bottleneck'))}")
    for name in ("Part", "Whole")[: r.randrange(3)]:
        lines.append(f"def {name}(c, k = 3) {derive(r, 'body', r.randrange(5, 14))}")
    body = "; ".join(derive(r, "pipeline", r.randrange(4, 12)) for _ in range(r.randrange(1, 4)))
    lines += ["model M(n = 4) {", f"  input [3, {r.choice((1, 8, 32))}, 8]"]
    lines.append(f"  backbone {{ conv(n) -> {body} }}")
    if r.random() < 0.3:
        lines.append("  " + derive(r, "model_item", 10))
    if r.random() < 0.5:
        lines.append(f"  head {{ gap -> linear(n) -> {derive(r, 'pipeline', 6)} }}")
    return "\n".join([*lines, "}", ""])


def calls(r: random.Random) -> str:
    """Return a model of operators alone, with arguments that some of them have."""

    def argument() -> str:
        value = r.choice(("1", "2", "3", "4", "8", "n", "same", "[1, 2]", "none", "0.5", "true"))
        name = r.choice(("stride", "kernel", "groups", "padding", "dilation", "c", "bias", "p"))
        return f"{name} = {value}" if r.random() < 0.4 else value

    def step(depth: int) -> str:
        if depth and r.random() < 0.35:
            inner = [chain(depth - 1) for _ in range(r.randrange(1, 4))]
            return r.choice(
                (
                    "{ " + " | ".join([*inner, "identity"]) + " } -> " + r.choice(JOINS),
                    "{ " + inner[0] + " } * " + r.choice(("2", "n", "0", "300000", "1.5")),
                    f"stage {r.choice(names())} {{ {inner[0]} }}",
                    f"block {r.choice(names())} {{ {inner[0]} }} -> tap",
                    f"if n > {r.randrange(8)} {{ {inner[0]} }} else {{ {inner[-1]} }}",
                    f"{{ {inner[0]} }} as {r.choice(names())}",
                )
            )
        arguments = ", ".join(argument() for _ in range(r.randrange(3)))
        return f"{r.choice(list(OPERATORS))}({arguments})"

    def chain(depth: int) -> str:
        return " -> ".join(step(depth) for _ in range(r.randrange(1, 4)))

    tail = r.choice(("", "aggregate lstm(16)\n", "aggregate lstm(16) { readout last }\n"))
    return (
        f"arch 1\nmodel {r.choice(names())}(n = 4) {{\ninput [4, 16, 16]\n"
        f"backbone {{ conv(n) -> {chain(3)} }}\n{tail}head {{ gap -> linear(n) }}\n}}\n"
    )


JOINS = ("add", "mul", "concat", "relu", "add as out")


# --- specs with tokens changed


@cache
def corpus() -> list[str]:
    """Return the texts to start from; without those in which something large is allowed."""
    large = re.compile(r"\b([5-9]\d{3}|\d{5}|1\d{5})\b")
    texts = set(spec_texts().values())
    for folder in (ROOT / "tests" / "language", ROOT / "docs" / "errors"):
        for path in folder.glob("*.md"):
            for case in read_cases(path.read_text(encoding="utf-8")):
                texts.update(case.files.values())
    foreign = re.compile(r"\b(timm|torchvision)\b")  # those load torch, which takes its time
    return sorted(text for text in texts if not large.search(text) and not foreign.search(text))


@cache
def tokens() -> list[list[str]]:
    """Return every text of the corpus as words, gaps between them included."""
    split = re.compile(r'"[^"\n]*"|\w+|[ \t]+|\n|->|//|[<>=!]=|.', re.DOTALL)
    return [split.findall(text) for text in corpus()]


def changed_tokens(r: random.Random) -> str:
    words = list(r.choice(tokens()))
    for _ in range(r.choice((1, 1, 1, 2, 3, 10))):
        at = r.randrange(len(words) + 1)
        other = r.choice(r.choice(tokens()))
        match r.randrange(6):
            case 0:
                del words[at : at + 1]
            case 1:
                words.insert(at, other)
            case 2:
                words[at : at + 1] = [other]
            case 3:
                words[at:at] = words[at : at + r.randrange(1, 30)]
            case 4:
                numbers = [i for i, word in enumerate(words) if word.isdigit()]
                if numbers:
                    words[r.choice(numbers)] = r.choice(NUMBERS)
            case 5:
                named = [i for i, word in enumerate(words) if word.isidentifier()]
                if named:
                    words[r.choice(named)] = r.choice(names())
    return "".join(words)


def renamed(r: random.Random) -> str:
    """Return a text with some of its names replaced by others, wherever they occur."""
    words = r.choice(tokens())
    own = sorted({word for word in words if word.isidentifier()} - KEYWORDS - set(names()))
    changed = [word for word in own if r.random() < 0.6]
    others = sorted(set(HOSTILE) - KEYWORDS - set(names()))
    new = dict(zip(changed, r.sample(others, len(changed)), strict=True))
    return "".join(new.get(word, word) for word in words)


KEYWORDS = frozenset(
    "arch from import let def model extends recipe input backbone head aggregate train with expect "
    "allow stage block tap as if else repeat carry over readout map normalize true false".split()
)


def spliced(r: random.Random) -> str:
    """Return the beginning of one text with the end of another."""
    first, second = r.choice(tokens()), r.choice(tokens())
    return "".join(first[: r.randrange(len(first) + 1)] + second[r.randrange(len(second) + 1) :])


# --- bytes


def random_bytes(r: random.Random) -> bytes:
    return r.randbytes(r.choice((0, 1, 3, 50, 400)))


def changed_bytes(r: random.Random) -> bytes:
    data = bytearray(r.choice(corpus()).encode())
    for _ in range(r.choice((1, 2, 5, 40))):
        if data:
            data[r.randrange(len(data))] = r.choice((r.randrange(256), r.randrange(32, 127)))
    return bytes(data)


def truncated(r: random.Random) -> bytes:
    data = r.choice(corpus()).encode()
    return data[: r.randrange(len(data) + 1)]


SOUP = (
    "аеосрхАВЕ０１\u202e\u2066\u200b\u200d\ufeff\u00a0\u2028\u2029\x00\x01\x1b[31m\x7f\x85\x9b\r\v\f\t"
    "é̈ﬀ²Ⅷ𝒙𝟗🦙👩‍👩‍👧\ud800\udfff\U0010ffff−–—→“”‘’《》；：（）＝｛｝"
)


def unicode_soup(r: random.Random) -> str:
    text = r.choice(corpus())
    for _ in range(r.choice((1, 3, 30))):
        at = r.randrange(len(text) + 1)
        text = text[:at] + "".join(r.choices(SOUP, k=r.randrange(1, 4))) + text[at:]
    return text


def deep(r: random.Random) -> str:
    size = r.choice((50, 99, 101, 150, 1_000, 20_000 if r.random() < 0.1 else 100))
    opener, closer = r.choice(
        (
            ("{ ", " }"),
            ("(", ")"),
            ("[", "]"),
            ("not ", ""),
            ("-", ""),
            ("1 + ", ""),
            ("if n > 0 { ", " }"),
            ("stage s { ", " }"),
            ("{ relu | ", " } -> add"),
            ("min(1, ", ")"),
            ("conv(", ")"),
            ("1 if true else ", ""),
            ("relu -> ", ""),
            ("({[", "]})"),
        )
    )
    middle = opener * size + r.choice(("relu", "1", "")) + closer * r.choice((size, size - 1, 0))
    if r.random() < 0.5:
        return f"arch 1\nlet a = {middle}\n"
    return f"arch 1\nmodel M(n = 1) {{ input [3, 8, 8]; backbone {{ {middle} }} }}\n"


def enormous(r: random.Random) -> str:
    def number() -> str:
        digits = r.choice(
            ("9", "10", "1e308", "0.1", "10G", "9" * r.choice((17, 18, 19, 400, 5000)))
        )
        return r.choice((digits, f"({digits} {r.choice('+-*/%')} {r.choice(NUMBERS)})"))

    chain = f" {r.choice(('*', '//', '+', '/', '%', '-'))} ".join(
        number() for _ in range(r.randrange(1, 60))
    )
    use = r.choice(
        (
            "conv({})",
            "relu * ({})",
            "{{ }} * ({})",
            "conv(8, {})",
            "conv(8, stride = {})",
            "conv(8, padding = {})",
            "maxpool({})",
            "pad_channels({})",
            "dropout({})",
            "linear({})",
            "F({})",
        )
    ).format(chain)
    return (
        f"arch 1\nlet a = {number()}\ndef F(x) {{ relu * x }}\n"
        f"model M {{ input [3, {r.choice(NUMBERS)}, 8]; backbone {{ conv(a) -> {use} }} }}\n"
    )


def long_words(r: random.Random) -> str:
    name = r.choice(("a", "A", "_", "aB", "x9", "a_")) * r.choice((100, 10_000, 100_000))
    shape = r.choice(
        (
            "model {0} {{ input [3, 8, 8]; backbone {{ conv(4) as {0} -> relu }} }}",
            "def {0}(c) {{ conv(c) }}\nmodel M {{ input [3, 8, 8]; backbone {{ {0}(4) * 3 }} }}",
            "model M({0} = 3) {{ input [3, 8, 8]; backbone {{ conv({0}) -> {0}x }} }}",
            "model M {{ input [3, 8, 8]; backbone {{ stage {0} {{ block {0} {{ relu }} }} }} }}",
            "let {0} = {0}\n# {0}\ndef F {{ conv({0}) }}",
            'from "{0}.arch" import {0}',
            "from {0}.{0} import {0}",
            "recipe {0} {{ {0} = 3; optimizer {0}(lr = 0.1) }}",
            'model M {{ allow {0} "{0}" }}',
        )
    )
    return "arch 1\n" + shape.format(name) + "\n"


def long_lists(r: random.Random) -> str:
    size = r.choice((10, 30, 50, 100, 200, 2_000 if r.random() < 0.1 else 50))
    item = r.choice(("1", "relu", "x", "1 + 1", "[1]", '"s"', "1.5"))
    items = ", ".join([item] * size)
    return r.choice(
        (
            f"arch 1\nlet a = [{items}]\n",
            f"arch 1\nlet a = min({items})\n",
            f"arch 1\nmodel M {{ input [{items}]; backbone {{ conv(8) }} }}\n",
            f"arch 1\nmodel M {{ input [3, 8, 8]; backbone {{ conv({items}) }} }}\n",
            f"arch 1\ndef F({', '.join(f'p{i}' for i in range(size))}) {{ relu }}\n",
            f"arch 1\nfrom std.blocks import {', '.join(['Basic'] * size)}\n",
            f"arch 1\nrecipe R {{ schedule step(at = [{items}]) }}\n",
        )
    )


def repeats(r: random.Random) -> str:
    """Return defs and rows that would expand without end, or nearly."""
    # Either few, or far beyond the limit: what is allowed and large takes its time.
    levels = r.choice((1, 2, 3, 6, 30, 60, 70))
    counts = ("0", "1", "2", "3", "10G") if levels < 6 else ("0", "1", "2", "10G")
    count = r.choice(("30", "700", *counts) if levels == 1 else counts)
    body = r.choice(
        (
            "{0} -> {0}",
            "{{ {0} | {0} }} -> add",
            "{0} * {1}",
            "{{ {0} }} * {1}",
            "if in.c > 0 {{ {0} }} else {{ {0} }}",
            "repeat {1} carry x = in {{ x -> {0} }}",
            "relu -> {0}",
        )
    )
    lines = ["arch 1"]
    for level in range(levels):
        lines.append(f"def A{level} {{ {body.format(f'A{level + 1}', count)} }}")
    end = r.choice(("", "relu", "A0", f"conv({count})", f"relu * {count}"))
    lines.append(f"def A{levels} {{ {end} }}")
    lines.append("model M { input [3, 8, 8]; backbone { A0 } }")
    return "\n".join(lines) + "\n"


def repeated_lines(r: random.Random) -> str:
    """Return a text in which one line comes very often."""
    lines = r.choice(corpus()).splitlines(keepends=True) or ["\n"]
    at = r.randrange(len(lines))
    lines[at : at + 1] = [lines[at]] * r.choice((2, 3, 10, 30, 300 if r.random() < 0.2 else 50))
    return "".join(lines)


KINDS: dict[str, Callable[[random.Random], str | bytes]] = {
    "derivation": whole_derivation,
    "model of derivations": model_of_derivations,
    "calls": calls,
    "changed tokens": changed_tokens,
    "more changed tokens": changed_tokens,
    "renamed": renamed,
    "more renamed": renamed,
    "spliced": spliced,
    "random bytes": random_bytes,
    "changed bytes": changed_bytes,
    "truncated": truncated,
    "unicode soup": unicode_soup,
    "deep": deep,
    "enormous": enormous,
    "long words": long_words,
    "long lists": long_lists,
    "repeats": repeats,
    "repeated lines": repeated_lines,
}


def write_beside(folder: Path) -> None:
    """Write the files that lie beside every input, and those that none may reach."""
    for name, text in BESIDE.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder.parent / "secret.arch").write_text("arch 1\nlet width = 3\n")
    (folder / "link.arch").symlink_to("../secret.arch")
    os.mkfifo(folder / "pipe.arch")


def kinds_of(found: list[Input]) -> Counter[str]:
    """Return how many inputs there are of each kind."""
    return Counter(each.kind for each in found)
