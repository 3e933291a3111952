"""The generator itself: most of what it writes compiles, and all of the language occurs in it."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from generation.specs import Spec, specs
from hypothesis import HealthCheck, Phase, given, seed, settings

from archdsl import SpecFault, compile
from archdsl.ir import Level, Network
from archdsl.operators import OPERATORS

# What must occur somewhere in the texts: a name, and a pattern that finds it.
CONSTRUCTS = {
    "conv with groups": r"groups = ",
    "conv with dilation": r"dilation = ",
    "a kernel of two sizes": r"conv\([^)]*\[\d, \d\]",
    "an even kernel": r"k?[ ,(][24],.*padding = ",
    "a pool with stride": r"maxpool\(\d, stride = ",
    "a pool with padding": r"maxpool\([^)]*padding = 1",
    "avgpool": r"avgpool\(",
    "subsample": r"subsample\(",
    "pad_channels": r"pad_channels\(",
    "dropout": r"dropout",
    "softmax": r"softmax",
    "layernorm": r"layernorm",
    "a pool with ceil_mode": r"pool\(\S+, ceil_mode",
    "an average without its border": r"count_include_pad",
    "a gate": r"(sigmoid|softmax) (\| in )?\} -> mul",
    "an operator without weights, repeated": r"(silu|droppath\(0.2\)) \* ",
    **{name: rf"\b{name}\b" for name in OPERATORS},
    "a def with a default": r"def \w+\(.*\w = \d",
    "a def without parameters": r"def \w+ \{",
    "a def that uses itself": r"def (\w+)\(c.*\n.*\n?.*-> \1\(c - 1\)",
    "a choice": r"if .* \{",
    "a choice of three": r"else if ",
    "a conditional number": r"\d if .* else ",
    "a let": r"let ",
    "a repeated operator": r"\) \* \d",
    "a repeated group": r"\} \* ",
    "a fold": r"repeat .* carry",
    "nothing, repeated": r"\* 0",
    "a named operator": r"\) as \w",
    "a keyword of Python": r"(as|stage|block) (class|lambda|None|True|global)\b",
    "a name that modules have": r"(as|stage|block) (train|forward|type|half|to|apply)\b",
    "a graph": r"out = ",
    "a fork": r" \| ",
    "add": r"-> add|= add\(",
    "mul": r"-> mul|= mul\(",
    "concat": r"-> concat|= concat\(",
    "a tap inside its block": r"block[^}]*-> tap \}",
    "a named tap": r"tap as ",
    "taps by name": r"\) over ",
    "readout last": r"readout last\n",
    "readout last_and_feature": r"readout last_and_feature",
    "readout all": r"readout all",
    "normalize layer": r"normalize layer",
    "normalize batch": r"normalize batch",
    "settings of a level": r"map (shallow|middle) \{\s*(kernel|norm|act) = ",
    "settings of a tap": r"map \w+\.\w+ \{\s*kernel = ",
    "a mapping by hand": r"map \w+\.\w+ \{\s*(gap|key|conv)",
    "a bare mapping": r"norm = none",
    "extends": r" extends ",
    "an import from a file": r'from "parts/base.arch"',
    "an import from the library": r"from std.blocks",
    "an allowance": r"allow RA00",
    "no head": r"\A(?!.*head \{).*model",
}


@pytest.fixture(scope="module")
def generated() -> list[Spec]:
    found: list[Spec] = []

    @settings(
        max_examples=600,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),
    )
    @seed(5)
    @given(specs())
    def collect(spec: Spec) -> None:
        found.append(spec)

    collect()
    return list(dict.fromkeys(found))


@pytest.fixture(scope="module")
def networks(generated: list[Spec], tmp_path_factory: pytest.TempPathFactory) -> list[Network]:
    folder = tmp_path_factory.mktemp("generated")
    found = []
    for number, spec in enumerate(generated):
        try:
            path = spec.write(folder / str(number))
            found.append(compile(path, spec.model, **spec.parameters).network)
        except SpecFault:
            continue
    return found


def test_four_of_five_compile(generated: list[Spec], networks: list[Network]) -> None:
    assert len(generated) >= 200
    assert len(networks) >= 0.8 * len(generated)


@pytest.mark.parametrize("construct", CONSTRUCTS)
def test_constructs_occur(construct: str, generated: list[Spec]) -> None:
    pattern = re.compile(CONSTRUCTS[construct], re.DOTALL if construct == "no head" else 0)
    texts = ["\n".join(spec.files.values()) for spec in generated]
    assert any(pattern.search(text) for text in texts)


def test_networks_vary(networks: list[Network]) -> None:
    ratios = Counter((tap.level, tap.ratio) for n in networks for tap in n.taps if tap.level)
    assert {(Level.LAST, 1), (Level.MIDDLE, 1), (Level.MIDDLE, 2)} <= set(ratios)
    assert {(Level.SHALLOW, 4), (Level.SHALLOW, 8)} <= set(ratios)
    assert {len(n.taps) for n in networks} >= {0, 1, 2, 3, 4}
    assert {side % 2 for n in networks for side in n.input[1:]} == {0, 1}
    assert max(len(n.nodes) for n in networks) > 60
    assert max(n.macs for n in networks) < 20_000_000, "small enough for milliseconds"


def test_parameters_are_given_in_calls(generated: list[Spec], tmp_path: Path) -> None:
    given_by_call = [spec for spec in generated if spec.parameters]
    assert len(given_by_call) > 20
