"""From a state to its page: models are drawn once, and faults of figures are faults of the spec."""

from __future__ import annotations

import pytest
from watched_process import ROOT

from archdsl.backends.figures import files
from archdsl.backends.figures.faults import FigureFault
from archdsl.cli.watch import PageDrawer
from archdsl.compiler import Compiled, compile_spec, load_spec
from archdsl.watching.live import live
from archdsl.watching.state import CannotDraw, State


@pytest.fixture(scope="module")
def model() -> Compiled:
    return compile_spec(load_spec(ROOT / "specs" / "vgg1_ra.arch"))


def test_a_model_is_drawn_once(model: Compiled, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = PageDrawer()
    new = draw(State("VGG1_RA", model))
    monkeypatch.setattr(files, "painted_views", lambda drawings: pytest.fail("drawn again"))
    stale = draw(State("VGG1_RA", model, "error: <what is wrong>", is_stale=True))
    assert new.count("<svg") == stale.count("<svg") > 1
    assert "error: &lt;what is wrong&gt;" in stale and 'class="stale"' in stale
    assert 'class="stale"' not in new


def test_faults_alone_need_nothing_to_draw_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "painted_views", lambda drawings: pytest.fail("drawn"))
    page = PageDrawer()(State("x.arch", None, "error: <what is wrong>", is_stale=True))
    assert "error: &lt;what is wrong&gt;" in page
    assert live(page).policy.startswith("default-src 'none'; ")


def test_a_figure_that_cannot_be_drawn(model: Compiled, monkeypatch: pytest.MonkeyPatch) -> None:
    def painted(drawings: object) -> None:
        raise FigureFault("ARCH701", "no Graphviz", help="install it")

    monkeypatch.setattr(files, "painted_views", painted)
    with pytest.raises(CannotDraw) as caught:
        PageDrawer()(State("VGG1_RA", model))
    (found,) = caught.value.diagnostics
    assert (found.code, found.message, found.help) == ("ARCH701", "no Graphviz", "install it")
