"""The parser fed token by token: what is on its stack, what fits next, what is to be reported.

Recovery looks before it feeds, so everything here but :meth:`Feeder.feed` leaves the stack alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from lark import Lark, Token, Tree

from archdsl.diagnostics import Diagnostic, Problems
from archdsl.source import Source, Span
from archdsl.syntax import messages
from archdsl.syntax.automaton import Automaton
from archdsl.syntax.braces import Guess
from archdsl.syntax.build import TooDeep
from archdsl.syntax.layout import SEPARATORS, is_needless, tokens

MAX_NESTING = 100
"""How deep brackets and braces may nest."""

_DEEPEST_STACK = 2000
"""What 100 brackets need at most; more are prefixes (`not not ...`), or `else if` without end."""

MAX_SYNTAX_ERRORS = 20
"""After so many syntax errors the rest of a file is not read."""

MISSING_NAME = "?"
"""Stands for a name that is missing; nothing is reported of it again."""

CLOSER = {"(": ")", "[": "]", "{": "}"}
OPENER = {closer: opener for opener, closer in CLOSER.items()}

_BLANKS = re.compile(r"(?:\s|#[^\n]*+)*+")
_NEXT = re.compile(
    r"(?:[ \t]|#[^\n]*+|\r?\n(?=(?:\s|#[^\n]*+)*+(?:->|\||else\b)))*+"
    r'(\r?\n|"[^"\n]*"|\w+|->|//|==|!=|<=|>=|\S|$)'
)


class StopReading(Exception):
    """The rest of the text is not read; a diagnostic has been given."""


class Feeder:
    """Feeds the tokens of one text to lark's parser."""

    def __init__(
        self, source: Source, problems: Problems, parser: Lark, braces: Guess | None = None
    ) -> None:
        self.source = source
        self.braces = sorted((braces or {}).items(), reverse=True)  # still to come, next one last
        self.problems = problems
        self.automaton = Automaton(parser, source.text)
        self.patterns = {t.name: t.pattern.value for t in parser.terminals}
        self.terminals = {pattern: name for name, pattern in self.patterns.items()}
        self.lost: list[Span] = []
        self.faults: list[Span] = []
        self.before: Token | None = None  # the last token that was fed
        self.pairs: list[tuple[Token, Token]] = []  # braces, matched
        self.finishing = False
        self.is_torn = False  # the text ends in the middle of something
        self.following: Token | None = None  # behind what was skipped
        self.bad_end: int | None = None  # of the last text that could not be read
        self.misplaced = False  # an item stands outside of its braces: others will, too
        self.after_skipped = False  # nothing but separators since a statement was skipped
        self.stream = self.significant()

    def significant(self) -> Iterator[Token]:
        """Yield the tokens but for newlines that separate nothing."""
        for token in tokens(self.source.text, self.automaton, self.bad_characters):
            surplus = False
            while self.braces and self.braces[-1][0] <= (token.start_pos or 0):
                offset, brace = self.braces.pop()
                if brace:
                    yield self.missing_brace(brace, offset)
                else:
                    surplus = offset == token.start_pos
            if surplus:
                self.report(messages.unmatched(self.span(token), str(token)))
                continue
            if token.type != "_NL" or not is_needless(
                self.before, self.opener, lambda: self.fits("_NL")
            ):
                yield token

    def missing_brace(self, brace: str, offset: int) -> Token:
        """Report a brace that is missing, as indentation has it; return it."""
        place = Span(self.source, offset, offset)
        opener = self.opener
        if brace == "}" and opener is not None:
            self.report(messages.never_closed(self.span(opener), str(opener)))
        else:
            found = self.source.text[offset:].lstrip(" \t")[:1]
            self.report(messages.expected(place, found, {f"`{brace}`"}))
        return Token(self.terminals[brace], brace, start_pos=offset, end_pos=offset)

    def bad_characters(self, start: int, end: int) -> None:
        """Report what no token begins with."""
        self.report(messages.bad_characters(Span(self.source, start, end)))
        self.bad_end = end

    def report(self, diagnostic: Diagnostic) -> None:
        """Report a syntax error; past the cap the rest of the text is not read."""
        assert diagnostic.primary is not None
        span = diagnostic.primary.span
        self.faults.append(span)
        # What stands right behind unreadable text may be out of place because of it.
        if self.bad_end is None or self.source.text[self.bad_end : span.start].strip():
            self.problems.add(diagnostic)
        if len(self.faults) >= MAX_SYNTAX_ERRORS:
            self.stop(span.start)

    def stop(self, start: int) -> None:
        """Read no further than ``start``."""
        self.lost.append(Span(self.source, start, len(self.source.text)))
        raise StopReading

    def span(self, token: Token) -> Span:
        """Return the place of a token; that of a newline is behind the last token before it."""
        if token.type == "_NL" and self.before is not None:
            end = self.before.end_pos or 0
            return Span(self.source, end, end)
        return Span(self.source, token.start_pos or 0, token.end_pos or 0)

    def place(self, token: Token) -> Span:
        """Return where something is missing before a token: on the line that lacks it."""
        before = self.before
        if before is None or not self.starts_line(token) or before.type in SEPARATORS:
            return self.span(token)
        end = before.end_pos or 0
        return Span(self.source, end, end)

    def indent(self, token: Token) -> int:
        """Return how far the token's line is indented."""
        line = self.source.line(self.span(token).line)
        return len(line) - len(line.lstrip())

    def starts_line(self, token: Token) -> bool:
        """Whether only blanks stand before a token on its line."""
        return self.span(token).column == self.indent(token) + 1

    @property
    def openers(self) -> list[Token]:
        """The brackets that are open, outermost first."""
        return list(self._open())[::-1]

    @property
    def opener(self) -> Token | None:
        """The innermost open bracket: it is near the top of the stack, which may be deep."""
        return next(self._open(), None)

    def _open(self) -> Iterator[Token]:
        """Yield the brackets that are open, innermost first."""
        closed = 0  # not yet reduced to what they close
        for value in reversed(self.automaton.values):
            if not isinstance(value, Token):
                continue
            if is_bracket(value, OPENER):
                closed += 1
            elif is_bracket(value, CLOSER):
                if not closed:
                    yield value
                closed = max(0, closed - 1)

    def fits(self, *terminals: str) -> bool:
        """Whether these terminals may follow, one behind the other."""
        return self.automaton.fits(*terminals)

    def accepted(self) -> set[str]:
        """Return the terminals that may come next."""
        return {t for t in self.automaton.expected() if t.isupper() and self.fits(t)}

    def feed(self, token: Token) -> None:
        """Feed a token that fits."""
        fits = self.take(token)
        assert fits

    def take(self, token: Token) -> bool:
        """Feed a token, if it fits, and return whether it does."""
        kind = token.type
        opener = self.opener if kind == "RBRACE" else None
        if not self.automaton.feed(token):
            return False
        self.before = token
        if kind not in SEPARATORS:
            self.after_skipped = False
        if kind in ("DEF", "MODEL", "RECIPE"):
            self.misplaced = False
        if opener is not None and opener.type == "LBRACE":
            self.pairs.append((opener, token))
        depth = len(self.automaton.states)
        if depth > MAX_NESTING and not self.finishing:
            too_deep = token in CLOSER and len(self.openers) > MAX_NESTING
            if too_deep or depth > _DEEPEST_STACK:
                raise TooDeep(self.span(token))
        return True

    def insert(self, terminal: str) -> None:
        """Feed a token that is not in the text."""
        text = MISSING_NAME if terminal == "NAME" else self.patterns.get(terminal, "")
        self.feed(at(terminal, text, self.before))

    def forms(self, token: Token) -> list[Token]:
        """Return the token as lexed, and as a name or keyword: that depends on the state."""
        kinds = [token.type]
        if token.isidentifier():
            kinds += ["NAME", self.terminals.get(str(token), "NAME")]
        return [
            Token(k, str(token), start_pos=token.start_pos, end_pos=token.end_pos)
            for k in dict.fromkeys(kinds)
        ]

    def behind(self, inserted: Sequence[str], token: Token) -> Token | None:
        """Return the token in a form that fits behind what is inserted, or None."""
        return next((t for t in self.forms(token) if self.fits(*inserted, t.type)), None)

    def next_terminals(self, token: Token) -> list[str]:
        """Return what the text behind a token may be lexed as; empty at the end of the text."""
        text, at = self.source.text, token.end_pos or 0
        if self.opener not in (None, "{"):
            at = _BLANKS.match(text, at).end()  # type: ignore[union-attr]
        match = _NEXT.match(text, at)
        if match is None or not match[1]:
            return []
        word = match[1]
        if word[0] == "\n":
            return ["_NL"]
        kinds = [self.terminals[word]] if word in self.terminals else []
        if word[0] == '"':
            kinds.append("STRING")
        elif word[0].isdigit():
            kinds += ["INT", "FLOAT", "QUANTITY"]
        elif word[0].isalpha() or word[0] == "_":
            kinds.append("NAME")
        return kinds

    def take_back(self, token: Token) -> tuple[Any, Any] | None:
        """Undo the feeding of a token that nothing has been added to; return what it was."""
        values = self.automaton.values
        if not values or sole_token(values[-1]) is not token:
            return None
        return self.automaton.pop()

    def put_back(self, taken: tuple[Any, Any]) -> None:
        """Undo :meth:`take_back`."""
        self.automaton.push(taken)


def at(terminal: str, text: str, place: Token | None) -> Token:
    """Return a token that is not in the text, standing behind ``place``."""
    where = (place.end_pos or 0) if place is not None else 0
    return Token(terminal, text, start_pos=where, end_pos=where)


def renamed(terminal: str, token: Token, text: str | None = None) -> Token:
    """Return a token as another terminal, at its place."""
    start, end = token.start_pos, token.end_pos
    return Token(terminal, text or str(token), start_pos=start, end_pos=end)


def is_bracket(value: object, brackets: dict[str, str]) -> bool:
    """Whether something on the stack is one of these brackets."""
    return isinstance(value, Token) and value.type != "ERROR" and value in brackets


def first_token(value: Any) -> Token | None:
    """Return the first token of what is on the stack: a token, a tree, or a list of them."""
    if isinstance(value, Token):
        return value
    for child in value.children if isinstance(value, Tree) else value:
        token = first_token(child)
        if token is not None:
            return token
    return None


def sole_token(value: Any) -> Token | None:
    """Return the token that is all of something on the stack, or None."""
    while isinstance(value, Tree) and len(value.children) == 1:
        value = value.children[0]
    return value if isinstance(value, Token) else None
