"""The tokens of a text: the lexer is restarted behind whatever it cannot read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from lark import Token
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

SEPARATORS = ("_NL", "SEMICOLON")

CONTINUES = frozenset("{ -> | = , + - * / // % == != < <= > >= and or not".split())
"""A line that ends in one of these goes on in the next."""


def is_needless(before: Token | None, opener: Token | None, *, fits: bool) -> bool:
    """Whether a newline separates nothing: repeated, in brackets, behind what goes on.

    ``fits``: the parser would take it. That tells the `%` of a tolerance from the operator.
    """
    if opener is not None and opener != "{":
        return True
    if before is None or before.type in SEPARATORS:
        return True
    return before in CONTINUES and (before == "{" or not fits)


def tokens(text: str, interactive: Any, on_bad: Callable[[int, int], None]) -> Iterator[Token]:
    """Yield the tokens of a text; ``on_bad`` is told of each stretch that cannot be read.

    A token that the parser's state does not admit is yielded like any other.
    """
    bad: tuple[int, int] | None = None
    lexer = interactive.lexer_thread
    while True:
        try:
            for token in lexer.lex(interactive.parser_state):
                if bad is not None:
                    on_bad(*bad)
                    bad = None
                yield token
            if bad is not None:
                on_bad(*bad)
            return
        except UnexpectedToken as unexpected:  # the lexer has passed it
            if bad is not None:
                on_bad(*bad)
                bad = None
            yield unexpected.token
        except UnexpectedCharacters as unexpected:  # the lexer has not moved over them
            start = unexpected.pos_in_stream or 0
            if bad is not None and bad[1] != start:
                on_bad(*bad)
                bad = None
            end = _end_of_bad(text, start)
            bad = (bad[0] if bad else start, end)
            lexer.state.line_ctr.feed(Token("BAD", text[start:end]))


def _end_of_bad(text: str, start: int) -> int:
    """Return where unreadable text ends: a string without an end takes its whole line."""
    if text[start] == '"':
        line_end = text.find("\n", start)
        return len(text) if line_end < 0 else line_end
    return start + 1
