"""Feeds tokens to lark's parser, and goes on after what does not fit.

When a token does not fit, the first of these that helps is done:

1. a bracket opened on an earlier line, and the token first on its line: the opener is blamed and
   closed; so are braces, where the token can only begin an item outside of them;
2. one change behind which the rest of the statement fits (foresight.py): a misspelt keyword, one
   thing too many, missing, or in place of another;
3. one thing inserted before the token would make it fit, and what follows it: it is inserted;
4. a closing bracket that closes nothing is left out;
5. within brackets, the rest up to the closing one is skipped;
6. otherwise the rest of the statement is skipped, and an ERROR token stands for it; if it was a
   header, its body is read.

At the end of the text what is open is blamed and closed. What was skipped is kept in ``lost``: a
name that stands there is not reported as missing.
"""

from __future__ import annotations

from typing import Any

from lark import Token

from archdsl.diagnostics import Diagnostic
from archdsl.source import Span
from archdsl.syntax import messages
from archdsl.syntax.feeding import (
    CLOSER,
    OPENER,
    StopReading,
    at,
    first_token,
    is_bracket,
    renamed,
)
from archdsl.syntax.layout import SEPARATORS
from archdsl.syntax.mending import MODEL_ITEMS, Mender

_INFIX = frozenset("+ - * / // % == != < <= > >= and or not".split())
"""No braces stand behind these: what they compute with is missing."""


class Run(Mender):
    """The parse of one text."""

    def run(self) -> Any:
        """Return the tree; raises TooDeep."""
        try:
            for token in self.stream:
                self.accept(token)
        except StopReading:
            return self.finish(blamed=True)
        return self.finish(blamed=False)

    def accept(self, token: Token) -> None:
        """Feed a token, recovering where it does not fit."""
        if self.begins_item(token) and self.leave_for(token, token):
            return
        if token.type == "LBRACE" and self.before in _INFIX and self.fits("HOLE", token.type):
            self.report(messages.expected(self.span(token), "{", {"a value"}))
            self.insert("HOLE")
        if not self.take(token):
            self.recover(token)

    def recover(self, token: Token) -> None:
        """Report a token that does not fit, and go on."""
        form = self.behind((), token)
        if form is not None:  # a keyword, lexed where a name was wanted, or the other way round
            self.feed(form)
        elif not (
            self.drop_suffix(token)
            or self.close_line(token)
            or self.leave_braces(token)
            or self.free_keyword(token)
            or self.foresee(token)
            or self.leave_braces(token, deep=True)
            or self.mend_keyword(token)
            or self.mend_last_keyword(token)
            or self.right_closer(token)
            or self.repair(token)
            or self.drop_closer(token)
            or self.skip_in_brackets(token)
        ):
            self.skip_statement(token)

    def skip_in_brackets(self, token: Token) -> bool:
        """Skip to the bracket that closes the innermost one, if that is on the same line."""
        opener = self.opener
        if opener is None or opener == "{" or token in SEPARATORS:
            return False
        closer = self.terminals[CLOSER[str(opener)]]
        depth, at = 0, token.end_pos or 0
        end = self.source.text.find("\n", at)
        line = self.source.text[at : end if end >= 0 else len(self.source.text)]
        if token in CLOSER:
            depth = 1
        for char in line:  # a string or comment with a bracket in it is not worth more care
            if char in CLOSER:
                depth += 1
            elif char in OPENER:
                if depth == 0:
                    break
                depth -= 1
        else:
            return False
        if char != CLOSER[str(opener)]:
            return False
        self.report(messages.expected(self.span(token), str(token), self.wanted()))
        self.skip(token, brackets=True)
        while self.automaton.values[-1] is not opener:
            self.automaton.pop()
        if self.fits("HOLE", closer):
            self.insert("HOLE")
        if not self.fits(closer):
            self.drop_statement(token)
            return True
        last = self.following
        assert last is not None
        self.lost.append(Span(self.source, opener.end_pos or 0, last.start_pos or 0))
        self.feed(renamed(closer, last))
        return True

    def skip(self, token: Token, *, brackets: bool = False) -> Token:
        """Skip tokens to the end of the statement, or of the brackets; return the last one.

        The token behind is ``following``, None at the end of the text.
        """
        last, depth = token, 0
        self.following = token
        while self.following is not None:
            found = self.following
            if depth == 0:
                if brackets and found in (")", "]"):
                    break
                if found.type in SEPARATORS or found == "}":
                    break
                if found == "{" and not brackets and self.is_header():
                    break
            if found in CLOSER:
                depth += 1
            elif found in OPENER:
                depth = max(0, depth - 1)
            last = self.before = found
            self.following = next(self.stream, None)
        return last

    def is_header(self) -> bool:
        """Whether the braces of a body may open here, or would with a name before them."""
        brace = self.terminals["{"]
        return (
            self.opener in (None, "{")
            and not self.fits("HOLE")
            and any(self.fits(*name, brace) for name in ((), ("NAME",)))
        )

    def skip_statement(self, token: Token) -> None:
        """Skip to the end of the statement; ERROR stands for it, or its body is read."""
        is_item = token in (*MODEL_ITEMS, "stage")
        if not (is_item and self.misplaced):
            self.report(messages.expected(self.span(token), str(token), self.wanted()))
        self.misplaced = is_item
        last = self.skip(token)
        following = self.following
        if following == "{":
            self.lost.append(Span(self.source, token.start_pos or 0, last.end_pos or 0))
            if not self.fits(self.terminals["{"]):
                self.insert("NAME")
            self.feed(renamed(self.terminals["{"], following))
            return
        self.drop_statement(last, token)
        if following is not None:
            self.accept(following)

    def drop_statement(self, last: Token, bad: Token | None = None) -> None:
        """Drop what has been parsed of a statement; ERROR stands for it, up to ``last``.

        ``bad`` is where it went wrong: nothing of it may have been parsed before.
        """
        start = self.pop_to_statement()
        end = last.end_pos or 0
        start = min(start, end) if start is not None else ((bad or last).start_pos or 0)
        error = Token("ERROR", self.source.text[start:end], start_pos=start, end_pos=end)
        self.lost.append(self.span(error))
        self.automaton.feed(error)
        self.before = error
        self.after_skipped = True

    def pop_to_statement(self) -> int | None:
        """Drop what has been parsed of a statement; return where it began."""
        start: int | None = None
        depth = 0  # a pair of brackets goes as a whole
        while depth or not self.fits("ERROR"):
            _, value = self.automaton.pop()
            depth += is_bracket(value, OPENER) - is_bracket(value, CLOSER)
            depth = max(0, depth)
            dropped = first_token(value)
            if dropped is not None and dropped.start_pos is not None:
                start = dropped.start_pos
        return start

    def finish(self, *, blamed: bool) -> Any:
        """Close what is open at the end of the text, blame it, and return the tree."""
        self.finishing = True
        self.is_torn = not self.fits("$END")
        while True:
            if self.fits("$END"):
                return self.automaton.finish()
            opener = self.opener
            if not blamed:
                self.problems.add(self.unfinished(opener))
                blamed = True
            closer = self.terminals[CLOSER[str(opener)]] if opener is not None else None
            if closer is not None and self.fits(closer):
                self.feed(at(closer, CLOSER[str(opener)], self.before))
            elif self.fits("HOLE"):
                self.insert("HOLE")
            elif self.before is not None:
                self.drop_statement(at("_NL", "", self.before))

    def unfinished(self, opener: Token | None) -> Diagnostic:
        """Return the fault of a text that ends too early."""
        if opener is not None:
            opener = self.culprit(opener)
            return messages.never_closed(self.span(opener), str(opener))
        end = (self.before.end_pos or 0) if self.before is not None else 0
        return messages.expected(Span(self.source, end, end), "", self.wanted())
