"""Which tables a summary is made of: one for each network, or one that compares them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archdsl.backends.tables.table import Table
    from archdsl.ir import Network


class Per(StrEnum):
    """What a row of a summary stands for."""

    LAYER = "layer"
    BLOCK = "block"
    STAGE = "stage"
    NETWORK = "network"


@dataclass(frozen=True, slots=True)
class Entry:
    """A network to summarise: what it is called (``depth[n=2]`` if a point), and its spec."""

    name: str
    spec: str
    network: Network


def tables(entries: Sequence[Entry], per: Per, *, points: bool = False) -> list[Table]:
    """Return the tables of some networks: one of all of them per network, else one for each.

    ``points`` says that they are points of variants: one model, set in several ways.
    """
    match per:
        case Per.NETWORK:
            from archdsl.backends.tables.networks import network_table

            return [network_table(entries, points=points)]
        case Per.LAYER:
            from archdsl.backends.tables.layers import layer_table

            return [layer_table(entry.network, entry.name) for entry in entries]
        case Per.BLOCK | Per.STAGE:
            from archdsl.backends.tables.parts import part_table

            blocks = per is Per.BLOCK
            return [part_table(e.network, e.name, blocks=blocks) for e in entries]
