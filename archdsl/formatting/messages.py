"""The wording of ARCH990: what the formatter would have changed but its form."""

from __future__ import annotations

from archdsl.diagnostics import Diagnostic


def unsafe(name: str, change: str) -> Diagnostic:
    """Return: formatting would not have been faithful; ``change`` says in what."""
    return Diagnostic(
        "ARCH990",
        f"formatting {name} would change {change}",
        notes=("this is a bug in archdsl",),
        help="leave the file as it is, and report it",
    )
