"""What is asked of a foreign model, what is known of it, and why it is refused: plain data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from archdsl.operators.operator import Shape
from archdsl.operators.signature import Value


@dataclass(frozen=True, slots=True)
class Request:
    """A model of a library, its keywords, the input, and the modules whose output is tapped.

    ``taps`` is None for ``taps auto``.
    """

    library: str
    model: str
    keywords: tuple[tuple[str, Value], ...]
    input: Shape
    taps: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Feature:
    """The output of a module of the model, as a feature map.

    ``variable`` is its name in code. ``convolutions`` are those computed since the feature before;
    ``late``: behind the last of them the resolution was changed again. ``macs`` are those beyond
    what the features before it need.
    """

    path: str
    variable: str
    shape: Shape
    stride: tuple[int, int]
    convolutions: int
    late: bool
    macs: int


@dataclass(frozen=True, slots=True)
class Facts:
    """A model that was built and measured.

    ``call`` constructs it: the callee and its arguments as Python text. ``forward`` computes the
    features from ``model`` and ``x``, one statement a line. ``features`` are in the order in which
    they are computed, ``following`` the convolutions behind the last of them.
    """

    version: str
    callee: str
    arguments: tuple[str, ...]
    shape: Shape
    stride: tuple[int, int] | None
    params: int
    buffers: int
    macs: int
    convolutions: int
    features: tuple[Feature, ...]
    forward: tuple[str, ...]
    following: int


class Fault(Enum):
    """Why a model is refused."""

    LIBRARY = auto()  # not installed
    MODEL = auto()  # no such model
    KEYWORD = auto()  # no such keyword
    VALUE = auto()  # a keyword cannot have this value
    WEIGHTS = auto()  # no such weights
    BUILD = auto()  # the arguments do not fit together
    INPUT = auto()  # it cannot take this input
    TAP = auto()  # no such module, or it is not called
    NO_MAP = auto()  # the tapped value is no feature map
    NO_TAPS = auto()  # `taps auto` found none
    CODE = auto()  # the way to the taps cannot be written as code


class Refused(Exception):
    """A model that cannot be a backbone as it is asked for.

    ``subject`` is the keyword or tap at fault, ``found`` what stands against it, ``choices`` are
    the names that would have been right.
    """

    def __init__(
        self, fault: Fault, subject: str = "", found: str = "", choices: tuple[str, ...] = ()
    ) -> None:
        super().__init__(f"{fault.name}: {subject} {found}")
        self.fault = fault
        self.subject = subject
        self.found = found
        self.choices = choices
