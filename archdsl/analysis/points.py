"""The points of a grid: each is elaborated and checked; a fault that several have is told once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from archdsl.analysis import analyse
from archdsl.diagnostics import Diagnostic, Problems
from archdsl.elaborate import Grid, Point, Resolution, elaborate
from archdsl.elaborate.variant_messages import at_point, too_many_operators
from archdsl.ir import Network
from archdsl.ir.draft import MAX_OPERATORS
from archdsl.operators.signature import Value

Key: TypeAlias = tuple[str, tuple[int, int, int] | None]


def check_points(
    grid: Grid,
    resolution: Resolution,
    problems: Problems,
    parameters: Mapping[str, Value] | None = None,
) -> list[tuple[Point, Network]]:
    """Return the network of every point, in order; ``parameters`` are those of all of them.

    What is reported already, of the model with its defaults, is not reported again. Of the rest,
    each fault is reported with the first point that has it.
    """
    known = {_key(diagnostic) for diagnostic in problems.sorted()}
    found: dict[Key, tuple[Diagnostic, list[Point]]] = {}
    networks: list[tuple[Point, Network]] = []
    operators = 0
    for point in grid.points:
        # With what is known: passes hold back where there are faults.
        there = Problems()
        there.extend(problems.sorted())
        settings = {**(parameters or {}), **point.settings}
        elaborated = elaborate(grid.model, resolution, there, settings)
        if elaborated is not None:
            network = analyse(elaborated, there)
            networks.append((point, network))
            operators += len(network.nodes)
        for key, diagnostic in {_key(d): d for d in reversed(there.sorted())}.items():
            if key not in known and diagnostic.code != "ARCH130":  # some point may need it
                found.setdefault(key, (diagnostic, []))[1].append(point)
        if operators > MAX_OPERATORS:
            problems.add(too_many_operators(grid.place, grid.name, MAX_OPERATORS))
            break
    for diagnostic, points in found.values():
        problems.add(at_point(diagnostic, str(points[0]), len(points) - 1))
    return networks


def _key(diagnostic: Diagnostic) -> Key:
    """Return what makes a fault the same at two points: its words may hold other sizes."""
    span = diagnostic.primary.span if diagnostic.primary else None
    return diagnostic.code, (id(span.source), span.start, span.end) if span else None
