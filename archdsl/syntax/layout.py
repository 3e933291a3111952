"""The tokens of a text: the lexer is restarted behind whatever it cannot read."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lark import Token
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from archdsl.syntax.automaton import Automaton
from archdsl.syntax.lookalikes import QUOTES, is_foreign, spelt, word_around

SEPARATORS = ("_NL", "SEMICOLON")

CONTINUES = frozenset("{ -> | = , + - * / // % == != < <= > >= and or not".split())
"""A line that ends in one of these goes on in the next."""


def is_needless(before: Token | None, opener: Token | None, fits: Callable[[], bool]) -> bool:
    """Whether a newline separates nothing: repeated, in brackets, behind what goes on.

    ``fits``: whether the parser would take it. That tells the `%` of a tolerance from the operator.
    """
    if opener is not None and opener != "{":
        return True
    if before is None or before.type in SEPARATORS:
        return True
    return before in CONTINUES and (before == "{" or not fits())


def tokens(text: str, automaton: Automaton, on_bad: Callable[[int, int], None]) -> Iterator[Token]:
    """Yield the tokens of a text; ``on_bad`` is told of each stretch that cannot be read.

    A token that the parser's state does not admit is yielded like any other.
    """
    bad: tuple[int, int] | None = None
    lexer = automaton.lexer
    is_ascii = text.isascii()
    while True:
        try:
            for token in lexer.lex(automaton.state):
                if bad is not None:
                    on_bad(*bad)
                    bad = None
                end = token.end_pos or 0
                has_foreign = not is_ascii and is_foreign(text[end : end + 1])
                if has_foreign and word_around(token, 0) == len(token):
                    yield _whole_word(text, token.start_pos or 0, automaton, on_bad)
                else:
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
            if bad is None and is_foreign(text[start]):
                yield _whole_word(text, start, automaton, on_bad)
                continue
            if bad is None and text[start] in QUOTES:
                quoted = _quoted(text, start)
                if quoted is not None:
                    on_bad(start, start + len(quoted))
                    lexer.state.line_ctr.char_pos = start + len(quoted)
                    yield quoted
                    continue
            end = _end_of_bad(text, start)
            bad = (bad[0] if bad else start, end)
            lexer.state.line_ctr.feed(Token("BAD", text[start:end]))


def _whole_word(
    text: str, start: int, automaton: Automaton, on_bad: Callable[[int, int], None]
) -> Token:
    """Return a word with letters from elsewhere as the name, or keyword, that it looks like.

    So each such word is one fault, and wherever it occurs it is the same name.
    """
    lexer = automaton.lexer
    end = word_around(text, start)
    odd = [at for at in range(start, end) if not text[at].isascii()]
    on_bad(odd[0], odd[-1] + 1)
    word = spelt(text[start:end])
    lexer.state.line_ctr.char_pos = end
    kind = "INT" if word.isdigit() else lexer.lexer.words.get(word, "NAME")
    return Token(kind, word, start_pos=start, end_pos=end)


def _quoted(text: str, start: int) -> Token | None:
    """Return a string between quotation marks that are not the language's, or None."""
    for end in range(start + 1, len(text)):
        if text[end] == "\n":
            break
        if text[end] in QUOTES or text[end] == '"':
            inside = f'"{text[start + 1 : end]}"'
            return Token("STRING", inside, start_pos=start, end_pos=end + 1)
    return None


def _end_of_bad(text: str, start: int) -> int:
    """Return where unreadable text ends: a string without an end takes its whole line."""
    if text[start] == '"':
        line_end = text.find("\n", start)
        return len(text) if line_end < 0 else line_end
    return start + 1
