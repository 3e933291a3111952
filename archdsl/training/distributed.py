"""The processes of a run: one, or as many as ``torchrun`` has started."""

from __future__ import annotations

import os
from dataclasses import dataclass


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
    """Return this process's place, from the variables that ``torchrun`` sets; else one process."""
    return World(
        int(os.environ.get("RANK", "0")),
        int(os.environ.get("WORLD_SIZE", "1")),
        int(os.environ.get("LOCAL_RANK", "0")),
    )
