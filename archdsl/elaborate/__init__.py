"""From trees to networks: imports, names, compile-time values, expansion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress

from archdsl.diagnostics import Problems, TooManyFaults
from archdsl.elaborate import shape_messages
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
from archdsl.ir.draft import MAX_IN_SPEC, MAX_OPERATORS
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
    resolution = Resolution()
    with room_to_recurse(), suppress(TooManyFaults):
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


def is_too_large(
    networks: Iterable[tuple[Symbol, Mapping[str, Value]]],
    resolution: Resolution,
    problems: Problems,
) -> bool:
    """Whether networks, each a model with parameters, are too many or too large to check them all.

    That is reported, before any of them is made.
    """
    total = 0
    with room_to_recurse():
        for model, parameters in networks:
            if total > MAX_IN_SPEC:
                problems.add(shape_messages.too_many_in_spec(model.place, MAX_IN_SPEC))
                return True
            # What it reports is found again when the network is made.
            size = ModelElaborator(model, resolution, Problems(), parameters).least_operators()
            total += min(size, MAX_OPERATORS)  # one that is too large by itself is not made
    return False
