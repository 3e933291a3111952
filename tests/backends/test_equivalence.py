"""Emitted modules equal the interpreter bit for bit, and cost what torch counts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from comparing import (
    assert_counts,
    assert_equivalent,
    assert_modes_differ,
    images,
    stir,
)
from generation.specs import Spec, specs
from hypothesis import HealthCheck, Phase, given, seed, settings
from interpreter import RULES
from paper_networks import AGGREGATING, NETWORKS

from archdsl import Compiled, SpecFault, compile
from archdsl.aggregators import AGGREGATORS, READOUTS
from archdsl.ir import INPUT
from archdsl.ir.laws import check_laws
from archdsl.operators import OPERATORS

REGISTRY = OPERATORS | AGGREGATORS | {reader.name: reader for reader in READOUTS.values()}

SHARDS = 4
EXAMPLES = 100  # a shard; about two thirds of them differ from one another


def test_the_interpreter_knows_every_operator() -> None:
    assert set(RULES) == set(REGISTRY)


@pytest.mark.parametrize("name", NETWORKS + AGGREGATING)
def test_paper_networks(name: str, whole: Callable[[str], Compiled]) -> None:
    compiled = whole(name)
    check_laws(compiled.network, REGISTRY)
    assert_equivalent(compiled, batch=2, finite=True)
    assert_counts(compiled)


@pytest.mark.parametrize("shard", range(SHARDS))
def test_generated_networks(shard: int, tmp_path: Path) -> None:
    outcomes: dict[Spec, bool] = {}

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    @seed(shard)
    @given(specs())
    def check(spec: Spec) -> None:
        if outcomes.get(spec):
            return
        outcomes[spec] = False
        folder = tmp_path / str(len(outcomes))
        try:
            compiled = compile(spec.write(folder), spec.model, **spec.parameters)
        except SpecFault:
            return
        check_laws(compiled.network, REGISTRY)
        assert_equivalent(compiled, batch=3)
        if len(outcomes) % 3 == 0:  # counting takes longer than all else together
            assert_counts(compiled)
        outcomes[spec] = True

    check()
    compiled = sum(outcomes.values())
    assert compiled >= 0.8 * len(outcomes), "too many specs are rejected"
    assert compiled >= 200 / SHARDS, "too few specs"


# --- cases that generated specs meet rarely

CASES = {
    "nothing": "backbone { }",
    "identity only": "backbone { identity * 2 }",
    "no operator in a def": "backbone { Same -> conv(2) -> Same * 2 }",
    "vectors only": "backbone { flatten -> linear(3) -> batchnorm }",
    "output is a tap": "backbone { stage s { block b { conv(2) -> conv(2) } -> tap } }",
    "one operand used twice": "backbone { conv(2) as y -> add(y, y) -> mul(y) }",
    "three of each": (
        "backbone { { conv(2) | conv(2, 1) | in -> conv(2) } -> mul"
        " -> { conv(2) | conv(2) | conv(2) } -> add -> { in | in | relu } -> concat }"
    ),
    "a repeated group that reads what flows in": (
        "backbone { conv(2) as y -> { conv(2) -> add(y) } * 3 }"
    ),
    "a repeated group that reads two tensors": (
        "backbone { conv(2) as y -> relu as z -> { conv(2) -> concat(y, z) } * 2 }"
    ),
    "a repeated group that reads what flows into its block": """
      backbone {
        stage s {
          block b { conv(2) }
          block d { relu -> { conv(2) -> mul(b) } * 2 }
        }
      }
    """,
    "a fold": "backbone { repeat 3 carry y = in { concat(y, y -> conv(2) -> relu) } -> conv(2) }",
    "a fold that goes back to where it began": (
        "backbone { conv(2) -> repeat 3 carry y = in { y -> conv(2) -> add(in) } }"
    ),
    "a fold in a fold": """
      backbone {
        repeat 2 carry a = in { a -> repeat 3 carry b = in { b -> conv(2) } -> relu }
      }
    """,
    "a fold without weights": "backbone { repeat 2 carry y = in { concat(y, y) } -> conv(2) }",
    "a fold that does nothing": "backbone { repeat 0 carry y = in { y -> conv(2) } -> conv(3) }",
    "dropout in parallel branches": (
        "backbone { { dropout | dropout(0.2) | conv(2) -> dropout } -> concat -> dropout(0.9) }"
    ),
    "dropout in mapping nodes": """
      backbone {
        stage s { block b { conv(4) -> conv(4) } -> tap -> maxpool(2) }
        stage t { block b { conv(4) -> conv(4) } -> tap -> maxpool(2) }
        stage u { block b { conv(4) -> conv(4) -> dropout } -> tap }
      }
      aggregate lstm(hidden = 2) {
        map u.b { dropout -> gap -> dropout }
        map s.b { conv(4) -> gap -> dropout(0.3) }
      }
      head { dropout -> linear(2) -> dropout }
    """,
    "normalised like the mapping node": """
      backbone {
        stage s { block b { conv(4) -> conv(4) } -> tap -> maxpool(2) }
        stage t { block b { conv(4) -> conv(4) } -> tap }
      }
      aggregate lstm(hidden = 2) { normalize batch }
    """,
    "normalised like the mapping written by hand": """
      backbone {
        stage s { block b { conv(4) -> conv(4) } -> tap -> maxpool(2) }
        stage t { block b { conv(4) -> conv(4) } -> tap }
      }
      aggregate lstm(hidden = 2) {
        map s.b { gap -> linear(3) -> layernorm -> linear(4) }
        normalize layer
      }
    """,
    "one tap": """
      backbone { stage s { block b { conv(4) -> conv(4) } -> tap } }
      aggregate lstm(hidden = 2) { readout all }
    """,
    "two taps of one tensor": """
      backbone { stage s { block b { conv(4) -> conv(4) -> tap } -> tap as again } }
      aggregate lstm(hidden = 2) { readout last_and_feature }
    """,
    "taps whose joined names are equal": """
      backbone {
        stage a { block b_c { conv(4) -> conv(4) } -> tap -> maxpool(2) }
        stage a_b { block c { conv(4) -> conv(4) } -> tap }
      }
      aggregate lstm(hidden = 2)
    """,
    "a block that nothing reads": """
      backbone {
        stage s { block b { conv(4) -> conv(4) } -> tap -> conv(4, stride = 2) }
        stage t { block b { conv(4) -> batchnorm -> relu } }
      }
      allow RA004 "the last block is not wanted"
      aggregate lstm(hidden = 2)
    """,
    "layers behind the last tap": """
      backbone {
        stage s { block b { conv(4) -> conv(4) } -> tap -> conv(4, stride = 2) -> batchnorm }
      }
      aggregate lstm(hidden = 2)
    """,
    "names that Python or torch have": """
      backbone {
        stage class {
          block forward { conv(2) as type -> conv(2) as self -> relu as torch -> conv(2) as F }
          block train { conv(2) as nn -> conv(2) as x -> add(x) as super -> concat(x) as Tensor }
        }
        stage class_ { block children { conv(2) as conv2 -> conv(2) -> conv(2) as None } }
      }
    """,
}


@pytest.mark.parametrize("body", CASES.values(), ids=CASES)
def test_cases(body: str, tmp_path: Path) -> None:
    spec = tmp_path / "spec.arch"
    spec.write_text(f"arch 1\ndef Same {{ in }}\nmodel M {{\ninput [2, 8, 8]\n{body}\n}}\n")
    if "Same" not in body:
        spec.write_text(f"arch 1\nmodel M {{\ninput [2, 8, 8]\n{body}\n}}\n")
    compiled = compile(spec)
    check_laws(compiled.network, REGISTRY)
    assert_equivalent(compiled, batch=3)
    assert_counts(compiled)


# --- that the comparison would notice


@pytest.mark.parametrize("name", ["vgg1_ra", "resnet_ra_b"])
def test_training_and_evaluation_differ(name: str, narrow: Callable[[str], Compiled]) -> None:
    assert_modes_differ(narrow(name))


@torch.no_grad()
def test_every_parameter_matters(narrow: Callable[[str], Compiled]) -> None:
    """A wrong weight anywhere changes the output: no comparison is empty."""
    compiled = narrow("vgg1_ra")
    module = compiled.build().double().eval()
    stir(module)
    x = images(compiled.network, 2).double()
    before = module(x)
    for name, tensor in module.state_dict().items():
        if not tensor.is_floating_point():
            continue
        kept = tensor.clone()
        tensor.mul_(1.5).add_(0.1)
        assert not torch.equal(module(x), before), name
        tensor.copy_(kept)
    assert torch.equal(module(x), before)


def test_the_input_node_is_the_input(narrow: Callable[[str], Compiled]) -> None:
    network = narrow("vgg1").network
    assert network.nodes[0].op == INPUT
