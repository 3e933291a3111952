"""The fused update is the optimizer's own step."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from archdsl.training.engine_state import begin_optimizer
from archdsl.training.engine_update import Update

CPU = torch.device("cpu")


def parameters() -> list[torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    shapes = ((4, 3, 3, 3), (4,), (10, 4))
    return [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in shapes]


OPTIMIZERS: dict[str, Any] = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.1),
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "groups": lambda p: torch.optim.SGD(
        [{"params": p[:1], "weight_decay": 0.2}, {"params": p[1:]}], lr=0.1, momentum=0.9
    ),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.1, betas=(0.8, 0.9), weight_decay=0.3),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("left_out", [False, True])
def test_it_is_the_step_of_the_optimizer(name: str, left_out: bool) -> None:
    mine, other = parameters(), parameters()
    optimizer, plain = OPTIMIZERS[name](mine), OPTIMIZERS[name](other)
    begin_optimizer(optimizer, CPU, None)
    update = Update(optimizer)
    for group in plain.param_groups:
        group |= {"foreach": False, "fused": True}
    for step in range(4):
        update.clear()
        assert all(parameter.grad is None for parameter in mine)
        for index, pair in enumerate(zip(mine, other, strict=True)):
            gradient = torch.sin(torch.arange(pair[0].numel()) + 7.0 * step + index)
            for parameter in pair:
                absent = left_out and index == 1
                parameter.grad = None if absent else gradient.reshape(parameter.shape).clone()
        for each in (optimizer, plain):
            for group in each.param_groups:
                group["lr"] = 0.1 / (1 + step)
        update.apply()
        plain.step()
        assert all(torch.equal(a, b) for a, b in zip(mine, other, strict=True))
    if left_out and "momentum" in name:
        assert not optimizer.state[mine[1]]["momentum_buffer"].any()
