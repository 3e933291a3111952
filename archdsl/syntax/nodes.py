"""The syntax tree: one small class per construct, each with its exact span."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from archdsl.source import Source, Span
from archdsl.syntax.expressions import Allow as Allow
from archdsl.syntax.expressions import Argument as Argument
from archdsl.syntax.expressions import Bind as Bind
from archdsl.syntax.expressions import Block as Block
from archdsl.syntax.expressions import Body as Body
from archdsl.syntax.expressions import Call as Call
from archdsl.syntax.expressions import Choice as Choice
from archdsl.syntax.expressions import Error as Error
from archdsl.syntax.expressions import Expr as Expr
from archdsl.syntax.expressions import Fork as Fork
from archdsl.syntax.expressions import Group as Group
from archdsl.syntax.expressions import Infix as Infix
from archdsl.syntax.expressions import Let as Let
from archdsl.syntax.expressions import ListOf as ListOf
from archdsl.syntax.expressions import Literal as Literal
from archdsl.syntax.expressions import Name as Name
from archdsl.syntax.expressions import Named as Named
from archdsl.syntax.expressions import Path as Path
from archdsl.syntax.expressions import Pipeline as Pipeline
from archdsl.syntax.expressions import Prefix as Prefix
from archdsl.syntax.expressions import Repeat as Repeat
from archdsl.syntax.expressions import Stage as Stage
from archdsl.syntax.expressions import Statement as Statement
from archdsl.syntax.expressions import Tap as Tap
from archdsl.syntax.expressions import Ternary as Ternary
from archdsl.syntax.expressions import node

# --- a model's items


@node
class Input:
    """``input [3, 32, 32]``."""

    shape: Expr
    span: Span


@node
class Backbone:
    """``backbone { ... }``; ``keyword`` is the span of the word."""

    body: Body
    keyword: Span
    span: Span


@node
class ForeignTaps:
    """``taps auto``."""

    word: Name
    span: Span


@node
class ForeignTap:
    """``tap layer1`` or ``tap features.3 as low``; ``module`` is the path of a submodule."""

    module: Name
    name: Name | None
    span: Span


@node
class ForeignBackbone:
    """``backbone timm("resnet50") frozen { taps auto }``; ``keyword`` is the span of the word."""

    library: Name
    arguments: tuple[Argument, ...]
    frozen: bool
    taps: tuple[ForeignTaps | ForeignTap | Error, ...]
    keyword: Span
    span: Span


@node
class Head:
    """``head { ... }``; ``keyword`` is the span of the word."""

    body: Body
    keyword: Span
    span: Span


@node
class Readout:
    """``readout last``."""

    kind: Name
    span: Span


@node
class Map:
    """``map shallow { kernel = 4 }`` or ``map s1.b1 { conv(64) -> gap }``."""

    target: Path
    body: Body
    span: Span


@node
class Normalize:
    """``normalize layer``."""

    kind: Name
    span: Span


@node
class Aggregate:
    """``aggregate lstm(hidden = 256) over s1.b1, s3.b3 { ... }``."""

    kind: Name
    arguments: tuple[Argument, ...]
    over: tuple[Path, ...] | None
    overrides: tuple[Readout | Map | Normalize | Error, ...]
    span: Span

    @property
    def header(self) -> Span:
        """The part before the overrides."""
        end = self.overrides[0].span.start if self.overrides else self.span.end
        return Span(self.span.source, self.span.start, end)


@node
class Train:
    """``train cifar10 with paper_cifar10``."""

    dataset: Name
    recipe: Name
    span: Span


@node
class Expect:
    """``expect params == 6.68M +- 0.5%``; a tolerance is a number, or a fraction if ``percent``."""

    claim: Expr
    tolerance: Literal | None
    percent: bool
    span: Span


ModelItem: TypeAlias = (
    Input | Backbone | ForeignBackbone | Head | Aggregate | Train | Expect | Allow | Let | Error
)


# --- a file's items


@node
class Parameter:
    """``p`` or ``q = 3``."""

    name: Name
    default: Expr | None
    span: Span


@node
class Edition:
    """``arch 1``."""

    number: Name
    span: Span


@node
class Import:
    """``from "file.arch" import A, B`` or ``from std.blocks import X``."""

    origin: Literal | Path
    names: tuple[Name, ...]
    span: Span


@node
class Def:
    """``def Name(p, q = 3) { ... }``."""

    name: Name
    parameters: tuple[Parameter, ...]
    body: Body
    span: Span

    @property
    def plain_defaults(self) -> Mapping[str, int | float | str | bool]:
        """The defaults that are literals, by parameter."""
        return {
            p.name.text: p.default.value for p in self.parameters if isinstance(p.default, Literal)
        }


@node
class Model:
    """``model Name(p = 1) extends Base { ... }``."""

    name: Name
    parameters: tuple[Parameter, ...]
    base: Name | None
    items: tuple[ModelItem, ...]
    span: Span


@node
class SetEntry:
    """``epochs 100``, ``optimizer sgd(lr = 0.01)``, ``augment { ... }``."""

    name: Name
    value: Expr
    span: Span


@node
class SetValue:
    """``optimizer.lr = 0.005``."""

    path: Path
    value: Expr
    span: Span


@node
class RecipeDef:
    """``recipe name extends other { ... }``."""

    name: Name
    base: Name | None
    settings: tuple[SetEntry | SetValue | Error, ...]
    span: Span


@node
class Vary:
    """``n in [2, 4]``: a parameter, and the values to choose from."""

    path: Path
    values: Expr
    span: Span


@node
class Variants:
    """``variants name of Model { n in [2, 4] }``."""

    name: Name
    model: Name
    grid: tuple[Vary | Error, ...]
    span: Span


Item: TypeAlias = Edition | Import | Let | Def | Model | RecipeDef | Variants | Error


@node
class File:
    """One parsed file.

    ``lost`` are the parts that could not be read, ``faults`` the places of syntax errors;
    ``is_torn``: the text ends in the middle of something.
    """

    source: Source
    items: tuple[Item, ...] = ()
    lost: tuple[Span, ...] = ()
    faults: tuple[Span, ...] = ()
    is_torn: bool = False
