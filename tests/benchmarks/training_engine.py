"""What the engine adds to a plain loop; what layout, precision and emitted code cost, on a CPU.

Every number is a ratio or a difference of two things measured in turns in this process: a machine
that is busy slows both. Prints the numbers of docs/engine.md; a few minutes on two cores.

    python tests/benchmarks/training_engine.py [overhead] [emitted] [layout] [lstm] [compile]
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import archdsl
from archdsl.recipes import Recipe, Setting
from archdsl.training.data import Images
from archdsl.training.engine import Engine
from archdsl.training.options import Options
from archdsl.training.plan import EpochPlan
from archdsl.training.precision import has_bfloat16

SPECS = Path(__file__).parents[2] / "specs"
CPU = torch.device("cpu")
SGD = {"lr": 0.01, "momentum": 0.9, "weight_decay": 1e-4, "nesterov": False}


def in_turns(repeats: int, *functions: Callable[[], float]) -> list[list[float]]:
    """Seconds that each function returns, called in turns, after one round to warm up."""
    for function in functions:
        function()
    taken: list[list[float]] = [[] for _ in functions]
    for _ in range(repeats):
        for times, function in zip(taken, functions, strict=True):
            times.append(function())
    return taken


def timed(function: Callable[[], Any]) -> Callable[[], float]:
    """The same function, returning the processor's seconds that it takes."""

    def run() -> float:
        # Of this process, on its one thread: what others do meanwhile does not count.
        start = time.process_time()
        function()
        return time.process_time() - start

    return run


def ratio(of: list[float], to: list[float]) -> float:
    """The median of the ratios round by round."""
    return statistics.median(a / b for a, b in zip(of, to, strict=True))


def images(count: int, channels: int, side: int) -> Images:
    """Random pixels; never zeros, which some hardware multiplies faster."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(256, (count + 8, channels, side, side), generator=generator)
    y = torch.randint(10, (count + 8,), generator=generator)
    x = x.to(torch.uint8)
    half = (0.5,) * channels
    return Images(x[:count], y[:count], x[count:], y[count:], half, half, "")


class Small(nn.Module):
    """Twelve layers with next to no arithmetic: what is left is what a step costs the host."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(12):
            layers += [nn.Linear(16, 16), nn.ReLU()]
        self.layers = nn.Sequential(nn.Flatten(), *layers, nn.Linear(16, 10))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def overhead() -> None:
    """Extra microseconds a step over the six lines, with equal arithmetic."""
    steps, batch = 200, 8
    data = images(steps * batch, 1, 4)
    recipe = Recipe("r", 10**6, batch, Setting("sgd", SGD))
    torch.manual_seed(0)
    epochs = Engine(Small(), data, recipe, CPU, Options(precision="float32")).epochs()
    torch.manual_seed(0)
    model = Small()
    fused = torch.optim.SGD(model.parameters(), **SGD, fused=True)
    usual = torch.optim.SGD(model.parameters(), **SGD)

    def loop(optimizer: torch.optim.Optimizer) -> None:
        # What an engine does as well once an epoch: planning it, and reading the loss.
        order = EpochPlan.of(0, 0, len(data.train_y), (4, 4), ()).order
        total = torch.zeros(())
        for indices in order.split(batch):
            x = (data.train_x[indices].float() - 127.5) / 127.5
            loss = cross_entropy(model(x), data.train_y[indices])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.detach()
        total.item()

    ours, plain, ordinary = in_turns(
        25,
        timed(lambda: next(epochs)),  # with an evaluation, of one batch
        timed(lambda: loop(fused)),
        timed(lambda: loop(usual)),
    )
    for name, other in (("fused SGD", plain), ("torch's default SGD", ordinary)):
        extra = statistics.median((a - b) / steps * 1e6 for a, b in zip(ours, other, strict=True))
        step = statistics.median(other) / steps * 1e6
        print(
            f"engine over a six-line loop with {name}: {extra:+.0f} us a step "
            f"(of {step:.0f}; at most 50 wanted), ratio {ratio(ours, other):.2f}"
        )


def hand_written(width: int) -> nn.Sequential:
    """VGG-1 as one would write it by hand, at some width."""
    layers: list[nn.Module] = []
    before = 3
    for channels in (width, 2 * width, 4 * width):
        for _ in range(2):
            layers += [
                nn.Conv2d(before, channels, 3, padding=1),
                nn.BatchNorm2d(channels),
                nn.ReLU(),
            ]
            before = channels
        layers.append(nn.MaxPool2d(2))
    features = 4 * width * 16
    layers += [nn.Flatten(), nn.Linear(features, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(64, 10))


SPEC = """arch 1
from std.blocks import ConvBNReLU

model VGG(classes = 10) {{
  input [3, 32, 32]
  backbone {{
    stage s1 {{ block b1 {{ ConvBNReLU({0}) * 2 }} -> maxpool(2) }}
    stage s2 {{ block b2 {{ ConvBNReLU({1}) * 2 }} -> maxpool(2) }}
    stage s3 {{ block b3 {{ ConvBNReLU({2}) * 2 }} -> maxpool(2) }}
  }}
  head {{ flatten -> linear(64) -> relu -> linear(64) -> relu -> linear(classes) }}
}}
"""


def emitted() -> None:
    """The emitted module against nn.Sequential: the same outputs, and how long."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder) / "vgg.arch"
        spec.write_text(SPEC.format(4, 8, 16))
        module = archdsl.compile(spec).build()
    sequential = hand_written(4)
    kinds = (nn.Conv2d, nn.BatchNorm2d, nn.Linear)
    pairs = zip(
        (m for m in module.modules() if isinstance(m, kinds)),
        (m for m in sequential.modules() if isinstance(m, kinds)),
        strict=True,
    )
    biased = [mine.bias is not None for mine, _ in pairs if isinstance(mine, nn.Conv2d)]
    if not any(biased):  # a bias before a normalization does nothing
        for at, layer in enumerate(sequential):
            if isinstance(layer, nn.Conv2d):
                old = layer
                sequential[at] = nn.Conv2d(
                    old.in_channels, old.out_channels, 3, padding=1, bias=False
                )
    mine = [m for m in module.modules() if isinstance(m, kinds)]
    theirs = [m for m in sequential.modules() if isinstance(m, kinds)]
    for source, target in zip(mine, theirs, strict=True):
        target.load_state_dict(source.state_dict())
    x = torch.rand(2, 3, 32, 32)
    equal = torch.equal(module(x), sequential(x))

    def run(network: nn.Module) -> Callable[[], float]:
        def both() -> None:
            for _ in range(30):
                network(x).sum().backward()

        return timed(both)

    ours, other = in_turns(15, run(module), run(sequential))
    print(
        f"emitted module to nn.Sequential, forward and backward: {ratio(ours, other):.2f} "
        f"(at most 1.10 wanted), outputs {'bitwise equal' if equal else 'DIFFER'}"
    )


def layout() -> None:
    """VGG-1-RA at full width, a step of batch 16, by layout and precision."""
    module = archdsl.compile(SPECS / "vgg1_ra.arch").build()
    optimizer = torch.optim.SGD(module.parameters(), lr=1e-9, momentum=0.9, fused=True)
    x, y = torch.rand(16, 3, 32, 32), torch.randint(10, (16,))

    def step(last: bool, half: bool) -> Callable[[], float]:
        form = torch.channels_last if last else torch.contiguous_format

        def once() -> None:
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                logits = module(x.contiguous(memory_format=form))
            optimizer.zero_grad()
            cross_entropy(logits.float(), y).backward()
            optimizer.step()

        run = timed(once)

        def measured() -> float:
            module.to(memory_format=form)
            return run()

        return measured

    native = has_bfloat16(CPU)
    cases = [(False, False), (True, False), *([(False, True), (True, True)] if native else [])]
    taken = in_turns(5, *(step(*case) for case in cases))
    for (last, half), times in zip(cases, taken, strict=True):
        name = f"{'NHWC' if last else 'NCHW'} {'bfloat16' if half else 'float32'}"
        print(f"VGG-1-RA, {name}: {ratio(taken[0], times):.2f} times as fast as NCHW float32")
    if not native:
        print("this CPU has no instructions for bfloat16: not measured")


def lstm() -> None:
    """The emitted, unrolled LSTM against nn.LSTM: the same to rounding, and how long."""
    module = archdsl.compile(SPECS / "vgg1_ra.arch").build()
    unrolled = next(m for m in module.modules() if type(m).__name__ == "LSTM")
    library = nn.LSTM(512, 256, batch_first=True)
    library.load_state_dict(unrolled.state_dict())
    x = torch.randn(16, 3, 512)
    with torch.no_grad():
        difference = float((unrolled(x) - library(x)[0]).abs().max())

    def run(function: Callable[[Tensor], Tensor]) -> Callable[[], float]:
        def both() -> None:
            for _ in range(20):
                function(x).sum().backward()

        return timed(both)

    ours, other = in_turns(9, run(unrolled), run(lambda x: library(x)[0]))
    print(
        f"unrolled LSTM to nn.LSTM, forward and backward: {ratio(ours, other):.2f}, "
        f"largest difference {difference:.1e} (at most 1e-6 wanted)"
    )


def compiled() -> None:
    """The engine with a compiled network against the eager one: what it costs and gives."""
    data = images(96, 3, 32)
    recipe = Recipe("r", 10**6, 16, Setting("sgd", SGD))
    runs = []
    for name in ("eager", "compile"):
        module = archdsl.compile(SPECS / "vgg1_ra.arch").build()
        options = Options(engine=name, precision="float32")  # type: ignore[arg-type]
        engine = Engine(module, data, recipe, CPU, options)
        if name == "compile":
            print(f"compiling VGG-1-RA took {engine.costs['compile']:.0f} s")
        runs.append(engine.epochs())

    def epoch(run: Any) -> Callable[[], float]:
        return timed(lambda: next(run))

    eager, other = in_turns(5, *(epoch(run) for run in runs))
    print(f"a compiled step is {ratio(eager, other):.2f} times as fast as an eager one")


PARTS = {
    "overhead": overhead,
    "emitted": emitted,
    "layout": layout,
    "lstm": lstm,
    "compile": compiled,
}


def main() -> None:
    torch.set_num_threads(1)
    for name in sys.argv[1:] or PARTS:
        PARTS[name]()


if __name__ == "__main__":
    main()
