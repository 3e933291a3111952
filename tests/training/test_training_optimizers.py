"""Optimizers: torch's own, with the recipe's arguments, over the parameters that are meant."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from archdsl.elaborate.recipe_changes import change
from archdsl.recipes import Recipe
from archdsl.training.optimization import optimizer_of, weights_of

MakeRecipe = Callable[..., Recipe]


class Scale(nn.Module):
    """A layer scale as emitted modules have it: one number a channel, shaped for a map."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels, 1, 1))


def network() -> nn.ModuleDict:
    return nn.ModuleDict(
        {
            "conv": nn.Conv2d(3, 4, 3),
            "depthwise": nn.Conv2d(4, 4, 1, groups=4),
            "batch": nn.BatchNorm2d(4),
            "group": nn.GroupNorm(2, 4),
            "map_norm": nn.LayerNorm((4, 5, 5)),
            "scale": Scale(4),
            "act": nn.PReLU(4),
            "lstm": nn.LSTM(4, 2),
            "head": nn.Linear(2, 10),
        }
    )


def test_weights_are_kernels_and_matrices() -> None:
    model = network()
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    weights, others = weights_of(model)
    assert [names[id(parameter)] for parameter in weights] == [
        "conv.weight",
        "depthwise.weight",
        "lstm.weight_ih_l0",
        "lstm.weight_hh_l0",
        "head.weight",
    ]
    assert len(weights) + len(others) == len(names)


@pytest.mark.parametrize("optimizer", ["sgd(lr = 0.1", "adamw(lr = 1e-3"])
def test_what_is_decayed(make_recipe: MakeRecipe, optimizer: str) -> None:
    model = network()
    recipe = change(make_recipe(), {"optimizer": f"{optimizer}, weight_decay = 0.03)"})
    (group,) = optimizer_of(recipe, model).param_groups
    assert group["weight_decay"] == 0.03 and len(group["params"]) == len(list(model.parameters()))
    recipe = change(recipe, {"optimizer.decay": "weights"})
    first, second = optimizer_of(recipe, model).param_groups
    assert first["weight_decay"] == 0.03 and second["weight_decay"] == 0.0
    assert [len(first["params"]), len(second["params"])] == [len(w) for w in weights_of(model)]
    assert first["lr"] == second["lr"] == recipe.optimizer.arguments["lr"]


def test_a_model_of_weights_alone_has_one_group(make_recipe: MakeRecipe) -> None:
    recipe = change(make_recipe(), {"optimizer": "sgd(lr = 0.1, decay = weights)"})
    assert len(optimizer_of(recipe, nn.Linear(2, 2, bias=False)).param_groups) == 1


def test_parameters_without_a_module(make_recipe: MakeRecipe) -> None:
    parameters = [nn.Parameter(torch.zeros(2))]
    assert optimizer_of(make_recipe(), parameters).param_groups[0]["params"] == parameters
    recipe = change(make_recipe(), {"optimizer": "sgd(lr = 0.1, decay = weights)"})
    with pytest.raises(ValueError, match="from their model"):
        optimizer_of(recipe, parameters)


def test_adamw_takes_its_arguments(make_recipe: MakeRecipe) -> None:
    text = "adamw(lr = 0.01, betas = [0.8, 0.95], eps = 1e-6, weight_decay = 0.1)"
    recipe = change(make_recipe(), {"optimizer": text})
    optimizer = optimizer_of(recipe, network(), fused=True)
    assert isinstance(optimizer, torch.optim.AdamW)
    wanted = {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-6, "weight_decay": 0.1, "fused": True}
    assert {name: optimizer.defaults[name] for name in wanted} == wanted


def test_adamw_steps_as_written_down(make_recipe: MakeRecipe) -> None:
    """Algorithm 2 of Loshchilov and Hutter 2019, with torch's place of eps."""
    text = "adamw(lr = 0.1, betas = [0.9, 0.99], eps = 1e-8, weight_decay = 0.2)"
    recipe = change(make_recipe(), {"optimizer": text})
    weight = nn.Parameter(torch.tensor([1.0, -2.0], dtype=torch.float64))
    optimizer = optimizer_of(recipe, [weight])
    theta = weight.detach().clone()
    first, second = torch.zeros_like(theta), torch.zeros_like(theta)
    for t in range(1, 5):
        optimizer.zero_grad()
        (weight**2).sum().backward()
        optimizer.step()
        gradient = 2 * theta
        first = 0.9 * first + 0.1 * gradient
        second = 0.99 * second + 0.01 * gradient**2
        moved = first / (1 - 0.9**t) / ((second / (1 - 0.99**t)).sqrt() + 1e-8)
        theta = theta - 0.1 * (moved + 0.2 * theta)
    assert torch.allclose(weight.detach(), theta, rtol=0, atol=1e-12)


def test_a_rate_may_be_a_tensor_on_the_device(make_recipe: MakeRecipe) -> None:
    rate = torch.tensor(0.5)
    optimizer = optimizer_of(make_recipe(), network(), fused=True, lr=rate)
    assert optimizer.param_groups[0]["lr"] is rate
