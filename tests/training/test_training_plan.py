"""Augmentation, plans and optimization: every declared entry, exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from archdsl.recipes import ENTRIES, Recipe, Setting
from archdsl.training import augmentation as augmentation_module
from archdsl.training.augmentation import HorizontalFlip, RandomCrop, augmentations, prepare
from archdsl.training.optimization import (
    OPTIMIZERS,
    learning_rates,
    optimizer_of,
)
from archdsl.training.plan import EpochPlan
from archdsl.training.schedules import SCHEDULES, WARMUPS

MakeRecipe = Callable[..., Recipe]


def declared(place: str) -> set[str]:
    return {entry.name for entry in ENTRIES.values() if entry.place == place}


def test_every_declared_entry_is_implemented() -> None:
    tables = (augmentation_module.RANDOM, augmentation_module.ONCE, augmentation_module.MIXING)
    assert declared("augment") == {name for table in tables for name in table}
    assert declared("optimizer") == set(OPTIMIZERS)
    assert declared("schedule") == set(SCHEDULES)
    assert declared("warmup") == set(WARMUPS)


def pixels(count: int, channels: int, side: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(
        0, 256, (count, channels, side, side), dtype=torch.uint8, generator=generator
    )


@pytest.mark.parametrize("padding", [0, 4])
def test_crops_are_those_of_slicing(padding: int) -> None:
    images = pixels(50, 3, 12)
    crop = RandomCrop(10, padding)
    generator = torch.Generator().manual_seed(0)
    corners = crop.draw(generator, 50, (12, 12))
    out = crop.apply(images, corners)
    padded = np.pad(images.numpy(), ((0, 0), (0, 0), (padding,) * 2, (padding,) * 2))
    for i, (row, column) in enumerate(corners.tolist()):
        assert (out[i].numpy() == padded[i, :, row : row + 10, column : column + 10]).all()
    assert out.dtype == torch.uint8


def test_every_window_is_drawn_and_no_other() -> None:
    corners = RandomCrop(8, 1).draw(torch.Generator().manual_seed(0), 2000, (8, 9))
    assert {tuple(corner) for corner in corners.tolist()} == {
        (row, column) for row in range(3) for column in range(4)
    }


def test_a_crop_that_does_not_fit() -> None:
    with pytest.raises(ValueError, match="a crop of 11"):
        RandomCrop(11, 1).size((8, 9))


def test_flips_mirror_left_to_right_about_half() -> None:
    images = pixels(1000, 1, 4)
    flip = HorizontalFlip()
    mirrored = flip.draw(torch.Generator().manual_seed(0), 1000, (4, 4))
    out = flip.apply(images, mirrored)
    assert 400 < int(mirrored.sum()) < 600
    assert torch.equal(out[mirrored], images[mirrored].flip(3))
    assert torch.equal(out[~mirrored], images[~mirrored])


def test_resizing_is_done_once_and_first(make_recipe: MakeRecipe) -> None:
    resize = Setting(name="resize", arguments={"size": 12})
    crop = Setting(name="random_crop", arguments={"size": 8, "padding": 0})
    recipe = make_recipe(augment=(resize, crop, Setting(name="hflip")))
    assert prepare(pixels(5, 3, 8), recipe).shape == (5, 3, 12, 12)
    assert augmentations(recipe) == (RandomCrop(8, 0), HorizontalFlip())
    with pytest.raises(ValueError, match="before the random ones"):
        prepare(pixels(5, 3, 8), make_recipe(augment=(crop, resize)))


def test_a_plan_is_of_the_seed_and_the_epoch_alone() -> None:
    entries = (RandomCrop(8, 1), HorizontalFlip())
    plans = [EpochPlan.of(seed, epoch, 100, (8, 8), entries) for seed, epoch in [(0, 0)] * 2]
    assert torch.equal(plans[0].order, plans[1].order)
    for one, other in zip(plans[0].draws, plans[1].draws, strict=True):
        assert torch.equal(one, other)
    for seed, epoch in [(0, 1), (1, 0), (10**30, 0)]:
        assert not torch.equal(
            EpochPlan.of(seed, epoch, 100, (8, 8), entries).order, plans[0].order
        )


def test_a_plan_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    EpochPlan.of(0, 0, 100, (8, 8), (RandomCrop(8, 1), HorizontalFlip()))
    assert torch.equal(before, torch.get_rng_state())


def test_a_plan_can_be_repeated_on_any_torch() -> None:
    plan = EpochPlan.of(7, 3, 8, (8, 8), (HorizontalFlip(),))
    assert sorted(plan.order.tolist()) == list(range(8))


@pytest.mark.parametrize("size", [1, 7, 64, 100, 1000])
def test_batches_hold_every_image_once_with_its_own_draws(size: int) -> None:
    plan = EpochPlan.of(0, 0, 100, (8, 8), (RandomCrop(8, 1), HorizontalFlip()))
    batches = list(plan.batches(size))
    assert torch.equal(torch.cat([indices for indices, _ in batches]), plan.order)
    for which, whole in enumerate(plan.draws):
        assert torch.equal(torch.cat([draws[which] for _, draws in batches]), whole)
    assert [len(indices) for indices, _ in batches[:-1]] == [size] * (len(batches) - 1)


def test_the_learning_rate_is_stepped_at_its_epochs(make_recipe: MakeRecipe) -> None:
    step = Setting(name="step", arguments={"at": (2, 3), "factor": 0.1})
    recipe = make_recipe(schedule=step, lr=0.5)
    rates = [learning_rates(recipe, 7)(epoch, 3) for epoch in range(5)]
    assert rates == pytest.approx([0.5, 0.5, 0.05, 0.005, 0.005])
    assert learning_rates(make_recipe(lr=0.5), 7)(99, 0) == 0.5


def test_sgd_takes_its_arguments(make_recipe: MakeRecipe) -> None:
    setting = Setting(
        name="sgd",
        arguments={"lr": 0.3, "momentum": 0.8, "weight_decay": 0.01, "nesterov": True},
    )
    recipe = replace(make_recipe(), optimizer=setting)
    optimizer = optimizer_of(recipe, [torch.nn.Parameter(torch.zeros(2))])
    group = optimizer.param_groups[0]
    assert isinstance(optimizer, torch.optim.SGD)
    assert {name: group[name] for name in setting.arguments} == setting.arguments


def test_sgd_steps_as_written_down(make_recipe: MakeRecipe) -> None:
    weight = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
    optimizer = optimizer_of(make_recipe(lr=0.1), [weight])
    velocity, wanted = torch.zeros(2), weight.detach().clone()
    for _ in range(3):
        optimizer.zero_grad()
        (weight**2).sum().backward()
        optimizer.step()
        velocity = 0.9 * velocity + 2 * wanted
        wanted = wanted - 0.1 * velocity
    assert torch.allclose(weight.detach(), wanted)
