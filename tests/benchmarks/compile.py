"""How checking and compiling grow with a spec, and `check` against building the network in torch.

Bars: 10,000 operators are checked in 1 s and compiled in 3 s, cost grows with an exponent of at
most 1.1 from 100 to 100,000 operators in less than 1 GB, and `archdsl check resnet50.arch` is five
times as fast as torchvision's resnet50 with one forward pass on the meta device.

    python tests/benchmarks/compile.py
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SIZES = (100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)
PER_UNIT = 7
REPEATS = 5

HEADER = """arch 1
from std.blocks import ConvBNReLU
def Unit(c) {
  main = in -> ConvBNReLU(c) -> conv(c, bias = false) -> batchnorm
  out = add(main, in) -> relu
}
model M(classes = 10) {
  input [3, 32, 32]
  backbone {
    conv(16)
"""
FOOTER = "\n  }\n  head { gap -> linear(classes) }\n}\n"

CHILD = """
import json, resource, sys, time
from archdsl.compiler import check_spec, compile_spec, load_spec
def timed(work):
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - wall, time.process_time() - cpu
path = sys.argv[1]
from archdsl.syntax.parser import remembered
found, *check = timed(lambda: check_spec(load_spec(path)))
assert not found, found
remembered.cache_clear()  # each is measured from the text on
def compile():
    compiled = compile_spec(load_spec(path))
    return len(compiled.network.nodes), compiled.source.count("\\n")
(nodes, lines), *compiling = timed(compile)
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([nodes, lines, *check, *compiling, memory]))
"""

TORCH = """
import torch, torchvision
with torch.device("meta"):
    model = torchvision.models.resnet50().eval()
    model(torch.empty(1, 3, 224, 224))
"""


def text_of(size: int, *, written_out: bool) -> str:
    """Return a spec that expands to about ``size`` operators."""
    count = size // PER_UNIT
    return (
        HEADER + ("    Unit(16)\n" * count if written_out else f"    Unit(16) * {count}") + FOOTER
    )


def python(*arguments: str) -> str:
    """Run Python at the root of the checkout; return what it prints."""
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def exponent(sizes: list[int], seconds: list[float]) -> float:
    """Return the slope of a straight line through the logarithms."""
    xs, ys = [math.log(s) for s in sizes], [math.log(t) for t in seconds]
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True)) / sum(
        (a - x) ** 2 for a in xs
    )


def growth(folder: Path) -> None:
    """Print check and compile time against size."""
    for written_out in (False, True):
        print("written out, one line a unit" if written_out else "one line: Unit(16) * n")
        head = ("operators", "check s", "CPU", "compile s", "CPU", "lines", "MiB")
        print("".join(f"{name:>10}" for name in head))
        rows = []
        for size in SIZES:
            path = folder / f"{size}.arch"
            path.write_text(text_of(size, written_out=written_out))
            runs = [json.loads(python("-c", CHILD, str(path))) for _ in range(2)]
            nodes, lines, *seconds, memory = (min(values) for values in zip(*runs, strict=True))
            rows.append((nodes, seconds[1], seconds[3]))
            shown = "".join(f"{s:10.3f}" for s in seconds)
            print(f"{nodes:10,}{shown}{lines:10,}{memory:10.0f}")
        sizes = [row[0] for row in rows]
        for what, column in (("check", 1), ("compile", 2)):
            times = [row[column] for row in rows]
            whole, last = exponent(sizes, times), exponent(sizes[-3:], times[-3:])
            print(f"{what}: exponent {whole:.2f} of all, {last:.2f} from {sizes[-3]:,} on")


def against_torch() -> None:
    """Print the time of `archdsl check resnet50.arch` against building it with torchvision."""
    ours, theirs = [], []
    for _ in range(REPEATS):
        start = time.perf_counter()
        python("-m", "archdsl", "check", "specs/zoo/resnet50.arch")
        middle = time.perf_counter()
        python("-c", TORCH)
        ours.append(middle - start)
        theirs.append(time.perf_counter() - middle)
    ratio = min(theirs) / min(ours)
    print(f"check resnet50.arch: {min(ours) * 1e3:.0f} ms; torchvision, built and run once on the")
    print(f"meta device: {min(theirs) * 1e3:.0f} ms; {ratio:.1f} times as long")


def main() -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory() as folder:
        growth(Path(folder))
    against_torch()


if __name__ == "__main__":
    main()
