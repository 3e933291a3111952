"""From trees to networks: imports, names, compile-time values, expansion."""

from __future__ import annotations

from collections.abc import Mapping

from archdsl.diagnostics import Problems
from archdsl.elaborate.expanding import Expander
from archdsl.elaborate.loading import Loader, Program, Read, Symbol
from archdsl.elaborate.modelling import Elaborated as Elaborated
from archdsl.elaborate.modelling import ModelElaborator
from archdsl.elaborate.recipes import check_recipes
from archdsl.elaborate.resolving import Resolution, Resolver
from archdsl.operators.signature import Value
from archdsl.source import Source


def load(source: Source, read: Read, problems: Problems) -> tuple[Program, Resolution]:
    """Read a spec with its imports, and resolve every name in it."""
    program = Loader(read, problems).load(source)
    resolution = Resolver(program, problems).resolve()
    check_recipes(program.modules, Expander(resolution, problems))
    return program, resolution


def elaborate(
    model: Symbol,
    resolution: Resolution,
    problems: Problems,
    parameters: Mapping[str, Value] | None = None,
) -> Elaborated | None:
    """Return the network of a model, with parameters other than its defaults if given."""
    return ModelElaborator(model, resolution, problems, parameters or {}).elaborate()
