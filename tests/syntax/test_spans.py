"""Spans are exact: the text of every node, read by itself, is the same node."""

from __future__ import annotations

import pytest
from specs_of_tests import clean_texts

from archdsl.diagnostics import Problems
from archdsl.elaborate.scopes import parts
from archdsl.source import Source, Span
from archdsl.syntax import nodes, parse

_BODY = (nodes.Bind, nodes.Let, nodes.Allow)
_FILE = (nodes.Edition, nodes.Import, nodes.Def, nodes.Model, nodes.RecipeDef, nodes.Variants)
_MODEL = (
    nodes.Input,
    nodes.Backbone,
    nodes.ForeignBackbone,
    nodes.Head,
    nodes.Aggregate,
    nodes.Train,
    nodes.Expect,
)
_OVERRIDES = (nodes.Readout, nodes.Map, nodes.Normalize)
_SETTINGS = (nodes.SetEntry, nodes.SetValue)


def frame(node: object) -> str:
    """Return a spec in which a node of this kind can stand alone, with ``@`` in its place."""
    match node:
        case nodes.Body():
            return "def F() @"
        case nodes.Parameter():
            return "def F(@) {}"
        case nodes.Argument():
            return "let x = f(@)"
        case nodes.ForeignTap() | nodes.ForeignTaps():
            return "model M { backbone timm(1) {\n@\n} }"
        case nodes.Vary():
            return "variants v of M {\n@\n}"
    for kinds, text in (
        (_BODY, "def F() {\n@\n}"),
        (_FILE, "@"),
        (_MODEL, "model M {\n@\n}"),
        (_OVERRIDES, "model M { aggregate a {\n@\n} }"),
        (_SETTINGS, "recipe r {\n@\n}"),
    ):
        if isinstance(node, kinds):
            return text
    return "let x = (\n@\n)"


def structure(node: object) -> object:
    """Return what a node says, without where."""
    if isinstance(node, tuple):
        return tuple(map(structure, node))
    if not hasattr(node, "__slots__") or isinstance(node, Span | Source):
        return None if isinstance(node, Span | Source) else node
    return type(node).__name__, tuple(structure(getattr(node, s)) for s in node.__slots__)


def read(text: str) -> nodes.File:
    problems = Problems()
    file = parse(Source("x.arch", text), problems)
    assert not problems.sorted(), text
    return file


def test_every_node_reads_as_itself() -> None:
    seen = set()
    for text in clean_texts():
        for item in read(text).items:
            for node in parts(item):
                if isinstance(node, nodes.Error):
                    continue
                span = node.span  # type: ignore[attr-defined]
                if isinstance(node, nodes.Name):
                    assert span.text == node.text
                    continue
                spec = frame(node).replace("@", span.text)
                if spec in seen:
                    continue
                seen.add(spec)
                alone = [structure(part) for found in read(spec).items for part in parts(found)]
                assert structure(node) in alone, span.text
    assert len(seen) > 1000


@pytest.mark.parametrize("text", ["  x  ", "((x))", "( x )"])
def test_parentheses_and_blanks_belong_to_no_node(text: str) -> None:
    file = read(f"let a = {text}")
    (item,) = file.items
    assert isinstance(item, nodes.Let)
    assert item.value.span.text == "x"


def test_spans_nest_and_stand_in_order() -> None:
    for text in clean_texts():
        for item in read(text).items:
            for node in parts(item):
                if isinstance(node, nodes.Name | nodes.Error):
                    continue
                outer = node.span  # type: ignore[attr-defined]
                inner = [p.span for p in parts(node) if p is not node]  # type: ignore[attr-defined]
                assert all(outer.start <= s.start <= s.end <= outer.end for s in inner)
