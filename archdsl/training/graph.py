"""Running whole steps as CUDA graphs: the host launches one thing a step.

The batch is chosen on the device, by a counter of steps into the plan of the epoch, and so is the
learning rate. Every tensor that outlives a step keeps its place in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import torch  # noqa: TID251
from torch import Tensor  # noqa: TID251

from archdsl.training import engine_messages
from archdsl.training.engine_ledger import Ledger
from archdsl.training.engine_runner import on_device, tensors_of
from archdsl.training.engine_state import untouched
from archdsl.training.engine_step import Step
from archdsl.training.plan import EpochPlan

Replay = Callable[[], None]
Capture = Callable[[Replay, torch.device], Replay]

_WARM_UPS = 3
"""Steps before capture: cuDNN picks its algorithms and makes its workspaces in them."""


class GraphRunner:
    """Replays captured steps: one graph for the full batch, one for the tail."""

    def __init__(
        self,
        step: Step,
        ledger: Ledger,
        batch: int,
        rate: Tensor,
        device: torch.device,
        capture: Capture | None = None,
    ) -> None:
        """``rate`` is the tensor from which the optimizer reads the learning rate, float32 [].

        ``capture`` turns a function into one that does the same by replaying it; it is
        :func:`cuda_graph`, except where there is no CUDA device to try this on.
        """
        self._step = step
        self._ledger = ledger
        self._batch = batch
        self._rate = rate
        self._device = device
        self._capture = capture or cuda_graph
        steps = ledger.values.shape[1]
        self._steps = steps
        self._counter = torch.zeros(1, dtype=torch.int64, device=device)
        self._offsets = torch.arange(min(batch, step.count), device=device)
        self._rates = torch.zeros(steps, dtype=rate.dtype, device=device)
        self._plan = on_device(step.plan(0), device)
        self._replays: dict[int, Replay] = {}

    def begin(self, plan: EpochPlan, rates: Sequence[float], step: int) -> None:
        """Put plan and rates where the captured steps look for them; capture those first."""
        new = tensors_of(plan)
        for name, here in tensors_of(self._plan).items():
            _refill(here, new[name])
        _refill(self._rates, torch.tensor(rates, dtype=self._rates.dtype))
        if not self._replays:
            self._prepare()
        self._counter.fill_(step)

    def run(self, step: int) -> None:
        """Replay a step; the device knows by itself which."""
        self._replays[self._size(step)]()

    def _size(self, step: int) -> int:
        return min(self._batch, self._step.count - step * self._batch)

    def _prepare(self) -> None:
        """Warm up and capture each size of batch that comes; nothing is trained by it."""
        for step in sorted({0, self._steps - 1}):
            size = self._size(step)
            if size in self._replays:
                continue

            def whole(size: int = size) -> None:
                self._whole(size)

            tensors = [*self._step.state.tensors(), self._ledger.values, self._rate, self._counter]
            with untouched(tensors, self._device):
                for _ in range(_WARM_UPS):
                    self._counter.fill_(step)
                    on_side_stream(whole, self._device)
            self._counter.fill_(step)
            # Gradients are made anew within the graph, in its own memory.
            self._step.update.clear()
            with untouched(tensors, self._device):
                self._replays[size] = self._capture(whole, self._device)

    def _whole(self, size: int) -> None:
        """Do a whole step on the batch that the counter points to."""
        places = self._offsets[:size] + self._counter * self._batch
        self._rate.copy_(self._rates.index_select(0, self._counter).squeeze(0))
        loss, right = self._step.take(self._plan, places)
        self._ledger.write_at(self._counter, loss, right)
        self._counter.add_(1)


def on_side_stream(function: Callable[[], object], device: torch.device) -> None:
    """Run a function on another stream than the current one, as warming up for capture has to."""
    if device.type != "cuda":
        function()
        return
    stream = _side_stream(_index(device))
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        function()
    torch.cuda.current_stream(device).wait_stream(stream)


def cuda_graph(function: Replay, device: torch.device) -> Replay:
    """Return a function that replays what ``function`` launches; raises Fault ARCH633.

    Nothing is run by capturing. Other threads may use the device meanwhile: one may be writing a
    checkpoint.
    """
    graph = torch.cuda.CUDAGraph()
    stream, former = _side_stream(_index(device)), torch.cuda.current_stream(device)
    try:
        with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
            function()
    except RuntimeError as error:
        torch.cuda.set_stream(former)  # torch leaves it where a capture cannot be ended
        first = _first(error)
        if isinstance(first, torch.OutOfMemoryError):
            raise first from None
        reason = engine_messages.first_line(first)
        raise engine_messages.not_captured("graph", reason) from error
    return graph.replay  # type: ignore[no-any-return]


@cache
def _side_stream(index: int) -> torch.cuda.Stream:
    """Return the one stream of a device for warming up and for capturing.

    Torch keeps workspaces of cuBLAS for each stream, up to 32 MiB, for as long as the process
    lasts; and the stream on which it captures by itself is of the device that was the first.
    """
    return torch.cuda.Stream(index)


def _index(device: torch.device) -> int:
    index: int | None = device.index
    return int(torch.cuda.current_device()) if index is None else index


def _first(error: BaseException) -> BaseException:
    """Return what was wrong first: ending a capture that is broken is an error of its own."""
    while isinstance(error.__context__, RuntimeError):
        error = error.__context__
    return error


def _refill(here: Tensor, new: Tensor) -> None:
    """Copy from the CPU into a tensor on the device, without waiting for it."""
    if here.device.type == "cuda":
        new = new.pin_memory()  # kept by torch until the copy is done
    here.copy_(new, non_blocking=True)
