"""lark's LALR(1) automaton, fed token by token: what a terminal leads to is known before it is fed.

lark's own way, to feed a token and see, has reduced part of the stack when it fails; and of a rule
that its only child stands for it makes a list for each of the nine around a name that is a step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, TypeAlias

from lark import Lark, Token
from lark.parse_tree_builder import ExpandSingleChild
from lark.parsers.lalr_analysis import Shift

_MISFIT = (None, None)

Made: TypeAlias = list[tuple[int, Callable[[list[Any]], Any]]]
"""The trees that are made on the way to where a terminal fits: each of how many values, by what."""

Move: TypeAlias = tuple[int, list[Any], Made]
"""What a terminal does: so many states stay, these are put on them, and these trees are made."""


class Automaton:
    """The stacks of one parse, and what may be put on them."""

    def __init__(self, parser: Lark, text: str) -> None:
        interactive = parser.parse_interactive(text)
        self.lexer: Any = interactive.lexer_thread
        self.state = interactive.parser_state  # the lexer looks at it, too
        self.states: list[Any] = self.state.state_stack
        self.values: list[Any] = self.state.value_stack
        self.table: dict[Any, dict[str, Any]] = self.state.parse_conf.parse_table.states
        self.reductions = _reductions(parser)

    def move(self, states: list[Any], terminal: str) -> Move | None:
        """Return what a terminal does on a stack of states, or None where it does not fit."""
        table, reductions = self.table, self.reductions
        kept = len(states) - 1
        top = states[kept]
        made: Made = []
        while True:
            action, argument = table[top].get(terminal, _MISFIT)
            if action is Shift:
                return kept, [top, argument], made
            if action is None:
                return None
            size, origin, make = reductions[id(argument)]
            if make is not None:
                made.append((size, make))
            kept -= size - 1
            top = table[states[kept - 1]][origin][1]
            if origin == "start":  # behind the end of the text
                return kept, [top], made

    def advance(self, states: list[Any], terminal: str) -> list[Any] | None:
        """Return the stack of states behind a terminal, or None where it does not fit."""
        move = self.move(states, terminal)
        return None if move is None else states[: move[0]] + move[1]

    def fits(self, *terminals: str) -> bool:
        """Whether these terminals may follow, one behind the other."""
        states: list[Any] | None = self.states
        for terminal in terminals:
            if states is None:
                return False
            states = self.advance(states, terminal)
        return states is not None

    def expected(self) -> Iterable[str]:
        """Return the terminals, and the rules, that the state on top knows of."""
        return self.table[self.states[-1]]

    def feed(self, token: Token) -> bool:
        """Feed a token, and return whether it fits; nothing is changed where it does not."""
        move = self.move(self.states, token.type)
        if move is None:
            return False
        self._make(move)
        self.values.append(token)
        return True

    def finish(self) -> Any:
        """Return the tree; the text may end here."""
        move = self.move(self.states, "$END")
        assert move is not None
        self._make(move)
        return self.values[-1]

    def _make(self, move: Move) -> None:
        kept, states, made = move
        values = self.values
        for size, make in made:
            children = values[-size:] if size else []
            del values[len(values) - size :]
            values.append(make(children))
        self.states[kept:] = states

    def pop(self) -> tuple[Any, Any]:
        """Take the top of both stacks off: a state, and the token or tree that led to it."""
        return self.states.pop(), self.values.pop()

    def push(self, taken: tuple[Any, Any]) -> None:
        """Undo :meth:`pop`."""
        self.states.append(taken[0])
        self.values.append(taken[1])


@lru_cache(maxsize=1)
def _reductions(parser: Lark) -> dict[int, tuple[int, str, Callable[[list[Any]], Any] | None]]:
    """Return what each rule does, by its id, as lark hashes rules in Python.

    That is how many children it has, what it derives, and what makes its tree of them: None where
    its only child stands for it.
    """
    makers = parser.parse_interactive("").parser_state.parse_conf.callbacks
    found: dict[int, tuple[int, str, Callable[[list[Any]], Any] | None]] = {}
    for rule in parser.rules:
        size, make = len(rule.expansion), makers[rule]  # type: ignore[index]
        is_child = size == 1 and isinstance(make, ExpandSingleChild)
        found[id(rule)] = (size, str(rule.origin.name), None if is_child else make)
    return found
