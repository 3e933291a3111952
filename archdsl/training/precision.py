"""What a machine can do of the options, and what ``auto`` comes to on it."""

from __future__ import annotations

import torch  # noqa: TID251

from archdsl.training.distributed import World, world
from archdsl.training.options import Options, Resolved


def resolve(options: Options, device: torch.device, processes: World | None = None) -> Resolved:
    """Return what is used on a device, with ``auto`` decided by what the device has natively."""
    processes = processes or world()
    precision = options.precision
    if precision == "auto":
        precision = "bfloat16" if has_bfloat16(device) else "float32"
    engine = "eager" if options.engine == "auto" else options.engine
    return Resolved(engine, precision, options.bn, options.deterministic, processes.size)


def has_bfloat16(device: torch.device) -> bool:
    """Return whether a device multiplies bfloat16 natively; elsewhere it is emulated, slowly.

    Of CPUs those with AVX512-BF16 or AMX do, of CUDA devices those of capability 8.0 (Ampere) on.
    """
    if device.type == "cuda":
        return bool(torch.cuda.get_device_capability(device) >= (8, 0))
    if device.type == "cpu":
        # The public names came after the private ones that older versions of torch have.
        probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        return any(getattr(torch.cpu, probe, lambda: False)() for probe in probes)
    return False
