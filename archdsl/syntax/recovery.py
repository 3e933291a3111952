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
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedToken
from lark.parsers.lalr_analysis import Shift

from archdsl.diagnostics import Diagnostic, Problems, nearest
from archdsl.source import Source, Span
from archdsl.syntax import messages
from archdsl.syntax.build import TooDeep
from archdsl.syntax.layout import SEPARATORS, is_needless, tokens

MAX_NESTING = 100
"""How deep brackets and braces may nest."""

_DEEPEST_STACK = 2000
"""What 100 brackets need at most; more are prefixes (`not not ...`), or `else if` without end."""

MAX_SYNTAX_ERRORS = 20
"""After so many syntax errors the rest of a file is not read."""

_CLOSER = {"(": ")", "[": "]", "{": "}"}
_OPENER = {closer: opener for opener, closer in _CLOSER.items()}
_FILE_ITEMS = ("def", "model", "recipe", "variants", "from")
_BEGINS_ITEM = re.compile(r'[ \t]+(\w|")')
_BLANKS = re.compile(r"(?:\s|#[^\n]*+)*+")
_NEXT = re.compile(
    r"(?:[ \t]|#[^\n]*+|\r?\n(?=(?:\s|#[^\n]*+)*+(?:->|\||else\b)))*+"
    r'(\r?\n|"[^"\n]*"|\w+|->|//|==|!=|<=|>=|\S|$)'
)
_MODEL_ITEMS = ("input", "backbone", "head", "aggregate", "train", "expect")
MISSING_NAME = "?"
"""Stands for a name that is missing; nothing is reported of it again."""


class _StopReading(Exception):
    """The rest of the text is not read; a diagnostic has been given."""


class Run:
    """The parse of one text."""

    def __init__(self, source: Source, problems: Problems, parser: Lark) -> None:
        self.source = source
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

    def run(self) -> Any:
        """Return the tree; raises TooDeep."""
        try:
            for token in self.stream:
                self.accept(token)
        except _StopReading:
            return self.finish(blamed=True)
        return self.finish(blamed=False)

    # --- tokens and places

    def significant(self) -> Iterator[Token]:
        """Yield the tokens but for newlines that separate nothing."""
        for token in tokens(self.source.text, self.interactive, self.bad_characters):
            if token.type != "_NL" or not is_needless(
                self.before, self.opener, fits=self.fits("_NL")
            ):
                yield token

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
        raise _StopReading

    def span(self, token: Token) -> Span:
        """Return the place of a token; that of a newline is behind the last token before it."""
        if token.type == "_NL" and self.before is not None:
            end = self.before.end_pos or 0
            return Span(self.source, end, end)
        return Span(self.source, token.start_pos or 0, token.end_pos or 0)

    def indent(self, token: Token) -> int:
        """Return how far the token's line is indented."""
        line = self.source.line(self.span(token).line)
        return len(line) - len(line.lstrip())

    def starts_line(self, token: Token) -> bool:
        """Whether only blanks stand before a token on its line."""
        return self.span(token).column == self.indent(token) + 1

    # --- the stack

    @property
    def openers(self) -> list[Token]:
        """The brackets that are open, outermost first."""
        found: list[Token] = []
        for value in self.state.value_stack:
            if _is_bracket(value, _CLOSER):
                found.append(value)
            elif _is_bracket(value, _OPENER) and found:  # not yet reduced to what it closes
                found.pop()
        return found

    @property
    def opener(self) -> Token | None:
        """The innermost open bracket."""
        return next(reversed(self.openers), None)

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

    def accepted(self) -> set[str]:
        """Return the terminals that may come next."""
        return {t for t in self.table[self.state.position] if t.isupper() and self.fits(t)} | (
            {"_NL"} if self.fits("_NL") else set()
        )

    # --- feeding

    def feed(self, token: Token) -> None:
        """Feed a token that fits; raises UnexpectedToken where it does not."""
        opener = self.opener if token in _OPENER else None
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
        too_deep = _is_bracket(token, _CLOSER) and len(self.openers) > MAX_NESTING
        if too_deep or len(self.state.state_stack) > _DEEPEST_STACK:
            raise TooDeep(self.span(token))

    def insert(self, terminal: str) -> None:
        """Feed a token that is not in the text."""
        text = MISSING_NAME if terminal == "NAME" else self.patterns.get(terminal, "")
        self.feed(_at(terminal, text, self.before))

    def accept(self, token: Token) -> None:
        """Feed a token, recovering where it does not fit."""
        if self.begins_item(token) and self.leave_for(token, token):
            return
        try:
            self.feed(token)
        except UnexpectedToken:
            self.recover(token)

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

    def begins_item(self, token: Token) -> bool:
        """Whether a token within braces can only be meant to begin an item of the file."""
        if token not in _FILE_ITEMS or self.span(token).column != 1 or not self.openers:
            return False
        return _BEGINS_ITEM.match(self.source.text, token.end_pos or 0) is not None

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

    # --- recovery

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
            closing.append(self.terminals[_CLOSER[bracket]])
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
                    self.feed(_as(kind, keyword))
                    for t in rest:
                        self.feed(_as(end, t))
                    return True
            if count < len(openers):
                closing.append(self.terminals[_CLOSER[openers[count]]])
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

    def take_back(self, token: Token) -> tuple[Any, Any] | None:
        """Undo the feeding of a token that nothing has been added to; return what it was."""
        if not self.state.value_stack or _sole_token(self.state.value_stack[-1]) is not token:
            return None
        return self.state.state_stack.pop(), self.state.value_stack.pop()

    def put_back(self, taken: tuple[Any, Any]) -> None:
        """Undo :meth:`take_back`."""
        self.state.state_stack.append(taken[0])
        self.state.value_stack.append(taken[1])

    def mend_keyword(self, token: Token) -> bool:
        """Take a misspelt keyword for the one it was meant to be."""
        if token.type != "NAME":
            return False
        meant = self.nearest_keyword(token, lambda terminal: True)
        if meant is None:
            return False
        self.report(messages.misspelt(self.span(token), meant))
        self.feed(_as(self.terminals[meant], token, meant))
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
        self.feed(_as(self.terminals[meant], last, meant))
        form = self.behind((), token)
        assert form is not None
        self.feed(form)
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
        if token in _CLOSER or token in _OPENER or token.type in SEPARATORS:
            return False
        if following in ([], ["_NL"]) or not any(self.fits(t) for t in following):
            return False
        self.report(messages.expected(self.span(token), str(token), self.wanted()))
        self.lost.append(self.span(token))
        return True

    def repairs(self, token: Token) -> list[str]:
        """Return what may be inserted before a token, most likely first."""
        opener = self.opener
        if token in _OPENER:
            return ["HOLE"] if opener == _OPENER[str(token)] else []
        found = ["HOLE"] if not token.isidentifier() and token not in _CLOSER else []
        if token in ("{", "=", "("):
            found.append("NAME")
        if token.type in SEPARATORS:
            header = self.before is not None and self.before.type in ("NAME", "RPAR")
            return [*found, self.terminals["{"]] if token.type == "_NL" and header else found
        if opener in ("(", "["):
            found += ["COMMA"] if token != "{" else []
            found += [self.terminals[_CLOSER[str(opener)]]]
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
        if token not in _OPENER or token.type == "STRING":
            return False
        if any(opener == _OPENER[str(token)] for opener in self.openers):
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
        closer = self.terminals[_CLOSER[str(opener)]]
        depth, at = 0, token.end_pos or 0
        end = self.source.text.find("\n", at)
        line = self.source.text[at : end if end >= 0 else len(self.source.text)]
        if token in _CLOSER:
            depth = 1
        for char in line:  # a string or comment with a bracket in it is not worth more care
            if char in _CLOSER:
                depth += 1
            elif char in _OPENER:
                if depth == 0:
                    break
                depth -= 1
        else:
            return False
        if char != _CLOSER[str(opener)]:
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
        self.feed(_as(closer, last))
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
            if found in _CLOSER:
                depth += 1
            elif found in _OPENER:
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
            self.feed(_as(self.terminals["{"], following))
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
            depth += _is_bracket(value, _OPENER) - _is_bracket(value, _CLOSER)
            depth = max(0, depth)
            dropped = _first_token(value)
            if dropped is not None and dropped.start_pos is not None:
                start = dropped.start_pos
        return start

    # --- the end

    def finish(self, *, blamed: bool) -> Any:
        """Close what is open at the end of the text, blame it, and return the tree."""
        self.finishing = True
        self.is_torn = not self.fits("$END")
        while True:
            if self.fits("$END"):
                return self.interactive.feed_token(_at("$END", "", self.before))
            opener = self.opener
            if not blamed:
                self.problems.add(self.unfinished(opener))
                blamed = True
            closer = self.terminals[_CLOSER[str(opener)]] if opener is not None else None
            if closer is not None and self.fits(closer):
                self.feed(_at(closer, _CLOSER[str(opener)], self.before))
            elif self.fits("HOLE"):
                self.insert("HOLE")
            elif self.before is not None:
                self.drop_statement(_at("_NL", "", self.before))

    def unfinished(self, opener: Token | None) -> Diagnostic:
        """Return the fault of a text that ends too early."""
        if opener is not None:
            opener = self.culprit(opener)
            return messages.never_closed(self.span(opener), str(opener))
        end = (self.before.end_pos or 0) if self.before is not None else 0
        return messages.expected(Span(self.source, end, end), "", self.wanted())


def _at(terminal: str, text: str, place: Token | None) -> Token:
    """Return a token that is not in the text, standing behind ``place``."""
    where = (place.end_pos or 0) if place is not None else 0
    return Token(terminal, text, start_pos=where, end_pos=where)


def _as(terminal: str, token: Token, text: str | None = None) -> Token:
    """Return a token as another terminal, at its place."""
    start, end = token.start_pos, token.end_pos
    return Token(terminal, text or str(token), start_pos=start, end_pos=end)


def _is_bracket(value: object, brackets: dict[str, str]) -> bool:
    return isinstance(value, Token) and value.type != "ERROR" and value in brackets


def _first_token(value: Any) -> Token | None:
    """Return the first token of what is on the stack: a token, a tree, or a list of them."""
    if isinstance(value, Token):
        return value
    for child in value.children if isinstance(value, Tree) else value:
        token = _first_token(child)
        if token is not None:
            return token
    return None


def _sole_token(value: Any) -> Token | None:
    while isinstance(value, Tree) and len(value.children) == 1:
        value = value.children[0]
    return value if isinstance(value, Token) else None
