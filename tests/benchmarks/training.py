"""All numbers of training that a CPU can give, one script after the other.

    python tests/benchmarks/training.py

Batched augmentation against torchvision's pipeline (training_data), the engine against loops of six
lines, the emitted module, precision, the unrolled LSTM (training_engine), resumed runs against
uninterrupted ones (training_resume), the engine beside a plain loop and Lightning
(training_side_by_side), and how soon `archdsl check` and a small training run are done. Each script
prints ratios of what it has measured in turns in one process; each can be run by itself.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
BESIDE = "training_side_by_side.py"
SCRIPTS = (["training_data.py"], ["training_engine.py"], ["training_resume.py"])
SMOKE = "specs/vgg1_ra.arch"


def commands(folder: str) -> None:
    """Print how long two commands take, their start included."""
    call = [sys.executable, "-m", "archdsl"]
    smoke = ["--train", "digits", "--epochs", "1", "--runs", folder, "-o", folder]
    for said, arguments in (("check", [SMOKE]), ("compile", [SMOKE, *smoke])):
        start = time.perf_counter()
        subprocess.run([*call, said, *arguments], cwd=ROOT, check=True, capture_output=True)
        print(f"archdsl {' '.join([said, *arguments[:5]])}: {time.perf_counter() - start:.2f} s")


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
        commands(folder)
    if failed:
        print(f"failed: {', '.join(failed)}")
        sys.exit(1)


if __name__ == "__main__":
    main()
