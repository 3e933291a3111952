"""From the lossless tree to nodes with spans; the one place that knows precedence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lark import Token, Tree

from archdsl.diagnostics import Problems
from archdsl.source import Source, Span
from archdsl.syntax import messages, nodes
from archdsl.syntax.words import MAX_NUMBER, Words, number

MAX_DEPTH = 400
"""How deep the tree may nest. The parser holds brackets to 100; this stops `not not not ...`."""

# Loosest first. `not` stands between `and` and the comparisons, as in Python.
_LEVEL = {"or": 1, "and": 2}
_LEVEL.update(dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), 4))
_LEVEL.update(dict.fromkeys(("+", "-"), 5))
_LEVEL.update(dict.fromkeys(("*", "/", "//", "%"), 6))
_NOT, _COMPARISON = 3, 4


class TooDeep(Exception):
    """The tree nests deeper than :data:`MAX_DEPTH`."""

    def __init__(self, span: Span) -> None:
        self.span = span


class Builder:
    """Builds the nodes of one file. Reports what the grammar cannot: chained comparisons."""

    def __init__(self, source: Source, problems: Problems) -> None:
        self.source = source
        self.problems = problems
        self.depth = 0
        self.words = Words(problems)

    def build(self, tree: Any) -> Any:
        """Return the node for a subtree."""
        if isinstance(tree, Token):
            return self.name(tree)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise TooDeep(self.span(tree))
        node = getattr(self, "on_" + tree.data)(tree)
        self.depth -= 1
        return node

    # --- spans and pieces

    def span(self, tree: Any) -> Span:
        """Return the span of a subtree: from its first to its last token."""
        first = last = tree
        while isinstance(first, Tree):
            first = first.children[0]
        while isinstance(last, Tree):
            last = last.children[-1]
        return Span(self.source, first.start_pos, last.end_pos)

    def name(self, token: Token) -> nodes.Name:
        """Return a token as a name."""
        place = self.span(token)
        return nodes.Name(self.words.name(str(token), place), place)

    def names(self, tree: Any) -> list[nodes.Name]:
        """Return the names that stand directly in a tree."""
        return [self.name(c) for c in tree.children if _is(c, "NAME")]

    def subtrees(self, tree: Any, *, skip: int = 0) -> Iterator[Any]:
        """Build the children that are trees."""
        trees = [c for c in tree.children if isinstance(c, Tree)]
        return (self.build(c) for c in trees[skip:])

    def sole(self, tree: Any, data: str) -> Any | None:
        """Return the child tree of a kind, unbuilt, or None."""
        return next((c for c in tree.children if isinstance(c, Tree) and c.data == data), None)

    def after(self, tree: Any, word: str) -> nodes.Name | None:
        """Return the name that follows a keyword, or None."""
        for this, following in zip(tree.children, tree.children[1:], strict=False):
            if isinstance(this, Token) and this == word:
                return self.name(following)
        return None

    # --- file items

    def on_start(self, tree: Any) -> nodes.File:
        return nodes.File(self.source, tuple(self.subtrees(tree)))

    def on_edition(self, tree: Any) -> nodes.Edition:
        return nodes.Edition(self.name(tree.children[1]), self.span(tree))

    def on_import_names(self, tree: Any) -> nodes.Import:
        origin = tree.children[1]
        built = self.on_string(Tree("string", [origin])) if _is(origin, "STRING") else None
        return nodes.Import(built or self.build(origin), tuple(self.names(tree)), self.span(tree))

    def on_let(self, tree: Any) -> nodes.Let:
        return nodes.Let(self.name(tree.children[1]), self.build(tree.children[3]), self.span(tree))

    def on_def(self, tree: Any) -> nodes.Def:
        return nodes.Def(
            self.name(tree.children[1]),
            self.parameters(tree),
            self.build(tree.children[-1]),
            self.span(tree),
        )

    def parameters(self, tree: Any) -> tuple[nodes.Parameter, ...]:
        """Return the parameters declared in a header."""
        declared = self.sole(tree, "parameters")
        return tuple(self.subtrees(declared)) if declared else ()

    def on_parameter(self, tree: Any) -> nodes.Parameter:
        default = self.build(tree.children[2]) if len(tree.children) > 1 else None
        return nodes.Parameter(self.name(tree.children[0]), default, self.span(tree))

    def on_model(self, tree: Any) -> nodes.Model:
        items = tuple(self.subtrees(tree, skip=1 if self.sole(tree, "parameters") else 0))
        return nodes.Model(
            self.name(tree.children[1]),
            self.parameters(tree),
            self.after(tree, "extends"),
            items,
            self.span(tree),
        )

    def on_recipe(self, tree: Any) -> nodes.RecipeDef:
        return nodes.RecipeDef(
            self.name(tree.children[1]),
            self.after(tree, "extends"),
            tuple(self.subtrees(tree)),
            self.span(tree),
        )

    def on_set_entry(self, tree: Any) -> nodes.SetEntry:
        name, value = tree.children
        return nodes.SetEntry(self.name(name), self.build(value), self.span(tree))

    def on_set_value(self, tree: Any) -> nodes.SetValue:
        path, _, value = tree.children
        return nodes.SetValue(self.build(path), self.build(value), self.span(tree))

    def on_variants(self, tree: Any) -> nodes.Variants:
        name, model = self.names(tree)
        return nodes.Variants(name, model, tuple(self.subtrees(tree)), self.span(tree))

    def on_vary(self, tree: Any) -> nodes.Vary:
        path, _, values = tree.children
        return nodes.Vary(self.build(path), self.build(values), self.span(tree))

    # --- model items

    def on_input(self, tree: Any) -> nodes.Input:
        return nodes.Input(self.build(tree.children[1]), self.span(tree))

    def on_backbone(self, tree: Any) -> nodes.Backbone:
        keyword, body = tree.children
        return nodes.Backbone(self.build(body), self.span(keyword), self.span(tree))

    def on_foreign_backbone(self, tree: Any) -> nodes.ForeignBackbone:
        taps = self.sole(tree, "foreign")
        return nodes.ForeignBackbone(
            self.name(tree.children[1]),
            self.arguments(self.sole(tree, "arguments")),
            any(isinstance(c, Token) and c == "frozen" for c in tree.children),
            tuple(self.subtrees(taps)) if taps else (),
            self.span(tree.children[0]),
            self.span(tree),
        )

    def on_foreign_taps(self, tree: Any) -> nodes.ForeignTaps:
        return nodes.ForeignTaps(self.name(tree.children[1]), self.span(tree))

    def on_foreign_tap(self, tree: Any) -> nodes.ForeignTap:
        module = tree.children[1]
        span = self.span(module)
        if module.data == "string":
            span = Span(span.source, span.start + 1, span.end - 1)  # without its quotes
        return nodes.ForeignTap(
            nodes.Name("".join(span.text.split()), span),
            self.after(tree, "as"),
            self.span(tree),
        )

    def on_head(self, tree: Any) -> nodes.Head:
        keyword, body = tree.children
        return nodes.Head(self.build(body), self.span(keyword), self.span(tree))

    def on_aggregate(self, tree: Any) -> nodes.Aggregate:
        arguments = self.sole(tree, "arguments")
        over = self.sole(tree, "over")
        overrides = self.sole(tree, "override_list")
        return nodes.Aggregate(
            self.name(tree.children[1]),
            self.arguments(arguments) if arguments else (),
            tuple(self.subtrees(over)) if over else None,
            tuple(self.subtrees(overrides)) if overrides else (),
            self.span(tree),
        )

    def on_readout(self, tree: Any) -> nodes.Readout:
        return nodes.Readout(self.name(tree.children[1]), self.span(tree))

    def on_normalize(self, tree: Any) -> nodes.Normalize:
        return nodes.Normalize(self.name(tree.children[1]), self.span(tree))

    def on_map(self, tree: Any) -> nodes.Map:
        _, target, body = tree.children
        return nodes.Map(self.build(target), self.build(body), self.span(tree))

    def on_train(self, tree: Any) -> nodes.Train:
        _, dataset, _, recipe = tree.children
        return nodes.Train(self.name(dataset), self.name(recipe), self.span(tree))

    def on_expect(self, tree: Any) -> nodes.Expect:
        _, claim, *rest = tree.children
        tolerance = self.quantity(rest[1]) if len(rest) > 1 else None
        return nodes.Expect(self.build(claim), tolerance, len(rest) > 2, self.span(tree))

    def quantity(self, part: Any) -> nodes.Literal | None:
        """Return the number of a tolerance; None for a hole."""
        if not isinstance(part, Token):
            return None
        return nodes.Literal(number(part), self.span(part))

    def on_allow(self, tree: Any) -> nodes.Allow:
        _, code, reason = tree.children
        text = self.words.string(str(reason), self.span(reason))
        return nodes.Allow(self.name(code), text, self.span(tree))

    def on_error(self, tree: Any) -> nodes.Error:
        return nodes.Error(self.span(tree))

    def on_hole(self, tree: Any) -> nodes.Error:
        return nodes.Error(self.span(tree))

    # --- bodies

    def on_body(self, tree: Any) -> nodes.Body:
        return nodes.Body(tuple(self.subtrees(tree)), self.span(tree))

    def on_bind(self, tree: Any) -> nodes.Bind:
        name, _, value = tree.children
        return nodes.Bind(self.name(name), self.build(value), self.span(tree))

    def on_pipeline(self, tree: Any) -> nodes.Pipeline:
        return nodes.Pipeline(tuple(self.subtrees(tree)), self.span(tree))

    def on_step(self, tree: Any) -> nodes.Named:
        step, _, name = tree.children
        return nodes.Named(self.build(step), self.name(name), self.span(tree))

    def on_body_group(self, tree: Any) -> nodes.Group:
        return nodes.Group(self.on_body(tree), self.span(tree))

    def on_fork(self, tree: Any) -> nodes.Fork:
        return nodes.Fork(tuple(self.subtrees(tree)), self.span(tree))

    def on_choice(self, tree: Any) -> nodes.Choice:
        parts = list(self.subtrees(tree))
        condition, yes = parts[:2]
        return nodes.Choice(condition, yes, parts[2] if len(parts) > 2 else None, self.span(tree))

    def on_stage(self, tree: Any) -> nodes.Stage:
        _, name, body = tree.children
        return nodes.Stage(self.name(name), self.build(body), self.span(tree))

    def on_block(self, tree: Any) -> nodes.Block:
        _, name, body = tree.children
        return nodes.Block(self.name(name), self.build(body), self.span(tree))

    def on_tap(self, tree: Any) -> nodes.Tap:
        return nodes.Tap(self.span(tree))

    def on_repeat(self, tree: Any) -> nodes.Repeat:
        _, count, _, carry, _, start, body = tree.children
        return nodes.Repeat(
            self.build(count),
            self.name(carry),
            self.build(start),
            self.build(body),
            self.span(tree),
        )

    # --- expressions

    def on_ternary(self, tree: Any) -> nodes.Ternary:
        yes, _, condition, _, no = tree.children
        return nodes.Ternary(
            self.build(condition), self.build(yes), self.build(no), self.span(tree)
        )

    def on_infix(self, tree: Any) -> nodes.Expr:
        """Resolve a flat ``a + b * c`` by precedence climbing."""
        parts = list(tree.children)
        if len(parts) > MAX_DEPTH:
            raise TooDeep(self.span(tree))
        at = 0

        # With each node goes the span of its tree: that has the parentheses around it.
        def operand() -> tuple[nodes.Expr, Span]:
            nonlocal at
            part = parts[at]
            at += 1
            if isinstance(part, Tree) and part.data == "prefix" and part.children[0] == "not":
                # `not a == b` is `not (a == b)`: the grammar, being flat, gave `not` only `a`.
                parts[at - 1] = part.children[1]
                at -= 1
                inner, end = climb(_NOT)
                span = self.span(part.children[0]).to(end)
                return nodes.Prefix("not", inner, span), span
            return self.build(part), self.span(part)

        def climb(least: int) -> tuple[nodes.Expr, Span]:
            nonlocal at
            left, span = operand()
            middle: nodes.Expr | None = None  # the right side of the comparison before
            while at < len(parts) and _LEVEL[parts[at]] >= least:
                operator = parts[at]
                level = _LEVEL[operator]
                at += 1
                right, end = climb(level + 1)
                span = span.to(end)
                if level == _COMPARISON and middle is not None:
                    place = self.span(operator)
                    if not self.problems.told("ARCH003", within=span):
                        self.problems.add(messages.chained_comparison(place, middle.span))
                    again = nodes.Infix(str(operator), middle, right, middle.span.to(end))
                    left = nodes.Infix("and", left, again, span)
                else:
                    left = nodes.Infix(str(operator), left, right, span)
                middle = right if level == _COMPARISON else None
            return left, span

        return climb(0)[0]

    def on_prefix(self, tree: Any) -> nodes.Prefix:
        operator, operand = tree.children
        return nodes.Prefix(str(operator), self.build(operand), self.span(tree))

    def on_call(self, tree: Any) -> nodes.Call:
        callee, arguments = tree.children
        return nodes.Call(self.build(callee), self.arguments(arguments), self.span(tree))

    def arguments(self, tree: Any) -> tuple[nodes.Argument, ...]:
        """Return the arguments between parentheses."""
        found = []
        for child in tree.children:
            if not isinstance(child, Tree):
                continue
            if child.data == "keyword":
                word: Any = child.children[0]
                value = child.children[2]
                argument = nodes.Argument(self.name(word), self.build(value), self.span(child))
            else:
                argument = nodes.Argument(None, self.build(child), self.span(child))
            found.append(argument)
        return tuple(found)

    def on_path(self, tree: Any) -> nodes.Path:
        return nodes.Path(tuple(self.names(tree)), self.span(tree))

    def on_number(self, tree: Any) -> nodes.Literal | nodes.Error:
        value = number(tree.children[0])
        if not abs(value) <= MAX_NUMBER:
            self.problems.add(messages.number_too_large(self.span(tree)))
            return nodes.Error(self.span(tree))
        return nodes.Literal(value, self.span(tree))

    def on_string(self, tree: Any) -> nodes.Literal:
        place = self.span(tree)
        return nodes.Literal(self.words.string(str(tree.children[0]), place), place)

    def on_boolean(self, tree: Any) -> nodes.Literal:
        return nodes.Literal(tree.children[0] == "true", self.span(tree))

    def on_list(self, tree: Any) -> nodes.ListOf:
        return nodes.ListOf(tuple(self.subtrees(tree)), self.span(tree))

    def on_parens(self, tree: Any) -> nodes.Expr:
        return self.build(tree.children[1])  # type: ignore[no-any-return]


def _is(child: object, terminal: str) -> bool:
    return isinstance(child, Token) and child.type == terminal
