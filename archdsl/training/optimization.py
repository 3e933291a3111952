"""Optimizers and learning rates, by the names of their recipe entries."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch  # noqa: TID251
from torch import Tensor, nn  # noqa: TID251

from archdsl.recipes import Recipe
from archdsl.training.schedules import SCHEDULES, WARMUPS, Moment

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "adamw": torch.optim.AdamW,
}
"""By name: a function of the groups of parameters and the entry's arguments."""

_NORMS = (
    nn.modules.batchnorm._NormBase,  # batch and instance normalisation
    nn.LayerNorm,
    nn.GroupNorm,
    nn.RMSNorm,
)

RateOf = Callable[[int, int], float]
"""The learning rate of an epoch's step: both count from 0, the step within its epoch."""


def optimizer_of(
    recipe: Recipe, model: nn.Module | Iterable[nn.Parameter], **options: Any
) -> torch.optim.Optimizer:
    """Return the recipe's optimizer over all parameters of a model.

    ``options`` go to torch as they are (``fused``, ``capturable``), before the recipe's
    arguments: ``lr`` may be given as a tensor. Parameters without their module will do where the
    recipe decays all of them; else ValueError.
    """
    arguments = dict(recipe.optimizer.arguments)
    decay = arguments.pop("decay", "all")
    if decay == "all":
        parameters = model.parameters() if isinstance(model, nn.Module) else model
        groups: list[dict[str, Any]] = [{"params": list(parameters)}]
    elif isinstance(model, nn.Module):
        weights, others = weights_of(model)
        groups = [{"params": weights}, {"params": others, "weight_decay": 0.0}]
    else:
        raise ValueError("which parameters are weights can be told from their model alone")
    groups = [group for group in groups if group["params"]]
    return OPTIMIZERS[recipe.optimizer.name](groups, **(arguments | options))


def weights_of(model: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Return the weights of a model, and its other parameters, in the order of the model.

    Weights have two axes or more, their modules call them so (``weight``, ``weight_ih_l0``), and
    their modules are no normalisations: kernels and matrices, not biases and not scales.
    """
    weights: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        owner, _, last = name.rpartition(".")
        is_norm = isinstance(model.get_submodule(owner), _NORMS)
        is_weight = parameter.ndim >= 2 and "weight" in last and not is_norm
        (weights if is_weight else others).append(parameter)
    return weights, others


def learning_rates(recipe: Recipe, steps_per_epoch: int) -> RateOf:
    """Return the learning rate as a function of epoch and step within it, both from 0."""
    initial = recipe.optimizer.arguments["lr"]
    assert isinstance(initial, int | float)
    schedule, warmup = recipe.schedule, recipe.warmup
    factor = SCHEDULES[schedule.name]
    length = _warmup_steps(recipe, steps_per_epoch)
    steps = max(recipe.epochs * steps_per_epoch - length, 1)

    def rate(epoch: int, step: int) -> float:
        now = epoch * steps_per_epoch + step
        moment = Moment(epoch, min(max(now - length, 0), steps - 1), steps)
        value = initial * factor(moment, **schedule.arguments)
        if warmup is None or now >= length:
            return value
        return value * WARMUPS[warmup.name](now, length, warmup.arguments["start"])

    return rate


def rates_of_epoch(recipe: Recipe, steps_per_epoch: int, epoch: int) -> Tensor:
    """Return the learning rates of an epoch (from 0), step by step: float64 [steps], on the CPU."""
    rate = learning_rates(recipe, steps_per_epoch)
    return torch.tensor([rate(epoch, step) for step in range(steps_per_epoch)], dtype=torch.float64)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of every parameter."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def _warmup_steps(recipe: Recipe, steps_per_epoch: int) -> int:
    if recipe.warmup is None:
        return 0
    length = recipe.warmup.arguments["length"]
    assert isinstance(length, int | float)
    in_epochs = recipe.warmup.arguments["unit"] == "epochs"
    return round(length * steps_per_epoch if in_epochs else length)
