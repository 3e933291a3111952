"""Each network of the zoo is torchvision's: layer by layer, weight for weight.

Layers and their shapes are found by running both on torch's meta device; outputs are compared with
numbers, at the full size of the image.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import pytest
import torch
from carrying import TOLERANCE, Layer, layers, relative_error
from networks import TORCHVISION, compiled, torchvision_module
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

pytest.importorskip("torchvision")


@dataclass(frozen=True)
class Pair:
    """Both networks, on the meta device and in evaluation mode, and their layers as they run."""

    theirs: nn.Module
    ours: nn.Module
    their_layers: list[Layer]
    our_layers: list[Layer]


@cache
def pair(name: str) -> Pair:
    theirs = torchvision_module(name).eval()
    with torch.device("meta"):
        ours = compiled(name).build().eval()
        x = torch.empty(1, *compiled(name).network.input)
    return Pair(theirs, ours, layers(theirs, x), layers(ours, x))


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
        # A gate of 1x1 pixels is a map there; a vector here has the same elements.
        shape = nodes[ours.name].shape
        assert shape == theirs.shape or (*shape, 1, 1) == theirs.shape, ours.name


def test_layers_have_the_same_settings(name: str) -> None:
    both = pair(name)
    for theirs, ours in zip(both.their_layers, both.our_layers, strict=True):
        for setting in theirs.settings.keys() & ours.settings.keys():
            wanted, found = theirs.settings[setting], ours.settings[setting]
            if isinstance(wanted, float):
                found = pytest.approx(found, rel=1e-9)
            assert wanted == found, f"{setting} of {ours.name}"


def test_what_is_dropped_in_training_is_the_same(name: str) -> None:
    def probabilities(module: nn.Module, *, units: bool) -> list[float]:
        """Of dropout, or of the units of stochastic depth; what never drops is left out."""
        found = [m for m in module.modules() if isinstance(getattr(m, "p", None), float)]
        return [m.p for m in found if m.p and units != isinstance(m, nn.Dropout)]

    both = pair(name)
    for units in (False, True):
        wanted = probabilities(both.theirs, units=units)
        assert probabilities(both.ours, units=units) == pytest.approx(wanted, rel=1e-9)


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
    with FlopCounterMode(display=False) as counter:
        pair(name).theirs(torch.empty(1, *compiled(name).network.input, device="meta"))
    assert compiled(name).macs == counter.get_total_flops() // 2


def test_outputs_agree(name: str) -> None:
    both = pair(name)
    try:
        error = relative_error(both.theirs, both.ours, compiled(name).network.input)
    finally:
        pair.cache_clear()  # half a gigabyte for some
    print(f"{name}: relative error {error:.1e}")
    assert error <= TOLERANCE
