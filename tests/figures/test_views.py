"""Views of networks: what is drawn, and where; test letters are those of the design of figures."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from pages import PAPER, network
from subjects import NAMES, STRESS, compiled, subject

from archdsl.backends.figures.captions import shape_text
from archdsl.backends.figures.definitions import uses
from archdsl.backends.figures.drawing import (
    Box,
    Drawing,
    Edge,
    Table,
    Text,
    plain,
)
from archdsl.backends.figures.painting import paint
from archdsl.backends.figures.views import (
    SMALLEST,
    TWO_COLUMNS,
    View,
    default_view,
    draw,
    inside,
)
from archdsl.ir import Network

ALL = [*PAPER, *NAMES]


def of(name: str) -> Network:
    return network(name) if name in PAPER else subject(name)


def box_of(drawing: Drawing, id: str) -> Box | Table:
    (found,) = [box for box in drawing.boxes() if box.id == id]
    return found


@pytest.mark.parametrize("view", View)
@pytest.mark.parametrize("name", ALL)
def test_each_operator_is_drawn_once(name: str, view: View) -> None:
    """D: nothing is forgotten, nothing told twice; all steps share the weights of one LSTM."""
    net = of(name)
    counts = Counter(node for box in draw(net, view).boxes() for node in box.nodes)
    if net.aggregation is not None:
        assert counts.pop(net.aggregation.node) == len(net.aggregation.taps)
    assert set(counts.values()) == {1}
    dead = {node.id for node in net.nodes if node.params and node.id not in net.live}
    assert set(counts) == (net.live | dead) - {net.aggregation.node if net.aggregation else ""}


@pytest.mark.parametrize("view", View)
@pytest.mark.parametrize("name", ALL)
def test_badges_tell_how_many_are_folded(name: str, view: View) -> None:
    """D: so many uses of one def as a badge says, or so many operators of one kind."""
    net = of(name)
    for box in draw(net, view).boxes():
        if isinstance(box, Box) and box.badge:
            used = Counter(
                region.definition
                for region in net.regions
                if region.definition and any(n.startswith(region.path + ".") for n in box.nodes)
            )
            kinds = Counter(net.by_id[node].op for node in box.nodes)
            assert int(box.badge.removeprefix("×")) in {*used.values(), *kinds.values()}


@pytest.mark.parametrize("view", View)
@pytest.mark.parametrize("name", ALL)
def test_taps_and_steps_are_in_line(name: str, view: View) -> None:
    """A: a tap stands above its step (overview) or beside it; steps follow each other."""
    net = of(name)
    drawing = draw(net, view)
    if net.aggregation is None:
        return
    by_path = {tap.path: tap for tap in net.taps}
    steps = []
    for number, path in enumerate(net.aggregation.taps, 1):
        step = box_of(drawing, f"step{number}")
        (tapped,) = [b for b in drawing.boxes() if by_path[path].node in b.nodes]
        if view is View.OVERVIEW:
            assert abs(tapped.x - step.x) < 0.01 and tapped.bottom < step.top
            steps.append(step.x)
        else:
            assert abs(tapped.y - step.y) < 0.01 and tapped.right < step.left
            steps.append(step.y)
    assert steps == sorted(set(steps))


@pytest.mark.parametrize("view", View)
@pytest.mark.parametrize("name", ALL)
def test_lines_begin_and_end_at_their_boxes(name: str, view: View) -> None:
    """A: on the border, where an arrow's tip belongs."""
    drawing = draw(of(name), view)
    boxes = {box.id: box for box in drawing.boxes()}
    assert len(boxes) == sum(1 for _ in drawing.boxes())
    for edge in drawing.items:
        if isinstance(edge, Edge) and edge.source:
            assert on_border(boxes[edge.source], edge.points[0]), edge
            assert on_border(boxes[edge.target], edge.points[-1]), edge


def on_border(box: Box | Table, point: tuple[float, float]) -> bool:
    x, y = point
    within = box.left - 0.01 <= x <= box.right + 0.01 and box.top - 0.01 <= y <= box.bottom + 0.01
    sides = (x - box.left, box.right - x, y - box.top, box.bottom - y)
    return within and min(map(abs, sides)) < 0.01


@pytest.mark.parametrize("name", ALL)
def test_every_shape_is_told(name: str) -> None:
    """C: each shape that an operator makes stands in the full view; of a repetition, the last."""
    net = of(name)
    drawing = draw(net, View.FULL)
    told = {word for text in texts(drawing) for word in re.split(r"\s+", text)}
    folded = folded_nodes(drawing)
    for node in net.nodes:
        changes = all(net.by_id[before].shape != node.shape for before in node.inputs)
        if node.id in net.live and node.id not in folded and node.op != "lstm" and changes:
            assert shape_text(node.shape) in told, node.id


def folded_nodes(drawing: Drawing) -> set[str]:
    """Return the nodes of all but the last of several equal instances, and inner vectors."""
    hidden: set[str] = set()
    for box in drawing.boxes():
        hidden |= set(box.nodes[:-1])
    return hidden


def texts(drawing: Drawing) -> list[str]:
    found = []
    for item in drawing.items:
        if isinstance(item, Text):
            found.append(plain(item.line))
        elif isinstance(item, Box):
            found += map(plain, item.lines)
        elif isinstance(item, Table):
            found += [plain(side) for row in item.rows for side in (row.left, row.right)]
    return found


@pytest.mark.parametrize("name", ["vgg1_ra", "resnet_ra_c"])
def test_every_shape_is_in_the_pdf(name: str, tmp_path: Path) -> None:
    """C: as text that can be searched and copied."""
    net = of(name)
    (tmp_path / "figure.pdf").write_bytes(paint(draw(net, View.FULL), ["pdf"])["pdf"])
    run = subprocess.run(
        ["pdftotext", "-layout", "figure.pdf", "-"], cwd=tmp_path, capture_output=True, check=True
    )
    words = set(run.stdout.decode().split())
    shapes = {shape_text(n.shape) for n in net.nodes if n.id in net.live and len(n.shape) == 3}
    assert len(shapes) > 5 and shapes <= words


@pytest.mark.parametrize("name", ALL)
def test_an_overview_stays_small(name: str) -> None:
    """D: at most 60 boxes, whatever the network."""
    net = of(name)
    boxes = [b for b in draw(net, View.OVERVIEW).boxes() if not b.id.startswith("legend")]
    assert len(boxes) <= 60
    if name in ("vgg1_ra", "vgg2_ra", "vgg1", "vgg2"):
        taps = len(net.taps) if net.aggregation is not None else 0
        assert len(boxes) <= (6 + 4 * taps if taps else 12)
    if name == "resnet_ra":
        assert len(boxes) <= 20 and net.convolutions == 61


@pytest.mark.parametrize("name", ["vgg1_ra", "resnet_ra", "vgg2_ra"])
def test_text_is_readable_at_the_width_of_a_page(name: str) -> None:
    """G: at 7.16 inches the smallest shape is six points high."""
    drawing = draw(of(name), View.OVERVIEW)
    smallest = min(run.size for i in drawing.items if isinstance(i, Text) for run in i.line)
    assert smallest * TWO_COLUMNS / drawing.width >= SMALLEST
    assert drawing.advice == ()


def test_what_is_too_wide_says_what_to_draw_instead() -> None:
    """G: otherwise a note names another view."""
    (said,) = draw(subject("two taps a stage"), View.OVERVIEW).advice
    assert "--view full has 6." in said
    (said,) = draw(subject("inception_v3"), View.OVERVIEW).advice
    assert "other views are no larger" in said
    assert default_view(subject("eight stages")) is View.COLUMN
    assert default_view(network("vgg1_ra")) is View.OVERVIEW


@pytest.mark.parametrize("name", ALL)
def test_nothing_is_drawn_outside(name: str) -> None:
    for view in View:
        drawing = draw(of(name), view)
        for box in drawing.boxes():
            assert box.left >= 0 and box.top >= 0
            assert box.right <= drawing.width and box.bottom <= drawing.height


def test_a_drawing_is_the_same_each_time() -> None:
    for view in View:
        assert draw(network("resnet_ra_b"), view) == draw(network("resnet_ra_b"), view)


def test_reasons_are_told_below() -> None:
    drawing = draw(subject("allowed"), View.OVERVIEW)
    said = " ".join(texts(drawing))
    assert "RA001 allowed in Allowed:" in said and "in mehreren steht" in said


def test_long_names_are_cut_and_stand_in_the_tooltip() -> None:
    drawing = draw(subject("long names"), View.OVERVIEW)
    titles = [item for item in drawing.items if isinstance(item, Text) and item.title]
    assert any("…" in plain(item.line) and len(item.title) > 60 for item in titles)


def test_stress_has_what_the_issue_asks_for() -> None:
    counts = {len(subject(name).taps) for name in STRESS}
    assert {1, 3, 6, 8, 12} <= counts


def test_the_inside_of_a_def() -> None:
    net = network("resnet_ra")
    (first, *rest) = uses(net, "Basic")
    assert len(rest) == 29 and first.path == "backbone.s1.b1.basic.0"
    drawing = inside(net, first)
    told = texts(drawing)
    assert told.count("32×32×64") == 2 and "conv 3×3, 64" in told and "+" in told
    (projected,) = uses(net, "s2.b2.basic")
    assert "subsample /2" in texts(inside(net, projected))
    assert uses(net, "Bottleneck") == []


def test_what_grows_is_folded_with_its_growth() -> None:
    """A repetition in which channels are added is drawn once; it says how many there were."""
    told = texts(draw(subject("densenet121"), View.FULL))
    assert "×24" in told and "256 → 1024" in told


def test_a_network_wired_freely_is_drawn_nevertheless() -> None:
    told = texts(draw(subject("wired"), View.FULL))
    assert "wired freely" in told and "mapping: by hand" in told


FOREIGN = """arch 1
model Aggregated(classes = 10) {
  input [3, 64, 64]
  backbone torchvision("resnet18") frozen { tap layer2; tap layer3 as high; tap layer4 }
  aggregate lstm(hidden = 16)
  head { linear(classes) }
}
model Plain { input [3, 64, 64]; backbone torchvision("resnet18") }
"""


@pytest.mark.parametrize("view", View)
def test_backbones_from_elsewhere(view: View) -> None:
    pytest.importorskip("torchvision")
    drawing = draw(compiled(FOREIGN, "Aggregated"), view)
    told = texts(drawing)
    assert {"layer2", "high", "layer4"} <= set(told) and "torchvision, frozen" in " ".join(told)
    assert not any(isinstance(box, Box) and box.dashed for box in drawing.boxes())
    assert "8×8×128" in told and "2×2×512" in told
    plain = draw(compiled(FOREIGN, "Plain"), view)
    assert "1000" in texts(plain)


UNITS = """arch 1
def Mixer(c) {
  a = in -> conv(c, 1) -> relu
  b = add(a, a -> dwconv(7) -> gelu)
  out = add(b, b -> conv(4 * c, 1) -> gelu -> conv(c, 1) -> conv(c, 1))
}
def Unit(c, k) { x = in -> conv(c, k) -> relu -> conv(c, k); out = add(x, in) -> relu }
def Basic(c) { conv(c) -> batchnorm -> relu -> conv(c) -> relu }
def ASPP(c) {
  { conv(c, 1) | conv(c, dilation = 6, padding = 6) | gap_free(c) } -> concat -> conv(c, 1)
}
def gap_free(c) { avgpool(3, stride = 1, padding = 1) -> conv(c, 1) }
model Units(classes = 10) {
  input [3, 32, 32]
  backbone {
    stage class { block b1 { conv(16) -> Mixer(16) * 4 } -> maxpool(2) }
    stage s2 { block b1 { Unit(16, 3) * 3 -> Unit(16, 7) * 3 } -> maxpool(2) }
    stage s3 { block b1 { { conv(16, 1) | conv(16, 3) } -> add -> relu -> Basic(32) } }
  }
  head { ASPP(64) -> gap -> linear(classes) }
}
"""


def test_overviews_say_what_is_there() -> None:
    """Convolutions on the longest way, shortcuts only where there are some, runs of equal parts."""
    told = texts(draw(compiled(UNITS), View.OVERVIEW))
    assert "mixer 16" in told and "5 convs + 2 skips" in told
    assert told.count("unit 16") == 2 and told.count("2 convs + skip") == 2
    assert "2 branches" in told and "basic 32" in told and "residual 32" not in told
    assert "ASPP 64" in told and "4 convs · 3 branches" in told
    assert "class\xa0\xa032×32×16" in told


def test_captions_are_unambiguous() -> None:
    text = """arch 1
model Captions { input [8, 32, 32]; backbone {
  avgpool(2) -> avgpool(3, stride = 1, padding = 1) -> convtranspose(8, 2, stride = 2)
  conv(8, dilation = 2, padding = 2) -> pad(1) -> slice(0, 4) -> slice(2) -> split(2, 0) as a
  concat(a, a) } }
"""
    told = texts(draw(compiled(text), View.FULL))
    for said in ("avg pool 2×2 /2", "avg pool 3×3", "conv T 2×2 ↑2, 8", "dilation 2", "pad 1"):
        assert said in told, said
    assert "slice 0 to 4" in told and "slice 2 to end" in told and "of one tensor" in told
