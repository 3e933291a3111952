"""docs/gallery.md and its figures are what the specs give; `--update` draws them anew."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from pages import PAPER, network

from archdsl.backends.figures.definitions import uses
from archdsl.backends.figures.drawing import Drawing
from archdsl.backends.figures.painting import Request, paint_all
from archdsl.backends.figures.views import View, draw, inside

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "docs" / "figures"
PAGE = ROOT / "docs" / "gallery.md"

TITLES = {
    "vgg1_ra": "VGG-1-RA: an LSTM over three blocks of two convolutions (paper, Fig. 1)",
    "vgg2_ra": "VGG-2-RA: four convolutions a block",
    "resnet_ra": "ResNet-RA: 61 convolutions in three blocks",
    "resnet_ra_b": "ResNet-RA-B: the last state beside the last vector (paper, Fig. 5)",
    "resnet_ra_c": "ResNet-RA-C: all states side by side (paper, Fig. 6)",
    "vgg1": "VGG-1, without an aggregation",
    "vgg2": "VGG-2, without an aggregation",
    "resnet": "ResNet, without an aggregation",
}
MORE = {
    "vgg1_ra": [View.COLUMN, View.FULL],
    "resnet_ra": [View.COLUMN, View.FULL],
}
"""Other views, for some."""


@cache
def drawings() -> dict[str, Drawing]:
    """Return every figure of the gallery by the name of its file, without ending."""
    found = {name: draw(network(name), View.OVERVIEW) for name in TITLES}
    for name, views in MORE.items():
        found |= {f"{name}_{view}": draw(network(name), view) for view in views}
    residual = network("resnet_ra")
    found["residual"] = inside(residual, uses(residual, "Basic")[0])
    found["residual_down"] = inside(residual, uses(residual, "s2.b2.basic")[0])
    return found


@cache
def files() -> dict[str, bytes]:
    """Return every file of the gallery, light and dark, by name."""
    names = list(drawings())
    painted = {
        theme: paint_all([Request(drawings()[name], ["svg"], theme) for name in names])
        for theme in ("light", "dark")
    }
    return {
        f"{name}_{theme}.svg": figure["svg"]
        for theme, figures in painted.items()
        for name, figure in zip(names, figures, strict=True)
    }


OPENING = """\
# Gallery

The paper's networks as `archdsl render` draws them ([figures.md](figures.md) tells how). This page
and its figures are drawn anew by `pytest tests/figures/test_gallery.py --update`; a test says when
they are stale.
"""
PICTURE = """
    archdsl render specs/{call}

<picture>
  <source media="(prefers-color-scheme: dark)" srcset="figures/{name}_dark.svg">
  <img alt="{text}" src="figures/{name}_light.svg">
</picture>
"""
"""A figure that is dark where its reader prefers that, below the command that draws it."""


def page() -> str:
    """Return the text of the page."""
    parts = [OPENING]
    for name, title in TITLES.items():
        parts += [f"\n## {title}\n", PICTURE.format(call=f"{name}.arch", name=name, text=title)]
        for view in MORE.get(name, ()):
            call, text = f"{name}.arch --view {view}", f"{title}, view {view}"
            parts.append(PICTURE.format(call=call, name=f"{name}_{view}", text=text))
    parts.append("\n## The inside of a def\n")
    for call, name, text in (
        ("Basic", "residual", "The residual unit"),
        ("s2.b2.basic", "residual_down", "The residual unit where width and size change"),
    ):
        parts.append(PICTURE.format(call=f"resnet_ra.arch --def {call}", name=name, text=text))
    return "".join(parts)


def test_the_gallery_is_current(request: pytest.FixtureRequest) -> None:
    expected = {FOLDER / name: data for name, data in files().items()} | {PAGE: page().encode()}
    if request.config.getoption("--update"):
        FOLDER.mkdir(exist_ok=True)
        for path in set(FOLDER.glob("*.svg")) - set(expected):
            path.unlink()
        for path, data in expected.items():
            path.write_bytes(data)
    stale = [path.name for path, data in expected.items() if not _is(path, data)]
    assert not stale, "run pytest tests/figures/test_gallery.py --update"
    assert set(FOLDER.glob("*.svg")) == set(expected) - {PAGE}


def _is(path: Path, data: bytes) -> bool:
    return path.is_file() and path.read_bytes() == data


def test_the_gallery_has_the_papers_networks() -> None:
    assert set(TITLES) == set(PAPER)


def test_the_readme_opens_with_a_figure_in_light_and_dark() -> None:
    opening = (ROOT / "README.md").read_text(encoding="utf-8").partition("## ")[0]
    for theme in ("light", "dark"):
        assert f"docs/figures/vgg1_ra_{theme}.svg" in opening
