"""Lexing: the parser's state decides only which words are keywords, never where tokens end."""

from __future__ import annotations

import re
from functools import cache

from lark import Lark
from specs_of_tests import clean_texts
from syntax.mutations import tokens

from archdsl.resources import resource
from archdsl.syntax.parser import grammar_parser

Found = list[tuple[str, str, int]]


@cache
def of_context(text: str) -> Found:
    """Return the tokens that the parser is fed."""
    return [(token.type, str(token), token.start_pos or 0) for token in tokens(text)]


def without_context(parser: Lark, text: str) -> Found:
    return [(token.type, str(token), token.start_pos) for token in parser.lex(text)]


def comparable(tokens: Found) -> Found:
    """Return tokens with words alike, be they names or keywords, and without newlines."""
    return [
        ("word" if text.isidentifier() else kind, text, start)
        for kind, text, start in tokens
        if kind != "_NL"
    ]


def test_both_lexers_agree() -> None:
    grammar = resource("grammars/arch.lark").read_text(encoding="utf-8")
    basic = Lark(grammar, parser="lalr", lexer="basic", keep_all_tokens=True)
    for text in clean_texts():
        assert comparable(of_context(text)) == comparable(without_context(basic, text))


def test_between_tokens_there_are_only_blanks_and_comments() -> None:
    gap = re.compile(r"(\s|#[^\n]*)*")
    for text in clean_texts():
        at = 0
        for _, token, start in of_context(text):
            assert gap.fullmatch(text[at:start])
            assert text.startswith(token, start)
            at = start + len(token)
        assert gap.fullmatch(text[at:])


def test_operators_and_keywords_are_string_terminals() -> None:
    patterns = {t.name: t.pattern for t in grammar_parser().terminals}
    named = {name for name, pattern in patterns.items() if pattern.type == "re"}
    assert named == {"NAME", "QUANTITY", "FLOAT", "INT", "STRING", "_NL", "CONTINUED"} | {
        "BLANK",
        "COMMENT",
    }
