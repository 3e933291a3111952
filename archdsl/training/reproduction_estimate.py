"""How long runs would take: measured where this machine has trained the network, else estimated."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from archdsl.training.results import Run
from archdsl.training.sweep import Task

_CHANNELS, _SIDE, _BATCH = 128, 32, 8
_REPEATS = 3


@dataclass(frozen=True)
class Estimate:
    """Seconds of a run, and what they are taken from."""

    seconds: float
    basis: str


def estimate(task: Task, runs: Sequence[Run], rate: float) -> Estimate:
    """Return how long a task would take, all its epochs together.

    Taken from epochs of the same network and data, if this machine has trained some; else from its
    multiply-accumulates: 2 operations each, and training needs three times those of a forward pass.
    ``rate`` is operations a second of :func:`measured_rate`; real networks reach less.
    """
    epochs = task.recipe.epochs
    times = [m.seconds for run in runs if _is_like(task, run) for m in run.epochs if m.seconds > 0]
    if times:
        return Estimate(fmean(times) * epochs, f"from {len(times)} measured epochs")
    macs = int(json.loads(task.job.network_json)["macs"])
    operations = 2 * macs * (3 * task.dataset.train + task.dataset.test)
    return Estimate(operations / rate * epochs, "estimated from one convolution")


def measured_rate(device: str) -> float:
    """Return the operations a second of a 3x3 convolution, forward and backward, on a device.

    A tensor of 8 x 128 x 32 x 32, like the first stage of VGG-1; the best of three. Raises
    DeviceError for a device that is not there.
    """
    import torch  # noqa: TID251

    from archdsl.training.engine import choose_device

    chosen = choose_device(device)
    layer = torch.nn.Conv2d(_CHANNELS, _CHANNELS, 3, padding=1, device=chosen)
    x = torch.randn(_BATCH, _CHANNELS, _SIDE, _SIDE, device=chosen, requires_grad=True)
    best = float("inf")
    for _ in range(_REPEATS + 1):
        start = time.perf_counter()
        layer(x).sum().backward()
        if chosen.type == "cuda":
            torch.cuda.synchronize(chosen)
        best = min(best, time.perf_counter() - start)
    macs = 9 * _CHANNELS**2 * _SIDE**2 * _BATCH
    return 3 * 2 * macs / best


def duration(seconds: float) -> str:
    """Return a duration for people, of two figures or so.

    >>> [duration(s) for s in (48, 750, 40_000, 1_000_000)]
    ['48 s', '12 min', '11 h', '12 days']
    """
    for limit, unit, name in ((100, 1, "s"), (6000, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{round(seconds / unit)} {name}"
    return f"{round(seconds / 86_400)} days"


def _is_like(task: Task, run: Run) -> bool:
    data = run.record.get("data")
    return (
        not run.is_smoke  # whose epochs are of a few images
        and run.record.get("identity") == task.job.identity
        and isinstance(data, dict)
        and (data.get("name"), data.get("train")) == (task.dataset.name, task.dataset.train)
        and run.recipe.get("batch") == task.recipe.batch
        and run.record.get("platform") == platform.platform()
        and run.record.get("cores") == os.cpu_count()
    )
