"""Limits: what is too large is answered with a code, at once, and never with a traceback."""

from __future__ import annotations

from time import perf_counter

import pytest
from markdown_cases import check

MODEL = "arch 1\nmodel M {{ input [3, 8, 8]; backbone {{ {} }} }}\n"
CHAIN = "".join(f"def A{i}() {{ A{i + 1} -> A{i + 1} }}\n" for i in range(60))
FORKS = "".join(f"def A{i}() {{ {{ A{i + 1} | A{i + 1} }} -> add }}\n" for i in range(60))

TOO_MUCH: dict[str, tuple[str, str]] = {
    "a long row": ("ARCH901", MODEL.format("relu * 300000")),
    "an absurd row": ("ARCH901", MODEL.format("relu * 900000000000000000")),
    "rows of rows": ("ARCH901", MODEL.format("{ { { relu * 100 } * 100 } * 100 } * 100")),
    "rows of nothing": ("ARCH901", MODEL.format("{ } * 100000000")),
    "rows of an empty def": ("ARCH901", "def A() {}\n" + MODEL.format("A * 100000000")),
    "rows in defs": (
        "ARCH901",
        "def A() { relu * 100 }\ndef B() { A * 100 }\ndef C() { B * 100 }\n" + MODEL.format("C"),
    ),
    "defs that double": ("ARCH901", CHAIN + "def A60() { relu }\n" + MODEL.format("A0")),
    "empty defs that double": ("ARCH901", CHAIN + "def A60() {}\n" + MODEL.format("A0")),
    "forks that double": ("ARCH901", FORKS + "def A60() { relu }\n" + MODEL.format("A0")),
    "a def that doubles itself": (
        "ARCH901",
        "def A(n) { if n > 0 { A(n - 1) -> A(n - 1) } else { relu } }\n" + MODEL.format("A(60)"),
    ),
    "a def that uses itself": ("ARCH902", "def A() { A }\n" + MODEL.format("A")),
    "a def that counts up": ("ARCH902", "def A(n) { A(n + 1) }\n" + MODEL.format("A(1)")),
    "deep braces": ("ARCH902", MODEL.format("{" * 200 + "relu" + "}" * 200)),
    "deep parentheses": ("ARCH902", "arch 1\nlet a = " + "(" * 200 + "1" + ")" * 200),
    "open parentheses": ("ARCH902", "arch 1\nlet a = " + "(" * 100_000),
    "open braces": ("ARCH902", "arch 1\ndef A() " + "{ " * 10_000),
    "open lists": ("ARCH902", "arch 1\nlet a = " + "[" * 100_000),
    "not not not": ("ARCH902", "arch 1\nlet a = " + "not " * 100_000 + "true"),
    "minus minus minus": ("ARCH902", "arch 1\nlet a = " + "- " * 100_000 + "1"),
    "a long sum": ("ARCH902", "arch 1\nlet a = " + "1 + " * 10_000 + "1"),
    "choices of choices": ("ARCH902", "arch 1\nlet a = " + "1 if true else " * 10_000 + "1"),
    "else if without end": (
        "ARCH902",
        MODEL.format("if 1 > 2 { relu } " + "else if 1 > 2 { relu } " * 5_000),
    ),
    "a number of a million digits": ("ARCH114", "arch 1\nlet a = " + "9" * 900_000),
    "a fraction of a million digits": ("ARCH114", f"arch 1\nlet a = {'9' * 900_000}.5"),
    "a large exponent": ("ARCH114", "arch 1\nlet a = 1e999999999"),
    "a large quantity": ("ARCH114", f"arch 1\nlet a = {'9' * 400_000}G"),
    "a large product": ("ARCH114", "arch 1\nlet a = 10G * 10G * 10G"),
    "a long text": ("ARCH904", "arch 1\n" + "# x\n" * 400_000),
    "errors without end": ("ARCH001", "arch 1\n" + "let = 3\n" * 50_000),
    "strings without end": ("ARCH003", "arch 1\n" + '"x\n' * 200_000),
    "odd characters": ("ARCH003", "arch 1\n" + "@ " * 400_000),
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_what_is_too_large_is_answered_at_once(name: str) -> None:
    code, text = TOO_MUCH[name]
    text = text if text.startswith("arch 1") else "arch 1\n" + text.replace("arch 1\n", "")
    check({"main.arch": "arch 1\n"})  # the parser is there
    started = perf_counter()
    diagnostics, _ = check({"main.arch": text})
    elapsed = perf_counter() - started
    assert {d.code for d in diagnostics} == {code}
    assert len(diagnostics) <= 20
    assert elapsed < 3  # well under a second on an idle machine


@pytest.mark.parametrize(
    "text",
    [
        MODEL.format("{" * 90 + "relu" + "}" * 90),
        "arch 1\nlet a = " + "(" * 99 + "1" + ")" * 99,
        "arch 1\nlet a = " + "not " * 90 + "true",
        "arch 1\nlet a = " + "1 + " * 150 + "1",
        MODEL.format("relu -> " * 2_000 + "relu"),
        MODEL.format("{ conv(3) -> batchnorm -> relu } * 500"),
        "arch 1\ndef A(n) { if n > 0 { { A(n - 1) } } }\n"
        + MODEL.format("A(98)").removeprefix("arch 1\n"),
        "arch 1\n" + "".join(f"let a{i} = {i}\n" for i in range(2_000)),
        "arch 1\n"
        + MODEL.format("relu").removeprefix("arch 1\n").replace(" M ", " M0 ")
        + "".join(f"model M{i + 1} extends M{i} {{}}\n" for i in range(150)),
    ],
    ids=lambda text: text[7:50],
)
def test_what_is_not_too_large_is_fine(text: str) -> None:
    assert not check({"main.arch": text})[0]


def test_a_thousand_files() -> None:
    def files(count: int) -> dict[str, str]:
        chain = {"main.arch": 'arch 1\nfrom "0.arch" import F\ndef G(c) { F(c) }\n'}
        for i in range(count):
            chain[f"{i}.arch"] = f'arch 1\nfrom "{i + 1}.arch" import F\n'
        chain[f"{count}.arch"] = "arch 1\ndef F(c) { conv(c) }\n"
        return chain

    assert not [d for d in check(files(900))[0] if d.severity == "error"]
    codes = [d.code for d in check(files(1100))[0] if d.severity == "error"]
    assert codes == ["ARCH903"]

    # All from one file: a hundred are too many, and that is still one mistake.
    wide = {"main.arch": "arch 1\n", **{f"{i}.arch": "arch 1\nlet w = 1\n" for i in range(1100)}}
    wide["main.arch"] += "".join(f'from "{i}.arch" import w\n' for i in range(1100))
    found = [d for d in check(wide)[0] if d.code == "ARCH903"]
    assert [d.primary.span.line for d in found if d.primary] == [1001]
