"""What a declaration of something that recipes may name consists of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from archdsl.operators.signature import Parameter

Place = Literal["optimizer", "schedule", "warmup", "augment"]
"""The setting of a recipe that an entry may be the value of."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that a recipe may name, for one of its settings.

    ``doc`` is one line; ``details`` are what else must be known to use it; ``source`` is where
    it is from: a paper, or the function whose numbers it gives.
    """

    name: str
    place: Place
    doc: str
    parameters: tuple[Parameter, ...] = ()
    source: str = ""
    details: str = ""
