"""PDF, PNG and DOT of sample drawings (test K), and how they look beside the drawing itself."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from dataclasses import replace
from math import dist
from pathlib import Path

import pytest
import sample_drawings

from archdsl.backends.figures.characters import cleaned
from archdsl.backends.figures.curves import HEAD_LENGTH, head, shaft
from archdsl.backends.figures.dot import write_dot
from archdsl.backends.figures.drawing import Box, Drawing, Edge, Role, Table, Text, plain, straight
from archdsl.backends.figures.notation import page_size
from archdsl.backends.figures.painting import Request, paint, paint_all
from archdsl.backends.figures.pdf import fix_dates
from archdsl.backends.figures.pen import Pen, pens
from archdsl.backends.figures.theme import DARK, LIGHT

GOLDEN = Path(__file__).with_name("block.dot")
PENS = pytest.mark.parametrize(
    "with_pen", pens(), ids=lambda one: "program" if one.program else "wheel"
)


def asked(program: str, pdf: Path, *arguments: str) -> str:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    options = [a for a in arguments if len(a) > 1]
    command = [program, *options, pdf, *(a for a in arguments if a == "-")]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return run.stdout


@pytest.fixture(params=pens(), ids=lambda one: "program" if one.program else "wheel")
def pdf(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    file = tmp_path / "figure.pdf"
    file.write_bytes(paint(sample_drawings.overview(), ["pdf"], pen=request.param)["pdf"])
    return file


def test_the_page_is_as_large_as_the_figure(pdf: Path) -> None:
    found = re.search(r"Page size: +([\d.]+) x ([\d.]+) pts", asked("pdfinfo", pdf))
    assert found is not None
    drawing = sample_drawings.overview()
    assert (float(found[1]), float(found[2])) == page_size(drawing)
    assert abs(float(found[1]) - drawing.width) < 1 and abs(float(found[2]) - drawing.height) < 1


def test_fonts_are_embedded_as_subsets(pdf: Path) -> None:
    fonts = asked("pdffonts", pdf).splitlines()[2:]
    assert len(fonts) >= 3
    for font in fonts:
        assert re.match(r"[A-Z]{6}\+DejaVuSans", font)
        assert re.search(r"yes +yes +yes +\d+ +\d+$", font), font


def test_there_is_no_bitmap(pdf: Path) -> None:
    assert asked("pdfimages", pdf, "-list").splitlines()[2:] == []


def test_every_text_can_be_selected(pdf: Path) -> None:
    said = re.sub(r"\s", "", asked("pdftotext", pdf, "-"))
    drawing = sample_drawings.overview()
    lines = [item.line for item in drawing.items if isinstance(item, Text)]
    for box in drawing.boxes():
        if isinstance(box, Box):
            lines += box.lines
        else:
            lines += [box.header, *(row.left for row in box.rows), *(r.right for r in box.rows)]
    assert len(lines) > 40
    for line in lines:
        for run in line:
            assert re.sub(r"\s", "", run.text) in said, plain(line)


def test_dates_are_written_over_in_place() -> None:
    before = b"<< /CreationDate (D:20261128085909+01'00)\n/ModDate(D:20261128085909Z) >>"
    after = fix_dates(before)
    assert len(after) == len(before)
    assert after == b"<< /CreationDate (D:19800101000000+00'00)\n/ModDate(D:19800101000000Z) >>"
    assert fix_dates(b"/Title (D:2026)") == b"/Title (D:2026)"


@PENS
def test_the_pdf_has_no_date_of_its_own(with_pen: Pen) -> None:
    data = paint(sample_drawings.block(), ["pdf"], pen=with_pen)["pdf"]
    assert re.findall(rb"Date \(D:\d+", data) == [b"Date (D:19800101000000"]


@PENS
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_png_has_three_pixels_a_point_on_the_ground_of_its_theme(
    with_pen: Pen, theme: str
) -> None:
    drawing = sample_drawings.block()
    data = paint(drawing, ["png"], theme=theme, pen=with_pen)["png"]
    width, height = struct.unpack(">II", data[16:24])
    assert (width, height) == tuple(3 * side for side in page_size(drawing))
    image = pytest.importorskip("PIL.Image")
    from io import BytesIO

    with image.open(BytesIO(data)) as picture:
        ground = {"light": (255, 255, 255, 255), "dark": (13, 17, 23, 255)}[theme]
        for corner in ((0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1)):
            assert picture.convert("RGBA").getpixel(corner) == ground


def test_several_drawings_are_drawn_in_one_go() -> None:
    overview, block = sample_drawings.overview(), sample_drawings.block()
    both = paint_all([Request(overview, ["svg", "pdf"]), Request(block, ["svg"], prefix="b-")])
    assert both == [paint(overview, ["svg", "pdf"]), paint(block, ["svg"], prefix="b-")]


def test_dot_source_is_as_it_was(request: pytest.FixtureRequest) -> None:
    """Whoever changes it on purpose rewrites the file with ``pytest --update``."""
    source = write_dot(sample_drawings.block())
    if request.config.getoption("--update"):
        GOLDEN.write_text(source, encoding="utf-8")
    assert source == GOLDEN.read_text(encoding="utf-8")


def test_numbers_are_rounded_and_colours_are_those_of_the_theme() -> None:
    source = write_dot(sample_drawings.overview(), DARK)
    for position in re.findall(r'pos="([^"]*)"', source):
        assert re.fullmatch(r"(e,)?(-?\d+(\.\d{1,2})?[, ]?)+", position)
    known = {colour for colours in DARK.colours() for colour in colours.values()}
    assert set(re.findall(r"#[0-9A-Fa-f]{6}", source)) <= known


def test_colours_and_fonts_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = replace(LIGHT, text='#111111" onload="alert(1)')
    with pytest.raises(ValueError, match="is no colour"):
        write_dot(sample_drawings.block(), bad)
    monkeypatch.setattr("archdsl.backends.figures.fonts.FAMILY", 'Arial" onload="alert(1)')
    with pytest.raises(ValueError, match="is no name of a font"):
        write_dot(sample_drawings.block())


def test_an_edge_between_things_that_are_not_drawn_has_ends_that_are_not_seen() -> None:
    drawing = Drawing(
        "D", "full", 50, 50, (Edge("no", "where", straight((5, 5), (45, 45))),), "An arrow."
    )
    assert write_dot(drawing).count("style=invis") == 3  # and the page
    assert paint(drawing, ["svg"])["svg"].count(b"<path") == 2


@pytest.mark.parametrize("edge", [i for i in sample_drawings.block().items if isinstance(i, Edge)])
def test_arrows_end_where_their_edges_do(edge: Edge) -> None:
    corners, line = head(edge), shaft(edge)
    assert corners is not None
    assert corners[1] == edge.points[-1]
    assert dist(line[-1], corners[1]) == pytest.approx(HEAD_LENGTH, abs=0.001)
    assert line[0] == edge.points[0]
    middle = ((corners[0][0] + corners[2][0]) / 2, (corners[0][1] + corners[2][1]) / 2)
    assert middle == pytest.approx(line[-1])


def test_a_short_edge_has_a_short_arrow() -> None:
    edge = Edge("a", "b", straight((0, 0), (4, 0)))
    assert shaft(edge)[-1][0] == pytest.approx(1.2, abs=0.001)
    assert head(Edge("a", "a", straight((1, 1), (1, 1)))) is None
    assert head(replace(edge, arrow=False)) is None


def test_a_tap_has_a_dot_where_a_copy_is_taken_and_not_within_its_lane() -> None:
    box = Box("a", Role.CONV, 10, 10, 10, 10, ())
    vector = Table("v", Role.MAP, 40, 10, 20, (), ())
    tap = Edge("a", "v", straight((15, 10), (30, 10)), "tap")
    lane = Edge("v", "a", straight((30, 15), (15, 15)), "tap")
    svg = paint(Drawing("D", "full", 60, 30, (box, vector, tap, lane), "d"), ["svg"])["svg"]
    assert svg.count(b"<circle") == 1


def test_characters_that_no_figure_can_hold_are_replaced() -> None:
    assert cleaned("a\x00\u202e\ud800\uffff\u2028b") == "a" + 5 * "\ufffd" + "b"
    assert cleaned("ä ∈ 网络 🙂") == "ä ∈ 网络 🙂"
    assert len(cleaned("x" * 10_000)) == 300
