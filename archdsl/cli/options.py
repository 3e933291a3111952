"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

AllowOutside: TypeAlias = Annotated[
    bool,
    typer.Option("--allow-outside", help="Let imports leave the folder of the spec."),
]
