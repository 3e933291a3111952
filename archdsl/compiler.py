"""The whole way from a file to networks and source: what the command line and the API call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

from archdsl.analysis import analyse
from archdsl.analysis.points import check_points
from archdsl.diagnostics import Diagnostic, Problems, TooManyFaults, did_you_mean
from archdsl.elaborate import (
    Grid,
    Point,
    Program,
    Resolution,
    elaborate,
    file_messages,
    is_too_large,
    load,
    parameter_names,
)
from archdsl.elaborate.loading import Symbol
from archdsl.ir import Network
from archdsl.ir.naming import Names
from archdsl.operators.signature import Value
from archdsl.reading import NotText, TooLarge, read_text
from archdsl.source import Source
from archdsl.syntax import nodes

if TYPE_CHECKING:
    from torch import nn  # noqa: TID251 - for the annotation of build() only


MAX_FAULTS = 200
"""The most errors that are looked for in a spec: nobody mends more of them at once."""


class CallFault(Exception):
    """The call is at fault, not the spec: exit status 2. ``diagnostic`` says how."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


class SpecFault(Exception):
    """The spec is at fault; ``diagnostics`` say where. The text of the exception lists them."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        lines = [
            f"{d.primary.span if d.primary else '-'}: {d.severity}[{d.code}]: {d.message}"
            for d in diagnostics
        ]
        super().__init__("\n".join(lines))
        self.diagnostics = diagnostics


@dataclass(frozen=True)
class Spec:
    """A loaded spec: its files, and the faults found before any model is expanded."""

    program: Program
    resolution: Resolution
    problems: Problems

    @property
    def models(self) -> list[Symbol]:
        """The models that the file itself declares, in order."""
        return self.program.root.declared(nodes.Model)

    @property
    def grids(self) -> list[Grid]:
        """The variants that the file itself declares, in order; those with faults are left out."""
        declared = self.program.root.declared(nodes.Variants)
        items = [s.item for s in declared if isinstance(s.item, nodes.Variants)]
        return [self.resolution.grids[item] for item in items if item in self.resolution.grids]

    @property
    def texts(self) -> dict[str, str]:
        """The text of every file of the spec, by the name it is shown under."""
        return {m.source.name: m.source.text for m in self.program.modules}


def load_spec(
    path: str | Path, *, allow_outside: bool = False, read: Callable[[Path], str] = read_text
) -> Spec:
    """Read a spec. Raises :class:`CallFault` where the file itself cannot be read.

    Imports stay within the folder of the file, unless ``allow_outside`` is set. ``read`` returns
    the text of a file, which need not be what is on the disk.
    """
    path = Path(path)
    try:
        source = Source(str(path), read(path), path)
    except NotText as fault:
        raise CallFault(file_messages.not_utf8(str(path), fault)) from None
    except TooLarge:
        raise CallFault(file_messages.too_many_bytes(str(path), None)) from None
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise CallFault(
            Diagnostic("ARCH109", f"cannot read {path}: {reason}", help="name a .arch file")
        ) from None
    problems = Problems(MAX_FAULTS)
    program, resolution = load(source, read, problems, allow_outside=allow_outside)
    return Spec(program, resolution, problems)


def choose_model(spec: Spec, name: str | None) -> Symbol:
    """Return the model of a name, or the only one; raises :class:`CallFault` otherwise."""
    models = {symbol.name: symbol for symbol in spec.models}
    if name is not None:
        if name in models:
            return models[name]
        raise CallFault(
            Diagnostic(
                "ARCH120",
                f"there is no model `{name}` in {spec.program.root.source.name}",
                help=did_you_mean(name, models),
            )
        )
    if len(models) == 1:
        return next(iter(models.values()))
    shown = spec.program.root.source.name
    if not models:
        raise CallFault(
            Diagnostic(
                "ARCH120",
                f"{shown} declares no model",
                help="compile a file with `model Name { ... }`",
            )
        )
    raise CallFault(
        Diagnostic(
            "ARCH120",
            f"{shown} declares several models: {', '.join(models)}",
            help="choose one with --model NAME",
        )
    )


def model_parameters(spec: Spec, symbol: Symbol) -> list[str]:
    """Return the names of a model's parameters, those of its bases too."""
    assert isinstance(symbol.item, nodes.Model)
    return parameter_names(symbol.item, spec.resolution.bases)


def check_parameters(spec: Spec, symbol: Symbol, parameters: Mapping[str, Value]) -> None:
    """Raise :class:`CallFault` where a parameter is given that the model does not have."""
    known = model_parameters(spec, symbol)
    for name in parameters:
        if name not in known:
            raise CallFault(
                Diagnostic(
                    "ARCH103",
                    f"model {symbol.name} has no parameter `{name}`",
                    help=did_you_mean(name, known),
                )
            )


@dataclass(frozen=True)
class Compiled:
    """A compiled model.

    ``diagnostics`` are warnings and notes; there are no errors. Shapes have no batch axis; MACs
    are multiply-accumulates per image.
    """

    network: Network
    diagnostics: tuple[Diagnostic, ...]
    spec_files: dict[str, str] = field(repr=False)
    module_name: str
    """Name of the file that holds :attr:`source`, without its ending."""

    @cached_property
    def source(self) -> str:
        """The standalone Python source of the module; it needs torch alone."""
        from archdsl.backends.pytorch import emit

        return emit(self.network)

    @property
    def params(self) -> int:
        """Trainable parameters."""
        return self.network.params

    @property
    def macs(self) -> int:
        """Multiply-accumulates per image: convolutions, linear layers, the LSTM."""
        return self.network.macs

    @property
    def class_name(self) -> str:
        """Name of the module's class in :attr:`source`."""
        from archdsl.backends.pytorch import class_name

        return class_name(self.network)

    def _repr_svg_(self) -> str | None:
        """Return the model's figure, which notebooks show; None where none can be drawn."""
        from archdsl.backends.figures.faults import FigureFault
        from archdsl.backends.figures.painting import paint
        from archdsl.backends.figures.views import default_view, draw

        try:
            drawing = draw(self.network, default_view(self.network))
            # A notebook shows several figures in one page.
            return paint(drawing, ["svg"], prefix=f"{self.module_name}-")["svg"].decode()
        except FigureFault:
            return None

    def build(self) -> nn.Module:
        """Execute :attr:`source` and return the module, initialised, in training mode."""
        from archdsl.backends.pytorch.execution import execute

        return cast("nn.Module", execute(self.source, self.class_name))


def check_spec(spec: Spec) -> tuple[Diagnostic, ...]:
    """Return all faults of a spec: names, recipes, and every model that its own file declares.

    Models are checked with their defaults, and at every point of the variants of the file.
    """
    with suppress(TooManyFaults):
        networks: list[tuple[Symbol, Mapping[str, Value]]] = [(s, {}) for s in spec.models]
        networks += [(g.model, point.settings) for g in spec.grids for point in g.points]
        if spec.problems.is_full or is_too_large(networks, spec.resolution, spec.problems):
            return spec.problems.sorted()
        for symbol in spec.models:
            elaborated = elaborate(symbol, spec.resolution, spec.problems)
            if elaborated is not None:
                analyse(elaborated, spec.problems)
        for grid in spec.grids:
            check_points(grid, spec.resolution, spec.problems)
    return spec.problems.sorted()


def compile_spec(
    spec: Spec, model: str | None = None, parameters: Mapping[str, Value] | None = None
) -> Compiled:
    """Compile one model. Raises :class:`SpecFault` or :class:`CallFault`."""
    if spec.problems.is_full or (not spec.models and spec.problems.has_errors):
        raise SpecFault(spec.problems.sorted())
    symbol = choose_model(spec, model)
    check_parameters(spec, symbol, parameters or {})
    network = None
    with suppress(TooManyFaults):
        elaborated = elaborate(symbol, spec.resolution, spec.problems, parameters)
        network = analyse(elaborated, spec.problems) if elaborated is not None else None
    if network is None or spec.problems.has_errors:
        raise SpecFault(spec.problems.sorted())
    return Compiled(network, spec.problems.sorted(), spec.texts, network.name.lower())


def choose_grid(spec: Spec, name: str, parameters: Mapping[str, Value]) -> Grid:
    """Return the variants of a name; raises :class:`CallFault` and :class:`SpecFault`.

    ``parameters`` are to hold at every point: one that is varied cannot be among them.
    """
    grids = {grid.name: grid for grid in spec.grids}
    if name not in grids:
        if spec.problems.has_errors:
            raise SpecFault(spec.problems.sorted())
        message = f"there are no variants `{name}` in {spec.program.root.source.name}"
        help = did_you_mean(name, grids) or f"declare them: variants {name} of Model {{ ... }}"
        raise CallFault(Diagnostic("ARCH141", message, help=help))
    grid = grids[name]
    check_parameters(spec, grid.model, parameters)
    for parameter in parameters:
        if parameter in grid.axes:
            message = f"`{parameter}` is set, but variants {name} vary it"
            raise CallFault(Diagnostic("ARCH133", message, help="set it, or name the variants"))
    return grid


def compile_variants(
    spec: Spec, name: str, parameters: Mapping[str, Value] | None = None
) -> dict[str, Compiled]:
    """Return every point of a grid, compiled, by what it is called: ``depth[n=2]``.

    Raises :class:`SpecFault` or :class:`CallFault`.
    """
    grid = choose_grid(spec, name, parameters or {})
    networks: list[tuple[Point, Network]] = []
    with suppress(TooManyFaults):
        networks = check_points(grid, spec.resolution, spec.problems, parameters)
    if spec.problems.has_errors:
        raise SpecFault(spec.problems.sorted())
    names = Names()
    return {
        str(point): Compiled(
            network,
            spec.problems.sorted(),
            spec.texts,
            names.allocate(f"{network.name.lower()}_{point.slug}"),
        )
        for point, network in networks
    }
