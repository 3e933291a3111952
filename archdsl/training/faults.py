"""The fault that ends a run: a diagnostic without a place, and the exit status it asks for."""

from __future__ import annotations

from archdsl.diagnostics import Diagnostic


class DeviceError(ValueError):
    """A device that torch does not know, or that is not there."""


class Fault(Exception):
    """Training cannot go on.

    ``status`` is the exit status of the command: 2 for what the caller can put right, 3 for a loss
    that is not finite, 130 for an interruption.
    """

    def __init__(self, diagnostic: Diagnostic, status: int = 2) -> None:
        super().__init__(diagnostic.code, diagnostic.message)
        self.diagnostic = diagnostic
        self.status = status

    def __str__(self) -> str:
        return f"{self.diagnostic.code}: {self.diagnostic.message}"
