"""The lexer: one regular expression for all, and keywords only where the parser can take them.

lark's own contextual lexer does the same with one regular expression for every parser state, and
compiling those costs more than reading a spec. The terminals are the grammar's: nothing about the
language is said here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lark import Token
from lark.exceptions import UnexpectedCharacters
from lark.lexer import Lexer, LexerState, PatternStr
from lark.parsers.lalr_parser_state import ParserState


class OnePassLexer(Lexer):
    """A contextual lexer for grammars whose keywords look like names.

    A word that is a keyword is lexed as one where the parser's state admits it, else as a NAME
    where it admits that. Of several operators that begin alike the longest that the state admits
    is taken. A newline is lexed everywhere; the parser drops those that separate nothing.
    """

    __future_interface__ = 2

    def __init__(self, conf: Any) -> None:
        texts = [t for t in conf.terminals if isinstance(t.pattern, PatternStr)]
        patterns = [t for t in conf.terminals if not isinstance(t.pattern, PatternStr)]
        self.words = {t.pattern.value: t.name for t in texts if t.pattern.value.isidentifier()}
        self.marks = {t.pattern.value: t.name for t in texts if not t.pattern.value.isidentifier()}
        self.ignored = frozenset(conf.ignore)
        # Patterns of higher priority first, then the longer: lark's own order.
        patterns.sort(key=lambda t: (-t.priority, -len(t.pattern.value)))
        groups = [f"(?P<{t.name}>{t.pattern.to_regexp()})" for t in patterns]
        marks = sorted(map(re.escape, self.marks), key=len, reverse=True)
        ignored = "|".join(t.pattern.to_regexp() for t in patterns if t.name in conf.ignore)
        self.blanks = re.compile(f"(?:{ignored})*+").match
        self.match = re.compile("|".join([*groups, f"(?P<MARK>{'|'.join(marks)})"])).match

    def lex(self, lexer_state: LexerState, parser_state: ParserState[Any]) -> Iterator[Token]:
        """Yield the tokens from where the state stands; raises UnexpectedCharacters."""
        text: str = lexer_state.text.text
        place = lexer_state.line_ctr
        states = parser_state.parse_conf.parse_table.states
        stack, words = parser_state.state_stack, self.words
        while True:
            place.char_pos = start = self.blanks(text, place.char_pos).end()  # type: ignore[union-attr]
            if start == len(text):
                return
            found = self.match(text, start)
            if found is None:
                raise UnexpectedCharacters(  # type: ignore[no-untyped-call]
                    text, start, place.line, place.column
                )
            kind, value, end = found.lastgroup or "", found[0], found.end()
            if kind == "NAME" and value in words:
                admitted = states[stack[-1]]
                kind = words[value]
                if kind not in admitted and "NAME" in admitted:
                    kind = "NAME"
            elif kind == "MARK":
                value = self.mark(value, states[stack[-1]])
                kind, end = self.marks[value], start + len(value)
            place.char_pos = end
            yield Token(kind, value, start, None, None, None, None, end)  # by name it takes longer

    def mark(self, longest: str, admitted: Any) -> str:
        """Return the longest operator that the parser's state admits, else the longest."""
        if longest == "->":  # never a minus and a comparison
            return longest
        for length in range(len(longest), 0, -1):
            name = self.marks.get(longest[:length])
            if name is not None and name in admitted:
                return longest[:length]
        return longest
