"""Sources and spans: positions agree with counting by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.source import Source, Span, Use

texts = st.text(st.sampled_from("ab層\n\n\r\t\u2028\x0c"), max_size=40)


def naive_lines(text: str) -> list[str]:
    """Only a newline ends a line, and a carriage return before it belongs to it."""
    *ended, last = text.split("\n")
    return [line.removesuffix("\r") for line in ended] + [last]


@settings(deadline=None)
@given(texts)
def test_positions_and_lines_agree_with_counting(text: str) -> None:
    source = Source("f", text)
    line, column = 1, 1
    for offset in range(len(text) + 1):
        assert source.position(offset) == (line, column)
        line, column = (line + 1, 1) if text[offset : offset + 1] == "\n" else (line, column + 1)
    lines = naive_lines(text)
    assert [source.line(number) for number in range(1, len(lines) + 1)] == lines


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", [""]),
        ("a", ["a"]),
        ("a\n", ["a", ""]),
        ("a\nb", ["a", "b"]),
        ("a\r\nb\r\n", ["a", "b", ""]),
        ("\n\n", ["", "", ""]),
        ("a\rb\x0bc\x0cd\u2028e", ["a\rb\x0bc\x0cd\u2028e"]),
    ],
)
def test_lines(text: str, lines: list[str]) -> None:
    source = Source("f", text)
    assert [source.line(number) for number in range(1, len(lines) + 1)] == lines
    with pytest.raises(IndexError):
        source.line(len(lines) + 1)


@settings(deadline=None)
@given(texts, st.data())
def test_a_span_is_what_it_covers(text: str, data: st.DataObject) -> None:
    offsets = st.integers(0, len(text))
    start, end = sorted((data.draw(offsets), data.draw(offsets)))
    span = Span(Source("f", text), start, end)
    assert span.text == text[start:end]
    assert (span.line, span.column) == span.source.position(start)
    assert span.end_position == span.source.position(end)
    assert str(span) == f"f:{span.line}:{span.column}"
    middle = data.draw(st.integers(start, end))
    assert Span(span.source, start, middle).to(Span(span.source, middle, end)) == span


def test_a_chain_runs_from_the_innermost_use_outwards() -> None:
    span = Span(Source("f", "abc"), 0, 1)
    outer = Use(span, "Stage()", "net.s1")
    inner = Use(span, "Basic()", "net.s1.b1", outer)
    assert inner.chain() == (inner, outer)
    assert outer.chain() == (outer,)


def test_sources_are_compared_by_identity() -> None:
    assert Source("f", "a") != Source("f", "a")
    assert len({Source("f", "a"), Source("f", "a")}) == 2
