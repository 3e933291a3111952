"""The two libraries: their models by name, and building one without weights, on no device.

A name or keyword that would make the library open a file, or reach the network, is refused: only
names from the library's own list are built, and only with keywords of the model itself.
"""

from __future__ import annotations

import inspect
import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any
from unittest.mock import patch

from archdsl.backbones.facts import Fault, Refused
from archdsl.operators.signature import Value

Keywords = dict[str, Value]


MAX_MODULES = 20_000
"""The most modules of a model: those of the libraries have a few thousand."""

MAX_KEYWORD = 1_000_000
"""The largest number that a keyword may have: some are lengths of lists."""

_NEVER = frozenset(("self", "progress", "device", "dtype"))
"""Parameters of models that are not for a spec to give."""


class Library:
    """A library that models come from."""

    name: str
    callee: str

    def names(self) -> tuple[str, ...]:
        """Return the names of all models."""
        raise NotImplementedError

    def build(self, model: str, keywords: Keywords) -> Any:
        """Return the model with these keywords, on the meta device, nothing downloaded."""
        raise NotImplementedError

    def default(self, model: str) -> Any:
        """Return the model as it is without keywords."""
        return self.build(model, {})

    def keywords(self, model: str) -> tuple[str, ...]:
        """Return the keywords that the model takes."""
        raise NotImplementedError

    def check(self, model: str, keywords: Keywords) -> None:
        """Refuse weights that are not there."""

    def call(self, model: str, keywords: Keywords) -> tuple[str, tuple[str, ...]]:
        """Return the callee and the arguments that build the model, as Python text."""
        raise NotImplementedError

    @property
    def version(self) -> str:
        """The version that is installed, without what says how it was built."""
        return version(self.name).partition("+")[0]


class Torchvision(Library):
    """Classification models of ``torchvision.models``."""

    name = "torchvision"

    def names(self) -> tuple[str, ...]:
        models = import_module("torchvision.models")
        return tuple(models.list_models(module=models))

    def keywords(self, model: str) -> tuple[str, ...]:
        builder = import_module("torchvision.models").get_model_builder(model)
        found = _named(builder) + _named(type(self.default(model)).__init__)
        passed = _passed_on(builder, type(self.default(model)).__init__)
        return tuple(dict.fromkeys(["weights", *(k for k in found if k in passed)]))

    def check(self, model: str, keywords: Keywords) -> None:
        weights = keywords.get("weights")
        if weights is None:
            return
        choices = import_module("torchvision.models").get_model_weights(model)
        names = tuple(choices.__members__)
        if weights not in names:
            raise Refused(Fault.WEIGHTS, "weights", str(weights), names)

    def build(self, model: str, keywords: Keywords) -> Any:
        torch = import_module("torch")
        models = import_module("torchvision.models")
        # With weights the builder changes the model (auxiliary heads, classes) and then fetches
        # them; all but the fetching is wanted.
        fetch: Any = patch.object(models.WeightsEnum, "get_state_dict", lambda *_, **__: {})
        load: Any = patch.object(torch.nn.Module, "load_state_dict", lambda *_, **__: None)
        with fetch, load:
            return on_no_device(lambda: models.get_model(model, **keywords))

    def call(self, model: str, keywords: Keywords) -> tuple[str, tuple[str, ...]]:
        return f"torchvision.models.{model}", _written(keywords)


class Timm(Library):
    """Image models of timm."""

    name = "timm"

    def names(self) -> tuple[str, ...]:
        timm = import_module("timm")
        tagged = timm.list_pretrained()
        return tuple(dict.fromkeys([*timm.list_models(), *tagged]))

    def keywords(self, model: str) -> tuple[str, ...]:
        own = _named(type(self.default(model)).__init__)
        return tuple(dict.fromkeys(["pretrained", "num_classes", "in_chans", *own]))

    def check(self, model: str, keywords: Keywords) -> None:
        timm = import_module("timm")
        pretrained = keywords.get("pretrained", False)
        if not isinstance(pretrained, bool):
            raise Refused(Fault.VALUE, "pretrained", "true or false")
        if pretrained and not timm.models.is_model_pretrained(model.partition(".")[0]):
            raise Refused(Fault.WEIGHTS, "pretrained", "true")

    def build(self, model: str, keywords: Keywords) -> Any:
        timm = import_module("timm")
        return on_no_device(lambda: timm.create_model(model, **{**keywords, "pretrained": False}))

    def call(self, model: str, keywords: Keywords) -> tuple[str, tuple[str, ...]]:
        return "timm.create_model", (json.dumps(model), *_written(keywords))


def library(name: str) -> Library:
    """Return a library, or refuse where it, or torch, is not installed."""
    if any(find_spec(module) is None for module in ("torch", name)):
        raise Refused(Fault.LIBRARY, name)
    found: dict[str, Callable[[], Library]] = {"torchvision": Torchvision, "timm": Timm}
    return found[name]()


def build(source: Library, model: str, keywords: Keywords) -> Any:
    """Return a model on the meta device, or refuse what the library does not have."""
    if model not in source.names():
        raise Refused(Fault.MODEL, model, choices=source.names())
    if keywords:
        choices = source.keywords(model)
        for keyword in keywords:
            if keyword not in choices:
                raise Refused(Fault.KEYWORD, keyword, choices=choices)
            value = keywords[keyword]
            if isinstance(value, int | float) and not abs(value) <= MAX_KEYWORD:
                raise Refused(Fault.VALUE, keyword, f"at most {MAX_KEYWORD:,}")
    source.check(model, keywords)
    try:
        with at_most(MAX_MODULES):
            return source.build(model, keywords)
    except Exception as error:
        raise Refused(Fault.BUILD, found=first_line(error)) from error


@contextmanager
def at_most(modules: int) -> Iterator[None]:
    """Raise OverflowError where more modules than these are put into others."""
    count = 0

    def note(*_: object) -> None:
        nonlocal count
        count += 1
        if count > modules:
            raise OverflowError(f"it would have more than {modules:,} modules")

    handle = import_module("torch.nn.modules.module").register_module_module_registration_hook(note)
    try:
        yield
    finally:
        handle.remove()


def on_no_device(make: Callable[[], Any]) -> Any:
    """Return what is made, on the meta device: it has shapes, but no values.

    A few models compute their widths with tensors, which needs values: those are made on the CPU.
    """
    torch = import_module("torch")
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")  # of how the library will initialise in later versions
        try:
            with torch.device("meta"):
                return make()
        except NotImplementedError:
            return make().to("meta")


def first_line(error: Exception) -> str:
    """Return the first line of what an error says."""
    said = str(error).strip().splitlines()
    return said[0] if said else type(error).__name__


def literal(value: Value) -> str:
    """Return a value as Python text, strings in double quotes.

    >>> literal(("a", 1, None))
    '("a", 1, None)'
    """
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=True)
    if isinstance(value, tuple):
        inner = ", ".join(map(literal, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    return repr(value)


def _written(keywords: Keywords) -> tuple[str, ...]:
    return tuple(f"{name}={literal(value)}" for name, value in keywords.items())


def _named(function: Any) -> list[str]:
    """Return the named parameters of a function that a spec could give."""
    parameters = inspect.signature(function).parameters.values()
    variadic = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return [p.name for p in parameters if p.name not in _NEVER and p.kind not in variadic]


def _passed_on(builder: Any, constructor: Any) -> set[str]:
    """Return what a builder takes: its own parameters, and the constructor's defaults."""
    optional = {
        p.name
        for p in inspect.signature(constructor).parameters.values()
        if p.default is not inspect.Parameter.empty
    }
    return optional | set(_named(builder))
