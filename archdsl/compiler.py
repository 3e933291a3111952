"""The whole way from a file to networks and source: what the command line and the API call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

from archdsl.analysis import analyse
from archdsl.diagnostics import Diagnostic, Problems, did_you_mean
from archdsl.elaborate import Program, Resolution, elaborate, file_messages, load
from archdsl.elaborate.loading import Symbol
from archdsl.ir import Network
from archdsl.operators.signature import Value
from archdsl.reading import NotText, TooLarge, read_text
from archdsl.source import Source
from archdsl.syntax import nodes

if TYPE_CHECKING:
    from torch import nn  # noqa: TID251 - for the annotation of build() only


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
    def texts(self) -> dict[str, str]:
        """The text of every file of the spec, by the name it is shown under."""
        return {m.source.name: m.source.text for m in self.program.modules}


def load_spec(path: str | Path, *, allow_outside: bool = False) -> Spec:
    """Read a spec. Raises :class:`CallFault` where the file itself cannot be read.

    Imports stay within the folder of the file, unless ``allow_outside`` is set.
    """
    path = Path(path)
    try:
        source = Source(str(path), read_text(path), path)
    except NotText as fault:
        raise CallFault(file_messages.not_utf8(str(path), fault)) from None
    except TooLarge:
        raise CallFault(file_messages.too_many_bytes(str(path), None)) from None
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise CallFault(
            Diagnostic("ARCH109", f"cannot read {path}: {reason}", help="name a .arch file")
        ) from None
    problems = Problems()
    program, resolution = load(source, read_text, problems, allow_outside=allow_outside)
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
    item = symbol.item
    assert isinstance(item, nodes.Model)
    known = [p.name.text for p in item.parameters]
    while item in spec.resolution.bases:
        base = spec.resolution.bases[item].item
        assert isinstance(base, nodes.Model)
        item = base
        known += [p.name.text for p in item.parameters if p.name.text not in known]
    return known


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

    def build(self) -> nn.Module:
        """Execute :attr:`source` and return the module, initialised, in training mode."""
        from archdsl.backends.pytorch.execution import execute

        return cast("nn.Module", execute(self.source, self.class_name))

    @property
    def module_name(self) -> str:
        """Name of the file that holds :attr:`source`, without its ending."""
        return self.network.name.lower()


def check_spec(spec: Spec) -> tuple[Diagnostic, ...]:
    """Return all faults of a spec: names, recipes, and every model that its own file declares."""
    for symbol in spec.models:
        elaborated = elaborate(symbol, spec.resolution, spec.problems)
        if elaborated is not None:
            analyse(elaborated, spec.problems)
    return spec.problems.sorted()


def compile_spec(
    spec: Spec, model: str | None = None, parameters: Mapping[str, Value] | None = None
) -> Compiled:
    """Compile one model. Raises :class:`SpecFault` or :class:`CallFault`."""
    if not spec.models and spec.problems.has_errors:
        raise SpecFault(spec.problems.sorted())
    symbol = choose_model(spec, model)
    check_parameters(spec, symbol, parameters or {})
    elaborated = elaborate(symbol, spec.resolution, spec.problems, parameters)
    network = analyse(elaborated, spec.problems) if elaborated is not None else None
    if network is None or spec.problems.has_errors:
        raise SpecFault(spec.problems.sorted())
    return Compiled(network, spec.problems.sorted(), spec.texts)
