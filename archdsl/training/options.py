"""How a run is computed: what was asked for, and what it came to on the machine at hand.

Nothing here imports torch; ``precision.resolve`` looks at the machine.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal, get_args

EngineName = Literal["auto", "eager", "graph", "compile"]
PrecisionName = Literal["auto", "float32", "bfloat16", "float64"]
BatchNorm = Literal["local", "sync"]

ENGINES: tuple[str, ...] = get_args(EngineName)
PRECISIONS: tuple[str, ...] = get_args(PrecisionName)
BATCH_NORMS: tuple[str, ...] = get_args(BatchNorm)


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked for.

    ``engine``: ``eager`` launches every operation of a step; ``graph`` replays the whole step as
    one CUDA graph; ``compile`` has the network compiled first; ``auto`` is ``graph`` on one CUDA
    device, and else ``eager``. ``precision``: that of convolutions and matrix products (weights
    are float32, or float64 for ``float64``); ``auto`` is bfloat16 where the hardware has it, and
    else float32. ``bn``: whether the statistics of batch normalization are of a process's own
    images or of the whole batch; with one process both are the same. ``deterministic``: only
    algorithms that give the same bits every time.
    """

    engine: EngineName = "auto"
    precision: PrecisionName = "auto"
    bn: BatchNorm = "local"
    deterministic: bool = False


@dataclass(frozen=True, slots=True)
class Resolved:
    """What is used: no ``auto`` is left. It goes into the record of the run."""

    engine: Literal["eager", "graph", "compile"]
    precision: Literal["float32", "bfloat16", "float64"]
    bn: BatchNorm
    deterministic: bool
    world_size: int = 1

    def facts(self) -> dict[str, str | bool | int]:
        """Return it as JSON-ready facts."""
        return asdict(self)
