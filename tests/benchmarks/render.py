"""How long figures take: a whole `archdsl render`, and drawing against the size of a network.

    python tests/benchmarks/render.py

Prints the wall time of rendering ResNet-RA to SVG, PDF and PNG in one call (the process's start is
part of it) beside `archdsl check` of the same spec, interleaved, and how layout grows with size.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from archdsl.backends.figures.views import View, draw
from archdsl.compiler import compile_spec, load_spec

ROOT = Path(__file__).parent.parent.parent
SPEC = "specs/resnet_ra.arch"
REPEATS = 7


def seconds(*arguments: str) -> float:
    """Return how long one command takes from start to end."""
    start = time.perf_counter()
    call = [sys.executable, "-m", "archdsl", *arguments]
    subprocess.run(call, cwd=ROOT, check=True, capture_output=True)
    return time.perf_counter() - start


def commands(folder: Path) -> None:
    """Print the time of rendering and of checking, one after the other in turn."""
    outputs = [part for ending in ("svg", "pdf", "png") for part in ("-o", f"{folder}/r.{ending}")]
    times = [(seconds("render", SPEC, *outputs), seconds("check", SPEC)) for _ in range(REPEATS)]
    render, check = (statistics.median(column) for column in zip(*times, strict=True))
    print(f"render {SPEC} to SVG, PDF and PNG: {render:.2f} s (median of {REPEATS})")
    print(
        f"check  {SPEC}:                     {check:.2f} s; render takes {render / check:.1f} times"
    )


def growth(folder: Path) -> None:
    """Print how long the layout of each view takes."""
    print("\noperators  alike   overview     column       full  (s)")
    for count, is_alike in ((100, True), (1000, True), (10_000, True), (100, False), (1000, False)):
        path = folder / "big.arch"
        path.write_text(spec(count, is_alike), encoding="utf-8")
        network = compile_spec(load_spec(path)).network
        taken = []
        for view in View:
            start = time.perf_counter()
            draw(network, view)
            taken.append(time.perf_counter() - start)
        row = "".join(f"{t:11.3f}" for t in taken)
        print(f"{len(network.nodes):9,}  {is_alike!s:5}{row}")


def spec(count: int, is_alike: bool) -> str:
    """Return a spec of so many residual units, all alike or each other than the one before."""
    units = f"Unit(16) * {count}"
    if not is_alike:
        units = "\n".join(f"Unit({16 + i % 7})" for i in range(count))
    return (
        "arch 1\ndef Unit(c) {\n  main = in -> conv(c) -> batchnorm -> relu -> conv(in.c)\n"
        "  out = add(main, in) -> relu\n}\n"
        f"model Big {{ input [3, 32, 32]; backbone {{ conv(16)\n{units} }}; head {{ gap }} }}\n"
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        commands(Path(name))
        growth(Path(name))
