"""Every network of the zoo aggregates: the plain one, a clause and another head are enough."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from networks import FOLDER, NETWORKS, compiled, model_name

from archdsl import compile
from archdsl.ir import Level

RA = """arch 1
from "{file}" import {model}

model {model}_RA extends {model} {{
  aggregate lstm(hidden = 256)
  head {{ linear(256) -> relu -> linear(classes) }}
}}
"""


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_with_an_aggregator_compiles(name: str, tmp_path: Path) -> None:
    for path in FOLDER.glob("*.arch"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    spec = tmp_path / "aggregating.arch"
    spec.write_text(RA.format(file=f"{name}.arch", model=model_name(name)))
    aggregating = compile(spec)
    network = aggregating.network
    taps = [tap for tap in network.taps if tap.vector is not None]
    assert len(taps) >= 2, "one vector is no sequence"
    assert taps[-1].level is Level.LAST
    standard = network.by_id[taps[-1].node]
    assert all(network.by_id[tap.vector or ""].shape == standard.shape[:1] for tap in taps)
    with torch.device("meta"):
        plain, module = compiled(name).build(), aggregating.build().eval()
        output = module(torch.empty(2, *network.input))
    assert output.shape == (2, network.parameters["classes"])
    assert set(plain.backbone.state_dict()) == set(module.backbone.state_dict())


@pytest.mark.parametrize("name", NETWORKS)
def test_only_the_rules_a_design_breaks_are_allowed(name: str) -> None:
    allowed = {allowance.code for allowance in compiled(name).network.allowances}
    assert allowed == ({"RA001"} if name == "alexnet" else set())
