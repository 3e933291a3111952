"""Each network of the zoo is torchvision's: layer by layer, weight for weight.

Layers and their shapes are found by running both on torch's meta device; outputs are compared with
numbers, at the full size of the image.
"""

from __future__ import annotations

from functools import cache

import pytest
import torch
from carrying import TOLERANCE, Pair, dropped, relative_error
from networks import TORCHVISION, compiled, torchvision_module
from torch.utils.flop_counter import FlopCounterMode

pytest.importorskip("torchvision")


@cache
def pair(name: str) -> Pair:
    with torch.device("meta"):
        ours = compiled(name).build()
    return Pair.of(torchvision_module(name), ours, compiled(name).network.input)


@pytest.fixture(params=TORCHVISION)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_layers_are_the_same_in_order(name: str) -> None:
    both = pair(name)
    theirs = [(layer.kind, layer.shape) for layer in both.their_layers]
    assert [(layer.kind, layer.shape) for layer in both.our_layers] == theirs


def test_inferred_shapes_are_theirs(name: str) -> None:
    nodes = compiled(name).network.by_id
    both = pair(name)
    for theirs, ours in zip(both.their_layers, both.our_layers, strict=True):
        shape = nodes[ours.name].shape
        assert (shape[:1] if shape[1:] == (1, 1) else shape) == theirs.shape, ours.name


def test_layers_have_the_same_settings(name: str) -> None:
    both = pair(name)
    for theirs, ours in zip(both.their_layers, both.our_layers, strict=True):
        for setting in theirs.settings.keys() & ours.settings.keys():
            wanted, found = theirs.settings[setting], ours.settings[setting]
            if isinstance(wanted, float):
                found = pytest.approx(found, rel=1e-9)
            assert wanted == found, f"{setting} of {ours.name}"


def test_what_is_dropped_in_training_is_the_same(name: str) -> None:
    both = pair(name)
    x = torch.empty(1, *compiled(name).network.input, device="meta")
    for found, wanted in zip(dropped(both.ours, x), dropped(both.theirs, x), strict=True):
        assert found == pytest.approx(wanted, rel=1e-9)


def test_parameters(name: str) -> None:
    both = pair(name)
    wanted = sum(p.numel() for p in both.theirs.parameters())
    assert compiled(name).params == sum(p.numel() for p in both.ours.parameters()) == wanted
    buffers = sum(b.numel() for b in both.theirs.buffers())
    assert compiled(name).network.buffers == buffers


def test_macs_are_what_torch_counts(name: str) -> None:
    """Torch's counter takes convolutions and products of matrices, two operations each; so do we.

    Neither counts biases, normalisation, activation, pooling, or the products of a gate.
    """
    theirs = pair(name).theirs  # made before anything is counted
    with FlopCounterMode(display=False) as counter:
        theirs(torch.empty(1, *compiled(name).network.input, device="meta"))
    assert compiled(name).macs == counter.get_total_flops() // 2


def test_outputs_agree(name: str) -> None:
    error = relative_error(pair(name), compiled(name).network.input)
    print(f"{name}: relative error {error:.1e}")
    assert error <= TOLERANCE
