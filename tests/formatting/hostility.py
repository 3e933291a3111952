"""Texts made ugly: blanks, blank lines, line breaks and comments wherever these are legal."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from lark import Token

from archdsl.diagnostics import Problems
from archdsl.source import Source
from archdsl.syntax.layout import SEPARATORS
from archdsl.syntax.parser import read_tree

_GOES_ON = set("-> | = + - * / // == != < <= > >= and or not {".split())
_BEGINS_AGAIN = ("->", "|", "else")
_BLANKS = ("", " ", " ", "   ", "\t", " \f ")


def tokens(tree: Any, parent: str = "") -> Iterator[tuple[Token, str]]:
    """Yield the tokens of a tree, each with the kind of tree that it stands in."""
    if isinstance(tree, Token):
        yield tree, parent
        return
    for child in tree.children:
        yield from tokens(child, tree.data)


class Vandal:
    """Rewrites what stands between the tokens of texts."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.number = 0

    def spoil(self, text: str) -> str | None:
        """Return a text of the same tokens; None where it has none, or syntax errors."""
        tree = read_tree(Source("text", text), Problems())
        row = [(t, k) for t, k in tokens(tree) if t.type not in SEPARATORS] if tree else []
        if not row:
            return None
        self.share = self.chance.choice([0.05, 0.2, 0.6])
        parts = [self.breaks() if self.chance.random() < self.share else ""]
        openers: list[str] = []
        separated = self.separated(tree)
        for (token, kind), (following, _) in zip(row, [*row[1:], (None, "")], strict=True):
            parts.append(str(token))
            if token in ("(", "[", "{"):
                openers.append(str(token))
            elif token in (")", "]", "}"):
                openers.pop()
            if following is None:
                parts.append(self.chance.choice(["", "\n", " ;", "\n# end", " # end", "\n \n"]))
            elif following.start_pos in separated:
                parts.append(self.separator())
            elif self.may_break(token, kind, openers, following):
                is_hit = self.chance.random() < self.share
                parts.append(self.breaks() if is_hit else self.blanks(token, following))
            else:
                parts.append(self.blanks(token, following))
        return "".join(parts)

    def separated(self, tree: Any) -> set[int]:
        """Return where the tokens begin that stand behind a separator."""
        found: set[int] = set()
        pending = False
        for token, _ in tokens(tree):
            if token.type in SEPARATORS:
                pending = True
            elif pending:
                found.add(token.start_pos or 0)
                pending = False
        return found

    def may_break(self, token: Token, kind: str, openers: list[str], following: Token) -> bool:
        """Whether a line may end behind a token."""
        if openers and openers[-1] != "{":
            return True
        return (
            token in _GOES_ON
            or (token == "%" and kind == "infix")
            or (token == "," and kind == "over")
            or following in _BEGINS_AGAIN
        )

    def separator(self) -> str:
        if self.chance.random() < self.share:
            return self.chance.choice([";", "", " ; "]) + self.breaks()
        return self.chance.choice([";", " ; ", "\n", "\n\n", "\n\n\n\n   ", "\r\n", ";\n"])

    def breaks(self) -> str:
        """Return blanks with a line end, and perhaps comments and blank lines."""
        parts = [self.comment() if self.chance.random() < 0.5 else self.chance.choice(_BLANKS)]
        for _ in range(self.chance.choice([0, 0, 1, 2])):
            own = self.chance.choice([self.comment(), "", self.chance.choice(_BLANKS)])
            parts.append(f"{self.chance.choice(_BLANKS)}{own}")
        return "\n".join(parts) + "\n" + self.chance.choice(_BLANKS)

    def comment(self) -> str:
        self.number += 1
        tail = self.chance.choice(
            [
                "",
                " why",
                ' "quoted',
                " { -> ;",
                " # twice",
                "  \t",
                " ; ",
                " conv(3)",
                " größe 你好",
            ]
        )
        return f"{self.chance.choice(_BLANKS)}#{self.chance.choice(['', ' '])}c{self.number}{tail}"

    def blanks(self, token: Token, following: Token) -> str:
        """Return blanks, at least one where the two would grow together."""
        sticks = (str(token)[-1:] + str(following)[:1]).strip('()[]{},"') if token else ""
        return self.chance.choice(_BLANKS[1:] if len(sticks) > 1 else _BLANKS)
