"""The processes of a run: one, or as many as ``torchrun`` has started.

Nothing here imports torch before a second process is there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from archdsl.training import engine_messages

_lost = False
"""Whether another process has been lost: what is left of the group is not to be waited for."""

_has_met = False
"""Whether this process has ever been one of several."""

_PATIENCE = timedelta(seconds=300)
"""How long one process waits for the others: longer than any of them takes to write or to read."""


@dataclass(frozen=True, slots=True)
class World:
    """This process among those of the run.

    ``rank`` counts from 0 over all machines, ``local_rank`` over those of this machine; ``size`` is
    how many there are.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @property
    def writes(self) -> bool:
        """Whether this process writes files and prints: exactly one does."""
        return self.rank == 0

    def share(self, count: int) -> tuple[int, int]:
        """Return start and end of this rank's part of ``count`` images in a row.

        Parts differ by one image at most, and the first ranks have the larger ones: where there
        are fewer images than ranks, rank 0 is not without.
        """
        return -(-count * self.rank // self.size), -(-count * (self.rank + 1) // self.size)


def world() -> World:
    """Return this process's place, from the variables that ``torchrun`` sets; else one process.

    Raises Fault ARCH637 where they are no numbers that fit together.
    """
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
    texts = {name: os.environ.get(name, "1" if name == "WORLD_SIZE" else "0") for name in names}
    if not all(text.isdecimal() for text in texts.values()):
        raise engine_messages.no_rendezvous(f"the environment has {_shown(texts)}")
    rank, size, local_rank = (int(texts[name]) for name in names)
    if not rank < size or local_rank > rank:
        raise engine_messages.no_rendezvous(f"the environment has {_shown(texts)}")
    return World(rank, size, local_rank)


def connect(device_type: str) -> World:
    """Meet the other processes, if there are any; a second call does nothing more.

    Tensors on the CPU travel by gloo, those on CUDA devices by NCCL. Raises Fault ARCH637 where
    the others cannot be reached.
    """
    here = world()
    if here.size == 1:
        return here
    import torch.distributed as dist  # noqa: TID251

    global _has_met
    _has_met = True
    if not dist.is_initialized():
        backend = "cpu:gloo,cuda:nccl" if device_type == "cuda" else "gloo"
        try:
            dist.init_process_group(backend, timeout=_PATIENCE)
        except (RuntimeError, ValueError) as error:
            raise engine_messages.no_rendezvous(engine_messages.first_line(error)) from error
    return here


def disconnect() -> None:
    """Leave the other processes; without them, nothing is done.

    After a run that went well, all of them come so far before any leaves. While an exception is on
    its way (in a ``finally``) nobody is waited for: the others may never come.
    """
    dist = _group()
    if dist is None:
        return
    failed = _lost or sys.exc_info()[0] is not None
    if failed and "nccl" in dist.get_backend_config():
        return  # leaving NCCL waits for the others too; the end of the process does not
    with suppress(RuntimeError):  # they may be gone already
        if not failed:
            dist.barrier()
        dist.destroy_process_group()


def end_process(status: int) -> None:
    """End this process at once if it has been one of several; else do nothing.

    The threads of a process group may outlive it, and abort the process while the interpreter is
    taken down ("terminate called without an active exception"): all is written by then.
    """
    if _has_met:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def agree(value: int) -> int:
    """Return the greatest of the values that the processes give: each must call this.

    So that all of them stop, or save, between the same two steps. Costs nothing in a world of one.
    """
    dist = _group()
    if dist is None:
        return value
    import torch  # noqa: TID251

    with watched():
        greatest = torch.tensor(value)
        dist.all_reduce(greatest, op=dist.ReduceOp.MAX)
        return int(greatest.item())


def ask(value: int) -> Callable[[], int]:
    """Begin what :func:`agree` does, and return what waits for it and returns the greatest.

    So that the others may take their time: nobody waits if the answer is wanted a step later.
    """
    dist = _group()
    if dist is None:
        return lambda: value
    import torch  # noqa: TID251

    with watched():
        greatest = torch.tensor(value)
        work = dist.all_reduce(greatest, op=dist.ReduceOp.MAX, async_op=True)

    def answer() -> int:
        with watched():
            work.wait()
        return int(greatest.item())

    return answer


def add(tensor: Any) -> None:
    """Replace a tensor by its sum over the processes."""
    dist = _group()
    if dist is not None:
        dist.all_reduce(tensor)


def send(tensor: Any) -> None:
    """Replace a tensor by that of rank 0."""
    dist = _group()
    if dist is not None:
        dist.broadcast(tensor, 0)


def gather(tensor: Any) -> list[Any]:
    """Return the tensors of all processes, by rank; they are of one shape and on the CPU."""
    dist = _group()
    if dist is None:
        return [tensor]
    tensors = [tensor.clone() for _ in range(dist.get_world_size())]
    dist.all_gather(tensors, tensor)
    return tensors


@contextmanager
def watched() -> Iterator[None]:
    """Return a context in which the loss of another process is Fault ARCH634."""
    try:
        yield
    except RuntimeError as error:
        if _group() is None or not _is_loss(error):
            raise
        global _lost
        _lost = True
        raise engine_messages.rank_lost(world().rank, engine_messages.first_line(error)) from error


def _group() -> Any:
    """Return torch's module for several processes if they have met, else None."""
    # Looking it up in sys.modules leaves a process without torch without torch.
    dist = sys.modules.get("torch.distributed")
    return dist if dist is not None and dist.is_available() and dist.is_initialized() else None


def _is_loss(error: RuntimeError) -> bool:
    import torch.distributed as dist  # noqa: TID251

    if isinstance(error, dist.DistError):
        return True
    # Gloo's own errors are plain ones that begin with a place in its source.
    return any(word in str(error) for word in ("gloo", "Connection closed by peer", "NCCL"))


def _shown(texts: dict[str, str]) -> str:
    return ", ".join(f"{name}={text}" for name, text in texts.items())
