"""Comments and blank lines: found between the tokens, and given to tokens.

A comment on the line of a token trails it; any other leads the token behind it. Each token is
written once, so no comment is lost, wherever it stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lark import Token, Tree

from archdsl.syntax.layout import SEPARATORS

_BETWEEN = " \t\f\r;"


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment; ``blank``: a blank line stands before it, ``apart``: more than two blanks do."""

    text: str
    blank: bool = False
    apart: bool = False


@dataclass(slots=True)
class Trivia:
    """What stands between the tokens; a token is named by where it starts."""

    leading: dict[int, list[Comment]] = field(default_factory=dict)
    trailing: dict[int, list[Comment]] = field(default_factory=dict)
    after_blank: set[int] = field(default_factory=set)
    lines: dict[int, int] = field(default_factory=dict)
    end: list[Comment] = field(default_factory=list)

    def line(self, token: Token) -> int:
        """Return the line that a token stands in, from 0."""
        return self.lines[token.start_pos or 0]

    def all_comments(self) -> list[str]:
        """Return the texts of all comments, in order."""
        placed = [
            *((at, 0, found) for at, found in self.leading.items()),
            *((at, 1, found) for at, found in self.trailing.items()),
        ]
        rows = [found for _, _, found in sorted(placed, key=lambda p: p[:2])]
        return [comment.text for row in [*rows, self.end] for comment in row]


def leaves(tree: Any) -> Iterator[Token]:
    """Yield the tokens of a tree that are written: all but those that separate statements."""
    stack = [tree]
    while stack:
        top = stack.pop()
        if isinstance(top, Tree):
            stack.extend(reversed(top.children))
        elif top.type not in SEPARATORS:
            yield top


def first_token(tree: Any) -> Token:
    """Return the first token of a tree."""
    while isinstance(tree, Tree):
        tree = tree.children[0]
    token: Token = tree
    return token


def last_token(tree: Any) -> Token:
    """Return the last token of a tree."""
    while isinstance(tree, Tree):
        tree = tree.children[-1]
    token: Token = tree
    return token


def read_trivia(text: str, tree: Any) -> Trivia:
    """Return the comments and blank lines of a text, and in which line each token stands."""
    trivia = Trivia()
    before: int | None = None
    end = line = 0
    for token in leaves(tree):
        start = token.start_pos or 0
        gap = text[end:start]
        if "\n" in gap or "#" in gap:
            leading, blank = _read_gap(gap, before, trivia)
            line += gap.count("\n")
            if leading:
                trivia.leading[start] = leading
            if blank:
                trivia.after_blank.add(start)
        trivia.lines[start] = line
        before, end = start, token.end_pos or 0
    # The last line has no token that would stand in it.
    trivia.end, _ = _read_gap(text[end:] + "\n", before, trivia)
    return trivia


def _read_gap(gap: str, before: int | None, trivia: Trivia) -> tuple[list[Comment], bool]:
    """Return the comments that lead what follows, and whether a blank line precedes it directly.

    A comment on the first line is given to the token ``before``.
    """
    rest, *lines = gap.split("\n")
    if before is None:
        lines.insert(0, rest)
    elif "#" in rest:
        blanks, _, comment = rest.partition("#")
        found = Comment(f"#{comment}".rstrip(), apart=len(blanks) > 2)
        trivia.trailing.setdefault(before, []).append(found)
    leading: list[Comment] = []
    blank = False
    for line in lines[:-1]:
        stripped = line.lstrip(_BETWEEN).rstrip()
        if stripped:
            leading.append(Comment(stripped, blank))
        blank = not stripped
    return leading, blank
