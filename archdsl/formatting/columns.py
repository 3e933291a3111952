"""Columns: neighbouring statements that the author has aligned stay aligned, and exactly so.

    main = ...                 train cifar10  with a
    out  = ...                 train cifar100 with b

Nothing is aligned unasked: a longer name would then touch every line around it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lark import Token, Tree

from archdsl.formatting.comments import Trivia, first_token, last_token, leaves

# The child before which a statement is padded.
_PIVOT = {
    "bind": 1,
    "let": 2,
    "set_value": 1,
    "set_entry": 1,
    "import_names": 2,
    "map": 2,
    "train": 2,
    "vary": 1,
}


def paddings(text: str, statements: Sequence[Any], trivia: Trivia) -> dict[int, int]:
    """Return how many more blanks than one stand before which tokens, named by where they start.

    A run of statements of one kind without a blank line between them is aligned if one of them
    has more than one blank at the place.
    """
    found: dict[int, int] = {}
    run: list[Any] = []
    for statement in statements:
        first = first_token(statement).start_pos
        kind = statement.data if isinstance(statement, Tree) else ""
        if run and (kind != run[0].data or _is_apart(first or 0, trivia)):
            found |= _pad(text, run)
            run = []
        if kind in _PIVOT:
            run.append(statement)
    return found | _pad(text, run) if run else found


def _is_apart(start: int, trivia: Trivia) -> bool:
    comments = trivia.leading.get(start, ())
    return start in trivia.after_blank or any(comment.blank for comment in comments)


def _pad(text: str, run: list[Any]) -> dict[int, int]:
    widths: dict[int, int] = {}
    asked = False
    for statement in run:
        at = _PIVOT[statement.data]
        pivot = first_token(statement.children[at]).start_pos or 0
        before = last_token(statement.children[at - 1]).end_pos or 0
        gap = text[before:pivot]
        asked = asked or (len(gap) > 1 and gap.isspace() and "\n" not in gap)
        heads = statement.children[:at]
        widths[pivot] = sum(_width(head) for head in heads) + len(heads) - 1
    widest = max(widths.values())
    return {pivot: widest - width for pivot, width in widths.items()} if asked else {}


def _width(head: Any) -> int:
    """Return the columns of a name or a path."""
    if isinstance(head, Token):
        return len(head)
    return sum(len(token) for token in leaves(head))
