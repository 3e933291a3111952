"""From trees to networks: imports, names, compile-time values, expansion."""

from __future__ import annotations

from collections.abc import Mapping

from archdsl.diagnostics import Problems
from archdsl.elaborate.checking_steps import Resolution as Resolution
from archdsl.elaborate.expanding import Expander
from archdsl.elaborate.loading import Loader, Read, Symbol
from archdsl.elaborate.loading import Program as Program
from archdsl.elaborate.modelling import Elaborated as Elaborated
from archdsl.elaborate.modelling import ModelElaborator
from archdsl.elaborate.recipes import check_recipes
from archdsl.elaborate.resolving import Resolver
from archdsl.elaborate.variants import Grid as Grid
from archdsl.elaborate.variants import GridChecker
from archdsl.elaborate.variants import Point as Point
from archdsl.elaborate.variants import parameter_names as parameter_names
from archdsl.operators.signature import Value
from archdsl.source import Source
from archdsl.syntax.recursion import room_to_recurse


def load(
    source: Source, read: Read, problems: Problems, *, allow_outside: bool = False
) -> tuple[Program, Resolution]:
    """Read a spec with its imports, and check every name, constant and recipe in it.

    ``allow_outside``: imports may leave the folder of the spec.
    """
    program = Loader(read, problems, allow_outside=allow_outside).load(source)
    with room_to_recurse():
        resolution = Resolver(program, problems).resolve()
        expander = Expander(resolution, problems)
        for module in program.modules:
            expander.file_scope(module)
        check_recipes(program.modules, expander)
        grids = GridChecker(resolution.bases, expander.evaluator, expander.file_scope, problems)
        resolution.grids = grids.check(program.modules)
    return program, resolution


def elaborate(
    model: Symbol,
    resolution: Resolution,
    problems: Problems,
    parameters: Mapping[str, Value] | None = None,
) -> Elaborated | None:
    """Return the network of a model, with parameters other than its defaults if given."""
    with room_to_recurse():
        return ModelElaborator(model, resolution, problems, parameters or {}).elaborate()
