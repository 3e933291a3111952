"""Whatever the text and the spans, both renderers hold their promises."""

import io
import json

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from archdsl.diagnostics import Diagnostic, Label, Severity
from archdsl.diagnostics.structured import to_json
from archdsl.diagnostics.text import render_text
from archdsl.source import Source, Span, Use

# Mostly what is hard: line breaks, tabs, wide and combining characters, escapes, surrogates.
texts = st.text(
    st.one_of(
        st.sampled_from("ab (){}->,=|^-…\n\n\r\t\t層é\u0301\u1100\u1161❤🇩\ufe0f\u200d"),
        st.sampled_from("\x00\x07\x08\x1b\x7f\x85\x9b\xa0\xad\u2028\u202e\u3000\ufeff\ud800\udc00"),
        st.characters(),
    ),
    max_size=60,
)
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
    return Diagnostic(
        draw(texts),
        draw(texts),
        draw(st.none() | labels),
        tuple(draw(st.lists(labels, max_size=4))),
        tuple(draw(st.lists(texts, max_size=2))),
        draw(st.none() | texts),
        use,
        draw(st.sampled_from(Severity)),
    )


@settings(deadline=None)
@given(st.lists(diagnostics(), max_size=3), widths)
def test_text_never_fails_and_holds_no_raw_control_characters(
    faults: list[Diagnostic], width: int | None
) -> None:
    plain = render_text(faults, width).plain
    assert all(char == "\n" or char.isprintable() for char in plain)
    assert "\ufe0f" not in plain
    printed = io.StringIO()
    Console(file=printed, width=20).print(render_text(faults, width), soft_wrap=True)
    assert printed.getvalue() == plain + "\n"


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
    _, arrow, row, underline, *rest = (
        render_text([Diagnostic("X", "m", Label(span))], width).plain + "\n"
    ).split("\n")
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
        room = max(20, (width or 0) - gutter)
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
