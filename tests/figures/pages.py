"""Pages of the paper's networks, for tests: drawn once in each process."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from archdsl.backends.figures.drawing import Drawing
from archdsl.backends.figures.page import page, prefix
from archdsl.backends.figures.painting import Request, paint_all
from archdsl.backends.figures.views import View, draw
from archdsl.compiler import compile_spec, load_spec
from archdsl.ir import Network

SPECS = Path(__file__).parent.parent.parent / "specs"
PAPER = [
    "vgg1", "vgg2", "resnet", "vgg1_ra", "vgg2_ra", "resnet_ra", "resnet_ra_b", "resnet_ra_c"
]  # fmt: skip


@cache
def network(name: str) -> Network:
    return compile_spec(load_spec(SPECS / f"{name}.arch")).network


@cache
def views(name: str) -> dict[str, tuple[Drawing, str]]:
    """Return all views of a network, painted for a page."""
    drawings = [draw(network(name), view) for view in View]
    requests = [Request(d, ["svg"], "auto", prefix(d.view)) for d in drawings]
    painted = [files["svg"].decode() for files in paint_all(requests)]
    return {d.view: (d, svg) for d, svg in zip(drawings, painted, strict=True)}


@cache
def page_of(name: str) -> str:
    return page(network(name).name, network(name), views(name))
