"""Feeds tokens to lark's parser, and goes on after what does not fit.

When a token does not fit, the first of these that helps is done:

1. a bracket opened on an earlier line, and the token first on its line: the opener is blamed and
   closed; so are braces, where the token can only begin an item outside of them;
2. a misspelt keyword is taken for the one it was meant to be;
3. one thing inserted before the token would make it fit (a comma, an arrow, a name, a value): it
   is inserted;
4. a closing bracket that closes nothing is left out;
5. within brackets, the rest up to the closing one is skipped;
6. otherwise the rest of the statement is skipped, and an ERROR token stands for it; if it was a
   header, its body is read.

At the end of the text what is open is blamed and closed. What was skipped is kept in ``lost``: a
name that stands there is not reported as missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from lark import Token

from archdsl.diagnostics import Diagnostic, nearest
from archdsl.source import Span
from archdsl.syntax import messages
from archdsl.syntax.feeding import (
    CLOSER,
    MISSING_NAME,
    OPENER,
    Feeder,
    StopReading,
    at,
    first_token,
    is_bracket,
    renamed,
)
from archdsl.syntax.layout import SEPARATORS

_FILE_ITEMS = ("def", "model", "recipe", "variants", "from")
_MODEL_ITEMS = ("input", "backbone", "head", "aggregate", "train", "expect")
_BEGINS_ITEM = re.compile(r'[ \t]+(\w|")')


class Run(Feeder):
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
        if self.can_shift(token.type):
            self.feed(token)
        else:
            self.recover(token)

    def begins_item(self, token: Token) -> bool:
        """Whether a token within braces can only be meant to begin an item of the file."""
        if token not in _FILE_ITEMS or self.span(token).column != 1 or not self.openers:
            return False
        return _BEGINS_ITEM.match(self.source.text, token.end_pos or 0) is not None

    def recover(self, token: Token) -> None:
        """Report a token that does not fit, and go on."""
        form = self.behind((), token)
        if form is not None:  # a keyword, lexed where a name was wanted, or the other way round
            self.feed(form)
        elif not (
            self.drop_suffix(token)
            or self.close_line(token)
            or self.leave_braces(token)
            or self.mend_keyword(token)
            or self.mend_last_keyword(token)
            or self.free_keyword(token)
            or self.right_closer(token)
            or self.repair(token)
            or self.drop_closer(token)
            or self.skip_in_brackets(token)
        ):
            self.skip_statement(token)

    def close_line(self, token: Token) -> bool:
        """Close a bracket of an earlier line before a token that is first on its line."""
        opener = self.opener
        if opener is None or opener == "{" or token in (")", "]"):
            return False
        if token != "}" and not self.starts_line(token):
            return False
        closing: list[str] = []
        for bracket in reversed(self.openers):
            if bracket == "{":
                break
            closing.append(self.terminals[CLOSER[bracket]])
        for inserted in (closing, ["HOLE", *closing]):
            for end in ([], ["_NL"]) if token != "}" else ([],):
                form = self.behind((*inserted, *end), token)
                if form is not None:
                    self.report(messages.never_closed(self.span(opener), str(opener)))
                    for terminal in (*inserted, *end):
                        self.insert(terminal)
                    self.feed(form)
                    return True
        return False

    def leave_braces(self, token: Token) -> bool:
        """Close braces before an item that can only stand outside of them.

        The item's keyword may have been taken for a name within; then it is the last token fed.
        """
        for keyword in (token, self.before):
            if keyword is None or str(keyword) not in (*_FILE_ITEMS, *_MODEL_ITEMS):
                continue
            if not self.starts_line(keyword):
                continue
            taken = self.take_back(keyword) if keyword is not token else None
            if keyword is not token and taken is None:
                continue
            if self.leave_for(keyword, token):
                return True
            if taken is not None:
                self.put_back(taken)
        return False

    def leave_for(self, keyword: Token, token: Token) -> bool:
        """Close what must be closed for ``keyword`` to begin an item; feed it and ``token``."""
        kind = self.terminals[str(keyword)]
        rest = [token] if token is not keyword else []
        closing: list[str] = []
        openers = list(reversed(self.openers))
        for count in range(len(openers) + 1):
            for inserted in ([*closing, "_NL"], ["HOLE", *closing, "_NL"], closing):
                last = [f.type for t in rest for f in self.forms(t)] or [""]
                for end in last:
                    if not self.fits(*inserted, kind, *([end] if end else [])):
                        continue
                    self.blame(count, keyword)
                    for terminal in inserted:
                        self.insert(terminal)
                    self.feed(renamed(kind, keyword))
                    for t in rest:
                        self.feed(renamed(end, t))
                    return True
            if count < len(openers):
                closing.append(self.terminals[CLOSER[openers[count]]])
        return False

    def blame(self, unclosed: int, keyword: Token) -> None:
        """Report why an item begins where it cannot: an open brace, or something missing."""
        if unclosed:
            opener = self.culprit(self.openers[-unclosed])
            self.report(messages.never_closed(self.span(opener), str(opener)))
        else:
            self.report(messages.expected(self.span(keyword), str(keyword), {"a value"}))

    def culprit(self, opener: Token) -> Token:
        """Return the brace that was probably meant: one whose partner is indented less than it."""
        for inner, closer in self.pairs:
            within = (inner.start_pos or 0) >= (opener.start_pos or 0)
            if within and self.starts_line(closer) and self.indent(closer) < self.indent(inner):
                return inner
        return opener

    def mend_keyword(self, token: Token) -> bool:
        """Take a misspelt keyword for the one it was meant to be."""
        if token.type != "NAME":
            return False
        meant = self.nearest_keyword(token, lambda terminal: True)
        if meant is None:
            return False
        self.report(messages.misspelt(self.span(token), meant))
        self.feed(renamed(self.terminals[meant], token, meant))
        return True

    def nearest_keyword(self, token: Token, fits: Callable[[str], bool]) -> str | None:
        """Return the keyword that a token was probably meant to be, of those that fit."""
        meant = nearest(token, (k for k in self.keywords() if fits(self.terminals[k])))
        if meant is None or meant == token:
            return None
        # Two letters are soon mistaken for two others; swapped they are still the same.
        return meant if len(meant) > 2 or sorted(meant) == sorted(token) else None

    def keywords(self) -> list[str]:
        """Return the keywords that may come next."""
        patterns = (self.patterns.get(t, "") for t in self.accepted())
        return [p for p in patterns if p.isidentifier()]

    def mend_last_keyword(self, token: Token) -> bool:
        """The same for a keyword that passed as a name, until now: ``blok b1``."""
        last = self.before
        if last is None or last.type != "NAME" or last == MISSING_NAME:
            return False
        taken = self.take_back(last)
        if taken is None:
            return False
        meant = self.nearest_keyword(last, lambda t: self.behind((t,), token) is not None)
        if meant is None:
            self.put_back(taken)
            return False
        self.report(messages.misspelt(self.span(last), meant))
        self.feed(renamed(self.terminals[meant], last, meant))
        form = self.behind((), token)
        assert form is not None
        self.feed(form)
        return True

    def free_keyword(self, token: Token) -> bool:
        """Take a keyword for a name where only a name can have been meant: ``stage = in``."""
        last = self.before
        if last is None or last.type == "NAME" or not last.isidentifier() or token != "=":
            return False
        taken = self.take_back(last)
        if taken is None:
            return False
        if not self.fits("NAME", token.type):
            self.put_back(taken)
            return False
        self.report(messages.reserved(self.span(last)))
        self.feed(renamed("NAME", last))
        self.feed(token)
        return True

    def right_closer(self, token: Token) -> bool:
        """Take a closing bracket of the wrong kind for the right one: ``conv(c]``."""
        opener = self.opener
        if opener is None or opener == "{" or token not in (")", "]") or token == CLOSER[opener]:
            return False
        closer = self.terminals[CLOSER[opener]]
        if not self.fits(closer):
            return False
        self.report(messages.expected(self.span(token), str(token), {f"`{CLOSER[opener]}`"}))
        self.feed(renamed(closer, token, CLOSER[opener]))
        return True

    def repair(self, token: Token) -> bool:
        """Insert one thing before the token, or leave it out, if what follows then fits."""
        following = self.next_terminals(token)
        for inserted in self.repairs(token):
            form = self.behind((inserted,), token)
            if form is None:
                continue
            if following and not any(self.fits(inserted, form.type, t) for t in following):
                continue
            wanted = {self.described(inserted)}
            self.report(messages.expected(self.span(token), str(token), wanted))
            self.insert(inserted)
            self.feed(form)
            return True
        if token in CLOSER or token in OPENER or token.type in SEPARATORS:
            return False
        if following in ([], ["_NL"]) or not any(self.fits(t) for t in following):
            return False
        self.report(messages.expected(self.span(token), str(token), self.wanted()))
        self.lost.append(self.span(token))
        return True

    def repairs(self, token: Token) -> list[str]:
        """Return what may be inserted before a token, most likely first."""
        opener = self.opener
        if token in OPENER:
            return ["HOLE"] if opener == OPENER[str(token)] else []
        found = ["HOLE"] if not token.isidentifier() and token not in CLOSER else []
        if token in ("{", "=", "("):
            found.append("NAME")
        if token.type in SEPARATORS:
            header = self.before is not None and self.before.type in ("NAME", "RPAR")
            return [*found, self.terminals["{"]] if token.type == "_NL" and header else found
        if opener in ("(", "["):
            found += ["COMMA"] if token != "{" else []
            found += [self.terminals[CLOSER[str(opener)]]]
        elif token != "=":
            found += [self.terminals["->"], "SEMICOLON"]
        if token != "{":
            found.append("EQUAL")
        return list(dict.fromkeys(found))

    def described(self, terminal: str) -> str:
        """Return what an inserted terminal is called."""
        if terminal == "HOLE":
            return "a step" if self.in_body() else "a value"
        if terminal == "SEMICOLON":
            return "a new line or `;`"
        return messages.describe(terminal, self.patterns.get(terminal, terminal))

    def in_body(self) -> bool:
        """Whether a step of a network is wanted here, rather than a value."""
        before = self.before
        at_step = before is None or before.type in SEPARATORS or before in ("{", "->", "|")
        return self.opener == "{" and at_step

    def drop_closer(self, token: Token) -> bool:
        """Leave out a closing bracket that closes nothing."""
        if token not in OPENER or token.type == "STRING":
            return False
        if any(opener == OPENER[str(token)] for opener in self.openers):
            return False
        if token == "}" and self.after_skipped:
            return True  # it closes what was skipped
        self.report(messages.unmatched(self.span(token), str(token)))
        return True

    def drop_suffix(self, token: Token) -> bool:
        """Leave out letters that stick to a number: ``4x``."""
        last = self.before
        if last is None or last.type not in ("INT", "FLOAT", "QUANTITY"):
            return False
        if last.end_pos != token.start_pos or not str(token)[0].isalnum():
            return False
        self.report(messages.bad_number(self.span(last).to(self.span(token))))
        self.lost.append(self.span(token))
        return True

    def wanted(self) -> set[str]:
        """Return what may stand here, as a spec would write it."""
        accepted = self.accepted()
        if "HOLE" in accepted:
            begins_body = self.in_body()
            values = {"HOLE", "NAME", "INT", "FLOAT", "QUANTITY", "STRING", "LSQB", "LPAR"}
            values |= {"MINUS", "NOT", "TRUE", "FALSE", "IF", "LBRACE"}
            values |= {"STAGE", "BLOCK", "TAP", "REPEAT"}
            accepted -= values
            return {messages.describe(t, self.patterns.get(t, t)) for t in accepted} | {
                "a step" if begins_body else "a value"
            }
        if "_NL" in accepted:
            accepted -= {"DOT", "LPAR", "IF", "SEMICOLON"}
        return {messages.describe(t, self.patterns.get(t, t)) for t in accepted}

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
        while self.state.value_stack[-1] is not opener:
            self.state.state_stack.pop()
            self.state.value_stack.pop()
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
        is_item = token in (*_MODEL_ITEMS, "stage")
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
        self.drop_statement(last)
        if following is not None:
            self.accept(following)

    def drop_statement(self, last: Token) -> None:
        """Drop what has been parsed of a statement; ERROR stands for it, up to ``last``."""
        start = self.pop_to_statement()
        end = last.end_pos or 0
        start = min(start, end) if start is not None else (last.start_pos or 0)
        error = Token("ERROR", self.source.text[start:end], start_pos=start, end_pos=end)
        self.lost.append(self.span(error))
        self.interactive.feed_token(error)
        self.before = error
        self.after_skipped = True

    def pop_to_statement(self) -> int | None:
        """Drop what has been parsed of a statement; return where it began."""
        start: int | None = None
        depth = 0  # a pair of brackets goes as a whole
        while depth or not self.fits("ERROR"):
            self.state.state_stack.pop()
            value = self.state.value_stack.pop()
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
                return self.interactive.feed_token(at("$END", "", self.before))
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
