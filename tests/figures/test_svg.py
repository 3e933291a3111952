"""SVG: the same bytes from every Graphviz, nothing foreign in it, everything where it should be."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
import sample_drawings
from browser import open_browser, open_file

from archdsl.backends.figures import fonts
from archdsl.backends.figures.dot import write_dot
from archdsl.backends.figures.drawing import Box, Drawing, Edge, Frame, Role, Run, Table, Text
from archdsl.backends.figures.faults import FigureFault
from archdsl.backends.figures.notation import names, page_size
from archdsl.backends.figures.painting import paint
from archdsl.backends.figures.pen import Job, Pen, draw, pens
from archdsl.backends.figures.svg import harden
from archdsl.backends.figures.theme import DARK, LIGHT

NS = "{http://www.w3.org/2000/svg}"
DRAWINGS = [sample_drawings.overview(), sample_drawings.block()]
EACH = pytest.mark.parametrize("drawing", DRAWINGS, ids=lambda drawing: drawing.name)
PENS = pytest.mark.parametrize(
    "with_pen", pens(), ids=lambda one: "program" if one.program else "wheel"
)
KNOWN = {"svg", "title", "desc", "style", "g", "rect", "circle", "path", "text"}


def svg_of(drawing: Drawing, prefix: str = "") -> Element:
    return ElementTree.fromstring(paint(drawing, ["svg"], prefix=prefix)["svg"])


def groups(root: Element, of: str) -> list[Element]:
    return [g for g in root.iter(f"{NS}g") if of in g.get("class", "").split()]


def title(group: Element) -> str | None:
    return group.findtext(f"{NS}title")


@EACH
@pytest.mark.parametrize("theme", ["light", "dark", "auto"])
def test_every_graphviz_makes_the_same_bytes(drawing: Drawing, theme: str) -> None:
    if len(pens()) < 2:
        pytest.skip("there is only one Graphviz")
    first, second = (paint(drawing, ["svg"], theme=theme, pen=one)["svg"] for one in pens())
    assert first == second


@EACH
def test_there_is_nothing_foreign_in_it(drawing: Drawing) -> None:
    text = paint(drawing, ["svg"])["svg"].decode()
    for bad in ("<!--", "<!DOCTYPE", "<?xml", "raphviz", "href", "baseline-shift", "transform"):
        assert bad not in text
    assert not re.search(r"\b20\d\d-|/usr|/home|/tmp", text)
    assert {e.tag.removeprefix(NS) for e in ElementTree.fromstring(text).iter()} <= KNOWN


@EACH
def test_it_says_what_it_is(drawing: Drawing) -> None:
    root = svg_of(drawing, "p-")
    assert root.get("role") == "img"
    said = [root.find(f"*[@id='{id}']") for id in root.get("aria-labelledby", "").split()]
    assert [e.text for e in said if e is not None] == [drawing.name, drawing.description]
    width, height = page_size(drawing)
    assert root.get("viewBox") == f"0 0 {width} {height}"
    assert (root.get("width"), root.get("height")) == (f"{width}pt", f"{height}pt")


@EACH
def test_every_item_is_a_group_that_can_be_found(drawing: Drawing) -> None:
    root = svg_of(drawing, "p-")
    found = {g.get("id"): g for g in root.iter(f"{NS}g")}
    for box in drawing.boxes():
        group = found[f"p-{box.id}"]
        assert group.get("class") == f"node r-{box.role}"
        assert title(group) == box.title or not box.title
    edges = [item for item in drawing.items if isinstance(item, Edge)]
    for n, edge in enumerate(edges):
        assert found[f"p-edge{n}"].get("class") == f"edge k-{edge.kind}"
    assert len(groups(root, "node")) == len(list(drawing.boxes()))
    assert len(groups(root, "edge")) == len(edges)
    for of, kind in (("frame", Frame), ("text", Text)):
        assert len(groups(root, of)) == sum(isinstance(i, kind) for i in drawing.items)


@EACH
def test_ids_are_unique_and_have_the_prefix(drawing: Drawing) -> None:
    ids = [e.get("id") for e in svg_of(drawing, "left-").iter() if e.get("id")]
    assert len(ids) == len(set(ids)) > 10
    assert all(id is not None and id.startswith("left-") for id in ids)


def test_items_of_one_name_have_ids_of_their_own() -> None:
    box = Box("edge0", Role.CONV, 20, 20, 20, 10, ((Run("a"),),))
    edge = Edge("edge0", "edge0", ((0, 0), (1, 0), (2, 0), (9, 0)))
    drawing = Drawing("D", "full", 40, 40, (box, replace(box, x=5), edge), "Twice the same.")
    ids = [g.get("id") for g in svg_of(drawing).iter(f"{NS}g")]
    assert len(ids) == len(set(ids)) == 3


@EACH
def test_texts_are_as_wide_as_they_were_measured(drawing: Drawing) -> None:
    root = svg_of(drawing)
    texts = list(root.iter(f"{NS}text"))
    assert len(texts) > 5
    for text in texts:
        bold, italic = text.get("font-weight") == "bold", text.get("font-style") == "italic"
        run = Run(text.text or "", float(text.get("font-size", "0")), bold=bold, italic=italic)
        assert float(text.get("textLength", "0")) == pytest.approx(fonts.run_width(run), abs=0.03)


@EACH
def test_texts_of_boxes_lie_within_them(drawing: Drawing) -> None:
    root = svg_of(drawing)
    for box in drawing.boxes():
        (group,) = (g for g in groups(root, "node") if g.get("id") == box.id)
        for text in group.iter(f"{NS}text"):
            x, y, size, width = (
                float(text.get(name, "")) for name in ("x", "y", "font-size", "textLength")
            )
            assert box.left < x and x + width < box.right
            assert box.top < y - 0.73 * size and y < box.bottom


def test_a_subscript_is_a_smaller_text_below_the_line() -> None:
    root = svg_of(sample_drawings.overview())
    (group,) = (g for g in groups(root, "node") if g.get("id") == "v1")
    letter, number, length = group.iter(f"{NS}text")
    assert (letter.text, number.text, length.text) == ("v", "1", "512")
    assert float(number.get("y", "")) - float(letter.get("y", "")) > 1
    assert float(number.get("font-size", "")) < 0.8 * float(letter.get("font-size", ""))
    assert float(letter.get("x", "")) < float(number.get("x", "")) < float(length.get("x", ""))


@PENS
@EACH
def test_things_are_where_graphviz_drew_them(drawing: Drawing, with_pen: Pen) -> None:
    """So PDF and PNG, in which nothing is put right, look the same."""
    raw = draw([Job(write_dot(drawing), "svg")], pen=with_pen).files[0]
    drawn = {g.get("id"): g for g in ElementTree.fromstring(raw).iter(f"{NS}g")}
    height = page_size(drawing)[1]
    compared = 0
    for item, name in zip(drawing.items, names(drawing), strict=True):
        if isinstance(item, Box | Table | Frame):
            left, top, right, bottom = extent(drawn[name])
            found = (left, top + height, right, bottom + height)
            wanted = (item.left, item.top, item.right, item.bottom)
            assert found == pytest.approx(wanted, abs=0.51), name  # 2.43 has whole points
            compared += 1
    assert compared > 4
    root = ElementTree.fromstring(harden(raw, drawing))
    texts = list(root.iter(f"{NS}text"))
    raw_texts = list(ElementTree.fromstring(raw).iter(f"{NS}text"))
    assert len(texts) == len(raw_texts)
    for one, other in zip(in_order(texts), in_order(raw_texts, height), strict=True):
        assert one[0] == other[0]
        # Graphviz moves pairs such as AV closer, so some texts start later.
        assert one[1] == pytest.approx(other[1], abs=2.6)
        assert one[2] == pytest.approx(other[2], abs=1.1)


def in_order(texts: list[Element], dy: float = 0) -> list[tuple[str, float, float]]:
    return sorted(
        ((t.text or "").replace("\u00a0", " "), float(t.get("x", "")), float(t.get("y", "")) + dy)
        for t in texts
    )


def extent(group: Element) -> tuple[float, float, float, float]:
    xs: list[float] = []
    ys: list[float] = []
    for shape in group.iter():
        if shape.tag == f"{NS}ellipse":
            cx, cy, rx, ry = (float(shape.get(name, "")) for name in ("cx", "cy", "rx", "ry"))
            xs += [cx - rx, cx + rx]
            ys += [cy - ry, cy + ry]
        numbers = list(map(float, re.findall(r"-?[\d.]+", shape.get("d", shape.get("points", "")))))
        xs += numbers[::2]
        ys += numbers[1::2]
    return min(xs), min(ys), max(xs), max(ys)


def paints(root: Element) -> Iterator[str]:
    for element in root.iter():
        for name in ("fill", "stroke"):
            if (value := element.get(name, "none")) != "none":
                yield value


@EACH
def test_every_colour_turns_dark_where_that_is_preferred(drawing: Drawing) -> None:
    root = svg_of(drawing, "p-")
    (style,) = (e.text or "" for e in root.iter(f"{NS}style"))
    assert style.startswith("@media (prefers-color-scheme: dark){#p-figure-root [fill=")
    assert style.endswith("}}")
    for colour in set(paints(root)):
        assert f'="{colour}"]' in style
    for theme in ("light", "dark"):
        assert b"<style" not in paint(drawing, ["svg"], theme=theme)["svg"]


def test_a_dashed_box_is_dashed_and_a_round_one_round() -> None:
    root = svg_of(sample_drawings.block())
    shapes = {g.get("id"): g.findall(f"{NS}rect") for g in groups(root, "node")}
    assert shapes["b.pool"][0].get("stroke-dasharray") and not shapes["b.pool"][0].get("rx")
    assert shapes["b.conv"][0].get("rx") and not shapes["b.conv"][0].get("stroke-dasharray")
    assert groups(root, "r-other")[0].find(f"{NS}circle") is not None


def test_sheets_lie_behind_their_box() -> None:
    root = svg_of(sample_drawings.overview())
    (group,) = (g for g in groups(root, "node") if g.get("id") == "backbone.s1")
    xs = [float(rect.get("x", "")) for rect in group.findall(f"{NS}rect")]
    assert [round(x - xs[2], 2) for x in xs] == [4.8, 2.4, 0]


def test_a_table_has_a_header_of_its_own_colour() -> None:
    root = svg_of(sample_drawings.overview())
    (group,) = (g for g in groups(root, "node") if g.get("id") == "map.shallow")
    body, header = group.findall(f"{NS}rect")
    assert (header.get("fill"), header.get("height")) == (LIGHT.header.lower(), "14")
    assert body.get("fill") == LIGHT.roles[Role.MAP].fill.lower()
    assert Counter(t.get("fill") for t in group.iter(f"{NS}text"))[LIGHT.muted.lower()] == 3


def test_what_graphviz_left_out_is_a_fault() -> None:
    drawing = sample_drawings.block()
    raw = draw([Job(write_dot(drawing), "svg")]).files[0]
    with pytest.raises(FigureFault, match=r"ARCH702: .* its picture lacks b\.conv2"):
        harden(raw.replace(b'id="b.conv2"', b'id="elsewhere"'), drawing)
    with pytest.raises(FigureFault, match=r"ARCH702: .* is no XML"):
        harden(raw[:-9], drawing)
    with pytest.raises(FigureFault, match="lacks frame0"):
        harden(raw, drawing, prefix="other-")


def test_a_browser_shows_the_theme_that_its_reader_prefers(tmp_path: Path) -> None:
    driver = open_browser()
    file = tmp_path / "figure.svg"
    file.write_bytes(paint(sample_drawings.overview(), ["svg"])["svg"])
    found = []
    for preferred in ("light", "dark"):
        feature = {"name": "prefers-color-scheme", "value": preferred}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        open_file(driver, file)
        found.append(driver.execute_script(_LOOKS))
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    for theme, colours in zip((LIGHT, DARK), found, strict=True):
        conv, tap = theme.roles[Role.CONV], theme.tap
        wanted = [theme.background, conv.fill, conv.line, conv.badge, tap, theme.text]
        assert colours == [rgb(colour) for colour in wanted]


_LOOKS = """
const look = (path, name) => getComputedStyle(document.querySelector(path))[name];
const box = "[id='backbone.s1'] ";
return [look(".ground", "fill"), look(box + "rect", "fill"), look(box + "rect", "stroke"),
        look(box + "text:last-child", "fill"), look(".k-tap path", "stroke"),
        look(box + "text", "fill")];
"""


def rgb(colour: str) -> str:
    return "rgb({}, {}, {})".format(*(int(colour[i : i + 2], 16) for i in (1, 3, 5)))


@EACH
def test_texts_are_shown_as_wide_as_they_were_measured(drawing: Drawing, tmp_path: Path) -> None:
    """Whatever font the browser has: textLength stretches or squeezes it."""
    driver = open_browser()
    file = tmp_path / "figure.svg"
    svg = paint(drawing, ["svg"])["svg"]
    for family in (b"DejaVu Sans", b"serif"):
        file.write_bytes(svg.replace(b"DejaVu Sans", family))
        open_file(driver, file)
        widths = driver.execute_script(_WIDTHS)
        assert len(widths) > 5
        for text, shown, wanted in widths:
            assert shown == pytest.approx(wanted, abs=0.8), text  # italics lean over


_WIDTHS = """
return [...document.querySelectorAll("text")].map(text =>
    [text.textContent, text.getBBox().width, Number(text.getAttribute("textLength"))]);
"""
