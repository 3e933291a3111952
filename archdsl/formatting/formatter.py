"""The whole way from a text to a formatted one, and the proof that nothing but its form changed."""

from __future__ import annotations

from typing import Any

from lark import Token, Tree

from archdsl.diagnostics import Diagnostic, Problems
from archdsl.formatting.comments import Trivia, read_trivia
from archdsl.formatting.doc import Renderer, break_where_needed
from archdsl.formatting.layout import Layout
from archdsl.formatting.messages import unsafe
from archdsl.source import Source
from archdsl.syntax.collecting import no_collection
from archdsl.syntax.layout import SEPARATORS
from archdsl.syntax.parser import read_tree
from archdsl.syntax.recursion import room_to_recurse

_MOST_PASSES = 3
"""A comment in an odd place may need a second pass until it stays where it is."""


class NotFormatted(Exception):
    """A text was left as it is; ``diagnostics`` say why: syntax errors, or ARCH990."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__("\n".join(d.message for d in diagnostics))
        self.diagnostics = diagnostics

    @property
    def is_bug(self) -> bool:
        """Whether the formatter is at fault, not the text."""
        return any(d.code == "ARCH990" for d in self.diagnostics)


def format_source(source: Source) -> str:
    """Return a text formatted, with the line ends of its first line.

    Only what cannot be parsed is refused: names, arguments and shapes may be wrong. Raises
    :class:`NotFormatted`.
    """
    first, line_end, _ = source.text.partition("\n")
    if line_end and first.endswith("\r"):
        return _format(source).replace("\n", "\r\n")
    return _format(source)


def _format(source: Source) -> str:
    with room_to_recurse(), no_collection():
        tree, trivia = _read(source)
        text = source.text.replace("\r\n", "\n")
        for _ in range(_MOST_PASSES):
            written = lay_out(source.text, tree, trivia)
            if written == text:
                return text
            text = written
            source = Source(source.name, text)
            try:
                new_tree, new_trivia = _read(source)
            except NotFormatted:
                raise NotFormatted((unsafe(source.name, "its syntax"),)) from None
            if not is_same(tree, new_tree):
                raise NotFormatted((unsafe(source.name, "what it says"),))
            if trivia.all_comments() != new_trivia.all_comments():
                raise NotFormatted((unsafe(source.name, "its comments"),))
            tree, trivia = new_tree, new_trivia
        if lay_out(source.text, tree, trivia) != text:
            raise NotFormatted((unsafe(source.name, "it again and again"),))
        return text


def _read(source: Source) -> tuple[Any, Trivia]:
    problems = Problems()
    tree = read_tree(source, problems)
    if tree is None:
        raise NotFormatted(problems.sorted())
    return tree, read_trivia(source.text, tree)


def lay_out(text: str, tree: Any, trivia: Trivia) -> str:
    """Return a text written anew from its tree and comments, once."""
    document = Layout(text, trivia).file(tree)
    break_where_needed(document)
    return Renderer().render(document)


def is_same(left: Any, right: Any) -> bool:
    """Whether two trees say the same: separators and last commas have no meaning."""
    pairs = [(left, right)]
    while pairs:
        mine, yours = pairs.pop()
        if isinstance(mine, Token) or isinstance(yours, Token):
            if mine != yours:
                return False
            continue
        my_parts, your_parts = _parts(mine), _parts(yours)
        if mine.data != yours.data or len(my_parts) != len(your_parts):
            return False
        pairs += zip(my_parts, your_parts, strict=True)
    return True


def _parts(tree: Any) -> list[Any]:
    """Return the children that have a meaning."""
    parts = [c for c in tree.children if isinstance(c, Tree) or c.type not in SEPARATORS]
    last = len(parts) - (
        2 if parts and isinstance(parts[-1], Token) and parts[-1] in (")", "]") else 1
    )
    if last >= 0 and isinstance(parts[last], Token) and parts[last] == ",":
        del parts[last]
    return parts
