"""Diagnostics as text, compared with what a user is to see, character for character."""

import io
from time import process_time

import pytest
from rich.console import Console
from sample_faults import ADD, BASIC, find

from archdsl.diagnostics import Diagnostic, Label, Severity
from archdsl.diagnostics.text import render_text, summary
from archdsl.source import Source, Span, Use


def show(*diagnostics: Diagnostic, width: int | None = None) -> str:
    return render_text(diagnostics, width).plain + "\n"


def test_the_example_of_the_language() -> None:
    assert (
        show(ADD)
        == """\
error[ARCH203]: add: inputs differ in shape
  --> specs/resnet_ra.arch:8:10   in Basic(c=128, s=2), used at 19:16 as net.s2.b2
   8 |   out  = add(main, skip) -> relu
     |          ^^^ ----  ---- [64, 32, 32]   from skip, line 7
     |              [128, 16, 16]             from main, line 5
  help: skip needs a projection: in -> conv(c, 1, stride = s)
"""
    )


def test_a_narrow_page() -> None:
    assert (
        show(ADD, width=44)
        == """\
error[ARCH203]: add: inputs differ in shape
  --> specs/resnet_ra.arch:8:10
    in Basic(c=128, s=2), used at 19:16 as
      net.s2.b2
   8 |   out  = add(main, skip) -> relu
     |          ^^^ ----  ----
     |      [64, 32, 32]   from skip, line 7
     |       [128, 16, 16] from main, line 5
  help: skip needs a projection: in ->
        conv(c, 1, stride = s)
"""
    )


def test_labels_on_other_lines_and_in_other_files() -> None:
    blocks = Source("blocks.arch", "def A() {}\ndef B() {}\n")
    fault = Diagnostic(
        "ARCH101",
        "`s2` is defined twice",
        Label(find("s2"), "again here"),
        (
            Label(find("s1"), "first here"),
            Label(find("input"), "seen"),
            Label(find("model"), "of this model"),
            Label(Span(blocks, 15, 16), "and here"),
        ),
        notes=("a name stands for one thing", "two\nlines"),
        severity=Severity.WARNING,
    )
    assert (
        show(fault)
        == """\
warning[ARCH101]: `s2` is defined twice
  --> specs/resnet_ra.arch:18:9
   11 | model ResNet {
      | ----- of this model
   12 |   input [3, 32, 32]
      |   ----- seen
   13 |
   14 |   stage s1 {
      |         -- first here
   ...
   18 |   stage s2 {
      |         ^^ again here
  --> blocks.arch:2:5
    2 | def B() {}
      |     - and here
  note: a name stands for one thing
  note: two
        lines
"""
    )


def test_the_chain_of_uses_is_aligned_and_cut() -> None:
    other = Source("nets.arch", "model M { Stage() }")
    use: Use | None = None
    for number in range(7, 2, -1):
        use = Use(Span(other, 10, 15), f"Outer{number}()", f"m{number}", use)
    use = Use(find("Basic", "Basic(64"), "Stage(n=1)", "", use)
    use = Use(BASIC.span, BASIC.what, BASIC.path, use)
    assert (
        show(Diagnostic("ARCH200", "wrong", Label(find("main")), use=use))
        == """\
error[ARCH200]: wrong
  --> specs/resnet_ra.arch:5:3   in Basic(c=128, s=2), used at 19:16 as net.s2.b2
                                 in Stage(n=1), used at 15:16
                                 in Outer3(), used at nets.arch:1:11 as m3
                                 in Outer4(), used at nets.arch:1:11 as m4
                                 in Outer5(), used at nets.arch:1:11 as m5
                                 and 2 more
   5 |   main = in -> conv(c, 3, stride = s, bias = false) -> batchnorm -> relu
     |   ^^^^
"""
    )


@pytest.mark.parametrize(
    ("text", "start", "end", "rows"),
    [
        ("a b c", 2, 3, ["   1 | a b c", "     |   ^ here"]),
        ("a b c", 2, 2, ["   1 | a b c", "     |   ^ here"]),
        ("", 0, 0, ["   1 |", "     | ^ here"]),
        ("ab\r\nc", 2, 4, ["   1 | ab", "     |   ^ here"]),
        ("ab\n", 3, 3, ["   2 |", "     | ^ here"]),
        ("  a {\n  b\n}", 4, 11, ["   1 |   a {", "     |     ^ here (to line 3)"]),
        ("\ta\tb", 3, 4, ["   1 |     a    b", "     |          ^ here"]),
        ("\ta", 0, 2, ["   1 |     a", "     | ^^^^^ here"]),
        ("層 = 畳み込み(", 4, 8, ["   1 | 層 = 畳み込み(", "     |      ^^^^^^^^ here"]),
        ("e\u0301x", 2, 3, ["   1 | e\u0301x", "     |  ^ here"]),
        ("a\x1b[31mb", 6, 7, ["   1 | a\\x1b[31mb", "     |          ^ here"]),
        ("a\u202eb\ufe0f", 1, 2, ["   1 | a\\u202eb\\ufe0f", "     |  ^^^^^^ here"]),
        ("a\ud800", 1, 2, ["   1 | a\\ud800", "     |  ^^^^^^ here"]),
    ],
)
def test_one_span(text: str, start: int, end: int, rows: list[str]) -> None:
    source = Source("f", text)
    fault = Diagnostic("X", "m", Label(Span(source, start, end), "here"))
    assert show(fault).splitlines()[2:] == rows


@pytest.mark.parametrize(
    ("labels", "rows"),
    [
        # (start, end, text), the primary first
        ([(0, 5, ""), (2, 3, "b")], ["^^^^^", "  b"]),
        ([(0, 5, "all"), (2, 3, "b")], ["^^^^^ all", "  b"]),
        ([(4, 5, "c"), (0, 5, "all")], ["----^ c", "all"]),
        ([(0, 1, "a"), (2, 3, "b"), (4, 5, "c")], ["^ - - c", "  b", "a"]),
        ([(0, 1, "a"), (0, 1, "same")], ["^ a", "same"]),
        ([(2, 3, ""), (4, 5, "")], ["  ^ -"]),
        ([(2, 5, "")], ["  ^^^"]),
    ],
)
def test_labels_on_one_line(labels: list[tuple[int, int, str]], rows: list[str]) -> None:
    source = Source("f", "a b c\nd\n")
    primary, *others = (Label(Span(source, a, b), text) for a, b, text in labels)
    shown = show(Diagnostic("X", "m", primary, tuple(others))).splitlines()
    assert [row.removeprefix("     | ") for row in shown[3:]] == rows


def test_a_long_line_is_cut_to_a_window_around_the_span() -> None:
    source = Source("f", "".join(f"{n:03} " for n in range(1000)))
    middle, far = Label(Span(source, 2000, 2003), "here"), Label(Span(source, 8, 11), "there")
    assert show(Diagnostic("X", "m", middle), width=40).splitlines()[2:] == [
        "   1 | …6 497 498 499 500 501 502 503 5…",
        "     |                ^^^ here",
    ]
    assert show(Diagnostic("X", "m", middle, (far,)), width=40).splitlines()[2:] == [
        "   1 | …6 497 498 499 500 501 502 503 5…",
        "     | -              ^^^ here",
        "     | there",
    ]
    assert show(Diagnostic("X", "m", far, (middle,)), width=40).splitlines()[2:] == [
        "   1 | 000 001 002 003 004 005 006 007…",
        "     |         ^^^                    -",
        "     |                              here",
        "     |         there",
    ]
    assert max(map(len, show(Diagnostic("X", "m", middle)).splitlines())) < 1100


def test_without_a_place_there_is_no_snippet() -> None:
    fault = Diagnostic("ARCH601", "no such\tfile: \x1b[2Jdata\n", None, (), ("n",), "get it")
    assert (
        show(fault, ADD)
        == r"""error[ARCH601]: no such\tfile: \x1b[2Jdata\n
  note: n
  help: get it

"""
        + show(ADD)
    )
    assert render_text([]).plain == ""


def test_a_console_prints_it_unchanged() -> None:
    text = render_text([ADD, ADD])
    plain, colour = io.StringIO(), io.StringIO()
    Console(file=plain, width=30).print(text, soft_wrap=True)
    assert plain.getvalue() == show(ADD, ADD)
    console = Console(file=colour, width=30, force_terminal=True, color_system="standard")
    console.print(text, soft_wrap=True)
    assert "\x1b[1;31merror[ARCH203]\x1b[0m" in colour.getvalue()
    assert "\x1b[1;31m^^^\x1b[0m" in colour.getvalue()


def test_a_thousand_take_less_than_a_second() -> None:
    start = process_time()
    render_text([ADD] * 1000, 80)
    assert process_time() - start < 1


def test_summary() -> None:
    warning = Diagnostic("X", "m", severity=Severity.WARNING)
    note = Diagnostic("X", "m", severity=Severity.NOTE)
    assert summary([]) == ""
    assert summary([ADD]) == "1 error"
    assert summary([warning, ADD, ADD]) == "2 errors, 1 warning"
    assert summary([warning, note, note, warning]) == "2 warnings, 2 notes"
