"""The syntax tree of bodies: steps of a network and compile-time values, which share a syntax."""

from __future__ import annotations

from typing import TypeAlias, TypeVar, cast, dataclass_transform

from archdsl.source import Span

T = TypeVar("T")


@dataclass_transform(frozen_default=True, eq_default=False)
def node(cls: type[T]) -> type[T]:
    """Make a class of slots with a constructor over its annotations, compared by identity.

    What a frozen dataclass would be, without compiling methods for each of forty classes: that
    takes 30 ms at every start. Nothing assigns to a node once it is made.
    """
    fields = tuple(cls.__annotations__)
    defaults = {name: getattr(cls, name) for name in fields if hasattr(cls, name)}

    def construct(self: T, *values: object, **named: object) -> None:
        for name, value in zip(fields, values, strict=False):
            setattr(self, name, value)
        for name in fields[len(values) :]:
            setattr(self, name, named[name] if name in named else defaults[name])

    def show(self: T) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in fields)
        return f"{cls.__name__}({shown})"

    members = {k: v for k, v in vars(cls).items() if k not in (*fields, "__dict__", "__weakref__")}
    members |= {"__slots__": fields, "__init__": construct, "__repr__": show}
    return cast(type[T], type(cls.__name__, cls.__bases__, members))


@node
class Name:
    """A word where it stands."""

    text: str
    span: Span


# --- compile-time values and steps of a network share one syntax


@node
class Literal:
    """A number, a string, ``true`` or ``false``."""

    value: int | float | str | bool
    span: Span


@node
class ListOf:
    """``[a, b]``."""

    items: tuple[Expr, ...]
    span: Span


@node
class Path:
    """A name, or names joined by dots: ``relu``, ``in.c``, ``s1.b1``."""

    names: tuple[Name, ...]
    span: Span

    @property
    def text(self) -> str:
        """The names joined by dots."""
        return ".".join(name.text for name in self.names)


@node
class Prefix:
    """``-x`` or ``not x``."""

    operator: str
    operand: Expr
    span: Span


@node
class Infix:
    """``a + b``; with ``*`` also n instances of a step in a row."""

    operator: str
    left: Expr
    right: Expr
    span: Span


@node
class Ternary:
    """``yes if condition else no``."""

    condition: Expr
    yes: Expr
    no: Expr
    span: Span


@node
class Argument:
    """One argument of a call; ``name`` is None for a positional one."""

    name: Name | None
    value: Expr
    span: Span


@node
class Call:
    """``conv(64, stride = 2)``."""

    callee: Path
    arguments: tuple[Argument, ...]
    span: Span


@node
class Pipeline:
    """``a -> b -> c``: two or more steps."""

    steps: tuple[Expr, ...]
    span: Span


@node
class Named:
    """``step as name``."""

    step: Expr
    name: Name
    span: Span


@node
class Group:
    """``{ ... }`` as a step."""

    body: Body
    span: Span


@node
class Fork:
    """``{ A | B }``: the input goes into every branch."""

    branches: tuple[Expr, ...]
    span: Span


@node
class Choice:
    """``if condition { ... } else { ... }``."""

    condition: Expr
    yes: Body
    no: Body | Choice | None
    span: Span


@node
class Stage:
    """``stage name { ... }``."""

    name: Name
    body: Body
    span: Span


@node
class Block:
    """``block name { ... }``."""

    name: Name
    body: Body
    span: Span


@node
class Tap:
    """``tap``."""

    span: Span


@node
class Repeat:
    """``repeat n carry y = start { ... }``."""

    count: Expr
    carry: Name
    start: Expr
    body: Body
    span: Span


@node
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


@node
class Bind:
    """``name = pipeline``."""

    name: Name
    value: Expr
    span: Span


@node
class Let:
    """``let name = expression``."""

    name: Name
    value: Expr
    span: Span


@node
class Allow:
    """``allow CODE "reason"``."""

    code: Name
    reason: str
    span: Span


Statement: TypeAlias = Bind | Let | Allow | Expr


@node
class Body:
    """Statements between braces."""

    statements: tuple[Statement, ...]
    span: Span
