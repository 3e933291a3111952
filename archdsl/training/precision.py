"""What a machine can do of the options, what ``auto`` comes to on it, and torch set up for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch  # noqa: TID251

from archdsl.training import engine_messages
from archdsl.training.distributed import World, world
from archdsl.training.options import Options, Resolved


def resolve(options: Options, device: torch.device, processes: World | None = None) -> Resolved:
    """Return what is used on a device, with ``auto`` decided by what the device has natively.

    Raises Fault ARCH630, ARCH631 or ARCH632 for what the device does not have.
    """
    size = (processes or world()).size
    cuda = device.type == "cuda"
    engine = options.engine
    if engine == "auto":
        engine = "graph" if cuda and size == 1 else "eager"
    if engine == "graph" and not cuda:
        raise engine_messages.engine_unavailable("graph", f"{device} is not a CUDA device", "eager")
    if engine == "graph" and size > 1:
        reason = f"a graph holds one process, and this run has {size}"
        raise engine_messages.engine_unavailable("graph", reason, "eager")
    native = has_bfloat16(device)
    precision = options.precision
    if precision == "auto":
        precision = "bfloat16" if native else "float32"
    if precision == "bfloat16" and not native:
        reason = "it has no instructions for it, and emulation is slower than float32"
        raise engine_messages.precision_unavailable("bfloat16", str(device), reason)
    if options.bn == "sync" and not cuda:
        raise engine_messages.sync_unavailable(str(device))
    return Resolved(engine, precision, options.bn, options.deterministic, size)


def has_bfloat16(device: torch.device) -> bool:
    """Return whether a device multiplies bfloat16 natively; elsewhere it is emulated, slowly.

    Of CPUs those with AVX512-BF16 or AMX do, of CUDA devices those of capability 8.0 (Ampere) on.
    """
    if device.type == "cuda":
        return bool(torch.cuda.get_device_capability(device) >= (8, 0))
    if device.type == "cpu":
        # Torch has no public names for these, and not each version has both.
        probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        return any(getattr(torch.cpu, probe, lambda: False)() for probe in probes)
    return False


@contextmanager
def arithmetic(resolved: Resolved) -> Iterator[None]:
    """Return a context in which torch computes as resolved; its settings are put back after it.

    float32 means float32: no TF32. Without ``deterministic``, cuDNN times its algorithms and
    takes the fastest, which need not be the same one in another process.
    """
    # Looked at when cuBLAS is first used (https://docs.nvidia.com/cuda/cublas, "Results
    # Reproducibility"), and by torch never again: a run that is not deterministic may come before
    # one that is, in the same process.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    cudnn = torch.backends.cudnn
    former = (
        cudnn.benchmark,
        cudnn.deterministic,
        cudnn.allow_tf32,
        torch.backends.cuda.matmul.allow_tf32,
    )
    algorithms = torch.are_deterministic_algorithms_enabled()
    filling = torch.utils.deterministic.fill_uninitialized_memory
    _set(not resolved.deterministic, resolved.deterministic, False, False)
    if resolved.deterministic:
        torch.use_deterministic_algorithms(True)
        # Filling memory that is overwritten anyway costs time and makes nothing repeatable.
        torch.utils.deterministic.fill_uninitialized_memory = False
    try:
        yield
    finally:
        _set(*former)
        if resolved.deterministic:
            torch.use_deterministic_algorithms(algorithms)
            torch.utils.deterministic.fill_uninitialized_memory = filling


def _set(benchmark: bool, deterministic: bool, convolutions: bool, products: bool) -> None:
    torch.backends.cudnn.benchmark = benchmark
    torch.backends.cudnn.deterministic = deterministic
    torch.backends.cudnn.allow_tf32 = convolutions
    torch.backends.cuda.matmul.allow_tf32 = products


def autocast(resolved: Resolved, device: torch.device) -> Any:
    """Return a new context for the forward pass: bfloat16 products, if that is the precision."""
    half = resolved.precision == "bfloat16"
    return torch.autocast(device.type, torch.bfloat16, enabled=half)


def weights_type(resolved: Resolved) -> torch.dtype:
    """Return the type of weights and images: float64 if that is the precision, else float32."""
    return torch.float64 if resolved.precision == "float64" else torch.float32
