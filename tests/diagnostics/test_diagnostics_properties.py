"""Whatever the text and the spans, all renderers hold their promises."""

import io
import json
import re

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from archdsl.diagnostics import Diagnostic, Edit, Fix, Label, Severity
from archdsl.diagnostics.concise import to_concise
from archdsl.diagnostics.diagnostic import said_at_length
from archdsl.diagnostics.escaping import visible
from archdsl.diagnostics.github import to_github
from archdsl.diagnostics.sarif import to_sarif
from archdsl.diagnostics.structured import to_json
from archdsl.diagnostics.text import render_text
from archdsl.source import Source, Span, Use

# Mostly what is hard: line breaks, tabs, wide and combining characters, escapes, surrogates.
texts = st.text(
    st.one_of(
        st.sampled_from("ab (){}->,=|^-…\n\n\r\t\t層é\u0301\u1100\u1161❤🇩\ufe0f\u200d"),
        st.sampled_from("\x00\x07\x08\x1b\x7f\x85\x9b\xa0\xad\u2028\u202e\u3000\ufeff\ud800\udc00"),
        st.sampled_from("\u200b\u2066\u2069\u061c\u115f\u3164\u2800\u034f\U000e0100%:,\\[]()"),
        st.characters(),
    ),
    max_size=60,
)
INVISIBLE = set("\ufe0f\u115f\u3164\u2800\u034f\U000e0100")
widths = st.none() | st.integers(-1, 120)


@st.composite
def spans(draw: st.DrawFn, sources: list[Source]) -> Span:
    source = draw(st.sampled_from(sources))
    offsets = st.integers(0, len(source.text))
    start, end = sorted((draw(offsets), draw(offsets)))
    return Span(source, start, end)


@st.composite
def diagnostics(draw: st.DrawFn) -> Diagnostic:
    sources = [Source(draw(texts), draw(texts)) for _ in range(draw(st.integers(1, 3)))]
    labels = st.builds(Label, spans(sources), texts)
    use = None
    for _ in range(draw(st.integers(0, 7))):
        use = Use(draw(spans(sources)), draw(texts), draw(texts), use)
    edits = st.lists(st.builds(Edit, spans(sources[:1]), texts), min_size=1, max_size=2)
    return Diagnostic(
        draw(texts),
        draw(texts),
        draw(st.none() | labels),
        tuple(draw(st.lists(labels, max_size=4))),
        tuple(draw(st.lists(texts, max_size=2))),
        draw(st.none() | texts),
        use,
        draw(st.sampled_from(Severity)),
        draw(st.none() | st.builds(Fix, texts, edits.map(tuple), st.booleans())),
    )


@settings(deadline=None)
@given(st.lists(diagnostics(), max_size=3), widths)
def test_text_never_fails_and_holds_no_raw_control_characters(
    faults: list[Diagnostic], width: int | None
) -> None:
    plain = render_text(faults, width).plain
    assert all(char == "\n" or char.isprintable() for char in plain)
    assert "\ufe0f" not in plain
    assert not INVISIBLE & set(plain)
    printed = io.StringIO()
    Console(file=printed, width=20).print(render_text(faults, width), soft_wrap=True)
    assert printed.getvalue() == plain + "\n"


@settings(deadline=None)
@given(st.lists(diagnostics(), min_size=1, max_size=2), st.integers(20, 60))
def test_nothing_but_a_path_is_wider_than_the_page(faults: list[Diagnostic], width: int) -> None:
    for line in render_text(faults, width).plain.split("\n"):
        if not line.startswith("  --> "):
            assert cell_len(line) <= width, line


def escaped(text: str) -> bool:
    """Whether no character of a text is one that a terminal or a log would obey, or hide."""
    return all(char == "\n" or char.isprintable() for char in text) and not INVISIBLE & set(text)


@settings(deadline=None)
@given(st.lists(diagnostics(), max_size=3))
def test_concise_is_one_line_each(faults: list[Diagnostic]) -> None:
    written = to_concise(faults)
    assert escaped(written)
    assert len(written.splitlines()) == len(faults)


@settings(deadline=None)
@given(st.lists(diagnostics(), max_size=3))
def test_a_workflow_command_is_one_line_that_says_what_was_meant(faults: list[Diagnostic]) -> None:
    written = to_github(faults)
    assert escaped(written)
    lines = written.splitlines()
    assert len(lines) == len(faults)
    for line, fault in zip(lines, faults, strict=True):
        # The grammar of the runner: ::command key=value,key=value::message
        match = re.fullmatch(r"::(error|warning|notice) ([^:]*)::(.*)", line)
        assert match is not None
        properties = dict(pair.split("=", 1) for pair in match[2].split(","))
        assert not set("".join(properties.values())) & set("\r\n:,")
        message = match[3]
        for escape, char in (("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
            message = message.replace(escape, char)
        said = said_at_length(fault).replace("\r\n", "\n")
        assert message == "\n".join(visible(row) for row in said.split("\n"))
        assert ("file" in properties) == (fault.primary is not None)


@settings(deadline=None)
@given(st.lists(diagnostics(), max_size=3))
def test_sarif_says_where_in_code_points(faults: list[Diagnostic]) -> None:
    written = to_sarif(faults)
    assert written.isascii()
    (run,) = json.loads(written)["runs"]
    assert run["columnKind"] == "unicodeCodePoints"
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    for fault, result in zip(faults, run["results"], strict=True):
        assert joined(rules[result["ruleIndex"]]) == joined(result["ruleId"]) == joined(fault.code)
        assert escaped(result["message"]["text"])
        places = [fault.primary] if fault.primary else []
        for label, location in zip(places, result.get("locations", []), strict=True):
            place = location["physicalLocation"]
            region = place["region"]
            position = label.span.source.position
            assert (region["startLine"], region["startColumn"]) == position(label.span.start)
            assert (region["endLine"], region["endColumn"]) == position(label.span.end)
            assert re.fullmatch(r"[A-Za-z0-9_.~/%:-]*", place["artifactLocation"]["uri"])
        uses = len(fault.use.chain()) if fault.use else 0
        assert len(result.get("relatedLocations", [])) == len(fault.labels) + uses


def cells(line: str) -> list[str]:
    """One entry for each cell: what starts there, with the combining characters after it."""
    row: list[str] = []
    for char in line:
        width = cell_len(char)
        if width == 0 and row:
            row[-1 if row[-1] else -2] += char
        row.extend([char, ""][:width])
    return row


def naive_shown(text: str) -> str:
    return "".join(
        " " * 4
        if char == "\t"
        else char
        if char.isprintable() and char != "\ufe0f"
        else char.encode("unicode_escape").decode()
        for char in text
    )


@settings(deadline=None)
@given(st.data(), st.text(st.sampled_from("ab \n\t層é\u0301\x1b\u202e"), max_size=120), widths)
def test_the_underline_is_below_what_it_marks(
    data: st.DataObject, text: str, width: int | None
) -> None:
    source = Source("f", text)
    span = data.draw(spans([source]))
    shown = render_text([Diagnostic("X", "m", Label(span))], width).plain + "\n"
    arrow, row, underline, *rest = shown[shown.index("  --> ") :].split("\n")
    line, column = source.position(span.start)
    assert arrow == f"  --> f:{line}:{column}"
    assert row.startswith(f"   {line} |")
    gutter = len(f"   {line} | ")
    shown, marks = row[gutter:], underline[gutter:].split(" to line ")[0]
    start, count = len(marks) - len(marks.lstrip()), marks.count("^")
    assert marks == " " * start + "^" * count
    before = source.line(line)[: column - 1]
    marked = text[span.start : span.end].split("\n")[0]
    if "…" not in shown:
        assert shown == naive_shown(source.line(line)).rstrip()
        assert start == cell_len(naive_shown(before))
        assert count == max(1, cell_len(naive_shown(marked)))
    else:
        room = max(10, (width or 0) - gutter)
        assert cell_len(shown) <= room
        assert start + count <= room
        # A combining character stands in the cell of what is before it, marked or not.
        under = "".join(cells(shown + " " * room)[start : start + count]).replace("\u0301", "")
        whole = naive_shown(marked).replace("\u0301", "")
        if not whole.strip():
            assert count == 1 or not under.strip(" …")
        elif under.rstrip() != whole.rstrip():
            assert under.endswith("…")
            assert whole.startswith(under[:-1])
    if "\n" in text[span.start : max(span.start, span.end - 1)]:
        assert "to line" in underline + "".join(rest)


@settings(deadline=None)
@given(st.lists(diagnostics(), max_size=3))
def test_json_parses_and_its_positions_are_those_of_the_source(faults: list[Diagnostic]) -> None:
    written = to_json(faults)
    assert written.isascii()
    assert written == to_json(faults)
    loaded = json.loads(written)
    assert len(loaded) == len(faults)
    for fault, read in zip(faults, loaded, strict=True):
        places = [(fault.primary.span if fault.primary else None, read)]
        places += zip((label.span for label in fault.labels), read["labels"], strict=True)
        for span, place in places:
            found = [place[key] for key in ("line", "column", "end_line", "end_column")]
            if span is None:
                assert found == [None] * 4
                assert place["file"] is None
            else:
                position = span.source.position
                assert found == [*position(span.start), *position(span.end)]
                assert joined(place["file"]) == joined(span.source.name)
        assert joined(read["message"]) == joined(fault.message)
        assert len(read["uses"]) == (len(fault.use.chain()) if fault.use else 0)


def joined(text: str) -> str:
    """Two surrogates that stand side by side are one character to JSON."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
