"""The syntax tree: one small class per construct, each with its exact span."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from archdsl.source import Source, Span


@dataclass(frozen=True, slots=True, eq=False)
class Name:
    """A word where it stands."""

    text: str
    span: Span


# --- compile-time values and steps of a network share one syntax


@dataclass(frozen=True, slots=True, eq=False)
class Literal:
    """A number, a string, ``true`` or ``false``."""

    value: int | float | str | bool
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class ListOf:
    """``[a, b]``."""

    items: tuple[Expr, ...]
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """A name, or names joined by dots: ``relu``, ``in.c``, ``s1.b1``."""

    names: tuple[Name, ...]
    span: Span

    @property
    def text(self) -> str:
        """The names joined by dots."""
        return ".".join(name.text for name in self.names)


@dataclass(frozen=True, slots=True, eq=False)
class Prefix:
    """``-x`` or ``not x``."""

    operator: str
    operand: Expr
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Infix:
    """``a + b``; with ``*`` also n instances of a step in a row."""

    operator: str
    left: Expr
    right: Expr
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Ternary:
    """``yes if condition else no``."""

    condition: Expr
    yes: Expr
    no: Expr
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Argument:
    """One argument of a call; ``name`` is None for a positional one."""

    name: Name | None
    value: Expr
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """``conv(64, stride = 2)``."""

    callee: Path
    arguments: tuple[Argument, ...]
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Pipeline:
    """``a -> b -> c``: two or more steps."""

    steps: tuple[Expr, ...]
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """``step as name``."""

    step: Expr
    name: Name
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """``{ ... }`` as a step."""

    body: Body
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Fork:
    """``{ A | B }``: the input goes into every branch."""

    branches: tuple[Expr, ...]
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """``if condition { ... } else { ... }``."""

    condition: Expr
    yes: Body
    no: Body | Choice | None
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """``stage name { ... }``."""

    name: Name
    body: Body
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """``block name { ... }``."""

    name: Name
    body: Body
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Tap:
    """``tap``."""

    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Repeat:
    """``repeat n carry y = start { ... }``."""

    count: Expr
    carry: Name
    start: Expr
    body: Body
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Error:
    """Something that could not be read; a diagnostic has been given."""

    span: Span


Expr: TypeAlias = (
    Literal
    | ListOf
    | Path
    | Prefix
    | Infix
    | Ternary
    | Call
    | Pipeline
    | Named
    | Group
    | Fork
    | Choice
    | Stage
    | Block
    | Tap
    | Repeat
    | Error
)


# --- statements of a body


@dataclass(frozen=True, slots=True, eq=False)
class Bind:
    """``name = pipeline``."""

    name: Name
    value: Expr
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Let:
    """``let name = expression``."""

    name: Name
    value: Expr
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Allow:
    """``allow CODE "reason"``."""

    code: Name
    reason: str
    span: Span


Statement: TypeAlias = Bind | Let | Allow | Expr


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """Statements between braces."""

    statements: tuple[Statement, ...]
    span: Span


# --- a model's items


@dataclass(frozen=True, slots=True, eq=False)
class Input:
    """``input [3, 32, 32]``."""

    shape: Expr
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Backbone:
    """``backbone { ... }``; ``keyword`` is the span of the word."""

    body: Body
    keyword: Span
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class ForeignBackbone:
    """``backbone timm("resnet50") { taps auto }``."""

    library: Name
    arguments: tuple[Argument, ...]
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """``head { ... }``; ``keyword`` is the span of the word."""

    body: Body
    keyword: Span
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Readout:
    """``readout last``."""

    kind: Name
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Map:
    """``map shallow { kernel = 4 }`` or ``map s1.b1 { conv(64) -> gap }``."""

    target: Path
    body: Body
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Normalize:
    """``normalize layer``."""

    kind: Name
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Aggregate:
    """``aggregate lstm(hidden = 256) over s1.b1, s3.b3 { ... }``."""

    kind: Name
    arguments: tuple[Argument, ...]
    over: tuple[Path, ...] | None
    overrides: tuple[Readout | Map | Normalize | Error, ...]
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Train:
    """``train cifar10 with paper_cifar10``."""

    dataset: Name
    recipe: Name
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Expect:
    """``expect params == 6.68M +- 0.5%``."""

    claim: Expr
    span: Span


ModelItem: TypeAlias = (
    Input | Backbone | ForeignBackbone | Head | Aggregate | Train | Expect | Allow | Let | Error
)


# --- a file's items


@dataclass(frozen=True, slots=True, eq=False)
class Parameter:
    """``p`` or ``q = 3``."""

    name: Name
    default: Expr | None
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Edition:
    """``arch 1``."""

    number: Name
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Import:
    """``from "file.arch" import A, B`` or ``from std.blocks import X``."""

    origin: Literal | Path
    names: tuple[Name, ...]
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Def:
    """``def Name(p, q = 3) { ... }``."""

    name: Name
    parameters: tuple[Parameter, ...]
    body: Body
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """``model Name(p = 1) extends Base { ... }``."""

    name: Name
    parameters: tuple[Parameter, ...]
    base: Name | None
    items: tuple[ModelItem, ...]
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class SetEntry:
    """``epochs 100``, ``optimizer sgd(lr = 0.01)``, ``augment { ... }``."""

    name: Name
    value: Expr
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class SetValue:
    """``optimizer.lr = 0.005``."""

    path: Path
    value: Expr
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class RecipeDef:
    """``recipe name extends other { ... }``."""

    name: Name
    base: Name | None
    settings: tuple[SetEntry | SetValue | Error, ...]
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Variants:
    """``variants name of Model { n in [2, 4] }``; ``grid`` are the values to choose from."""

    name: Name
    model: Name
    grid: tuple[Expr, ...]
    span: Span


Item: TypeAlias = Edition | Import | Let | Def | Model | RecipeDef | Variants | Error


@dataclass(frozen=True, slots=True, eq=False)
class File:
    """One parsed file.

    ``lost`` are the parts that could not be read, ``faults`` the places of syntax errors.
    """

    source: Source
    items: tuple[Item, ...] = ()
    lost: tuple[Span, ...] = ()
    faults: tuple[Span, ...] = ()
