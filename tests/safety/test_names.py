"""Names and texts of a spec where they are written: as Python, as JSON, and on a terminal."""

from __future__ import annotations

import ast
import json
import keyword
import random
from pathlib import Path

import pytest
import torch
from markdown_cases import check_text
from safety.hostile_names import HOSTILE

import archdsl
from archdsl import Compiled
from archdsl.backends.tables.parts import parts
from archdsl.diagnostics.text import render_text
from archdsl.elaborate.values import FUNCTIONS
from archdsl.ir.serialization import read_network
from archdsl.operators import OPERATORS
from archdsl.syntax.parser import grammar_parser

KEYWORDS = {t.pattern.value for t in grammar_parser().terminals if t.pattern.type == "str"}
RESERVED = KEYWORDS | set(OPERATORS) | set(FUNCTIONS) | {"in", "out", "none"}
NAMES = [name for name in HOSTILE if name not in RESERVED]

# Every kind of name that a spec can give, each in capitals.
SPEC = """arch 1
# COMMENT
def DEF(PARAMETER, SECOND = 3) { conv(PARAMETER, SECOND) as STEP -> batchnorm -> relu }
def GRAPH(PARAMETER) {
  LEFT = in -> DEF(PARAMETER)
  RIGHT = in -> conv(PARAMETER, 1) as INNER
  out = add(LEFT, RIGHT)
}
let CONSTANT = 4
model MODEL(WIDTH = 4) {
  input [3, 8, 8]
  backbone {
    stage STAGE {
      block BLOCK { conv(WIDTH) as FIRST -> relu -> conv(CONSTANT) -> relu } -> tap as TAP
      block OTHER { DEF(WIDTH) -> GRAPH(WIDTH) -> GRAPH(2) * 2 as ROW } -> tap
    }
    repeat 2 carry CARRIED = in { concat(CARRIED, CARRIED -> DEF(2, SECOND = 1)) }
    { conv(2) as BRANCH | { relu -> conv(2) } as GROUP | identity } -> concat
  }
  aggregate lstm(64)
  head { linear(5) as LAST }
}
"""
ROLES = (
    "DEF PARAMETER SECOND STEP GRAPH LEFT RIGHT INNER CONSTANT MODEL WIDTH STAGE BLOCK FIRST TAP "
    "OTHER ROW CARRIED BRANCH GROUP LAST"
).split()


def spec(names: dict[str, str], comment: str = "") -> str:
    """Return the text with the names in place of their roles."""
    words = {**names, "COMMENT": comment}
    found = SPEC
    for number, role in enumerate(words):
        found = found.replace(role, f"\0{number}\0")
    for number, name in enumerate(words.values()):
        found = found.replace(f"\0{number}\0", name)
    return found


def compiled(text: str, folder: Path) -> Compiled:
    path = folder / "main.arch"
    path.write_text(text, encoding="utf-8")
    return archdsl.compile(path)


def check_emitted(result: Compiled) -> None:
    """Check what is written: it is Python, plain text, and a module that works."""
    source = result.source
    assert all(c == "\n" or c.isprintable() for c in source)
    tree = ast.parse(source)
    classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    assert len(set(classes)) == len(classes)
    assert not {"torch", "nn", "F", "Tensor"} & set(classes)
    module = result.build().eval()
    keys = list(module.state_dict())
    assert len(set(keys)) == len(keys)
    for key in keys:
        assert all(p.isdigit() or p.isidentifier() for p in key.split(".")), key
        assert not any(keyword.iskeyword(part) for part in key.split(".")), key
    assert sum(p.numel() for p in module.parameters()) == result.params
    with torch.no_grad():
        assert module(torch.zeros(2, *result.network.input)).shape == (2, 5)
    # What the module does itself still works: no name hides an attribute of it.
    assert module.training is False
    module.train()
    assert len(list(module.modules())) == len(list(module.named_modules()))
    stored = result.network.to_json()
    assert stored.isascii() or json.loads(stored)
    assert read_network(stored).identity == result.network.identity
    assert all(row.name.isprintable() for row in parts(result.network))


@pytest.mark.parametrize("part", range(4))
def test_every_name_in_every_role(part: int, tmp_path: Path) -> None:
    step = len(NAMES) // len(ROLES)
    assert step > 3
    for turn in range(part, len(NAMES), 4):
        names = {r: NAMES[(turn + i * step) % len(NAMES)] for i, r in enumerate(ROLES)}
        try:
            check_emitted(compiled(spec(names), tmp_path))
        except BaseException as fault:
            raise AssertionError(spec(names)) from fault


@pytest.mark.parametrize("seed", range(3))
def test_names_that_nearly_collide(seed: int, tmp_path: Path) -> None:
    alike = "conv conv2 conv_2 conv2_ conv_ _conv __conv xconv x_conv Conv CONV Conv2 x__conv convS"
    more = "s2_conv S2Conv s2Conv DEF Def dEF dE_F d_ef x_ x__ x1 _1 __ _ xx_ y y2 x2"
    pool = [name for name in [*alike.split(), *more.split()] if name not in RESERVED]
    r = random.Random(seed)
    for _ in range(25):
        names = dict(zip(ROLES, r.sample(pool, len(ROLES)), strict=True))
        check_emitted(compiled(spec(names), tmp_path))


TEXTS = [
    '"""',
    "'''",
    '"',
    "\\",
    "\\N{BELL} \\x41 \\u0041 \\",
    'ends with a backslash \\""" + print(1) + """',
    "*/ <script> --> %s {0} {x} ${HOME} `id`",
    "\x1b[31mred\x1b[0m \x07\x08\x7f \x85 \x9b31m",
    "\u202etxet sdrawkcab\u2066 \u200b\ufeff \u2028 \u2029",
    "é ü 漢字 🦙 \u0301",
    "a" * 5_000,
    "word " * 2_000,
    "# type: ignore  # noqa  # fmt: off",
    "-*- coding: latin-1 -*-",
    '"); import os; os.system("true',
]


@pytest.mark.parametrize("text", TEXTS, ids=lambda t: ascii(t[:20]))
def test_comments_reach_docstrings_as_plain_text(text: str, tmp_path: Path) -> None:
    names = dict(zip(ROLES, (f"name{i}" for i in range(len(ROLES))), strict=True))
    result = compiled(spec(names, text), tmp_path)
    check_emitted(result)
    plain = compiled(spec(names, "plain"), tmp_path)
    shown = ast.dump(_without_docstrings(result.source))
    assert shown == ast.dump(_without_docstrings(plain.source))
    assert "import os" not in "".join(line for line in result.source.split("\n") if "'" not in line)


def _without_docstrings(source: str) -> ast.Module:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return tree


@pytest.mark.parametrize("text", [t for t in TEXTS if '"' not in t and "\n" not in t])
def test_reasons_reach_the_network_and_the_terminal(text: str, tmp_path: Path) -> None:
    backbone = f'stage s {{ allow RA001 "{text[:2000]}"; block b {{ conv(3) }} -> tap }}'
    model = f"arch 1\nmodel M {{ input [3, 8, 8]; backbone {{ {backbone} }}; aggregate lstm(9) }}\n"
    result = compiled(model, tmp_path)
    assert json.loads(result.network.to_json())
    shown = render_text(result.diagnostics).plain
    assert all(c == "\n" or c.isprintable() for c in shown)
    assert all(c == "\n" or c.isprintable() for c in result.source)


# --- names that only look like names


@pytest.mark.parametrize(
    ("text", "message", "help", "repair"),
    [
        ("let а = 1", "`а` (U+0430, Cyrillic small letter a) means nothing here", "write `a`", "a"),
        ("let ｗidth = 1", "`ｗ` (U+FF57, fullwidth Latin small letter w)", "write `w`", "w"),
        ("let a = 1 − 2", "`−` (U+2212, minus sign)", "write `-`", "-"),
        ("let a\u00a0= 1", "U+00A0 (no-break space)", "write a space", " "),
        ("let a\u200b = 1", "U+200B (zero width space)", "remove it", ""),
        ("let a = “x”", "`“` (U+201C, left double quotation mark)", 'write `"x"`', '"x"'),
        ("let a = ４", "`４` (U+FF14, fullwidth digit four)", "write `4`", "4"),
        ("let a = 1；", "`；` (U+FF1B, fullwidth semicolon)", "write `;`", ";"),
        ("let a\x1b = 1", "U+001B (a control character)", "remove it", ""),
        ("let é = 1", "`é` (U+00E9, Latin small letter e with acute)", "write `e`", "e"),
        ("let λ = 1", "`λ` (U+03BB, Greek small letter lamda)", "names have", None),
        ("let a = 1 → 2", "`→` (U+2192, rightwards arrow)", "write `->`", "->"),
        ("let a = 2 × 3", "`×` (U+00D7, multiplication sign)", "write `*`", "*"),
    ],
)
def test_look_alikes_are_named(text: str, message: str, help: str, repair: str | None) -> None:
    first, *_ = diagnostics = check_text(f"arch 1\n{text}\n")
    assert first.code == "ARCH003"
    assert message in first.message
    assert help in (first.help or "")
    assert len(diagnostics) == 1 and first.primary is not None
    if repair is None:
        assert first.fix is None
    else:
        assert first.fix is not None
        assert [(e.span, e.text) for e in first.fix.edits] == [(first.primary.span, repair)]
        assert first.fix.certain is not ("é" in text)  # an accent is not there by mistake


def test_a_word_of_look_alikes_is_one_fault() -> None:
    for name in ("ширина", "wіdth", "шиrina2", "x\u0301y", "1а", "ａｒｃｈ"):
        found = check_text(f"arch 1\nlet {name} = 1\n")
        assert [d.code for d in found] == ["ARCH003"], name


def test_a_word_of_look_alikes_is_the_same_word_everywhere() -> None:
    text = "arch 1\ndef Blосk(ширина) { cоnv(ширина) -> rеlu }\nmоdel M { inрut [3, 8, 8]\n"
    found = check_text(f"{text}backbone {{ Blосk(4) }} }}\n")
    assert [d.code for d in found] == ["ARCH003"] * 8


def test_look_alikes_in_comments_and_strings_are_text() -> None:
    model = 'model M { input [3, 8, 8]; backbone { relu }; allow RA001 "а − é" }'
    assert [d.code for d in check_text(f"arch 1\n# а − é\n{model}\n")] == ["ARCH130"]
