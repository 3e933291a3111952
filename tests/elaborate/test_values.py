"""Compile-time values: precedence and results are those of Python, for what both have."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from markdown_cases import load_files

from archdsl.diagnostics import Poison
from archdsl.elaborate.expanding import Expander
from archdsl.elaborate.messages import show


def value(expression: str) -> object:
    """Return the value of an expression, Poison where it has none."""
    spec = load_files({"main.arch": f"arch 1\nlet x = {expression}\n"})
    return Expander(spec.resolution, spec.problems).file_scope(spec.program.root).names["x"]


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("7 - 2 - 1", 4),
        ("7 // 2", 3),
        ("-7 // 2", -4),
        ("7 % 4", 3),
        ("-7 % 4", 1),
        ("7 / 2", 3.5),
        ("8 / 2", 4.0),
        ("2 * 3.0", 6.0),
        ("-2 * -3", 6),
        ("- - 2", 2),
        ("1 < 2", True),
        ("not 1 == 2", True),
        ("not true or true", True),
        ("not (true or true)", False),
        ("true or false and false", True),
        ("1 + 1 == 2 and 2 > 1", True),
        ("1 if 2 > 3 else 4", 4),
        ("1 if true else 2 if true else 3", 1),
        ("1 if false else 2 if false else 3", 3),
        ('"a" == "a"', True),
        ("[1, 2] == [1, 2]", True),
        ("1 == 1.0", True),
        ("1 != true", False),
        ("min(3, 1, 2)", 1),
        ("max(3, 1.5)", 3),
        ("ceil(7 / 2)", 4),
        ("floor(7 / 2)", 3),
        ("ceil(-0.5)", 0),
        ("round_to(33, 8)", 32),
        ("round_to(36, 8)", 40),
        ("round_to(3, 8)", 8),
        ("round_to(12 * 0.75, 8)", 16),
        ("1e-4", 0.0001),
        ("300k", 300_000),
        ("6.7M", 6_700_000),
        ("1.2G", 1_200_000_000),
        ("[1, 2 + 3, 2 * 4]", (1, 5, 8)),
        ("true or 1 / 0 > 1", True),
        ("false and 1 / 0 > 1", False),
    ],
)
def test_values(expression: str, wanted: object) -> None:
    found = value(expression)
    assert found == wanted
    assert type(found) is type(wanted)


def test_round_to_is_mobilenets() -> None:
    for x in range(1, 300):
        rounded = max(8, int(x + 4) // 8 * 8)
        assert value(f"round_to({x}, 8)") == (rounded + 8 if rounded < 0.9 * x else rounded)


_NUMBERS = st.integers(0, 20).map(str)
_ARITHMETIC = st.recursive(
    _NUMBERS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "//", "%"]), inner).map(" ".join),
        inner.map("({})".format),
        inner.map("-{}".format),
    ),
    max_leaves=8,
)
_TRUTH = st.recursive(
    st.one_of(
        st.sampled_from(["true", "false"]),
        st.tuples(
            _ARITHMETIC, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), _ARITHMETIC
        ).map(" ".join),
    ),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(" ".join),
        inner.map("not {}".format),
        inner.map("({})".format),
    ),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(_ARITHMETIC, _TRUTH))
def test_expressions_mean_what_they_mean_in_python(expression: str) -> None:
    try:
        python = expression.replace("true", "True").replace("false", "False")
        wanted = eval(python)
    except ZeroDivisionError:
        # Python stops at a fault that `and` and `or` do not reach here either.
        assert isinstance(value(expression), Poison)
        return
    assume(abs(wanted) < 10**18)
    found = value(expression)
    assert (found, type(found)) == (wanted, type(wanted))


def test_a_number_as_a_spec_writes_it() -> None:
    for number in (0, 7, 0.5, 2.0, 1e-4, 123456.0):
        assert value(show(number)) == number
        assert math.isclose(float(show(number)), number)
