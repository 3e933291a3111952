"""The CIFAR networks of the zoo: published parameter counts, and their papers written in torch."""

from __future__ import annotations

import cifar
import pytest
import torch
from carrying import TOLERANCE, Pair, relative_error
from networks import CIFAR, compiled
from torch.utils.flop_counter import FlopCounterMode


@pytest.mark.parametrize("name", CIFAR)
def test_parameters_are_those_published(name: str) -> None:
    published = CIFAR[name]
    millions = compiled(name).params / 1e6
    assert round(millions, published.decimals) == published.millions, published.where


@pytest.mark.parametrize("name", CIFAR)
def test_layers_costs_and_outputs_are_those_of_the_paper(name: str) -> None:
    with torch.device("meta"):
        theirs, ours = getattr(cifar, name)(), compiled(name).build()
    pair = Pair.of(theirs, ours, (3, 32, 32))
    wanted = [(layer.kind, layer.shape, layer.settings) for layer in pair.their_layers]
    assert [(la.kind, la.shape, la.settings) for la in pair.our_layers] == wanted
    assert compiled(name).params == sum(p.numel() for p in theirs.parameters())
    with FlopCounterMode(display=False) as counter:
        theirs(torch.empty(1, 3, 32, 32, device="meta"))
    assert compiled(name).macs == counter.get_total_flops() // 2
    assert relative_error(pair, (3, 32, 32)) <= TOLERANCE
