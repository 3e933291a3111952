"""The automaton does what lark's own parser does, and looks ahead without touching the stacks."""

from __future__ import annotations

from lark import Token
from specs_of_tests import spec_texts
from syntax.mutations import texts, tokens

from archdsl.syntax.automaton import Automaton
from archdsl.syntax.parser import grammar_parser

END = Token("$END", "", start_pos=0, end_pos=0)


def test_the_tree_is_larks_own() -> None:
    parser = grammar_parser()
    for text in texts().values():
        automaton = Automaton(parser, text)
        theirs = parser.parse_interactive(text)
        for token in tokens(text):
            assert automaton.feed(token)
            theirs.feed_token(token)
        assert automaton.finish() == theirs.feed_token(END)


def test_what_fits_is_what_lark_accepts() -> None:
    parser = grammar_parser()
    text = spec_texts()["vgg1_ra.arch"]
    automaton, theirs = Automaton(parser, text), parser.parse_interactive(text)
    for token in tokens(text):
        terminals = {t for t in automaton.expected() if t.isupper()}
        assert {t for t in terminals if automaton.fits(t)} == theirs.accepts()
        automaton.feed(token)
        theirs.feed_token(token)


def test_what_does_not_fit_changes_nothing() -> None:
    parser = grammar_parser()
    text = "arch 1\nlet a = (1 + 2"
    automaton = Automaton(parser, text)
    for token in automaton.lexer.lex(automaton.state):
        assert automaton.feed(token)
    states, values = list(automaton.states), list(automaton.values)
    assert not automaton.feed(Token("RBRACE", "}", start_pos=len(text), end_pos=len(text)))
    assert (automaton.states, automaton.values) == (states, values)
    assert not automaton.fits("$END")
    assert automaton.fits("RPAR", "$END")
    assert (automaton.states, automaton.values) == (states, values)
