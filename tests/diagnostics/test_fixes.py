"""Fixes: what each kind writes, and that none of them ever makes matters worse."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from calling import ROOT, archdsl
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_cases import Case, check, read_cases

from archdsl.cli.check import check_all
from archdsl.cli.fixing import Files, fix_files, helps
from archdsl.diagnostics import Diagnostic, Edit, Fix, Severity
from archdsl.diagnostics.fix import apply, is_slip, remove, remove_item, respell
from archdsl.source import Source, Span


def corpus() -> list[Case]:
    """Every spec of the Markdown suites and of the error pages."""
    suites = [*(ROOT / "tests" / "language").rglob("*.md"), *(ROOT / "docs/errors").glob("*.md")]
    return [
        case
        for suite in sorted(suites)
        if suite.name != "README.md"
        for case in read_cases(suite.read_text(encoding="utf-8"))
    ]


def stretches(fix: Fix) -> list[tuple[int, int, str]]:
    return [(edit.span.start, edit.span.end, edit.text) for edit in fix.edits]


def applied(files: dict[str, str], fix: Fix) -> dict[str, str]:
    name = fix.source.name
    return {**files, name: apply(files[name], stretches(fix))}


def errors(found: tuple[Diagnostic, ...] | list[Diagnostic]) -> Counter[str]:
    return Counter(d.code for d in found if d.severity is Severity.ERROR)


# --- each kind, in a body, a model or a file where it is the only fault

MODEL = """\
arch 1
def Unit(c) {{ {unit} }}
model Net(classes = 10) {{
  input [3, 32, 32]
  backbone {{ stage s1 {{ block b1 {{ Unit(8) -> Unit(8) }} -> tap }} }}
  {aggregate}
  head {{ {head} }}
}}
"""
PARTS = {
    "unit": "conv(c) -> relu",
    "aggregate": "aggregate lstm(hidden = 4)",
    "head": "linear(classes)",
}
UNIT, AGGREGATE, HEAD = PARTS


@pytest.mark.parametrize(
    ("part", "wrong", "code", "right"),
    [
        # names
        (UNIT, "conv(c) -> rleu", "ARCH101", "conv(c) -> relu"),
        (UNIT, "conv(c) -> RELU", "ARCH101", "conv(c) -> relu"),
        (UNIT, "main = in -> conv(c); out = mian", "ARCH102", "main = in -> conv(c); out = main"),
        (UNIT, "conv(c, strid = 2)", "ARCH103", "conv(c, stride = 2)"),
        (HEAD, "linear(clases)", "ARCH102", "linear(classes)"),
        (HEAD, "linear(max(classes, mim(2, 3)))", "ARCH102", "linear(max(classes, min(2, 3)))"),
        (AGGREGATE, "aggregate lsmt(hidden = 4)", "ARCH307", "aggregate lstm(hidden = 4)"),
        (AGGREGATE, "aggregate lstm(hiden = 4)", "ARCH103", "aggregate lstm(hidden = 4)"),
        # words of the syntax
        (AGGREGATE, "aggregat lstm(hidden = 4)", "ARCH001", "aggregate lstm(hidden = 4)"),
        # one sign
        (UNIT, "conv(c 3)", "ARCH001", "conv(c, 3)"),
        (UNIT, "conv(c) relu", "ARCH001", "conv(c) -> relu"),
        (UNIT, "let k 3; conv(c, k)", "ARCH001", "let k = 3; conv(c, k)"),
        (UNIT, "conv(c]", "ARCH001", "conv(c)"),
        (UNIT, "conv(c", "ARCH002", "conv(c)"),
        (UNIT, "conv(c))", "ARCH002", "conv(c)"),
        (UNIT, "if 1 < c < 9 { conv(c) } else { relu }", "ARCH006",
         "if 1 < c and c < 9 { conv(c) } else { relu }"),
        # order
        (UNIT, "2 * conv(c)", "ARCH113", "conv(c) * 2"),
        (UNIT, "a = in -> conv(c); b = in -> conv(c); out = a + b", "ARCH113",
         "a = in -> conv(c); b = in -> conv(c); out = add(a, b)"),
        (UNIT, "conv(c) if c > 3 else relu", "ARCH113", "if c > 3 { conv(c) } else { relu }"),
        # twice
        (UNIT, "conv(c, stride = 2, stride = 2)", "ARCH106", "conv(c, stride = 2)"),
        (AGGREGATE, "aggregate lstm(hidden = 4) over s1.b1, s1.b1", "ARCH106",
         "aggregate lstm(hidden = 4) over s1.b1"),
        # nothing needs it
        (AGGREGATE, "aggregate lstm(hidden = 4)\n  allow RA001 \"two are enough\"", "ARCH130",
         "aggregate lstm(hidden = 4)"),
        (AGGREGATE, "aggregate lstm(hidden = 4) {\n    map shallow { kernel = 4 }\n  }",
         "ARCH306", "aggregate lstm(hidden = 4) {\n  }"),
    ],
)  # fmt: skip
def test_each_kind(part: str, wrong: str, code: str, right: str) -> None:
    files = {"main.arch": MODEL.format(**{**PARTS, part: wrong})}
    (fault,) = check(files)[0]
    assert fault.code == code
    assert fault.fix is not None and fault.fix.certain
    fixed = applied(files, fault.fix)
    assert fixed == {"main.arch": MODEL.format(**{**PARTS, part: right})}
    assert not check(fixed)[0]


@pytest.mark.parametrize(
    ("wrong", "code", "right"),
    [
        ("let w = 1\n", "ARCH004", "arch 1\nlet w = 1\n"),
        ("# a comment\nlet w = 1\n", "ARCH004", "arch 1\n# a comment\nlet w = 1\n"),
        ("arch 1\nlet w = 1\narch 1\n", "ARCH004", "arch 1\nlet w = 1\n"),
        ("arch 1\ndef A(c)\n{ conv(c) }\n", "ARCH001", "arch 1\ndef A(c) { conv(c) }\n"),
        ("arch 1\r\ndef A(c)\r\n{ conv(c) }\r\n", "ARCH001", "arch 1\r\ndef A(c) { conv(c) }\r\n"),
        ("arch 1\nfrom std.bloks import ConvBNReLU\ndef A() { ConvBNReLU(3) }\n", "ARCH109",
         "arch 1\nfrom std.blocks import ConvBNReLU\ndef A() { ConvBNReLU(3) }\n"),
        ("arch 1\nfrom std.blocks import ConvBNRelu\n", "ARCH110",
         "arch 1\nfrom std.blocks import ConvBNReLU\n"),
        ('arch 1\nfrom "..\\\\up.arch" import A\n', "ARCH109",
         'arch 1\nfrom "..//up.arch" import A\n'),
        ("arch 1\nfrom std.blocks import ConvBNReLU\nlet w = 1\n", "ARCH119",
         "arch 1\nlet w = 1\n"),
        ("arch 1\r\nfrom std.blocks import ConvBNReLU\r\nlet w = 1\r\n", "ARCH119",
         "arch 1\r\nlet w = 1\r\n"),
        ("arch 1\nfrom std.blocks import ConvBNReLU  # for later\nlet w = 1\n", "ARCH119",
         "arch 1\n# for later\nlet w = 1\n"),
        ("arch 1; from std.blocks import ConvBNReLU; let w = 1\n", "ARCH119",
         "arch 1; let w = 1\n"),
        ("arch 1\nfrom std.blocks import ConvBNReLU, ConvBNReLU\ndef A() { ConvBNReLU(3) }\n",
         "ARCH106", "arch 1\nfrom std.blocks import ConvBNReLU\ndef A() { ConvBNReLU(3) }\n"),
        ("arch 1\nfrom std.recipes import digits, paper_svhn\nrecipe r extends digits {}\n",
         "ARCH119", "arch 1\nfrom std.recipes import digits\nrecipe r extends digits {}\n"),
        ("arch 1\nfrom std.recipes import paper_svhn, digits\nrecipe r extends digits {}\n",
         "ARCH119", "arch 1\nfrom std.recipes import digits\nrecipe r extends digits {}\n"),
        ("arch 1\nfrom std.recipes import digits\nrecipe r extends digits { epoch 3 }\n",
         "ARCH602",
         "arch 1\nfrom std.recipes import digits\nrecipe r extends digits { epochs 3 }\n"),
        ("arch 1\nrecipe r { optimizer agd(lr = 1) }\n", "ARCH602",
         "arch 1\nrecipe r { optimizer sgd(lr = 1) }\n"),
    ],
)  # fmt: skip
def test_each_kind_in_a_file(wrong: str, code: str, right: str) -> None:
    fault = next(d for d in check({"main.arch": wrong})[0] if d.code == code)
    assert fault.fix is not None and fault.fix.certain
    assert applied({"main.arch": wrong}, fault.fix) == {"main.arch": right}


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("train cifar1O with paper_cifar10", None),  # cifar10 or cifar100
        ("train digit with paper_cifar10", "train digits with paper_cifar10"),
        ("train svhn with paper_svnh", "train svhn with paper_svhn"),
    ],
)
def test_data_sets_and_recipes(wrong: str, right: str | None) -> None:
    spec = MODEL.format(**PARTS).replace("arch 1\n", "arch 1\nfrom std.recipes import paper_svhn\n")
    spec = spec.replace("  head", "  ITEM\n  head")
    fixes = [d.fix for d in check({"main.arch": spec.replace("ITEM", wrong)})[0] if d.fix]
    made = [
        applied({"main.arch": spec.replace("ITEM", wrong)}, fix)["main.arch"]
        for fix in fixes
        if fix.certain and fix.title.startswith("write")
    ]
    assert made == ([] if right is None else [spec.replace("ITEM", right)])


@pytest.mark.parametrize(
    "unit",
    [
        "conv(c) -> xelu",  # relu or gelu
        "a1 = conv(c); out = add(a1, a2)",  # another digit is another thing
        "conv(c, s = 2)",  # stride, perhaps
        "conv(c) }",  # a brace too many may be one too few before it
        "conv(c, stride = 1, stride = 2)",  # which of them?
        "conv(c, 4)",  # even: padding 0 or 2, or another kernel
    ],
)
def test_what_is_not_certain_is_left_alone(unit: str) -> None:
    found = check({"main.arch": MODEL.format(**{**PARTS, "unit": unit})})[0]
    assert found
    assert [d.fix.title for d in found if d.fix is not None and d.fix.certain] == []


# --- the parts


def test_slips() -> None:
    assert is_slip("rleu", "relu") and is_slip("Relu", "relu") and is_slip("batchnrom", "batchnorm")
    assert not is_slip("s2", "s1") and not is_slip("cifar100", "cifar10")
    assert not is_slip("a", "in") and not is_slip("convolution", "conv")


def test_a_name_with_two_neighbours_is_not_certain() -> None:
    source = Source("f", "heac")
    fix = respell(Span(source, 0, 4), ["head", "heat"])
    assert fix is not None and not fix.certain
    assert respell(Span(source, 0, 4), ["zebra"]) is None
    certain = respell(Span(source, 0, 4), ["head", "tail"])
    assert certain == Fix("write `head`", (Edit(Span(source, 0, 4), "head"),))


@pytest.mark.parametrize(
    ("text", "gone", "left"),
    [
        ("a\n  b\nc\n", "b", "a\nc\n"),
        ("a\r\n  b\r\nc", "b", "a\r\nc"),
        ("a\n  b", "b", "a\n"),
        ("{ a; b; c }", "b", "{ a; c }"),
        ("{ a; b }", "b", "{ a }"),
        ("a\n  b # why\nc", "b", "a\n  # why\nc"),
        ("{ b }", "b", "{ }"),
    ],
)
def test_removal_takes_the_line_along(text: str, gone: str, left: str) -> None:
    at = text.index(gone)
    assert apply(text, stretches(remove(Span(Source("f", text), at, at + len(gone))))) == left


def test_removal_from_a_list() -> None:
    source = Source("f", "a, bb ,\n c")
    spans = [Span(source, 0, 1), Span(source, 3, 5), Span(source, 9, 10)]
    left = [apply(source.text, stretches(remove_item(span, spans))) for span in spans]
    assert left == ["bb ,\n c", "a, c", "a, bb"]


@settings(deadline=None)
@given(st.text(max_size=20), st.data())
def test_edits_are_made_where_they_are(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), min_size=4, max_size=4)
                            if len(text) > 3 else st.just({0})))  # fmt: skip
    pairs = [
        (a, b, data.draw(st.text(max_size=3))) for a, b in zip(cuts[::2], cuts[1::2], strict=False)
    ]
    expected, at = "", 0
    for a, b, new in pairs:
        expected += text[at:a] + new
        at = b
    assert apply(text, pairs) == expected + text[at:]


def test_fewer_faults_and_no_code_more_often() -> None:
    def faults(*codes: str) -> list[Diagnostic]:
        severities = {"W": Severity.WARNING, "N": Severity.NOTE}
        return [Diagnostic(c, "m", severity=severities.get(c, Severity.ERROR)) for c in codes]

    assert helps(faults("A", "B"), faults("A"))
    assert helps(faults("A", "W"), faults("A"))
    assert helps(faults("A"), faults("W", "W"))  # a warning more is no reason to keep an error
    assert not helps(faults("A"), faults("A"))
    assert not helps(faults("A"), faults("B"))
    assert not helps(faults("A", "A"), faults("B"))
    assert not helps(faults("A", "N"), faults("A"))


# --- the corpus


@pytest.mark.slow
def test_in_the_corpus_a_certain_fix_mends_its_fault() -> None:
    """Applied alone and unguarded: nine of ten do; the others bring to light what was hidden."""
    total, worse = 0, []
    for case in corpus():
        before = check(case.files)[0]
        for fault in before:
            if fault.fix is None or not fault.fix.certain or fault.fix.source.path is None:
                continue
            total += 1
            after = check(applied(case.files, fault.fix))[0]
            if errors(after) - errors(before) or len(after) >= len(before):
                worse.append(f"{case.name}: {fault.message}: {fault.fix.title}")
    assert total >= 60
    assert len(worse) <= total / 10, "\n".join(worse)


def test_in_the_corpus_fixing_never_introduces_a_code(tmp_path: Path) -> None:
    fixed = 0
    for number, case in enumerate(corpus()):
        folder = tmp_path / str(number)
        for name, text in case.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        main = [folder / next(iter(case.files))]

        checks: list[list[Diagnostic]] = []

        def check_files(
            files: Files, main: list[Path] = main, checks: list[list[Diagnostic]] = checks
        ) -> list[Diagnostic]:
            checks.append(check_all(main, files, False)[0])
            return checks[-1]

        outcome = fix_files(check_files)  # it begins with a check of the files as they are
        assert not errors(list(outcome.remaining)) - errors(checks[0]), case.name
        assert bool(outcome.files.changed()) == bool(outcome.fixed)
        if not outcome.fixed:
            continue
        # What is written is what was checked.
        outcome.files.write()
        written = check_files(Files())
        assert [(d.code, d.message) for d in written] == [
            (d.code, d.message) for d in outcome.remaining
        ]
        fixed += len(outcome.fixed)
    assert fixed >= 50


# --- the command

FAULTY = """\
from std.blocks import ConvBNReLU
model Net {
  input [3, 32, 32]
  backbone { ConvBNRelu(8) -> rleu }
  head { gap -> linear(10) -> zebra }
}
"""
FIXED = "arch 1\n" + FAULTY.replace("BNRelu", "BNReLU").replace("rleu", "relu")


def process(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "archdsl", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "net.arch"
    path.write_text(FAULTY)
    return path


def test_fix_writes_the_file_and_says_so(spec: Path) -> None:
    spec.chmod(0o640)
    run = process("check", "--fix", "net.arch", cwd=spec.parent)
    assert run.returncode == 1
    assert run.stdout.startswith(
        """\
fixed 3:
  net.arch:1:1: insert `arch 1` [ARCH004]
  net.arch:4:14: write `ConvBNReLU` [ARCH101]
  net.arch:4:31: write `relu` [ARCH101]

error[ARCH101]: there is no operator or def `zebra`
  --> net.arch:6:31
"""
    )
    assert run.stdout.endswith("1 error\n") and run.stderr == ""
    assert spec.read_text() == FIXED
    assert spec.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in spec.parent.iterdir()] == ["net.arch"]
    again = process("check", "--fix", "net.arch", cwd=spec.parent)
    assert again.stdout.startswith("error[ARCH101]") and spec.read_text() == FIXED


def test_a_spec_that_is_mended_is_clean(spec: Path) -> None:
    spec.write_text(FAULTY.replace(" -> zebra", ""))
    run = archdsl("check", "--fix", "net.arch", cwd=spec.parent)
    assert run.returncode == 0
    assert run.stdout.startswith("fixed 3:\n") and run.stdout.endswith("no faults in net.arch\n")


def test_a_diff_is_shown_and_nothing_written(spec: Path) -> None:
    run = archdsl("check", "--fix", "--diff", "net.arch", cwd=spec.parent)
    assert run.returncode == 1
    assert spec.read_text() == FAULTY
    assert run.stderr.startswith("would fix 3:\n")
    assert run.stdout == (
        """\
--- net.arch
+++ net.arch
@@ -1,6 +1,7 @@
+arch 1
 from std.blocks import ConvBNReLU
 model Net {
   input [3, 32, 32]
-  backbone { ConvBNRelu(8) -> rleu }
+  backbone { ConvBNReLU(8) -> relu }
   head { gap -> linear(10) -> zebra }
 }
"""
    )


@pytest.mark.parametrize("format", ["json", "sarif", "concise", "github"])
def test_formats_for_programs_hold_what_remains(spec: Path, format: str) -> None:
    run = archdsl("check", "--fix", "--format", format, "net.arch", cwd=spec.parent)
    assert run.returncode == 1
    assert run.stderr.startswith("fixed 3:\n")
    assert "zebra" in run.stdout and "rleu" not in run.stdout
    if format in ("json", "sarif"):
        json.loads(run.stdout)
    assert spec.read_text() == FIXED


def test_a_fix_is_part_of_json_and_sarif(spec: Path) -> None:
    found = json.loads(archdsl("check", "--format", "json", "net.arch", cwd=spec.parent).stdout)
    edit = {"file": "net.arch", "line": 4, "column": 31, "end_line": 4, "end_column": 35}
    assert found[2]["fix"] == {
        "title": "write `relu`",
        "certain": True,
        "edits": [{**edit, "text": "relu"}],
    }
    log = json.loads(archdsl("check", "--format", "sarif", "net.arch", cwd=spec.parent).stdout)
    (fix,) = log["runs"][0]["results"][2]["fixes"]
    (change,) = fix["artifactChanges"]
    (replacement,) = change["replacements"]
    assert replacement["insertedContent"] == {"text": "relu"}
    assert replacement["deletedRegion"]["startColumn"] == 31


@pytest.mark.parametrize(
    "options", [["--diff"], ["--fix", "--diff", "--format", "json"]], ids=" ".join
)
def test_an_option_that_would_change_nothing(spec: Path, options: list[str]) -> None:
    run = archdsl("check", *options, "net.arch", cwd=spec.parent)
    assert run.returncode == 2
    assert "ARCH133" in run.stderr and spec.read_text() == FAULTY


def test_line_breaks_marks_and_links_stay(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    real = tmp_path / "folder" / "net.arch"
    real.write_bytes(b"\xef\xbb\xbf" + FAULTY.replace("\n", "\r\n").encode())
    link = tmp_path / "link.arch"
    link.symlink_to(real)
    assert archdsl("check", "--fix", "link.arch", cwd=tmp_path).returncode == 1
    assert link.is_symlink()
    expected = "\r\n".join(FIXED.split("\n")).replace("arch 1\r\n", "arch 1\n", 1)
    assert real.read_bytes() == b"\xef\xbb\xbf" + expected.encode()


def test_imported_files_are_fixed_once_and_the_library_never(tmp_path: Path) -> None:
    (tmp_path / "block.arch").write_text("arch 1\ndef Unit(c) { conv(c) -> rleu }\n")
    for name in ("a", "b"):
        (tmp_path / f"{name}.arch").write_text(
            'arch 1\nfrom "block.arch" import Unit\n'
            f"model {name.upper()} {{ input [3, 8, 8]\n backbone {{ Unit(4) }}\n"
            " head { gap -> linear(3) } }\n"
        )
    run = archdsl("check", "--fix", "a.arch", "b.arch", cwd=tmp_path)
    assert run.returncode == 0, run.stdout
    assert run.stdout.startswith("fixed 1:\n  block.arch:2:26: write `relu` [ARCH101]\n\n")
    assert (tmp_path / "block.arch").read_text() == "arch 1\ndef Unit(c) { conv(c) -> relu }\n"
    library = Source("std/blocks.arch", "rleu")
    fix = Fix("write `relu`", (Edit(Span(library, 0, 4), "relu"),))
    outcome = fix_files(lambda files: [Diagnostic("ARCH101", "m", fix=fix)])
    assert outcome.fixed == () and not outcome.files.changed()


def test_what_overlaps_is_fixed_one_after_the_other(tmp_path: Path) -> None:
    spec = tmp_path / "net.arch"
    spec.write_text(
        "arch 1\nfrom std.recipes import digits, paper_svhn, paper_cifar10\nlet w = 1\n"
    )
    run = archdsl("check", "--fix", "net.arch", cwd=tmp_path)
    assert run.returncode == 0 and run.stdout.startswith("fixed 3:\n")
    assert spec.read_text() == "arch 1\nlet w = 1\n"


def test_a_fix_that_would_make_it_worse_is_not_made(tmp_path: Path) -> None:
    spec = tmp_path / "net.arch"
    hidden = "arch 1\ndef A(c) { conv(c) -> rleu(3) }\n"  # relu takes no argument
    spec.write_text(hidden)
    run = archdsl("check", "--fix", "net.arch", cwd=tmp_path)
    assert run.returncode == 1 and "fixed" not in run.stdout
    assert spec.read_text() == hidden


def test_a_file_that_cannot_be_written(spec: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everything")
    spec.chmod(0o444)
    run = archdsl("check", "--fix", "net.arch", cwd=spec.parent)
    assert run.returncode == 2 and "ARCH615" in run.stderr
    assert spec.read_text() == FAULTY
