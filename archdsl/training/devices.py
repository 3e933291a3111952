"""Devices: choosing one, and measuring how long it takes for something."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch  # noqa: TID251

from archdsl.training import distributed, engine_messages
from archdsl.training.faults import DeviceError, Fault


def choose_device(name: str) -> torch.device:
    """Return the device called ``name``; ``auto`` is a CUDA device if there is one, or the CPU.

    Of several processes on a machine each takes its own CUDA device, unless one is named by
    number. Raises DeviceError for a device that torch does not know or that is not there.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceError(f"{name} is not a device") from error
    if device.type != "cuda":
        return device
    if not torch.cuda.is_available():
        raise DeviceError("there is no CUDA device")
    here = distributed.world()
    if here.size > 1 and device.index is None:
        if here.local_rank >= torch.cuda.device_count():
            found = torch.cuda.device_count()
            raise DeviceError(f"{here.local_rank + 1} processes here, but {found} CUDA devices")
        device = torch.device("cuda", here.local_rank)
    if device.index is not None:
        if device.index >= torch.cuda.device_count():
            found = torch.cuda.device_count()
            raise DeviceError(f"there is no {device}: {found} CUDA devices were found")
        torch.cuda.set_device(device)  # what NCCL, streams and events are on, if nothing is said
    return device


Wording = Callable[[str, BaseException], Fault]
"""The fault of a device, by its name, that has not enough memory; the error is torch's."""


@contextmanager
def at_work(
    device: torch.device, out_of_memory: Wording = engine_messages.out_of_memory
) -> Iterator[None]:
    """Return a context in which a CUDA device is the current one; for a CPU, one without effect.

    Streams, events, pinned memory and captures are of the current device, wherever the tensors
    lie: on another one an event would have happened at once, and a capture would be empty. Memory
    of the device that is not enough is Fault ARCH638 there, in the words of ``out_of_memory``.
    """
    try:
        with torch.cuda.device(device) if device.type == "cuda" else nullcontext():
            yield
    except torch.OutOfMemoryError as error:
        raise out_of_memory(str(device), error) from error


class Clock:
    """Measures, from when it is made, how long a device takes, without waiting for it."""

    def __init__(self, device: torch.device) -> None:
        self._now: Callable[[], Any] = time.perf_counter
        self._cuda = device.type == "cuda"
        if self._cuda:
            self._now = self._event
        self._start: Any = self._now()
        self._end: Any = self._start

    @staticmethod
    def _event() -> Any:
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def stop(self) -> None:
        """End what is measured here."""
        self._end = self._now()

    def seconds(self) -> float:
        """Return how long it took; on CUDA, once the device has been waited for."""
        passed = (
            self._start.elapsed_time(self._end) / 1000 if self._cuda else self._end - self._start
        )
        return max(float(passed), 1e-9)
