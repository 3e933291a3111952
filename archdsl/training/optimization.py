"""Optimizers and learning-rate schedules, by the names of their recipe entries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch  # noqa: TID251

from archdsl.recipes import Recipe


def _sgd(parameters: Iterable[Any], **arguments: Any) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, **arguments)


OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {"sgd": _sgd}
"""By name: a function of the parameters and the entry's arguments."""


def _constant(epoch: int) -> float:
    return 1.0


def _step(epoch: int, at: Sequence[int], factor: float) -> float:
    return float(factor) ** sum(epoch >= milestone for milestone in at)


SCHEDULES: dict[str, Callable[..., float]] = {"constant": _constant, "step": _step}
"""By name: a function of the epoch (from 0) and the entry's arguments that gives the factor."""


def optimizer_of(recipe: Recipe, parameters: Iterable[Any]) -> torch.optim.Optimizer:
    """Return the recipe's optimizer over all parameters, at its initial learning rate."""
    setting = recipe.optimizer
    return OPTIMIZERS[setting.name](parameters, **setting.arguments)


def learning_rate(recipe: Recipe, epoch: int) -> float:
    """Return the learning rate of an epoch (from 0)."""
    initial = recipe.optimizer.arguments["lr"]
    assert isinstance(initial, int | float)
    schedule = recipe.schedule
    return initial * SCHEDULES[schedule.name](epoch, **schedule.arguments)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of every parameter."""
    for group in optimizer.param_groups:
        group["lr"] = rate
