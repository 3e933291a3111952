"""From the lossless tree to a document: where each construct may be broken, and how it is spaced.

What a construct needs beyond "its children, one blank apart" is in ``_WAYS``; all others are
written so, and a new statement of the grammar needs nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lark import Token, Tree

from archdsl.formatting.columns import paddings
from archdsl.formatting.comments import Comment, Trivia, first_token, last_token
from archdsl.formatting.doc import Block, Doc, Group, Line, Margin, Nest, Suffix, WhenBroken
from archdsl.syntax.layout import SEPARATORS

_SHORT_NAME = 8
"""Behind a name up to this long the arrows of a binding stand below each other."""


class Layout:
    """Lays out the tree of one text."""

    def __init__(self, text: str, trivia: Trivia) -> None:
        self.text = text
        self.trivia = trivia
        self.placed: set[int] = set()  # tokens whose leading comments have lines of their own
        self.padding: dict[int, int] = {}

    def file(self, tree: Any) -> list[Doc]:
        """Return the document of a file."""
        items = [c for c in tree.children if not _is_separator(c)]
        out: list[Doc] = []
        self.padding |= paddings(self.text, items, self.trivia)
        for item in items:
            self.begin_statement(item, out, is_first=not out, inner=False)
            self.put(item, out)
        self.put_comments(self.trivia.end, out, is_first=not out, inner=False)
        return out

    # --- tokens, and the comments that belong to them

    def put(self, tree: Any, out: list[Doc]) -> None:
        """Write a subtree."""
        if isinstance(tree, Token):
            self.put_token(tree, out)
        else:
            _WAYS.get(tree.data, Layout.put_words)(self, tree, out)

    def put_token(self, token: Token, out: list[Doc], text: str | None = None) -> None:
        """Write a token; comments that have no line of their own go to the end of the line."""
        start = token.start_pos or 0
        leading = self.trivia.leading.get(start)
        if leading is not None and start not in self.placed:
            out += [Suffix(c.text) for c in leading]
        out.append(str(token) if text is None else text)
        trailing = self.trivia.trailing.get(start)
        if trailing is not None:
            out += [Suffix(c.text, apart=c.apart) for c in trailing]

    def begin(self, tree: Any, out: list[Doc], flat: str | None, *, inner: bool = True) -> None:
        """Write a place to break; comments that lead what follows get lines of their own."""
        start = first_token(tree).start_pos or 0
        comments = self.trivia.leading.get(start)
        if comments is None:
            out.append(Line(flat, inner=inner))
            return
        self.placed.add(start)
        for comment in comments:
            out += [Line(None, inner=inner), comment.text]
        out.append(Line(None, inner=inner))

    def begin_statement(
        self, tree: Any, out: list[Doc], *, is_first: bool, inner: bool = True
    ) -> None:
        """Write the line end before a statement, its comments, and blank lines between these."""
        start = first_token(tree).start_pos or 0
        comments = self.trivia.leading.get(start, ())
        self.put_comments(comments, out, is_first=is_first, inner=inner)
        self.placed.add(start)
        if out:  # nothing stands before the first one of a file
            blank = start in self.trivia.after_blank and bool(comments or not is_first)
            flat = None if comments else " " if is_first else "; "
            out.append(Line(flat, inner=inner, blank=blank))

    def put_comments(
        self, comments: Sequence[Comment], out: list[Doc], *, is_first: bool, inner: bool = True
    ) -> None:
        """Write comments, each on a line of its own."""
        for comment in comments:
            if out:
                out.append(Line(None, inner=inner, blank=comment.blank and not is_first))
            out.append(comment.text)
            is_first = False

    # --- statements and braces

    def put_words(self, tree: Any, out: list[Doc]) -> None:
        """Write children one blank apart; what stands in braces follows at the end."""
        children = tree.children
        for at, child in enumerate(children):
            if isinstance(child, Token):
                if child == "{":
                    self.put_braces(children[at:], out, follows=at > 0)
                    return
                if child == "," and at == len(children) - 1:  # of an import: it has no meaning
                    self.put_token(child, out, "")
                    return
            if at > 0 and not _is_tight(child):
                out.append(" " * (1 + self.padding.get(first_token(child).start_pos or 0, 0)))
            self.put(child, out)

    def put_braces(self, children: list[Any], out: list[Doc], *, follows: bool) -> None:
        """Write statements in braces, on one line only if the author did."""
        if follows:
            out.append(" ")
        opener, closer = children[0], children[-1]
        statements = [c for c in children[1:-1] if not _is_separator(c)]
        is_tall = self.is_tall(opener, closer)
        if is_tall:
            self.padding |= paddings(self.text, statements, self.trivia)
        parts: list[Doc] = []
        self.put_token(opener, parts)
        for at, statement in enumerate(statements):
            self.begin_statement(statement, parts, is_first=at == 0)
            self.put(statement, parts)
        is_empty = not statements and not self.has_comments(opener, closer)
        self.put_closer(closer, parts, "" if is_empty else " ", is_first=not statements)
        out.append(Block([Nest(parts)], broken=is_tall and not is_empty))

    def put_closer(
        self, closer: Token, parts: list[Doc], flat: str, *, is_first: bool = False
    ) -> None:
        """Write a closing bracket; comments before it stand with what it closes."""
        start = closer.start_pos or 0
        comments = self.trivia.leading.get(start, ())
        self.put_comments(comments, parts, is_first=is_first)
        self.placed.add(start)
        parts.append(Line(None if comments else flat, inner=False))
        self.put_token(closer, parts)

    def put_fork(self, tree: Any, out: list[Doc]) -> None:
        """Write branches, one a line, their bars below the brace."""
        opener, closer = tree.children[0], tree.children[-1]
        parts: list[Doc] = []
        self.put_token(opener, parts)
        branches = [c for c in tree.children[1:-1] if not _is_separator(c)]
        if len(parts) > 1 or (first_token(branches[0]).start_pos or 0) in self.trivia.leading:
            self.begin(branches[0], parts, " ")
        else:
            parts.append(" ")
        for child in branches:
            if child == "|":
                self.begin(child, parts, " ", inner=False)
                self.put_token(child, parts)
                parts.append(" ")
            else:
                parts.append(Margin())
                self.put(child, parts)
        self.put_closer(closer, parts, " ")
        out.append(Block([Nest(parts, column=0)], broken=self.is_tall(opener, closer)))

    def put_over(self, tree: Any, out: list[Doc]) -> None:
        """Write the taps of an aggregate."""
        parts: list[Doc] = []
        for at, child in enumerate(tree.children):
            if at == 1:
                parts.append(" ")
            elif at > 1 and child != ",":
                self.begin(child, parts, " ")
            self.put(child, parts)
        out.append(Group([Nest(parts)]))

    # --- pipelines

    def put_binding(self, tree: Any, out: list[Doc]) -> None:
        """Write a binding."""
        value = tree.children[2]
        if not isinstance(value, Tree) or value.data != "pipeline":
            self.put_words(tree, out)
            return
        name, equals = tree.children[:2]
        self.put_token(name, out)
        out.append(" " * (1 + self.padding.get(equals.start_pos or 0, 0)))
        self.put_token(equals, out)
        out.append(" ")
        self.put_pipeline(value, out, is_value=True)

    def put_pipeline(self, tree: Any, out: list[Doc], *, is_value: bool = False) -> None:
        """Write steps: line ends before arrows are the author's; a line too long has one step.

        Behind braces on several lines the arrow follows the closing brace.
        """
        arrows = [None, *tree.children[1::2]]
        steps = tree.children[0::2]
        subject = first_token(steps[0])
        is_named = is_value and last_token(steps[0]) is subject and len(subject) <= _SHORT_NAME
        parts: list[Doc] = []
        line: list[Doc] = []  # steps that are broken together or not at all
        for at, (arrow, step) in enumerate(zip(arrows, steps, strict=True)):
            if arrow is not None:
                before = steps[at - 1]
                ends_braces = _ends_in_braces(before)
                glued = (is_named and at == 1) or (
                    ends_braces and self.is_tall(first_token(before), last_token(before))
                )
                if (arrow.start_pos or 0) in self.trivia.leading:
                    glued = False
                is_end = not glued and self.is_line_end(before, arrow, step)
                if is_end or ends_braces:
                    parts.append(Group(line))
                    line = []
                target = parts if is_end else line
                if glued or (ends_braces and not is_end):
                    target.append(" ")
                else:
                    self.begin(arrow, target, None if is_end else " ", inner=not is_named)
                self.put_token(arrow, line)
                line.append(" ")
            self.put(step, line)
        parts.append(Group(line))
        out.append(Nest(parts, column=len(subject) + 1 if is_named else None))

    def is_line_end(self, before: Any, arrow: Token, step: Any) -> bool:
        """Whether the author broke the line at an arrow, before it or behind it."""
        return self.trivia.line(last_token(before)) != self.trivia.line(first_token(step))

    # --- expressions

    def put_path(self, tree: Any, out: list[Doc]) -> None:
        """Write children with nothing between them: a path, a call."""
        for child in tree.children:
            self.put(child, out)

    def put_brackets(self, tree: Any, out: list[Doc]) -> None:
        """Write a list, arguments or parentheses; one element a line where they are broken."""
        opener, *elements, closer = tree.children
        parts: list[Doc] = []
        self.put_token(opener, parts)
        last = elements.pop() if elements and elements[-1] == "," else None
        flat = ""
        for element in elements:
            if isinstance(element, Token) and element == ",":
                self.put_token(element, parts)
                flat = " "
            else:
                self.begin(element, parts, flat)
                self.put(element, parts)
        if elements and tree.data != "parens":
            parts.append(WhenBroken(","))
        if last is not None:
            self.put_token(last, parts, "")
        if elements or self.has_comments(opener, closer):
            self.put_closer(closer, parts, "")
        else:
            self.put_token(closer, parts)
        out.append(Group([Nest(parts)]))

    def put_infix(self, tree: Any, out: list[Doc]) -> None:
        """Write operands and operators; lines end behind operators, where that continues them."""
        children = tree.children
        if len(children) == 3 and children[1] == "*":  # a repeated step: its brackets break
            self.put_words(tree, out)
            return
        parts: list[Doc] = []
        for at, child in enumerate(children):
            if at % 2:
                parts.append(" ")
            elif at:
                self.begin(child, parts, " ")
            self.put(child, parts)
        out.append(Group([Nest(parts)]))

    def put_ternary(self, tree: Any, out: list[Doc]) -> None:
        """Write a conditional value; only `else` may begin a line."""
        yes, word, condition, otherwise, no = tree.children
        parts: list[Doc] = []
        for child in (yes, word, condition):
            self.put(child, parts)
            parts.append(" ")
        parts.pop()
        self.begin(otherwise, parts, " ")
        self.put(otherwise, parts)
        parts.append(" ")
        self.put(no, parts)
        out.append(Group([Nest(parts)]))

    def put_prefix(self, tree: Any, out: list[Doc]) -> None:
        """Write a sign or a `not`."""
        operator, operand = tree.children
        self.put_token(operator, out)
        if operator == "not":
            out.append(" ")
        self.put(operand, out)

    # --- facts

    def is_tall(self, first: Token, last: Token) -> bool:
        """Whether the author has written something on several lines."""
        return self.trivia.line(first) != self.trivia.line(last)

    def has_comments(self, opener: Token, closer: Token) -> bool:
        """Whether comments stand between two tokens that are neighbours."""
        start, end = opener.start_pos or 0, closer.start_pos or 0
        return start in self.trivia.trailing or end in self.trivia.leading


def _is_separator(child: Any) -> bool:
    return isinstance(child, Token) and child.type in SEPARATORS


def _is_tight(child: Any) -> bool:
    """Whether nothing stands before a part of a statement."""
    if isinstance(child, Tree):
        return child.data in ("arguments", "parameters")
    return child in (",", "%")


def _ends_in_braces(step: Any) -> bool:
    """Whether a step has a body: braces, perhaps with a name, repeated or named."""
    while isinstance(step, Tree) and step.data in ("step", "infix"):
        step = step.children[0]
    return str(last_token(step)) == "}"


_WAYS: dict[str, Callable[[Layout, Any, list[Doc]], None]] = {
    "arguments": Layout.put_brackets,
    "bind": Layout.put_binding,
    "call": Layout.put_path,
    "fork": Layout.put_fork,
    "infix": Layout.put_infix,
    "list": Layout.put_brackets,
    "over": Layout.put_over,
    "parameters": Layout.put_brackets,
    "parens": Layout.put_brackets,
    "path": Layout.put_path,
    "pipeline": Layout.put_pipeline,
    "prefix": Layout.put_prefix,
    "ternary": Layout.put_ternary,
}
