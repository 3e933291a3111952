"""Each operator's example: it compiles, computes what it should, costs what torch counts."""

from __future__ import annotations

import copy
import importlib
import pickle
import sys
from pathlib import Path

import pytest
import torch
from comparing import assert_counts, assert_equivalent, images, same_bits, stir
from torch.export import Dim, export

from archdsl import Compiled, compile
from archdsl.operators import OPERATORS


@pytest.fixture(params=OPERATORS)
def example(request: pytest.FixtureRequest, tmp_path: Path) -> Compiled:
    """The network of an operator's example, of fewer pixels than the reference has."""
    steps = OPERATORS[request.param].example
    path = tmp_path / "example.arch"
    path.write_text(f"arch 1\nmodel M {{\ninput [64, 8, 8]\nbackbone {{ {steps} }}\n}}\n")
    compiled = compile(path)
    assert any(node.op == request.param for node in compiled.network.nodes)
    return compiled


def test_it_computes_and_costs_what_it_should(example: Compiled) -> None:
    assert_equivalent(example, batch=3, finite=True)
    assert_counts(example)


@torch.no_grad()
def test_it_can_be_copied_exported_and_traced(example: Compiled) -> None:
    module = example.build().eval()
    stir(module)
    x = images(example.network, 4)
    wanted = module(x)
    assert same_bits(copy.deepcopy(module)(x), wanted)
    exported = export(module, (x,), dynamic_shapes=({0: Dim("batch", min=1)},)).module()
    for batch in (x, x[:1], x[:3]):
        assert torch.allclose(exported(batch), module(batch), rtol=1e-5, atol=1e-6)
    torch._dynamo.reset()
    traced = torch.compile(module, backend="eager", fullgraph=True, dynamic=True)
    assert torch.allclose(traced(x), wanted, rtol=1e-5, atol=1e-6)


@torch.no_grad()
def test_it_can_be_pickled(
    example: Compiled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "emitted_example.py").write_text(example.source)
    monkeypatch.syspath_prepend(tmp_path)
    emitted = importlib.import_module("emitted_example")
    try:
        module = emitted.M().eval()
        x = images(example.network, 2)
        assert same_bits(pickle.loads(pickle.dumps(module))(x), module(x))
    finally:
        del sys.modules["emitted_example"]


def test_it_can_be_trained(example: Compiled) -> None:
    """Image and parameters have gradients, and tracing holds in training, too."""
    module = example.build().train()
    torch._dynamo.reset()
    traced = torch.compile(module, backend="eager", fullgraph=True)
    x = images(example.network, 4).requires_grad_()
    traced(x).square().sum().backward()
    assert all(t.grad is not None and t.grad.isfinite().all() for t in (x, *module.parameters()))
