"""What changes while a network is trained: weights, buffers, the optimizer's, averages, generators.

All of it is made before the first step and keeps its place in memory, so that a captured step
finds it, and every tensor can be saved and put back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch  # noqa: TID251
from torch import Tensor  # noqa: TID251

from archdsl.training import distributed, engine_messages

Tensors = dict[str, Tensor]


def begin_optimizer(optimizer: Any, device: torch.device, rate: Tensor | None) -> None:
    """Make an SGD or AdamW optimizer's state before its first step, and have it work fused.

    Zeros are what it would begin with. ``rate`` is a tensor that holds the learning rate, for a
    step that is captured: a number would be frozen into it.
    """
    for group in optimizer.param_groups:
        group["foreach"] = False
        group["fused"] = True
        if rate is not None:
            group["lr"] = rate
        if "capturable" in group:
            group["capturable"] = device.type == "cuda"
        for parameter in group["params"]:
            if isinstance(optimizer, torch.optim.SGD):
                if group["momentum"]:
                    optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
            else:
                optimizer.state[parameter] = {
                    "step": torch.zeros((), device=device),
                    "exp_avg": torch.zeros_like(parameter),
                    "exp_avg_sq": torch.zeros_like(parameter),
                }


class Average:
    """The exponential moving average of a network's weights and statistics.

    After a step, average = decay * average + (1 - decay) * value, beginning with the first values
    (Polyak and Juditsky 1992, in the form of Tarvainen and Valpola 2017). Counters are copied.
    """

    def __init__(self, network: Any, decay: float) -> None:
        self.tensors: Tensors = {k: v.detach().clone() for k, v in network.state_dict().items()}
        values = [(self.tensors[k], v.detach()) for k, v in network.state_dict().items()]
        floating = [pair for pair in values if pair[0].is_floating_point()]
        self._averages = [average for average, _ in floating]
        self._values = [value for _, value in floating]
        self._counters = [pair for pair in values if not pair[0].is_floating_point()]
        self._weight = 1 - decay

    def update(self) -> None:
        """Take in the values after a step."""
        torch._foreach_lerp_(self._averages, self._values, self._weight)
        for average, value in self._counters:
            average.copy_(value)


class State:
    """The tensors of a run, by name, wherever they lie."""

    def __init__(self, network: Any, optimizer: Any, average: Average | None) -> None:
        self.network = network
        self.optimizer = optimizer
        self.average = average

    def tensors(self) -> list[Tensor]:
        """Return every tensor that a step changes."""
        found = list(self.network.state_dict(keep_vars=True).values())
        for values in self._of_optimizer().values():
            found += values.values()
        if self.average is not None:
            found += self.average.tensors.values()
        return found

    def evaluated(self) -> Tensors:
        """Return the weights and buffers that count: the averages, if there are any."""
        if self.average is not None:
            return self.average.tensors
        return dict(self.network.state_dict())

    def share_statistics(self) -> None:
        """Have rank 0's buffers in every process: what each has gathered from its own images.

        Those of the average are among them, since they are what is tested and saved.
        """
        shared = dict(self.network.named_buffers())
        if self.average is not None:
            averaged = self.average.tensors
            shared |= {f"average of {name}": averaged[name] for name in shared if name in averaged}
        for buffer in shared.values():
            distributed.send(buffer)

    def save(self) -> dict[str, Any]:
        """Return copies of all, on the CPU."""
        return {
            "model": copies(self.network.state_dict()),
            "optimizer": {name: copies(values) for name, values in self._of_optimizer().items()},
            "ema": copies(self.average.tensors) if self.average is not None else {},
        }

    def load(self, saved: dict[str, Any]) -> None:
        """Put saved values into place; raises Fault ARCH636, with nothing changed, if they differ.

        Tensors stay where they are in memory, and as they are laid out.
        """
        optimizer = self._of_optimizer()
        average = self.average.tensors if self.average is not None else {}
        pairs = list(_matched("model", self.network.state_dict(), saved["model"]))
        pairs += _matched("ema", average, saved["ema"])
        if optimizer.keys() != saved["optimizer"].keys():
            raise engine_messages.snapshot_mismatch("its optimizer has other parameters")
        for name, values in optimizer.items():
            pairs += _matched(f"optimizer of {name}", values, saved["optimizer"][name])
        with torch.no_grad():
            for here, there in pairs:
                here.copy_(there)

    def _of_optimizer(self) -> dict[str, Tensors]:
        named = self.network.named_parameters()
        return {name: self.optimizer.state[parameter] for name, parameter in named}


def copies(tensors: Tensors) -> Tensors:
    """Return contiguous copies on the CPU; from a CUDA device they come all in one go."""
    copied = {}
    waiting = set()
    for name, tensor in tensors.items():
        pinned = tensor.device.type == "cuda"
        copied[name] = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=pinned)
        copied[name].copy_(tensor.detach(), non_blocking=True)
        if pinned:
            waiting.add(tensor.device)
    for device in waiting:
        torch.cuda.synchronize(device)
    return copied


def save_generators(device: torch.device) -> dict[str, list[Tensor]]:
    """Return the states of torch's global generators, of all processes by rank."""
    saved = {"cpu": distributed.gather(torch.get_rng_state())}
    if device.type == "cuda":
        saved["cuda"] = distributed.gather(torch.cuda.get_rng_state(device))
    return saved


def load_generators(saved: dict[str, list[Tensor]], device: torch.device, rank: int) -> None:
    """Put saved states back; a rank that was not there when they were saved keeps its own."""
    if rank < len(saved["cpu"]):
        torch.set_rng_state(saved["cpu"][rank])
    if device.type == "cuda" and rank < len(saved.get("cuda", ())):
        torch.cuda.set_rng_state(saved["cuda"][rank], device)


@contextmanager
def untouched(tensors: Sequence[Tensor], device: torch.device) -> Iterator[None]:
    """Return a context after which tensors and generators are as they were before it.

    For steps that warm up and must not train.
    """
    kept = [tensor.detach().clone() for tensor in tensors]
    cpu = torch.get_rng_state()
    cuda = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
    try:
        yield
    finally:
        with torch.no_grad():
            for tensor, value in zip(tensors, kept, strict=True):
                tensor.copy_(value)
        torch.set_rng_state(cpu)
        if cuda is not None:
            torch.cuda.set_rng_state(cuda, device)


def _matched(what: str, here: Tensors, there: Tensors) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the pairs of two sets of tensors that must have the same names and shapes."""
    for name in [*here, *(name for name in there if name not in here)]:
        mine, other = here.get(name), there.get(name)
        if mine is None or other is None:
            where = "snapshot" if mine is None else "run"
            raise engine_messages.snapshot_mismatch(f"only the {where} has {name} ({what})")
        if mine.shape != other.shape:
            shapes = f"{list(other.shape)} in it and {list(mine.shape)} here"
            raise engine_messages.snapshot_mismatch(f"{name} ({what}) is {shapes}")
        yield mine, other
