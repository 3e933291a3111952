"""How long commands take against the imports that they cannot do without.

Interleaved, best of many; the bar is 2.5 for `check`.

    python tests/benchmarks/startup.py
"""

from __future__ import annotations

import compileall
import resource
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
REPEATS = 15

COMMANDS = {
    "import lark, pydantic": ["-c", "import lark, pydantic"],
    "archdsl --help": ["-m", "archdsl", "--help"],
    "archdsl check": ["-m", "archdsl", "check", "specs/vgg1_ra.arch"],
    "archdsl fmt": ["-m", "archdsl", "fmt", "--check", "specs/vgg1_ra.arch"],
    "archdsl compile": ["-m", "archdsl", "compile", "specs/vgg1_ra.arch", "-o", "build"],
    "archdsl summary": ["-m", "archdsl", "summary", "specs/vgg1_ra.arch"],
}


def measure(arguments: list[str]) -> tuple[float, float]:
    """Return wall and CPU seconds of one process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, check=True)  # fmt: skip
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> None:
    """Print the table."""
    # As pip does for a package that is installed: bytecode is there.
    compileall.compile_dir(ROOT / "archdsl", quiet=1)
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    for _ in range(REPEATS):
        for name, arguments in COMMANDS.items():
            found[name].append(measure(arguments))
    base = [min(times) for times in zip(*next(iter(found.values())), strict=True)]
    print(f"{'':24}{'wall ms':>9}{'ratio':>7}{'CPU ms':>9}{'ratio':>7}")
    for name, times in found.items():
        wall, cpu = (min(t) for t in zip(*times, strict=True))
        print(
            f"{name:24}{wall * 1e3:9.0f}{wall / base[0]:7.2f}{cpu * 1e3:9.0f}{cpu / base[1]:7.2f}"
        )


if __name__ == "__main__":
    main()
