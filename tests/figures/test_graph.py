"""Free-form graphs: everything that is live, in as much detail as can be placed (test L)."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from archdsl.backends.figures import fonts, graph
from archdsl.backends.figures.digest import Cluster, Detail, digest
from archdsl.backends.figures.drawing import Box, Drawing, Edge, Frame, Role, Text
from archdsl.backends.figures.faults import FigureFault, graphviz_failed, nothing_to_draw_with
from archdsl.backends.figures.graph import graph_dot, graph_drawing
from archdsl.backends.figures.painting import paint
from archdsl.backends.figures.pen import Drawn, Job, Pen, pens
from archdsl.backends.figures.theme import DARK
from archdsl.compiler import compile_spec, load_spec
from archdsl.ir import Network

ROOT = Path(__file__).parents[2]
PENS = pytest.mark.parametrize(
    "with_pen", pens(), ids=lambda one: "program" if one.program else "wheel"
)


def network(name: str, **parameters: int) -> Network:
    return compile_spec(load_spec(ROOT / "specs" / f"{name}.arch"), parameters=parameters).network


def edges(drawing: Drawing) -> set[tuple[str, str]]:
    return {(item.source, item.target) for item in drawing.items if isinstance(item, Edge)}


@PENS
@pytest.mark.parametrize("name", ["vgg1_ra", "zoo/googlenet", "zoo/shufflenet_v2_x1_0"])
def test_every_live_operator_and_every_tensor_is_there(name: str, with_pen: Pen) -> None:
    model = network(name)
    drawing = graph_drawing(model, pen=with_pen)
    assert sorted(box.id for box in drawing.boxes()) == sorted(model.live)
    assert edges(drawing) == {
        (source, node.id) for node in model.nodes if node.id in model.live for source in node.inputs
    }
    assert [a for a in drawing.advice if "too many" in a] == []


def test_a_graph_for_screens_says_so_and_a_small_one_does_not() -> None:
    model = network("vgg1_ra")
    drawing = graph_drawing(model)
    inches = f"{drawing.width / 72:.1f} × {drawing.height / 72:.1f} in"
    assert drawing.height > 800 and len(drawing.advice) == 1
    assert drawing.advice[0].startswith(f"{inches} are for a screen, not for a page")
    assert graph_drawing(model, "backbone.s1.b1").advice == ()


def test_what_is_dead_is_not_drawn() -> None:
    """VGG-1-RA takes its last features before the last pool."""
    model = network("vgg1_ra")
    assert {n.id for n in model.nodes} >= model.live
    assert "maxpool" not in {n.rpartition(".")[2] for n in model.live if ".s3." in n}


@PENS
def test_boxes_do_not_overlap_and_edges_end_on_their_borders(with_pen: Pen) -> None:
    drawing = graph_drawing(network("zoo/googlenet"), pen=with_pen)
    boxes = {box.id: box for box in drawing.boxes()}
    placed = list(boxes.values())
    for i, one in enumerate(placed):
        assert one.left >= 0 and one.right <= drawing.width
        assert one.top >= 0 and one.bottom <= drawing.height
        for other in placed[:i]:
            beside = one.right <= other.left + 0.1 or other.right <= one.left + 0.1
            below = one.bottom <= other.top + 0.1 or other.bottom <= one.top + 0.1
            assert beside or below
    for edge in (item for item in drawing.items if isinstance(item, Edge)):
        target = boxes[edge.target]
        x, y = edge.points[-1]
        assert target.left - 1 <= x <= target.right + 1
        assert target.top - 1 <= y <= target.bottom + 1
        sides = (target.left, target.right, target.top, target.bottom)
        # Corners are round, so an edge to one ends a bit further in.
        assert min(abs(a - b) for a, b in zip((x, x, y, y), sides, strict=True)) < 3


@PENS
def test_titles_of_frames_are_crossed_by_no_edge(with_pen: Pen) -> None:
    drawing = graph_drawing(network("zoo/googlenet"), pen=with_pen)
    curves = [
        point
        for edge in drawing.items
        if isinstance(edge, Edge)
        for i in range(0, len(edge.points) - 3, 3)
        for point in sampled(edge.points[i : i + 4])
    ]
    titles = [item for item in drawing.items if isinstance(item, Text)]
    frames = [item for item in drawing.items if isinstance(item, Frame)]
    assert len(titles) > 0.9 * len(frames) > 5
    for title in titles:
        right = title.x + fonts.width(title.line)
        crossing = [p for p in curves if title.x < p[0] < right and abs(p[1] - title.y) < 4]
        assert not crossing, title.title
        assert any(f.left < title.x and right < f.right and f.top < title.y for f in frames)


def sampled(piece: tuple[tuple[float, float], ...]) -> list[tuple[float, float]]:
    found = []
    for i in range(101):
        t = i / 100
        weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
        x, y = (sum(w * p[k] for w, p in zip(weights, piece, strict=True)) for k in (0, 1))
        found.append((x, y))
    return found


def test_taps_and_lanes_look_like_those_of_other_views() -> None:
    drawing = graph_drawing(network("vgg1_ra"))
    roles = drawing.roles()
    assert roles["input"] is Role.IO and roles["lstm"] is Role.RECURRENT
    assert roles["map_s1_b1.conv"] is Role.MAP
    taps = {(e.source, e.target) for e in drawing.items if isinstance(e, Edge) and e.kind == "tap"}
    assert ("backbone.s1.b1.conv_bn_relu.1.relu", "map_s1_b1.conv") in taps
    assert ("map_s1_b1.flatten", "lstm") in taps
    assert not any(target.startswith("backbone") for _, target in taps)


def test_a_region_is_drawn_with_what_flows_in() -> None:
    model = network("zoo/googlenet")
    stage = next(r.path for r in model.regions if r.kind == "stage" and ".s2" in f".{r.path}")
    drawing = graph_drawing(model, stage)
    inside = {node.id for node in model.inside(stage) if node.id in model.live}
    boxes = {box.id: box for box in drawing.boxes()}
    assert inside < set(boxes)
    for id in set(boxes) - inside:
        assert boxes[id].role is Role.IO and isinstance(boxes[id], Box) and boxes[id].nodes == ()
    assert stage in drawing.description


@pytest.mark.parametrize("detail", Detail)
def test_every_operator_is_in_one_vertex(detail: Detail) -> None:
    model = network("zoo/densenet_bc_100_12")
    told = digest(model, "", detail)
    vertices = list(told.vertices())
    assert sorted(id for v in vertices for id in v.nodes) == sorted(model.live)
    assert len({v.id for v in vertices}) == len(vertices)
    known = {v.id for v in vertices}
    assert all(a in known and b in known and a != b for a, b, _ in told.arcs)


def test_less_detail_has_fewer_vertices() -> None:
    model = network("zoo/densenet_bc_100_12")
    sizes = [sum(1 for _ in digest(model, "", detail).vertices()) for detail in Detail]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] > 300 and sizes[-1] < 10


def test_frames_hold_two_things_or_more_and_a_stage_keeps_its_name() -> None:
    told = digest(network("vgg1_ra"), "", Detail.OPERATORS)
    clusters = [member for member in told.members if isinstance(member, Cluster)]
    assert [c.title for c in clusters] == [
        "Stage 1", "Stage 2", "Stage 3", "shallow level", "middle level",
    ]  # fmt: skip
    while clusters:
        cluster = clusters.pop()
        assert len(cluster.members) >= 2
        clusters += [member for member in cluster.members if isinstance(member, Cluster)]


@PENS
def test_thousands_of_operators_are_drawn_in_less_detail(with_pen: Pen) -> None:
    """Test L."""
    model = network("resnet_ra", n=100)
    assert len(model.live) > 2000
    start = time.monotonic()
    drawing = graph_drawing(model, pen=with_pen)
    assert time.monotonic() - start < 20
    assert 300 < len(list(drawing.boxes())) <= graph.MOST
    advice = drawing.advice[0]
    assert advice == (
        f"the {len(model.live):,} operators of {model.name} are too many to draw: "
        "each use of a def is one box"
    )
    assert paint(drawing, ["svg"], pen=with_pen)["svg"].startswith(b"<svg")


def test_what_takes_too_long_is_drawn_in_less_detail(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def slow(jobs: list[Job], *, limit: float, pen: Pen | None) -> Drawn:
        asked.append(limit)
        if len(asked) < 3:
            raise graphviz_failed("it took too long", ())
        return real(jobs, limit=limit, pen=pen)

    real = graph.draw
    monkeypatch.setattr(graph, "draw", slow)
    drawing = graph_drawing(network("vgg1_ra"), limit=20)
    assert len(asked) == 3 and sum(asked) <= 30 and asked[0] == pytest.approx(10, abs=0.5)
    assert "each block is one box" in drawing.advice[0]
    assert len(list(drawing.boxes())) < 30


def test_a_graph_that_cannot_be_placed_at_all_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> Drawn:
        raise graphviz_failed("it took too long", ())

    def missing(*_: object, **__: object) -> Drawn:
        calls.append(1)
        raise nothing_to_draw_with(["Graphviz"])

    calls: list[int] = []
    model = network("vgg1_ra")
    monkeypatch.setattr(graph, "draw", never)
    with pytest.raises(FigureFault, match="ARCH702"):
        graph_drawing(model)
    monkeypatch.setattr(graph, "draw", missing)
    with pytest.raises(FigureFault, match="ARCH701"):
        graph_drawing(model)
    assert calls == [1]


def test_source_depends_on_the_network_alone() -> None:
    code = (
        "import sys; from archdsl.compiler import compile_spec, load_spec;"
        "from archdsl.backends.figures.graph import graph_dot;"
        "print(graph_dot(compile_spec(load_spec('specs/zoo/googlenet.arch')).network))"
    )
    found = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"}
        run = subprocess.run(
            [sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True
        )
        assert run.returncode == 0, run.stderr
        found.add(run.stdout)
    assert len(found) == 1


def test_source_names_operators_and_has_the_colours_of_its_theme() -> None:
    source = graph_dot(network("vgg1_ra"), theme=DARK)
    assert '"map_s1_b1.conv" -> "map_s1_b1.batchnorm"' in source
    assert "<B>conv 3×3, 128</B>" in source
    assert DARK.background in source and "#FFFFFF" not in source
