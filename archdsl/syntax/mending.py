"""Small repairs at a token that does not fit: each is tried, and says whether it has helped."""

from __future__ import annotations

import re
from collections.abc import Callable

from lark import Token

from archdsl.diagnostics import nearest
from archdsl.diagnostics.fix import write
from archdsl.syntax import messages
from archdsl.syntax.feeding import (
    CLOSER,
    MISSING_NAME,
    OPENER,
    renamed,
)
from archdsl.syntax.foresight import Foreseer
from archdsl.syntax.layout import SEPARATORS

_FILE_ITEMS = frozenset(("def", "model", "recipe", "variants", "from"))
MODEL_ITEMS = ("input", "backbone", "head", "aggregate", "train", "expect")
_BEGINS_ITEM = re.compile(r'[ \t]+(\w|")')


class Mender(Foreseer):
    """Repairs what one insertion, or one other reading of a word, can repair."""

    def close_line(self, token: Token) -> bool:
        """Close a bracket of an earlier line before a token that is first on its line."""
        opener = self.opener
        if opener is None or opener == "{" or token in (")", "]"):
            return False
        if token != "}" and not self.starts_line(token):
            return False
        if self.hangs(opener) and self.indent(token) > self.indent(opener):
            return False  # it stands between the brackets, in a line of its own
        closing: list[str] = []
        for bracket in reversed(self.openers):
            if bracket == "{":
                break
            closing.append(self.terminals[CLOSER[bracket]])
        for inserted in (closing, ["HOLE", *closing]):
            for end in ([], ["_NL"]) if token != "}" else ([],):
                form = self.behind((*inserted, *end), token)
                if form is not None:
                    fix = None
                    if len(closing) == 1 and inserted is closing:
                        fix = self.insertion(closing[0])
                    self.report(messages.never_closed(self.span(opener), str(opener), fix))
                    for terminal in (*inserted, *end):
                        self.insert(terminal)
                    self.feed(form)
                    return True
        return False

    def hangs(self, opener: Token) -> bool:
        """Whether a bracket is the last thing on its line."""
        text = self.source.text
        return text[opener.end_pos or 0 :].partition("\n")[0].partition("#")[0].strip() == ""

    def leave_braces(self, token: Token, *, deep: bool = False) -> bool:
        """Close braces before an item that can only stand outside of them.

        The item's keyword may have been taken for a name within; then it is the last token fed.
        One that stands deeper than the brace is more likely out of place (``deep``: even so).
        """
        for keyword in (token, self.before):
            if keyword is None or str(keyword) not in (*_FILE_ITEMS, *MODEL_ITEMS):
                continue
            if not self.starts_line(keyword):
                continue
            opener = self.opener
            if opener is not None and not deep and self.indent(keyword) > self.indent(opener):
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
            self.report(messages.expected(self.place(keyword), str(keyword), {"a value"}))

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
        wanted, fix = {f"`{CLOSER[opener]}`"}, write(self.span(token), CLOSER[opener])
        self.report(messages.expected(self.span(token), str(token), wanted, fix))
        self.feed(renamed(closer, token, CLOSER[opener]))
        return True

    def repair(self, token: Token) -> bool:
        """Insert one thing before the token, or leave it out, if what follows then fits."""
        following = self.next_terminals(token)
        if token.type == "_NL" and following == ["LBRACE"] and self.fits(*following):
            self.report(messages.brace_on_next_line(self.span(token)))
            return True
        for inserted in self.insertions(token):
            form = self.behind((inserted,), token)
            if form is None:
                continue
            if following and not any(self.fits(inserted, form.type, t) for t in following):
                continue
            wanted = {self.described(inserted)}
            fix = self.insertion(inserted)
            self.report(messages.expected(self.place(token), str(token), wanted, fix))
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

    def insertions(self, token: Token) -> list[str]:
        """Return what may be inserted before a token, most likely first."""
        opener = self.opener
        if token in OPENER:
            return ["HOLE"] if opener == OPENER[str(token)] else []
        is_word = token.isidentifier() and token not in ("and", "or", "else", "if", "as")
        found = ["HOLE"] if not is_word and token not in CLOSER else []
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

    def begins_item(self, token: Token) -> bool:
        """Whether a token within braces can only be meant to begin an item of the file."""
        if token not in _FILE_ITEMS or self.span(token).column != 1 or not self.openers:
            return False
        return _BEGINS_ITEM.match(self.source.text, token.end_pos or 0) is not None
