"""Tensors of a CUDA device that is not there: they have a place, a shape and a type, but no values.

What asks for a value, or mixes devices, fails as it does on a device, or is noted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any
from unittest import mock

import torch
import torch.cuda.amp.common
from torch.utils._python_dispatch import TorchDispatchMode

from archdsl.training import engine_step, erasing, graph
from archdsl.training.engine_step import Step

DEVICE = torch.device("cuda", 0)


class Notes(TorchDispatchMode):
    """Notes each operation: its name, and the types of the devices that it has to do with."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[tuple[str, frozenset[str]]] = []

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        devices = frozenset(_devices([args, list((kwargs or {}).values()), result]))
        self.operations.append((str(function), devices))
        return result

    @property
    def not_on_the_device(self) -> list[tuple[str, frozenset[str]]]:
        return [each for each in self.operations if each[1] - {"cuda"}]


class Stream:
    """In the place of streams and events."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def wait_stream(self, other: Any) -> None:
        pass


@contextmanager
def fake_cuda() -> Iterator[None]:
    """Return a context with a device to build an engine on and to run steps on.

    What is planned and prepared on the CPU is real. ``backward`` only makes gradients: torch's own
    needs a driver.
    """
    # These take seconds to import, and what is replaced below must not be so meanwhile.
    import torch._dynamo
    from torch._subclasses.fake_tensor import FakeTensorMode, unset_fake_temporarily

    def real(function: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **kwargs: Any) -> Any:
            with unset_fake_temporarily():
                return function(*args, **kwargs)

        return called

    def nothing(*_: Any, **__: Any) -> None:
        pass

    def backward(loss: torch.Tensor) -> None:
        assert loss.device == DEVICE and loss.ndim == 0 and loss.requires_grad
        for parameter in _parameters:
            parameter.grad = torch.empty_like(parameter)

    replaced: list[tuple[Any, str, Any]] = [
        (torch.Tensor, "pin_memory", lambda tensor: tensor),
        (torch.Tensor, "backward", backward),
        (torch.nn.Module, "to", _to),
        (torch, "_fused_sgd_", nothing),
        (torch, "_fused_adamw_", nothing),
        (torch.cuda, "Stream", Stream),
        (torch.cuda, "current_stream", Stream),
        (torch.cuda, "stream", lambda _: nullcontext()),
        (torch.cuda, "is_bf16_supported", lambda *_, **__: True),
        (torch.cuda, "get_rng_state", lambda _: torch.zeros(16, dtype=torch.uint8)),
        (torch.cuda, "set_rng_state", nothing),
        (torch.cuda.amp.common, "amp_definitely_not_available", lambda: False),
        (Step, "plan", real(Step.plan)),
        (engine_step, "prepare", real(engine_step.prepare)),
    ]
    with ExitStack() as stack:
        for owner, name, value in replaced:
            stack.enter_context(mock.patch.object(owner, name, value))
        stack.enter_context(FakeTensorMode(allow_non_fake_inputs=True))
        # A device that is there must not find what is kept of this one.
        for kept in (erasing._line, graph._side_stream):
            stack.callback(kept.cache_clear)
            kept.cache_clear()
        stack.callback(_parameters.clear)
        yield


def has_fakes() -> bool:
    """Return whether torch can do with such tensors without a driver (2.6 cannot)."""
    outside = torch.zeros(2)
    try:
        with fake_cuda():
            outside.to(DEVICE).sum()
    except RuntimeError:
        return False
    return True


_parameters: list[torch.nn.Parameter] = []
"""Of the network that has been brought to the device."""


def _to(network: Any, device: Any = None, dtype: Any = None, memory_format: Any = None) -> Any:
    """Do what ``Module.to`` does; torch's own does not take these tensors."""
    _parameters.clear()
    for module in network.modules():
        for name, value in (*module._parameters.items(), *module._buffers.items()):
            kind = dtype if value.is_floating_point() else None
            moved = value.detach().to(device=device or value.device, dtype=kind or value.dtype)
            if memory_format is not None and value.ndim == 4:
                moved = moved.to(memory_format=memory_format)
            if name in module._parameters:
                module._parameters[name] = torch.nn.Parameter(moved)
                _parameters.append(module._parameters[name])
            else:
                module._buffers[name] = moved
    return network


def _devices(values: Any) -> set[str]:
    if isinstance(values, torch.Tensor):
        return {values.device.type}
    if isinstance(values, list | tuple):
        return {device for value in values for device in _devices(value)}
    return set()
