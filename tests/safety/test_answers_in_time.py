"""Limits of what a spec may ask for: each is answered with a code, and how fast is printed.

``pytest tests/safety/test_answers_in_time.py -s`` prints the milliseconds. More limits, those of
the syntax among them, are in ``tests/syntax/test_limits.py``.
"""

from __future__ import annotations

from pathlib import Path
from time import process_time

import pytest

from archdsl.compiler import check_spec, load_spec
from archdsl.diagnostics import Diagnostic, Severity, TooManyFaults
from archdsl.diagnostics.problems import Problems
from archdsl.diagnostics.suggest import MOST, nearest
from archdsl.syntax.words import MAX_NAME, MAX_STRING

MODEL = "model M {{ input [3, 8, 8]; backbone {{ {} }} }}\n"
VARIED = "model M(n = 1) { input [3, 8, 8]; backbone { relu * 1000 * n } }\n"
LONG = "a" * 10_000


def names(count: int, text: str) -> str:
    return "".join(text.format(i, i + 1) for i in range(count))


LIMITS: dict[str, tuple[str, str]] = {
    "a long name of a def": ("ARCH906", f"def {LONG} {{ relu }}\n" + MODEL.format(LONG)),
    "a long name of a model": (
        "ARCH906",
        f"model {LONG} {{ input [3, 8, 8]; backbone {{ relu }} }}\n",
    ),
    "a long name of a file": ("ARCH906", f'from "{LONG}.arch" import A\n'),
    "a long name of a library": ("ARCH906", f"from std.{LONG} import A\n"),
    "a long reason": (
        "ARCH906",
        f'model M {{ input [3, 8, 8]; backbone {{ relu }}; allow RA001 "{LONG * 50}" }}\n',
    ),
    "a large count": ("ARCH114", MODEL.format("relu * 1" + "0" * 30)),
    "a large float": ("ARCH114", "let a = 1e308 * 10\n" + MODEL.format("conv(a)")),
    "squares of squares": (
        "ARCH114",
        "let a0 = 10\n" + names(60, "let a{1} = a{0} * a{0}\n") + MODEL.format("conv(a60)"),
    ),
    "rows of nothing": ("ARCH901", MODEL.format("{ } * 1000000000")),
    "a fold of nothing": ("ARCH901", MODEL.format("repeat 1000000000 carry x = in { x }")),
    "a fold": ("ARCH901", MODEL.format("repeat 1000000000 carry x = in { x -> relu }")),
    "defs that double": (
        "ARCH901",
        names(60, "def A{0} {{ A{1} -> A{1} }}\n") + "def A60 { relu }\n" + MODEL.format("A0"),
    ),
    "defs that double, no two alike": (
        "ARCH901",
        "def A(n, m) { if n > 0 { A(n - 1, 2 * m) -> A(n - 1, 2 * m + 1) } else { conv(m) } }\n"
        + MODEL.format("A(40, 1)"),
    ),
    "defs that double where shapes allow": (
        "ARCH901",
        names(60, "def A{0} {{ if in.c > 1 {{ A{1} -> A{1} }} else {{ conv(2) }} }}\n")
        + "def A60 { relu }\n"
        + MODEL.format("A0"),
    ),
    "doubling where shapes allow, nothing in it": (
        "ARCH901",
        names(60, "def A{0} {{ if in.c > 1 {{ A{1} -> A{1} }} }}\n")
        + "def A60 { }\n"
        + MODEL.format("A0"),
    ),
    "doubling while shapes change": (
        "ARCH901",
        names(60, "def A{0} {{ if in.c > 1 {{ A{1} -> conv(in.c % 7 + 2) -> A{1} }} }}\n")
        + "def A60 { relu }\n"
        + MODEL.format("A0"),
    ),
    "many large models": (
        "ARCH901",
        names(300, "model M{0} {{ input [3, 8, 8]; backbone {{ relu * 150000 }} }}\n"),
    ),
    "many large variants": (
        "ARCH901",
        VARIED + names(40, "variants g{0} of M {{ n in [30, 40, 50] }}\n"),
    ),
    "many variants": (
        "ARCH908",
        VARIED + "variants g of M { n in [" + ", ".join(map(str, range(9_000))) + "] }\n",
    ),
    "models in a row": (
        "ARCH902",
        "model M0 { input [3, 8, 8]; backbone { relu } }\n"
        + names(250, "model M{1} extends M{0} {{ }}\n"),
    ),
    "recipes in a row": (
        "ARCH902",
        "recipe R0 { batch 64; epochs 2; optimizer sgd(lr = 0.1); schedule step(at = [1]) }\n"
        + names(250, "recipe R{1} extends R{0} {{ }}\n"),
    ),
    "errors without end": ("ARCH102 ARCH907", names(3_000, "let a{0} = b{0}\n")),
    "steps that nobody knows": ("ARCH101 ARCH907", names(3_000, "def A{0} {{ B{0} }}\n")),
    "imports of nothing": ("ARCH109 ARCH106 ARCH907", 'from "gone.arch" import X\n' * 3_000),
    "a list as input": (
        "ARCH105",
        f"model M {{ input [{'1, ' * 5_000}1]; backbone {{ relu }} }}\n",
    ),
}


def check(text: str, folder: Path) -> tuple[Diagnostic, ...]:
    path = folder / "main.arch"
    path.write_text("arch 1\n" + text)
    return check_spec(load_spec(path))


@pytest.mark.parametrize("name", LIMITS)
def test_what_is_too_much_is_answered_soon(name: str, tmp_path: Path) -> None:
    expected, text = LIMITS[name]
    check("", tmp_path)  # the parser is there
    started = process_time()
    found = check(text, tmp_path)
    taken = process_time() - started
    print(f"{expected:24} {name:32} {len(text):8,} characters {1000 * taken:6.0f} ms")
    assert {d.code for d in found} == set(expected.split())
    assert sum(d.code.startswith("ARCH9") for d in found) <= 1  # one mistake, one message
    assert len(found) <= 201
    assert taken < 2  # mostly milliseconds; the longest texts take as long as they take to read


@pytest.mark.parametrize("name", ["a" * MAX_NAME, "a" * (MAX_NAME + 1)])
def test_the_longest_name(name: str, tmp_path: Path) -> None:
    found = check(f"model {name} {{ input [3, 8, 8]; backbone {{ relu }} }}\n", tmp_path)
    assert [d.code for d in found] == ["ARCH906"] * (len(name) > MAX_NAME)


@pytest.mark.parametrize("length", [MAX_STRING, MAX_STRING + 1])
def test_the_longest_string(length: int, tmp_path: Path) -> None:
    text = f'stage s {{ allow RA001 "{"x" * length}"; block b {{ conv(3) }} -> tap }}'
    found = check(MODEL.format(text), tmp_path)
    assert [d.code for d in found if d.severity is Severity.ERROR] == ["ARCH906"] * (
        length > MAX_STRING
    )


def test_a_long_name_is_reported_once(tmp_path: Path) -> None:
    text = MODEL.format(f"conv(4) as {LONG} -> {{ relu | {LONG} }} -> add")
    assert [d.code for d in check(text, tmp_path)] == ["ARCH906"]


def test_errors_up_to_the_limit_are_kept(tmp_path: Path) -> None:
    assert [d.code for d in check(names(200, "let a{0} = b{0}\n"), tmp_path)] == ["ARCH102"] * 200
    found = check(names(201, "let a{0} = b{0}\n"), tmp_path)
    assert [d.code for d in found] == ["ARCH102"] * 200 + ["ARCH907"]
    assert found[-1].primary is not None and found[-1].primary.span.line == 202


def test_warnings_are_not_too_many_errors(tmp_path: Path) -> None:
    unused = names(300, "let a{0} = 1\n")
    found = check(f"model M {{\n{unused}input [3, 8, 8]\nbackbone {{ relu }}\n}}\n", tmp_path)
    assert [d.code for d in found] == ["ARCH123"] * 200


def test_problems_stop_whoever_adds_one_error_more() -> None:
    problems = Problems(2)
    problems.add(Diagnostic("ARCH101", "one"))
    problems.add(Diagnostic("ARCH101", "two"))
    problems.add(Diagnostic("ARCH101", "two"))
    assert not problems.is_full
    for message in ("three", "four"):
        with pytest.raises(TooManyFaults):
            problems.add(Diagnostic("ARCH101", message))
    assert problems.is_full
    assert [d.message for d in problems.sorted()] == ["one", "two", "there are more than 2 errors"]


def test_no_name_is_guessed_among_very_many() -> None:
    few, many = [f"name{i}" for i in range(MOST - 1)], [f"name{i}" for i in range(MOST)]
    assert nearest("reluu", [*few, "relu"]) == "relu"
    assert nearest("reluu", [*many, "relu"]) is None
