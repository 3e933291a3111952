"""All numbers of training that a CPU can give, one script after the other.

    python tests/benchmarks/training.py [DIR]

Batched augmentation against torchvision's pipeline (training_data), the engine against loops of six
lines, the emitted module, precision, the unrolled LSTM (training_engine), resumed runs against
uninterrupted ones (training_resume), the engine beside a plain loop and Lightning
(training_side_by_side), and how soon `archdsl check` and a smoke run of VGG-1-RA at its full width
are done, on digits and, with the official files in DIR, on CIFAR-10. Each script prints ratios of
what it has measured in turns in one process; each can be run by itself.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
BESIDE = "training_side_by_side.py"
SCRIPTS = (["training_data.py"], ["training_engine.py"], ["training_resume.py"])
SPEC = "specs/vgg1_ra.arch"
REPEATS = 5


def commands(folder: str, data: str | None) -> None:
    """Print how long commands take, their start included: the median of some, in turns."""
    smoke = ["compile", SPEC, "--smoke", "--device", "cpu", "--runs", folder, "-o", folder]
    calls = [(["check", SPEC], 0.3), ([*smoke, "--train", "digits"], 20)]
    if data is not None:
        calls.append(([*smoke, "--data", data, "--train", "cifar10"], 20))
    else:
        print("smoke run on CIFAR-10: skipped, no folder with its official files is given")
    took: list[list[float]] = [[] for _ in calls]
    for _ in range(REPEATS):
        for (arguments, _), times in zip(calls, took, strict=True):
            call = [sys.executable, "-m", "archdsl", *arguments]
            start = time.perf_counter()
            subprocess.run(call, cwd=ROOT, check=True, capture_output=True)
            times.append(time.perf_counter() - start)
    for (arguments, most), times in zip(calls, took, strict=True):
        said = " ".join([*arguments[:3], *arguments[-2:]] if len(arguments) > 2 else arguments)
        print(
            f"archdsl {said}: {statistics.median(times):.2f} s "
            f"({min(times):.2f} to {max(times):.2f}), at most {most} s"
        )


def main() -> None:
    """Run every script; one that fails is told, and ends this one with status 1."""
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        emit = [BESIDE, "emit", folder, "--narrower", "16"]
        for script in (*SCRIPTS, emit, [BESIDE, "measure", folder, "--tiny"]):
            print(f"\n===== {' '.join(script)}", flush=True)
            if subprocess.run([sys.executable, HERE / script[0], *script[1:]], cwd=ROOT).returncode:
                failed.append(script[0])
        print("\n===== commands", flush=True)
        commands(folder, sys.argv[1] if len(sys.argv) > 1 else None)
    if failed:
        print(f"failed: {', '.join(failed)}")
        sys.exit(1)


if __name__ == "__main__":
    main()
