"""The parser fed token by token: what is on its stack, what fits next, what is to be reported.

Recovery looks before it feeds, so everything here but :meth:`Feeder.feed` leaves the stack alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from lark import Lark, Token, Tree
from lark.parsers.lalr_analysis import Shift

from archdsl.diagnostics import Diagnostic, Problems
from archdsl.source import Source, Span
from archdsl.syntax import messages
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
        self.interactive = parser.parse_interactive(source.text)
        self.state = self.interactive.parser_state
        self.table: dict[Any, dict[str, Any]] = self.state.parse_conf.parse_table.states
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
        for token in tokens(self.source.text, self.interactive, self.bad_characters):
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
                self.before, self.opener, fits=self.fits("_NL")
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
        found: list[Token] = []
        for value in self.state.value_stack:
            if is_bracket(value, CLOSER):
                found.append(value)
            elif is_bracket(value, OPENER) and found:  # not yet reduced to what it closes
                found.pop()
        return found

    @property
    def opener(self) -> Token | None:
        """The innermost open bracket: it is near the top of the stack, which may be deep."""
        closed = 0
        for value in reversed(self.state.value_stack):
            if is_bracket(value, OPENER):
                closed += 1
            elif is_bracket(value, CLOSER):
                if closed == 0:
                    bracket: Token = value
                    return bracket
                closed -= 1
        return None

    def advance(self, stack: list[Any], terminal: str) -> list[Any] | None:
        """Return the stack of states behind a terminal, or None where it does not fit."""
        stack = list(stack)
        while True:
            action, argument = self.table[stack[-1]].get(terminal, (None, None))
            if action is None:
                return None
            if action is Shift:
                return [*stack, argument]
            if argument.expansion:
                del stack[-len(argument.expansion) :]
            following = self.table[stack[-1]].get(argument.origin.name)
            if following is None:
                return None
            stack.append(following[1])
            if terminal == "$END" and stack[-1] == self.state.parse_conf.end_state:
                return stack

    def fits(self, *terminals: str) -> bool:
        """Whether these terminals may follow, one behind the other."""
        stack: list[Any] | None = self.state.state_stack
        for terminal in terminals:
            stack = self.advance(stack, terminal)  # type: ignore[arg-type]
            if stack is None:
                return False
        return True

    def can_shift(self, terminal: str) -> bool:
        """Return the same of one terminal; this is asked of every token, and copies nothing.

        lark's own way, to feed it and see, reduces part of the stack before it fails.
        """
        below = self.state.state_stack
        depth, above = len(below), list[Any]()
        while True:
            state = above[-1] if above else below[depth - 1]
            action, argument = self.table[state].get(terminal, (None, None))
            if action is None or action is Shift:
                return action is Shift
            size = len(argument.expansion)
            if size >= len(above):
                depth -= size - len(above)
                above.clear()
            else:
                del above[-size or len(above) :]
            state = above[-1] if above else below[depth - 1]
            above.append(self.table[state][argument.origin.name][1])

    def accepted(self) -> set[str]:
        """Return the terminals that may come next."""
        return {t for t in self.table[self.state.position] if t.isupper() and self.fits(t)} | (
            {"_NL"} if self.fits("_NL") else set()
        )

    def feed(self, token: Token) -> None:
        """Feed a token that fits."""
        opener = self.opener if token in OPENER else None
        self.interactive.feed_token(token)
        self.before = token
        if token.type not in SEPARATORS:
            self.after_skipped = False
        if token.type in ("DEF", "MODEL", "RECIPE"):
            self.misplaced = False
        if token == "}" and opener == "{":
            self.pairs.append((opener, token))
        if self.finishing:
            return
        depth = len(self.state.state_stack)
        too_deep = (
            depth > MAX_NESTING and is_bracket(token, CLOSER) and len(self.openers) > MAX_NESTING
        )
        if too_deep or depth > _DEEPEST_STACK:
            raise TooDeep(self.span(token))

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
        if not self.state.value_stack or sole_token(self.state.value_stack[-1]) is not token:
            return None
        return self.state.state_stack.pop(), self.state.value_stack.pop()

    def put_back(self, taken: tuple[Any, Any]) -> None:
        """Undo :meth:`take_back`."""
        self.state.state_stack.append(taken[0])
        self.state.value_stack.append(taken[1])


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
