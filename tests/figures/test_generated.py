"""Laws of figures, over specs that nobody wrote: all is drawn, once, within the page, in line."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from browser import faults, open_browser
from generation.specs import Spec, specs
from hypothesis import HealthCheck, Phase, given, seed, settings
from test_views import on_border

from archdsl import SpecFault, compile
from archdsl.backends.figures.drawing import Drawing, Edge
from archdsl.backends.figures.painting import Request, paint_all
from archdsl.backends.figures.views import View, draw
from archdsl.ir import Network


def networks(count: int, number: int) -> list[Network]:
    """Return the networks of so many drawn specs; those that do not compile are left out."""
    found: list[Network] = []

    @seed(number)
    @settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(specs())
    def collect(spec: Spec) -> None:
        with TemporaryDirectory() as folder:
            path = spec.write(Path(folder))
            try:
                found.append(compile(path, spec.model, **spec.parameters).network)
            except SpecFault:
                return

    collect()
    return found


def demand_laws(network: Network, drawing: Drawing) -> None:
    counts = Counter(node for box in drawing.boxes() for node in box.nodes)
    if network.aggregation is not None:
        assert counts.pop(network.aggregation.node) == len(network.aggregation.taps)
    assert set(counts.values()) == {1}
    dead = {node.id for node in network.nodes if node.params and node.id not in network.live}
    aggregation = {network.aggregation.node} if network.aggregation is not None else set()
    assert set(counts) == (network.live | dead) - aggregation
    boxes = {box.id: box for box in drawing.boxes()}
    for box in boxes.values():
        assert box.left >= 0 and box.top >= 0
        assert box.right <= drawing.width and box.bottom <= drawing.height
    for edge in drawing.items:
        if isinstance(edge, Edge) and edge.source:
            assert on_border(boxes[edge.source], edge.points[0])
            assert on_border(boxes[edge.target], edge.points[-1])


@pytest.mark.parametrize("number", range(4))
def test_laws_hold_for_drawn_specs(number: int) -> None:
    found = networks(40, number)
    assert len(found) >= 20
    for network in found:
        for view in View:
            demand_laws(network, draw(network, view))


@pytest.mark.slow
def test_a_browser_finds_nothing_wrong_with_drawn_specs() -> None:
    driver = open_browser()
    found = networks(60, 99)
    for network in found:
        drawings = [draw(network, view) for view in View]
        for files in paint_all([Request(drawing, ["svg"]) for drawing in drawings]):
            assert faults(driver, files["svg"]) == []
