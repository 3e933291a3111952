"""The arithmetic behind RA001 and RA006, on the paper's own cases and beyond."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_cases import check

from archdsl.analysis.mapping import valid_strides
from archdsl.analysis.rules import longest_convolution_path
from archdsl.ir import Level, Node
from archdsl.ir.levels import level_of, stride_ratio


@pytest.mark.parametrize(
    ("ratio", "channels", "strides"),
    [
        (4, 512, [1, 2, 4]),
        (4, 342, [4]),
        (8, 368, [2, 4, 8]),
        (8, 185, [8]),
        (16, 512, [1, 2, 4, 8, 16]),
        (3, 18, [1, 3]),
        (3, 512, [3]),
    ],
)
def test_valid_strides_of_the_paper(ratio: int, channels: int, strides: list[int]) -> None:
    assert valid_strides(ratio, channels) == strides


@given(st.integers(1, 64), st.integers(1, 4096))
def test_valid_strides(ratio: int, channels: int) -> None:
    strides = valid_strides(ratio, channels)
    assert ratio in strides  # one always works
    for stride in range(1, ratio + 1):
        side = Fraction(ratio, stride)
        solved = side.denominator == 1 and (channels / side**2).denominator == 1
        assert (stride in strides) == solved


def tensor(stride: int | tuple[int, int] | None) -> Node:
    pair = (stride, stride) if isinstance(stride, int) else stride
    return Node(id="x", op="relu", arguments={}, inputs=(), shape=(1, 1, 1), stride=pair)


def test_levels_come_from_strides() -> None:
    standard = tensor(8)
    levels = [level_of(tensor(s), standard, is_last=False) for s in (8, 4, 2, 1, 16)]
    assert levels == [Level.MIDDLE, Level.MIDDLE, Level.SHALLOW, Level.SHALLOW, Level.SHALLOW]
    assert level_of(standard, standard, is_last=True) is Level.LAST
    assert stride_ratio(tensor(2), tensor(3)) == Fraction(3, 2)
    assert stride_ratio(tensor((1, 2)), tensor(2)) is None
    assert stride_ratio(tensor(None), tensor(2)) is None


def test_the_longest_path() -> None:
    def node(id: str, op: str, *inputs: str) -> Node:
        return Node(id=id, op=op, arguments={}, inputs=inputs, shape=(1, 1, 1), stride=(1, 1))

    nodes = [
        node("a", "conv", "in"),
        node("b", "conv", "a"),
        node("p", "conv", "in"),
        node("sum", "add", "b", "p"),
        node("side", "conv", "sum"),
    ]
    assert longest_convolution_path(nodes, "sum") == 2
    assert longest_convolution_path(nodes, "side") == 3
    assert longest_convolution_path(nodes, "p") == 1
    assert longest_convolution_path(nodes, "in") == 0


_SPEC = """\
arch 1
model M {{
  input [3, {size}, {size}]
  backbone {{
    stage s1 {{ block b1 {{ conv(4) -> conv(4) }} -> tap -> maxpool({ratio}) }}
    stage s2 {{ block b1 {{ conv({channels}) -> conv({channels}) }} -> tap }}
  }}
  aggregate lstm(hidden = 4) {{ map s1.b1 {{ kernel = {kernel} }} }}
}}
"""


@settings(max_examples=150, deadline=None)
@given(
    ratio=st.integers(3, 9),
    channels=st.integers(1, 80),
    kernel=st.integers(1, 9),
    size=st.integers(1, 5),
)
def test_a_shallow_node_is_derived_exactly_where_the_equation_has_a_solution(
    ratio: int, channels: int, kernel: int, size: int
) -> None:
    text = _SPEC.format(size=size * ratio, ratio=ratio, channels=channels, kernel=kernel)
    diagnostics, (network,) = check({"main.arch": text})
    if kernel in valid_strides(ratio, channels):
        assert not diagnostics
        first, last = network.taps
        assert network.by_id[str(first.vector)].shape == network.by_id[str(last.vector)].shape
        assert network.by_id[str(first.vector)].shape == (channels,)
        assert (first.level, first.ratio) == (Level.SHALLOW, ratio)
    else:
        assert [d.code for d in diagnostics] == ["RA006"]


@settings(max_examples=100, deadline=None)
@given(st.integers(8, 70), st.sampled_from(["maxpool(2)", "conv(8, stride = 2)", "subsample(2)"]))
def test_any_input_size_is_mapped_or_refused(size: int, down: str) -> None:
    spec = f"""\
arch 1
model M {{
  input [3, {size}, {size}]
  backbone {{
    stage s1 {{ block b1 {{ conv(4) -> conv(4) }} -> tap -> {down} }}
    stage s2 {{ block b1 {{ conv(8) -> conv(8) }} -> tap -> {down} }}
    stage s3 {{ block b1 {{ conv(16) -> conv(16) }} -> tap }}
  }}
  aggregate lstm(hidden = 4)
}}
"""
    diagnostics, (network,) = check({"main.arch": spec})
    codes = {d.code for d in diagnostics}
    assert codes <= {"RA006", "ARCH308"}
    if "RA006" not in codes:
        assert [tap.level for tap in network.taps] == [Level.SHALLOW, Level.MIDDLE, Level.LAST]
        assert {network.by_id[str(tap.vector)].shape for tap in network.taps} == {(16,)}
    if size % 4 == 0:
        assert not codes
