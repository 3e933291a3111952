"""What one change would lead to: the rest of the statement is parsed ahead, without being fed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lark import Token

from archdsl.diagnostics import Fix, nearest
from archdsl.diagnostics.fix import write
from archdsl.diagnostics.suggest import edit_distance
from archdsl.syntax import messages
from archdsl.syntax.feeding import CLOSER, MISSING_NAME, OPENER, Feeder, renamed
from archdsl.syntax.layout import CONTINUES, SEPARATORS

_BEHIND = 3
"""How many tokens of the next line have to fit, too: one is soon at home anywhere."""

_FARTHEST = 60
"""How many tokens are looked at."""

_SUBSTITUTES = ("HOLE", "NAME", "=", "->", ",", ")", "]", "{", ".", "else", "in", "if", "STRING")
"""What may have been meant in place of another token, most likely first."""

_BETWEEN = ("else", "extends", "with", "of", "import", "in", "as", "over", "carry")
"""Keywords that stand within a statement, and may be missing there."""

_BRACES = re.compile(r'(?:"[^"\n]*"|#[^\n]*|[^{}"#])*+([{}])')


@dataclass(frozen=True, slots=True)
class _Change:
    """``put`` (a terminal, or nothing) in place of the ``taken`` token, or before the next."""

    put: str
    taken: Token | None = None
    meant: str = ""  # the keyword that was misspelt


class Foreseer(Feeder):
    """Chooses the change that lets the rest of the statement be read."""

    def foresee(self, token: Token) -> bool:
        """Make the first change behind which everything up to the next line fits."""
        rest = self.ahead(token)
        if [text.strip() for _, text in rest[:2]] == ["", "{"]:
            return False  # the brace of a body, on the line behind its header
        for change in self.changes(token):
            is_last = change.taken is not None and change.taken is not token
            taken = self.take_back(change.taken) if is_last and change.taken is not None else None
            if is_last and taken is None:
                continue
            follows = rest[1:] if change.taken is token else rest
            if self.leads_on(change.put, follows):
                self.make(change, token)
                return True
            if taken is not None:
                self.put_back(taken)
        return False

    def changes(self, token: Token) -> Iterator[_Change]:
        """Yield what may have been meant, most likely first."""
        last = self.before if self.before is not None and self.before != MISSING_NAME else None
        if last is not None and last.type in (*SEPARATORS, "ERROR"):
            last = None
        for word in (token, last):
            if word is not None and word.isidentifier():
                for keyword in self.near_keywords(word):
                    yield _Change(self.terminals[keyword], word, keyword)
        if last == token and token not in ("->", ",") and token.type not in SEPARATORS:
            yield _Change("", token)
        inserted = self.insertions(token)
        yield from (_Change(terminal) for terminal in inserted if terminal != "SEMICOLON")
        if token.type not in SEPARATORS:
            yield _Change("", token)
        if last is not None:
            yield _Change("", last)
        if "SEMICOLON" in inserted:
            yield _Change("SEMICOLON")
        for word in (token, last):
            if word is None or word.type in SEPARATORS:
                continue
            for text in _SUBSTITUTES:
                yield _Change(self.terminals.get(text, text), word)
        for text in _BETWEEN:
            yield _Change(self.terminals[text])
        if token.isidentifier() and self.opener in (None, "{") and self.lacks_opener(token):
            yield _Change(self.terminals["{"])

    def lacks_opener(self, token: Token) -> bool:
        """Whether one brace more is closed behind a token than is open."""
        marks = [m[1] for m in _BRACES.finditer(self.source.text, token.start_pos or 0)]
        open_braces = [opener for opener in self.openers if opener == "{"]
        return marks.count("}") - marks.count("{") > len(open_braces)

    def near_keywords(self, word: Token) -> list[str]:
        """Return the keywords that a word was probably meant to be."""
        if word in self.terminals:
            return []
        words = sorted(k for k in self.terminals if k.isidentifier())
        meant = nearest(word, words)
        # Of short ones many are near; what follows tells.
        near = [k for k in words if len(k) < 4 and edit_distance(word, k) == 1]
        return list(dict.fromkeys([meant, *near] if meant is not None else near))

    def insertions(self, token: Token) -> list[str]:
        """Return what may be inserted before a token, most likely first."""
        raise NotImplementedError

    # --- looking ahead

    def ahead(self, token: Token) -> list[tuple[str, str]]:
        """Return kind and text of the tokens from this one to a few of the next line."""
        found = [(token.type, str(token))]
        text, place = self.source.text, token.end_pos or 0
        lexer: Any = self.automaton.lexer.lexer
        behind = _BEHIND if token.type == "_NL" else None
        while place < len(text) and len(found) < _FARTHEST and behind != 0:
            match = lexer.match(text, place)
            if match is None:
                break
            place = match.end()
            kind = match.lastgroup
            if kind in lexer.ignored:
                continue
            if behind is not None:
                behind -= 1
            elif kind == "_NL":
                behind = _BEHIND
            found.append((kind, match[0]))
        return found

    def leads_on(self, put: str, rest: Sequence[tuple[str, str]]) -> bool:
        """Whether all of ``rest`` fits behind the terminal that is put, or behind nothing."""
        advance = self.automaton.advance
        stack: list[Any] | None = self.automaton.states
        if put:
            stack = advance(self.automaton.states, put)
        if stack is None:
            return False
        last = self.patterns.get(put, "") if put else str(self.before or "")
        open_brackets = [str(opener) for opener in self.openers]
        self.track(open_brackets, last if put else "")
        for kind, text in rest:
            if kind == "_NL":
                inside = bool(open_brackets) and open_brackets[-1] != "{"
                behind = advance(stack, "_NL")
                if inside or last in ("{", "\n", "") or (last in CONTINUES and behind is None):
                    continue
                last = "\n"
            else:
                terminals = self.readings(kind, text)
                behind = next((s for t in terminals if (s := advance(stack, t))), None)
                last = text
                self.track(open_brackets, text)
            if behind is None:
                return False
            stack = behind
        return True

    def readings(self, kind: str, text: str) -> list[str]:
        """Return the terminals that a token of the text may be."""
        if text.isidentifier():
            return [self.terminals[text], "NAME"] if text in self.terminals else ["NAME"]
        if kind != "MARK":
            return [kind]
        shorter = [text[:n] for n in range(len(text), 0, -1)] if text != "->" else [text]
        return [self.terminals[mark] for mark in shorter if mark in self.terminals]

    @staticmethod
    def track(open_brackets: list[str], text: str) -> None:
        """Note a bracket that opens or closes."""
        if text in CLOSER:
            open_brackets.append(text)
        elif text in OPENER and open_brackets and open_brackets[-1] == OPENER[text]:
            open_brackets.pop()

    # --- making the change

    def make(self, change: _Change, token: Token) -> None:
        """Report a change and make it; what was taken out has been taken back already."""
        taken = change.taken
        if taken is None:
            wanted, fix = {self.described(change.put)}, self.insertion(change.put)
            self.report(messages.expected(self.place(token), str(token), wanted, fix))
            self.insert(change.put)
        else:
            span = self.span(taken)
            if change.meant:
                self.report(messages.misspelt(span, change.meant))
                self.feed(renamed(change.put, taken, change.meant))
            else:
                self.lost.append(span)
                if change.put:
                    wanted = {self.described(change.put)}
                    fix = self.substitution(change.put, taken)
                    self.report(messages.expected(span, str(taken), wanted, fix))
                    text = MISSING_NAME if change.put == "NAME" else self.patterns.get(change.put)
                    self.feed(renamed(change.put, taken, text or " "))
                elif taken in OPENER and OPENER[str(taken)] not in self.openers:
                    self.report(messages.unmatched(span, str(taken)))
                else:
                    self.report(messages.surplus(span))
        if taken is not token:
            self.accept(token)

    def insertion(self, terminal: str) -> Fix | None:
        """Return the fix that writes a terminal behind the last token, if it is but a sign."""
        text = self.patterns.get(terminal, "")
        if self.before is None or text not in (",", "=", "->", ";", ")", "]"):
            return None
        return messages.inserted(self.span(self.before), text)

    def substitution(self, terminal: str, taken: Token) -> Fix | None:
        """Return the fix that writes another sign; in place of a bracket it can only be one."""
        text = self.patterns.get(terminal, "")
        if text not in (",", "=", "->", ")", "]", "{", "."):
            return None
        return write(self.span(taken), text, certain=text in OPENER and taken in OPENER)

    def described(self, terminal: str) -> str:
        """Return what an inserted terminal is called."""
        raise NotImplementedError

    def accept(self, token: Token) -> None:
        """Feed a token, recovering where it does not fit."""
        raise NotImplementedError
