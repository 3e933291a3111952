"""Text to tree: drives lark's LALR parser token by token, drops needless newlines, recovers.

Recovery, when a token does not fit (docs/design.md, "Syntax errors"):

1. a bracket opened on an earlier line, and the bad token first on its line: the opener is blamed
   and closed;
2. a misspelt keyword is taken for the one it was meant to be;
3. one inserted ``,``, ``)``, ``]`` or ``=`` would make the token fit: it is inserted;
4. otherwise the rest of the statement is skipped, and an ERROR token stands for it;
5. at the end of the file, what is open is blamed and closed.
"""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import lark
from lark import Lark, Token
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from archdsl.diagnostics import Diagnostic, Problems, nearest
from archdsl.resources import resource
from archdsl.source import Source, Span
from archdsl.syntax import messages, nodes
from archdsl.syntax.build import Builder, TooDeep

MAX_NESTING = 100
"""How deep brackets and braces may nest."""

MAX_TEXT = 1_000_000
"""The most characters a file may have."""

MAX_SYNTAX_ERRORS = 20
"""After so many syntax errors the rest of a file is not read."""

_CLOSER = {"(": ")", "[": "]", "{": "}"}
# A line that ends in one of these goes on in the next.
_CONTINUES = frozenset("{ -> | = , + - * / // % == != < <= > >= and or not".split())
_SEPARATORS = ("_NL", "SEMICOLON")


class _EverywhereNewlines:
    """Makes the contextual lexer accept a newline in every state; the parser drops the needless."""

    always_accept = ("_NL",)

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        return stream


def _cache_file(grammar: str) -> Path | None:
    """Return where the parse tables are kept between runs, or None where nothing can be written."""
    key = hashlib.sha256(f"{lark.__version__} {grammar}".encode()).hexdigest()[:16]
    base = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    folder = Path(base) / "archdsl"
    with suppress(OSError, RuntimeError):
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder / f"grammar-{key}.pickle"
    return None


@lru_cache(maxsize=1)
def _lark() -> Lark:
    grammar = resource("grammars/arch.lark").read_text(encoding="utf-8")
    cache = _cache_file(grammar)
    if cache is not None and cache.is_file():
        # A damaged cache is made anew; it is the user's own file, trusted like any .pyc.
        with suppress(OSError, pickle.UnpicklingError, EOFError, KeyError, ValueError, TypeError):
            with cache.open("rb") as file:
                data = pickle.load(file)
            return Lark._load_from_dict(data["data"], data["memo"], postlex=_EverywhereNewlines())
    parser = Lark(
        grammar,
        parser="lalr",
        lexer="contextual",
        keep_all_tokens=True,
        maybe_placeholders=False,
        postlex=_EverywhereNewlines(),
    )
    if cache is not None:
        with suppress(OSError):
            temporary = cache.with_suffix(f".{os.getpid()}")
            with temporary.open("wb") as file:
                parser.save(file)
            temporary.replace(cache)
    return parser


def parse(source: Source, problems: Problems) -> nodes.File:
    """Parse a text. Faults are added to ``problems``; what could be read is returned."""
    if len(source.text) > MAX_TEXT:
        problems.add(messages.too_long(source, len(source.text), MAX_TEXT))
        return nodes.File(source)
    tree = _Run(source, problems).run()
    if tree is None:
        return nodes.File(source)
    try:
        return Builder(source, problems).build(tree)  # type: ignore[no-any-return]
    except TooDeep as too_deep:
        problems.add(messages.too_deep(too_deep.span, MAX_NESTING))
        return nodes.File(source)


class _Stop(Exception):
    """No more of this file can be read; a diagnostic has been given."""


class _Run:
    """The parse of one file."""

    def __init__(self, source: Source, problems: Problems) -> None:
        self.source = source
        self.problems = problems
        self.interactive = _lark().parse_interactive(source.text)
        self.terminals = {t.name: t.pattern.value for t in _lark().terminals}
        self.brackets: list[Token] = []
        self.before: Token | None = None  # the last token that was fed
        self.errors = 0

    # --- tokens

    def tokens(self) -> Iterator[Token]:
        """Yield the tokens, restarting the lexer behind whatever it cannot read."""
        bad: tuple[int, int] | None = None
        state: Any = self.interactive.lexer_thread.state
        while True:
            # What the lexer raises it has either passed (a token out of place) or not moved over.
            stream = self.interactive.lexer_thread.lex(self.interactive.parser_state)
            try:
                for token in stream:
                    if bad is not None:
                        self.bad_characters(bad)
                        bad = None
                    yield token
                if bad is not None:
                    self.bad_characters(bad)
                return
            except UnexpectedToken as unexpected:
                if bad is not None:
                    self.bad_characters(bad)
                    bad = None
                yield unexpected.token
            except UnexpectedCharacters as unexpected:
                start = unexpected.pos_in_stream
                if bad is not None and bad[1] != start:
                    self.bad_characters(bad)
                    bad = None
                end = self.end_of_bad(start)
                bad = (bad[0] if bad else start, end)
                state.line_ctr.feed(Token("BAD", self.source.text[start:end]))

    def end_of_bad(self, start: int) -> int:
        """Return where unreadable text ends: a string without an end takes its whole line."""
        if self.source.text[start] == '"':
            line_end = self.source.text.find("\n", start)
            return len(self.source.text) if line_end < 0 else line_end
        return start + 1

    def bad_characters(self, place: tuple[int, int]) -> None:
        self.count(messages.bad_characters(Span(self.source, *place)))

    def count(self, diagnostic: Diagnostic) -> None:
        """Report a syntax error; past the cap the rest of the file is not read."""
        self.problems.add(diagnostic)
        self.errors += 1
        if self.errors >= MAX_SYNTAX_ERRORS:
            raise _Stop

    def span(self, token: Token) -> Span:
        return Span(self.source, token.start_pos or 0, token.end_pos or 0)

    # --- feeding

    def needless(self, token: Token) -> bool:
        """Whether a newline separates nothing."""
        if self.brackets and self.brackets[-1] != "{":
            return True
        return self.before is None or self.before.type in _SEPARATORS or self.before in _CONTINUES

    def feed(self, token: Token) -> None:
        self.interactive.feed_token(token)
        self.note(token)

    def note(self, token: Token) -> None:
        """Keep the books on brackets."""
        self.before = token
        if token.type == "STRING":
            return
        if token in _CLOSER:
            self.brackets.append(token)
            if len(self.brackets) > MAX_NESTING:
                self.problems.add(messages.too_deep(self.span(token), MAX_NESTING))
                raise _Stop
        elif token in _CLOSER.values() and self.brackets:
            self.brackets.pop()

    def run(self) -> Any:
        """Return the tree, or None where nothing could be kept."""
        try:
            self.stream = self.tokens()
            for token in self.stream:
                if token.type == "_NL" and self.needless(token):
                    continue
                self.accept(token)
            return self.finish()
        except _Stop:
            return None

    def accept(self, token: Token) -> None:
        """Feed a token, recovering where it does not fit."""
        try:
            self.feed(token)
        except UnexpectedToken:
            if token.type == "_NL" and self.brackets and self.brackets[-1] != "{":
                return
            self.recover(token)

    def accepts(self) -> set[str]:
        return self.interactive.accepts()  # type: ignore[no-any-return]

    def wanted(self) -> set[str]:
        """What may stand here, as a spec would write it; names of kinds for the rest."""
        return {messages.describe(t, self.terminals.get(t, t)) for t in self.accepts()}

    # --- recovery

    def recover(self, token: Token) -> None:
        opener = self.brackets[-1] if self.brackets else None
        if opener is not None and opener != "{" and self.starts_line(token):
            self.count(messages.never_closed(self.span(opener), str(opener)))
            while self.brackets and self.brackets[-1] != "{":
                if not self.insert(_CLOSER[self.brackets[-1]]):
                    break
            else:
                with suppress(UnexpectedToken):
                    if "_NL" in self.accepts() and token.type not in _SEPARATORS and token != "}":
                        self.feed(_at("_NL", "\n", token))
                    self.feed(token)
                    return
            self.skip_statement(token, report=False)
            return
        if token.type == "NAME" and self.mend_keyword(token):
            return
        # Brackets that do not match are never mended by inserting something before them.
        inserts = () if token in ("}", ")", "]") or token.type in _SEPARATORS else (",", "=")
        closers = (")", "]") if opener in ("(", "[") and token != ")" and token != "]" else ()
        for text in (*inserts, *closers):
            if self.would_fit(text, token):
                self.count(messages.expected(self.span(token), str(token), {f"`{text}`"}))
                self.insert(text)
                self.feed(token)
                return
        self.skip_statement(token, report=True)

    def mend_keyword(self, token: Token) -> bool:
        """Take a misspelt keyword for the one it was meant to be; return whether there is one."""
        keywords = {self.terminals.get(t, ""): t for t in self.accepts()}
        meant = nearest(token, (k for k in keywords if k.isidentifier()))
        if meant is None:
            return False
        self.count(messages.misspelt(self.span(token), meant))
        self.feed(Token(keywords[meant], token, start_pos=token.start_pos, end_pos=token.end_pos))
        return True

    def starts_line(self, token: Token) -> bool:
        start = token.start_pos or 0
        line_start = self.source.text.rfind("\n", 0, start) + 1
        return not self.source.text[line_start:start].strip()

    def terminal(self, text: str) -> str:
        return next(name for name, pattern in self.terminals.items() if pattern == text)

    def insert(self, text: str) -> bool:
        """Feed a token that is not in the text; return whether it fits."""
        token = _at(self.terminal(text), text, self.before)
        try:
            self.feed(token)
        except UnexpectedToken:
            return False
        return True

    def would_fit(self, text: str, token: Token) -> bool:
        """Whether ``token`` would be accepted behind an inserted ``text``."""
        if self.terminal(text) not in self.accepts():
            return False
        copy = self.interactive.as_immutable()
        try:
            copy.feed_token(_at(self.terminal(text), text, token)).feed_token(token)
        except UnexpectedToken:
            return False
        return True

    def skip_statement(self, token: Token, *, report: bool) -> None:
        """Skip to the end of the statement and let ERROR stand for what was skipped and begun."""
        if report:
            found = self.span(token)
            if token in (")", "]") or (token == "}" and not self.brackets):
                self.count(messages.unmatched(found, str(token)))
            else:
                self.count(messages.expected(found, str(token), self.wanted()))
        first = last = token
        depth = 0
        # Brackets that the broken statement has opened are left with it.
        while self.brackets and self.brackets[-1] != "{":
            self.brackets.pop()
        following: Token | None = token
        while following is not None:
            if depth == 0 and (following.type in _SEPARATORS or following == "}"):
                break
            if following in _CLOSER and following.type != "STRING":
                depth += 1
            elif following in _CLOSER.values() and following.type != "STRING":
                depth = max(0, depth - 1)
            last = following
            following = next(self.stream, None)
        self.pop_to_statement()
        error = _at("ERROR", self.source.text[first.start_pos : last.end_pos], first)
        error.end_pos = last.end_pos
        self.interactive.feed_token(error)
        self.before = error
        if following is None:
            return
        if following == "}" and not self.brackets:
            # One brace too many; the statement before it ends here.
            self.count(messages.unmatched(self.span(following), "}"))
            return
        with suppress(UnexpectedToken):
            self.feed(following)

    def pop_to_statement(self) -> None:
        """Drop what has been parsed of the broken statement."""
        state = self.interactive.parser_state
        table = state.parse_conf.parse_table.states
        while "ERROR" not in table[state.state_stack[-1]]:
            if len(state.state_stack) == 1:
                raise _Stop
            state.state_stack.pop()
            dropped = state.value_stack.pop()
            # Braces of a broken header go with it.
            if isinstance(dropped, Token) and dropped == "{" and self.brackets:
                self.brackets.pop()

    def finish(self) -> Any:
        """Close what is open at the end of the text, blame it, and return the tree."""
        end = _at("$END", "", self.before)
        blamed = False
        while True:
            try:
                return self.interactive.feed_token(end)
            except UnexpectedToken:
                pass
            if self.brackets and not blamed:
                opener = self.brackets[-1]
                self.problems.add(messages.never_closed(self.span(opener), str(opener)))
                blamed = True
            if self.brackets and self.insert(_CLOSER[self.brackets[-1]]):
                continue
            if not blamed:
                place = Span(self.source, end.end_pos or 0, end.end_pos or 0)
                self.problems.add(messages.expected(place, "", self.wanted()))
                blamed = True
            self.pop_to_statement()
            self.interactive.feed_token(_at("ERROR", "", self.before))


def _at(kind: str, text: str, place: Token | None) -> Token:
    """Return a token that is not in the text, standing at ``place``."""
    where = (place.end_pos or 0) if place is not None else 0
    return Token(kind, text, start_pos=where, end_pos=where)
