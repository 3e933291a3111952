"""Braces that do not pair: what indentation says of which is missing, and which is too many.

Braces alone do not tell: a `}` too many shows where the next item finds itself outside of its
body, a missing one at the end of the file. Indentation is no part of the syntax, so what it says
is a guess; the parser tries each guess on a text with errors, and keeps the one that leaves least
unexplained.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple, TypeAlias

Guess: TypeAlias = Mapping[int, str]
"""By offset: a brace to put before the token there, or (empty) the brace there to leave out."""

MOST_GUESSES = 8
"""So many are tried for one mistake."""

_MARK = re.compile(r'"[^"\n]*"|#[^\n]*|[{}]|\n')
_CLOSERS = re.compile(r"[\s})\]]*")
_CONTINUES = re.compile(r"\s*(?:->|\||else\b|#|\r?$|[\])}])")
_INCOMPLETE = re.compile(r"[{(\[,|]\s*(?:#.*)?$|->\s*(?:#.*)?$|=\s*(?:#.*)?$")


class _Line(NamedTuple):
    """A line with something on it: its offset, its number, how far it is indented, its text."""

    start: int
    number: int
    indent: int
    text: str

    @property
    def code_end(self) -> int:
        """The offset behind the last character that is neither blank nor comment."""
        code = re.sub(r'("[^"]*")|#.*', r"\1", self.text)
        return self.start + len(code.rstrip())


class _Brace(NamedTuple):
    """A brace, and the line it stands on."""

    offset: int
    line: _Line


def guesses(text: str, made: Guess) -> Iterator[Guess]:
    """Yield what may be wrong with the braces of a text, on top of the guesses made already."""
    lines = _lines(text)
    open_braces: list[_Brace] = []
    found: list[Guess] = []
    for mark, offset, line in _braces(text, lines, made):
        if mark == "{":
            open_braces.append(_Brace(offset, line))
            continue
        if not open_braces:
            found.append({offset: ""})
            continue
        opener = open_braces.pop()
        if line.number == opener.line.number:
            continue
        leads = not _CLOSERS.sub("", text[line.start : offset], count=1)
        if leads and line.indent < opener.line.indent:
            found += _unclosed(opener, lines)
        elif not leads or line.indent > opener.line.indent:
            found.append({offset: ""})
        elif text[line.start : offset].strip():
            found.append({offset: ""})  # `} }`: the line's indentation belongs to the first
    for opener in reversed(open_braces):
        found += _unclosed(opener, lines)
    for line, following in pairwise(lines):
        deeper = following.indent > line.indent and not _CONTINUES.match(following.text)
        if deeper and not _INCOMPLETE.search(line.text):
            found.append({line.code_end: "{"})
    seen: list[Guess] = []
    for guess in found:
        if guess not in seen and not guess.keys() & made.keys():
            seen.append(guess)
            yield {**made, **guess}


def _unclosed(opener: _Brace, lines: list[_Line]) -> list[Guess]:
    """Return guesses for a brace that nothing closes: it is too many, or lacks its partner."""
    behind = [line for line in lines if line.number > opener.line.number]
    end = next((line for line in behind if line.indent <= opener.line.indent), None)
    last = [line for line in lines if end is None or line.number < end.number][-1]
    found: list[Guess] = [{opener.offset: ""}]
    return [{opener.line.code_end: "}"}, {last.code_end: "}"}, *found]


def _lines(text: str) -> list[_Line]:
    found: list[_Line] = []
    start = 0
    for number, line in enumerate(text.split("\n")):
        stripped = line.lstrip()
        if stripped and not stripped.startswith("#"):
            found.append(_Line(start, number, len(line) - len(stripped), line.rstrip("\r")))
        start += len(line) + 1
    return found


def _braces(text: str, lines: list[_Line], made: Guess) -> Iterator[tuple[str, int, _Line]]:
    """Yield the braces of a text as guessed so far: which, where, on which line."""
    marks = [(m.start(), m[0]) for m in _MARK.finditer(text) if m[0] in "{}"]
    marks = [(offset, mark) for offset, mark in marks if made.get(offset) != ""]
    marks += [(offset, mark) for offset, mark in made.items() if mark]
    at = 0
    for offset, mark in sorted(marks):
        while at + 1 < len(lines) and lines[at + 1].start <= offset:
            at += 1
        yield mark, offset, lines[at]
