"""The engine beside a plain loop and Lightning, and its acceptance numbers, in one call.

Write the networks where the compiler is, and measure where the GPU is; there, torch, torchvision
and numpy are enough (Lightning is left out, with a line, where it is not installed):

    python tests/benchmarks/training_side_by_side.py emit FOLDER [--narrower 16]
    python tests/benchmarks/training_side_by_side.py measure FOLDER [--seconds 570] [--tiny]

--tiny takes few images of the same size, to try the script, or to compare on a CPU. Images are
random pixels. Every comparison is made in turns within this process.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from side_by_side_loops import (
    Setup,
    engine_loop,
    engine_of,
    lightning_loop,
    plain_loop,
    settle,
)
from side_by_side_models import emit, makers
from torch import nn

from archdsl.recipes import Setting
from archdsl.training.data import Images
from archdsl.training.engine import Engine, Hooks
from archdsl.training.options import Options
from archdsl.training.precision import has_bfloat16

PEAK = 790e12
"""Products of bfloat16 a second that one H200 was measured to do; MFU is of this."""


@dataclass
class Bench:
    """What is measured with, and what has been found."""

    models: dict[str, Callable[[], nn.Module]]
    device: torch.device
    images: Images
    half: bool
    workers: int
    tiny: bool
    end: float
    found: dict[str, Any] = field(default_factory=dict)

    def setup(self, model: str, batch: int = 64) -> Setup:
        return Setup(self.models[model], self.images, self.device, batch, self.half, self.workers)

    def say(self, name: str, value: Any, text: str) -> None:
        self.found[name] = value
        print(f"[{time.strftime('%H:%M:%S')}] {text}", flush=True)


def pixels(count: int, side: int = 32, test: int = 1000) -> Images:
    """Random pixels, never zeros: some hardware multiplies zeros faster."""
    generator = torch.Generator().manual_seed(0)
    shape = (count + test, 3, side, side)
    x = torch.randint(256, shape, generator=generator, dtype=torch.uint8)
    y = torch.randint(10, (count + test,), generator=generator)
    half = (0.5,) * 3
    return Images(x[:count], y[:count], x[count:], y[count:], half, half, "")


def side_by_side(bench: Bench) -> None:
    """1: images a second of the three, VGG-1-RA at batch 64."""
    setup = bench.setup("VGG-1-RA")
    if find_spec("torchvision") is None:
        print("1. torchvision is not installed: left out")
        return
    loops: dict[str, Callable[[int], float] | None] = {
        "plain loop, torchvision's DataLoader": plain_loop(setup),
        "Lightning (and torchvision's DataLoader)": lightning_loop(setup),
        "engine": engine_loop(setup),
    }
    rates: dict[str, list[float]] = {}
    for name, run in loops.items():
        if run is None:
            print(f"{name} is not installed: left out")
        else:
            run(10)
            rates[name] = []
    for _ in range(5):
        for name in rates:
            run = loops[name]
            assert run is not None
            rates[name].append(run(4 if bench.tiny else 100))
    count = len(bench.images.train_y)
    for name, values in rates.items():
        rate = statistics.median(values)
        ratio = statistics.median(
            ours / other for ours, other in zip(rates["engine"], values, strict=True)
        )
        bench.say(
            f"1 {name}",
            {"images_per_second": rate, "engine_is_faster": ratio},
            f"1. {name}: {rate:,.0f} images/s, {count / rate:.2f} s an epoch of {count:,}; "
            f"the engine is {ratio:.2f} times as fast",
        )


def engines(bench: Bench) -> None:
    """2: the engines against each other, on images that are resident all the same."""
    cases = [("VGG-1-RA", 64), ("ResNet-62-RA", 64), ("VGG-1-RA", 1024)]
    for model, batch in cases:
        names = ["eager", *(["graph"] if bench.device.type == "cuda" else [])]
        if model == "ResNet-62-RA" and bench.device.type == "cuda":
            names.append("compile")
        setup = bench.setup(model, batch)
        made = {name: engine_of(setup, name) for name in names}
        runs = {name: engine.epochs() for name, engine in made.items()}
        for run in runs.values():
            next(run)
        rates: dict[str, list[float]] = {name: [] for name in runs}
        for _ in range(3):
            for name, run in runs.items():
                rates[name].append(next(run).images_per_second)
        for name, values in rates.items():
            pairs = zip(values, rates["eager"], strict=True)
            ratio = statistics.median(a / b for a, b in pairs)
            cost = "".join(f", {k} took {v:.0f} s" for k, v in made[name].costs.items())
            bench.say(
                f"2 {model} {batch} {name}",
                {"to_eager": ratio, "costs": made[name].costs},
                f"2. {model}, batch {batch}, {name}: {ratio:.2f} times as fast as eager{cost}",
            )


def flops(model: nn.Module) -> float:
    """Operations of a step per image: forward and backward, a multiplication and addition are 2."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        model(torch.rand(2, 3, 32, 32)).sum().backward()
    return float(counter.get_total_flops()) / 2


def steady(bench: Bench) -> None:
    """3 and 5: seconds of a steady epoch, utilisation, and the cost of RA."""
    seconds: dict[str, float] = {}
    count = len(bench.images.train_y)
    for model in ("VGG-1", "VGG-1-RA", "VGG-2-RA", "ResNet-62-RA"):
        run = engine_of(bench.setup(model)).epochs()
        next(run)
        rate = statistics.median(next(run).images_per_second for _ in range(3))
        seconds[model] = count / rate
        work = flops(bench.models[model]())
        used = work * rate / PEAK
        bench.say(
            f"3 {model}",
            {"seconds": seconds[model], "mfu": used, "gflop_per_image": work / 1e9},
            f"3. {model}: {seconds[model]:.3f} s an epoch of {count:,}, batch 64; "
            f"{work / 1e9:.3f} GFLOP an image"
            + (f", {used:.1%} of {PEAK / 1e12:.0f} TFLOP/s" if bench.device.type == "cuda" else ""),
        )
    ratio = seconds["VGG-1-RA"] / seconds["VGG-1"]
    bench.say("5", ratio, f"5. VGG-1-RA takes {ratio:.2f} times as long as VGG-1")


def freeze(engine: Engine) -> None:
    """Have the engine train on one batch, drawn once, in the place of the planned ones."""
    step = engine._built.step
    real = step._batch
    kept: dict[int, Any] = {}

    def frozen(plan: Any, which: Any) -> Any:
        sliced = isinstance(which, slice)
        size = min(which.stop, step.count) - which.start if sliced else len(which)
        if size not in kept:  # by the steps that warm up: before anything is captured
            kept[size] = real(plan, slice(0, size))
        return kept[size]

    step._batch = frozen  # type: ignore[method-assign]


def data_path(bench: Bench) -> None:
    """4: what the images cost, whether anything waits, and how busy the GPU is."""
    setup = bench.setup("VGG-1-RA")
    real, frozen = engine_of(setup), engine_of(setup)
    freeze(frozen)
    runs = [real.epochs(), frozen.epochs()]
    for run in runs:
        next(run)
    times = [[1 / next(run).images_per_second for run in runs] for _ in range(5)]
    share = statistics.median(1 - b / a for a, b in times)
    bench.say("4 data", share, f"4. choosing and augmenting images takes {share:.1%} of a step")
    if bench.device.type != "cuda":
        print("4. host synchronisations and how busy the GPU is: no CUDA device, left out")
        return
    train = real._train

    def strict(*arguments: Any) -> None:
        torch.cuda.set_sync_debug_mode("error")
        try:
            train(*arguments)
        finally:
            torch.cuda.set_sync_debug_mode("default")

    real._train = strict  # type: ignore[method-assign]
    next(runs[0])
    bench.say("4 syncs", 0, "4. an epoch without a host synchronisation: it went through")
    real._train = busy(bench, train)  # type: ignore[method-assign]
    next(runs[0])


def busy(bench: Bench, train: Callable[..., None]) -> Callable[..., None]:
    """Return the training of an epoch with a profile of how long the GPU has something to do."""

    def profiled(*arguments: Any) -> None:
        from torch.profiler import ProfilerActivity, profile

        settle(bench.device)
        with profile(activities=[ProfilerActivity.CUDA]) as profiler:
            train(*arguments)
            settle(bench.device)
        spans = sorted(
            (e.time_range.start, e.time_range.end)
            for e in profiler.events()
            if e.device_type == torch.autograd.DeviceType.CUDA
        )
        occupied, reached = 0.0, spans[0][0]
        for start, end in spans:
            occupied += max(0.0, end - max(start, reached))
            reached = max(reached, end)
        share = occupied / (reached - spans[0][0])
        bench.say("4 busy", share, f"4. the GPU is busy {share:.1%} of an epoch (profiled)")

    return profiled


def equality(bench: Bench) -> None:
    """6: graph against eager, bit by bit, and a learning rate that changes."""
    if bench.device.type == "cuda":
        setup = replace(bench.setup("VGG-1-RA"), half=False)
        count = 64 * 49 + 16  # 50 steps, the last with the tail
        x, y = bench.images.train_x[:count], bench.images.train_y[:count]
        setup = replace(setup, images=replace(bench.images, train_x=x, train_y=y))
        states = []
        for name in ("eager", "graph"):
            torch.manual_seed(0)
            options = Options(engine=name, precision="float32", deterministic=True)  # type: ignore[arg-type]
            engine = Engine(setup.make(), setup.images, setup.recipe(), setup.device, options)
            next(engine.epochs())
            states.append(engine.state())
        eager, graph = states
        equal = all(torch.equal(eager[name], graph[name]) for name in eager)
        worst = max(
            float((eager[n].double() - graph[n].double()).norm() / eager[n].double().norm())
            for n in eager
            if eager[n].is_floating_point() and float(eager[n].double().norm()) > 0
        )
        text = "bitwise equal" if equal else f"at most {worst:.1e} apart, relatively"
        bench.say("6 equal", {"bitwise": equal, "worst": worst}, f"6. graph and eager: {text}")
    else:
        print("6. graph against eager: no CUDA device, left out (the tests compare on the CPU)")
    few = replace(
        bench.images, train_x=bench.images.train_x[:32], train_y=bench.images.train_y[:32]
    )
    setup = replace(bench.setup("VGG-1"), images=few)
    # The same images at the same weights, as good as: the rate is all that changes. In float64, so
    # that such small steps are not lost in rounding (in float32, by 1 %).
    still = Setting("sgd", {"lr": 1e-7, "momentum": 0.0, "weight_decay": 0.0, "nesterov": False})
    step = Setting("step", {"at": (1,), "factor": 0.1})
    torch.manual_seed(0)
    recipe = setup.recipe(optimizer=still, schedule=step, epochs=2, augment=())
    engine = Engine(setup.make(), few, recipe, bench.device, Options(precision="float64"))
    kept = [engine.snapshot()["model"]]
    for _ in engine.epochs():
        kept.append(engine.snapshot()["model"])
    name = next(n for n in kept[0] if n.endswith("weight") and kept[0][n].ndim == 4)
    moved = [float((b[name] - a[name]).double().norm()) for a, b in pairwise(kept)]
    bench.say(
        "6 rate",
        moved[1] / moved[0],
        f"6. at a milestone of 0.1, updates are x{moved[1] / moved[0]:.4f}",
    )


def precision(bench: Bench, folder: Path | None, epochs: int) -> None:
    """7: bfloat16 against float32, test accuracy of VGG-1 on CIFAR-10, five seeds each."""
    if folder is None:
        print("7. bfloat16 against float32: no --data with CIFAR-10, left out")
        return
    from rich.console import Console

    from archdsl.recipes import DATASETS
    from archdsl.training.data import read

    images = read(DATASETS["cifar10"], folder, (3, 32, 32), Console())
    setup = replace(bench.setup("VGG-1"), images=images)
    reached: dict[str, list[float]] = {}
    for seed in range(5):
        for name in ("bfloat16", "float32"):
            torch.manual_seed(seed)
            options = Options(precision=name)  # type: ignore[arg-type]
            recipe = setup.recipe(seed=seed, epochs=epochs)
            engine = Engine(setup.make(), images, recipe, setup.device, options, Hooks())
            reached.setdefault(name, []).append([m.test_accuracy for m in engine.epochs()][-1])
    means = {name: statistics.mean(values) for name, values in reached.items()}
    apart = (means["bfloat16"] - means["float32"]) * 100
    bench.say("7", reached, f"7. bfloat16 less float32: {apart:+.2f} points, {epochs} epochs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["emit", "measure"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--narrower", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=570)
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--epochs", type=int, default=8, help="of number 7")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    if given.what == "emit":
        emit(given.folder, given.narrower)
        return
    start = time.monotonic()
    cuda = torch.cuda.is_available()
    device = torch.device("cuda" if cuda else "cpu")
    workers = given.workers if given.workers is not None else (8 if cuda else 0)
    bench = Bench(
        makers(given.folder),
        device,
        pixels(512 + 16, test=64) if given.tiny else pixels(50_000),
        cuda and has_bfloat16(device),
        workers,
        given.tiny,
        start + given.seconds,
    )
    where = torch.cuda.get_device_name() if cuda else f"CPU, {torch.get_num_threads()} threads"
    print(f"torch {torch.__version__} on {where}, {'bfloat16' if bench.half else 'float32'}")
    parts: list[Callable[[], None]] = [
        lambda: steady(bench),
        lambda: side_by_side(bench),
        lambda: data_path(bench),
        lambda: equality(bench),
        lambda: engines(bench),
        lambda: precision(bench, given.data, given.epochs),
    ]
    for part in parts:
        if time.monotonic() > bench.end:
            print("no time is left: the rest is left out")
            break
        try:
            part()
        except Exception as error:  # the other numbers are still wanted
            print(f"FAILED: {type(error).__name__}: {error}", file=sys.stderr)
            bench.found.setdefault("failed", []).append(str(error))
    print(f"{time.monotonic() - start:.0f} s in all")
    if given.out:
        given.out.write_text(json.dumps({"where": where, **bench.found}, indent=2))
    sys.exit(1 if "failed" in bench.found else 0)


if __name__ == "__main__":
    main()
