"""lark's LALR(1) automaton, fed token by token: what a terminal leads to is known before it is fed.

lark's own way, to feed a token and see, has reduced part of the stack when it fails. And a name
that is a step goes through nine rules that their only child stands for, which takes lark longer
than all the rest; here such a chain is followed once, and then known.
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


class Tables:
    """The parse tables of a grammar, and what was found out about them; of all parses alike."""

    def __init__(self, parser: Lark) -> None:
        configuration: Any = parser.parse_interactive("").parser_state.parse_conf
        self.states: dict[Any, dict[str, Any]] = configuration.parse_table.states
        # By their ids, as lark hashes rules in Python.
        self.rules = {
            id(rule): (len(rule.expansion), str(rule.origin.name), configuration.callbacks[rule])
            for rule in parser.rules
        }
        # A rule of nothing would stand on the state that a chain began with: move() knows of none.
        assert all(size or origin == "start" for size, origin, _ in self.rules.values())
        self.chains: dict[tuple[Any, Any, str], tuple[Any, Any, Any]] = {}

    def chain(self, below: Any, top: Any, terminal: str) -> tuple[Any, Any, Any]:
        """Return what a terminal does on two states, and on which it has been put then.

        That is the state behind all rules that their only child stands for, of which nothing is
        made; an action of lark's; and its argument, a state or a rule. The action is None where the
        terminal does not fit.
        """
        key = (below, top, terminal)
        found = self.chains.get(key)
        if found is None:
            while True:
                action, argument = self.states[top].get(terminal, _MISFIT)
                if action is None or action is Shift:
                    break
                size, origin, make = self.rules[id(argument)]
                if size != 1 or not isinstance(make, ExpandSingleChild):
                    break
                top = self.states[below][origin][1]
            found = self.chains[key] = (top, action, argument)
        return found

    def move(self, states: list[Any], terminal: str) -> Move | None:
        """Return what a terminal does on a stack of states, or None where it does not fit."""
        kept = len(states) - 1
        top = states[kept]
        made: Made = []
        while True:
            top, action, argument = self.chain(states[kept - 1], top, terminal)
            if action is Shift:
                return kept, [top, argument], made
            if action is None:
                return None
            size, origin, make = self.rules[id(argument)]
            made.append((size, make))
            kept -= size - 1
            top = self.states[states[kept - 1]][origin][1]
            if origin == "start":  # behind the end of the text
                return kept, [top], made


@lru_cache(maxsize=1)
def tables_of(parser: Lark) -> Tables:
    """Return the tables of a parser."""
    return Tables(parser)


class Automaton:
    """The stacks of one parse, and what may be put on them."""

    def __init__(self, parser: Lark, text: str) -> None:
        interactive = parser.parse_interactive(text)
        self.lexer: Any = interactive.lexer_thread
        self.state = interactive.parser_state  # the lexer looks at it, too
        self.states: list[Any] = self.state.state_stack
        self.values: list[Any] = self.state.value_stack
        self.tables = tables_of(parser)

    def advance(self, states: list[Any], terminal: str) -> list[Any] | None:
        """Return the stack of states behind a terminal, or None where it does not fit."""
        move = self.tables.move(states, terminal)
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
        return self.tables.states[self.states[-1]]

    def feed(self, token: Token) -> bool:
        """Feed a token, and return whether it fits; nothing is changed where it does not."""
        move = self.tables.move(self.states, token.type)
        if move is None:
            return False
        self._make(move)
        self.values.append(token)
        return True

    def finish(self) -> Any:
        """Return the tree; the text may end here."""
        move = self.tables.move(self.states, "$END")
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
