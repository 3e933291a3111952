"""Facts of boxes and layers, against what the compiler computed."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
from pages import PAPER, network, views

from archdsl.backends.figures.facts import (
    EVERYTHING,
    Facts,
    amount,
    box_facts,
    places,
    table_rows,
)
from archdsl.backends.figures.repetitions import operators
from archdsl.compiler import compile_spec, load_spec
from archdsl.source import Source


def boxes(name: str, view: str) -> dict[tuple[str, ...], Facts]:
    """Return the facts of boxes by their nodes; of several, the last."""
    drawing = views(name)[view][0]
    return {facts.nodes: facts for facts in box_facts(network(name), drawing).values()}


def about(name: str, view: str, last: str) -> Facts:
    """Return the facts of the box that ends in a node."""
    return next(f for nodes, f in boxes(name, view).items() if nodes and nodes[-1] == last)


def test_the_facts_of_a_run_of_blocks() -> None:
    facts = about("vgg1_ra", "overview", "backbone.s2.b2.conv_bn_relu.1.relu")
    assert facts.operator == "2 × (conv 3×3, BN, ReLU)"
    assert facts.inputs == ("16×16×128",)
    assert facts.output == "16×16×256"
    assert (facts.params, facts.macs) == (885_760, 226_492_416)
    assert facts.field == "14×14 px"
    assert facts.module == "backbone.s2.b2.conv_bn_relu"
    assert facts.defined[0] == "vgg1.arch:11"
    assert ("parameters", "885.8 k") in facts.lines()
    assert ("MACs", "226.5 M") in facts.lines()


def test_residual_blocks_are_folded_where_they_begin() -> None:
    basic = "conv 3×3, BN, ReLU, conv 3×3, BN, +, ReLU"
    nodes = network("resnet_ra").inside("backbone.s2.b2")
    assert operators(nodes).endswith(f"+, ReLU, 9 × ({basic})")
    assert operators(nodes).startswith("conv 3×3 /2, BN, ReLU, conv 3×3, BN,")


def test_a_long_list_is_counted() -> None:
    nodes = network("resnet_ra").inside("backbone")
    assert operators(nodes) == f"{len(nodes)} layers, 61 of them convolutions"


def test_steps_share_their_weights_and_take_one_vector_each() -> None:
    drawing = views("vgg1_ra")["overview"][0]
    found = box_facts(network("vgg1_ra"), drawing)
    steps = [facts for facts in found.values() if "lstm" in facts.nodes]
    assert len(steps) == 3
    for facts in steps:
        assert facts.module == "lstm"
        assert facts.inputs == ("512",)
        assert facts.output == "256"
        assert facts.field == EVERYTHING
        assert ("parameters", "788.5 k, shared by 3 steps") in facts.lines()
        assert ("MACs", "2.4 M in 3 steps") in facts.lines()


def test_a_vector_is_what_flows_into_it() -> None:
    found = box_facts(network("vgg1_ra"), views("vgg1_ra")["overview"][0])
    vectors = [facts for id, facts in found.items() if id.startswith("v")]
    assert len(vectors) == 3
    for facts in vectors:
        assert facts.lines() == [("out", "512"), ("receptive field", EVERYTHING)]


@pytest.mark.parametrize("name", PAPER)
def test_the_table_adds_up_to_the_network(name: str) -> None:
    rows, whole = table_rows(network(name)), network(name)
    assert [row.title for row in rows] == [node.id for node in whole.nodes if node.id != "input"]
    assert sum(row.params for row in rows) == whole.params
    assert sum(row.macs for row in rows) == whole.macs
    json.dumps([asdict(row) for row in rows])


@pytest.mark.parametrize("name", PAPER)
@pytest.mark.parametrize("view", ["overview", "column", "full"])
def test_every_box_of_nodes_has_its_facts(name: str, view: str) -> None:
    drawing = views(name)[view][0]
    found = box_facts(network(name), drawing)
    assert list(found) == [box.id for box in drawing.boxes()]
    for box in drawing.boxes():
        facts = found[box.id]
        if box.nodes:
            assert facts.nodes == box.nodes
            assert facts.output and facts.operator and facts.defined
            assert facts.inputs or box.nodes == ("input",)
        elif box.id.startswith("legend"):
            assert not facts.lines()
        else:
            assert facts.output


def test_what_nothing_uses_costs_nothing() -> None:
    spec = """arch 1
model M {
  input [3, 8, 8]
  backbone {
    stage s { block b { conv(4, 3) -> conv(4, 3) -> tap -> conv(4, 3) } }
  }
  aggregate lstm(hidden = 8)
  head { linear(2) }
}
"""
    compiled = compile_spec(load_spec("m.arch", read=lambda path: spec))
    dead = [row for row in table_rows(compiled.network) if not row.live]
    assert [row.operator for row in dead] == ["conv 3×3, 4"]
    assert dead[0].params == 4 * 4 * 9 + 4
    assert dead[0].macs == 0
    assert ("computed", "never: nothing uses it") in dead[0].lines()


def test_places_are_short_wherever_the_spec_lies() -> None:
    source = Source("/home/someone/nets/vgg1.arch", "model\nx\ny\n")
    from archdsl.source import Span, Use

    first, second = Use(Span(source, 6, 7), "x", "a"), Use(Span(source, 8, 9), "y", "b")
    assert places([first]) == ("vgg1.arch:2",)
    assert places([first, second]) == ("vgg1.arch:2-3",)
    assert places([]) == ()


def test_amounts_that_are_rounded_up_take_the_next_unit() -> None:
    assert [amount(n) for n in (0, 999, 1000, 999_949, 999_950, 10**9)] == [
        "0", "999", "1 k", "999.9 k", "1 M", "1 G"
    ]  # fmt: skip
