"""The wording of faults about many runs: sweeps, their results, and curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from archdsl.diagnostics import Diagnostic, Severity
from archdsl.training.faults import Fault


def runs_failed(failed: Sequence[tuple[str, str]], total: int) -> Diagnostic:
    """ARCH660: runs of a sweep that failed, each as its name and why."""
    return Diagnostic(
        "ARCH660",
        f"{len(failed)} of {total} runs failed",
        notes=tuple(f"{name}: {why}" for name, why in failed),
        help="put right what is said of each, and give the same command: what is finished is kept",
    )


def run_crashed(error: BaseException) -> Fault:
    """ARCH661: an exception that training does not foresee, such as one of torch."""
    lines = str(error).strip().splitlines()
    said = f": {lines[0][:300]}" if lines else ""
    return Fault(
        Diagnostic(
            "ARCH661",
            f"training ended with {type(error).__name__}{said}",
            help="train it alone, to see more: archdsl compile SPEC --train DATASET",
        )
    )


def metrics_damaged(path: Path, line: int | None, reason: str) -> Diagnostic:
    """ARCH662: a line of metrics (from 1), or the whole file, that cannot be read."""
    place = path if line is None else f"{path}:{line}"
    return Diagnostic(
        "ARCH662",
        f"{place} is left out: {reason}",
        help="train the run again, or look at what has written into its folder",
        severity=Severity.WARNING,
    )


def bad_seeds(text: str, reason: str) -> Fault:
    """ARCH663: what ``--seeds`` cannot be."""
    return Fault(
        Diagnostic(
            "ARCH663",
            f"--seeds {text}: {reason}",
            help="write a range with both its ends, or a list: --seeds 0..4, --seeds 0,7,42",
        )
    )


def ray_missing() -> Fault:
    """ARCH664: the extra with Ray is not installed."""
    return Fault(
        Diagnostic(
            "ARCH664",
            "runs on a cluster need ray, which is not installed",
            help='install the extra: pip install "archdsl[ray]"; or leave --ray out',
        )
    )


def no_cluster(address: str | None, reason: str) -> Fault:
    """ARCH665: no Ray cluster answers, or none can be started here."""
    message = (
        f"Ray cannot be started on this machine: {reason}"
        if address is None
        else f"no Ray cluster answers at {address}: {reason}"
    )
    help = (
        "leave --ray out: the runs then follow each other in this process"
        if address is None
        else "start one (ray start --head), or write --ray for one on this machine"
    )
    return Fault(Diagnostic("ARCH665", message, help=help))


def tensorboard_missing() -> Fault:
    """ARCH666: the extra with TensorBoard is not installed."""
    return Fault(
        Diagnostic(
            "ARCH666",
            "--tensorboard needs tensorboard, which is not installed",
            help='install the extra: pip install "archdsl[tensorboard]"; metrics.jsonl and '
            "curves.svg are written anyway",
        )
    )


def unknown_network(name: str, where: str, help: str) -> Fault:
    """ARCH667: a network, or a data set, that a table or figure of the paper does not have."""
    return Fault(Diagnostic("ARCH667", f"{where} has no `{name}`", help=help))


def nothing_measured(folders: Sequence[Path]) -> Fault:
    """ARCH668: curves of runs of which no epoch is completed."""
    names = ", ".join(str(folder) for folder in folders)
    return Fault(
        Diagnostic(
            "ARCH668",
            f"there is nothing to draw yet: no epoch is measured in {names}",
            help="wait for the end of the first epoch",
        )
    )
