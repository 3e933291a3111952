"""One process for each run: a claim on a folder that ends with the process, however it ends."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from types import ModuleType

from archdsl.training import checkpoint_messages

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None


class Claim:
    """A claim on ``folder``; raises Fault ARCH625 where another process has one.

    It is a lock of the operating system on the folder itself, so there is no file that a killed
    process could leave behind. On systems and network file systems that do not have such locks,
    nothing is claimed, and nobody refused.
    """

    def __init__(self, folder: Path) -> None:
        self._descriptor: int | None = None
        if fcntl is None:
            return
        with suppress(OSError):
            self._descriptor = os.open(folder, os.O_RDONLY)
        if self._descriptor is None:
            return
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            raise checkpoint_messages.in_use(folder) from None
        except OSError:
            self.release()

    def release(self) -> None:
        """Give the claim up; to do so again changes nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
