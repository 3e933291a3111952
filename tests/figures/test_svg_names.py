"""Names may hold anything, and stay names (test I)."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from archdsl.backends.figures.drawing import (
    Box,
    Drawing,
    Edge,
    Frame,
    Role,
    Row,
    Run,
    Table,
    Text,
    straight,
)
from archdsl.backends.figures.painting import Request, paint, paint_all
from archdsl.backends.figures.pen import Pen, pens

NS = "{http://www.w3.org/2000/svg}"
ELEMENTS = {"svg", "title", "desc", "style", "g", "rect", "circle", "path", "text"}
ATTRIBUTES = set(
    "aria-labelledby class cx cy d fill font-family font-size font-style font-weight height id "
    "lengthAdjust r role rx stroke stroke-dasharray stroke-width textLength viewBox width x "
    "y".split()
)
NASTY = [
    "", " ", "  two  blanks ", "\x00", "\\", "\\N\\G\\L\\E", "&#60;b&#62; &amp;lt;", "<b>x</b>",
    "<", "<script>alert(1)</script>", '" onload="alert(1)', "' onload='alert(1)", "]]>", "--><g>",
    '<<TABLE><TR><TD HREF="javascript:alert(1)">x</TD></TR></TABLE>>', '<IMG SRC="/etc/passwd"/>',
    "x" * 10_000, "\u202edlrow", "a\nb\tc\r", "\ufffe\uffff", "\ud800", "é\u0301\u0301\u0301",
    "网络", "🙂\u200d🙂", "a:b:n", "{x|y}", "digraph", "node", "%d %s", "\u2028", "</svg>", "<!--",
    "<?x?>",
]  # fmt: skip
NAMES = st.one_of(
    st.sampled_from(NASTY),
    st.text(st.characters(), max_size=30),
    st.lists(st.sampled_from(NASTY[:-1]), max_size=3).map("".join),
)


def drawing_of(names: list[str]) -> Drawing:
    """Return a drawing in which a name is whatever can have one."""
    a, b, c, d, e, f, g, h = names
    runs = (Run(a, bold=True), Run(b, italic=True), Run(c, sub=True), Run(d, muted=True))
    return Drawing(
        a,
        "full",
        400,
        200,
        (
            Frame("f", "plain", 5, 5, 380, 180, b),
            Box(c, Role.CONV, 100, 50, 90, 40, (runs, (Run(e),)), badge=f, sheets=1, title=g),
            Box("other", Role.OTHER, 100, 120, 20, 20, ((Run(h),),), "circle", title=a),
            Table(
                "table" + d, Role.MAP, 250, 60, 90, (Run(e),), (Row((Run(f),), (Run(g),)),), title=h
            ),
            Edge(c, "other", straight((100, 70), (100, 110))),
            Edge(e, f, straight((145, 50), (205, 50)), "tap"),
            Text(200, 150, runs, "start", g),
        ),
        h,
    )


def assert_safe(svg: bytes) -> None:
    root = ElementTree.fromstring(svg)
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(ids) == len(set(ids))
    classes = [g.get("class", "").split()[0] for g in root.iter(f"{NS}g")]
    assert (classes.count("node"), classes.count("edge"), classes.count("text")) == (3, 2, 1)
    for element in root.iter():
        assert element.tag.removeprefix(NS) in ELEMENTS
        assert set(element.attrib) <= ATTRIBUTES
        assert not any(
            "javascript:" in value or "url(" in value for value in element.attrib.values()
        )
    (style,) = root.iter(f"{NS}style")
    assert "figure-root" in (style.text or "") and "<" not in (style.text or "")


@settings(max_examples=25, deadline=None)
@given(st.lists(NAMES, min_size=8, max_size=8), st.sampled_from(pens()))
@example(["\\N"] * 8, pens()[-1])
@example(["x" * 10_000] * 8, pens()[0])
@example(['"><script>alert(1)</script>'] * 8, pens()[0])
def test_names_are_only_names(names: list[str], with_pen: Pen) -> None:
    assert_safe(paint(drawing_of(names), ["svg"], pen=with_pen)["svg"])


@pytest.mark.parametrize("with_pen", pens(), ids=lambda one: "program" if one.program else "wheel")
def test_every_nasty_name_can_be_drawn_in_every_format(with_pen: Pen) -> None:
    """All in one process: one that Graphviz cannot read would fail them all."""
    requests = [Request(drawing_of([name] * 8), ["svg", "pdf"], prefix=name[:20]) for name in NASTY]
    for files in paint_all(requests, pen=with_pen):
        assert_safe(files["svg"])
        assert files["pdf"].startswith(b"%PDF")


def test_a_name_is_shown_as_it_is_written() -> None:
    svg = paint(drawing_of(["<b>\\N</b> &#60; A  B"] * 8), ["svg"])["svg"]
    texts = [text.text for text in ElementTree.fromstring(svg).iter(f"{NS}text")]
    assert texts and set(texts) == {"<b>\\N</b> &#60; A\u00a0 B"}


def test_every_graphviz_shows_the_same() -> None:
    if len(pens()) < 2:
        pytest.skip("there is only one Graphviz")
    requests = [Request(drawing_of([name] * 8), ["svg"]) for name in NASTY]
    first, second = (paint_all(requests, pen=one) for one in pens())
    assert first == second
