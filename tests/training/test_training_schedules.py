"""Learning rates, step by step: equal to those of torch's own schedulers."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler

from archdsl.elaborate.recipe_changes import change
from archdsl.recipes import Recipe
from archdsl.training.optimization import learning_rates, rates_of_epoch

MakeRecipe = Callable[..., Recipe]
EPOCHS, STEPS, LR = 7, 13, 0.3
TOTAL = EPOCHS * STEPS


def optimizer() -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=LR)


def torch_rates(make: Callable[[torch.optim.Optimizer], Any], *, by_epoch: bool) -> list[float]:
    """The rates of all steps, by a scheduler that is stepped at every step or every epoch."""
    of = optimizer()
    scheduler = make(of)
    rates = []
    for step in range(TOTAL):
        rates.append(float(of.param_groups[0]["lr"]))
        of.step()
        if not by_epoch or (step + 1) % STEPS == 0:
            with warnings.catch_warnings():  # SequentialLR uses what torch itself deprecates
                warnings.simplefilter("ignore")
                scheduler.step()
    return rates


def our_rates(make_recipe: MakeRecipe, **entries: str) -> list[float]:
    recipe = change(make_recipe(lr=LR, epochs=EPOCHS), entries)
    rate = learning_rates(recipe, STEPS)
    rates = [rate(epoch, step) for epoch in range(EPOCHS) for step in range(STEPS)]
    tables = [rates_of_epoch(recipe, STEPS, epoch) for epoch in range(EPOCHS)]
    assert torch.cat(tables).tolist() == rates and tables[0].dtype == torch.float64
    return rates


def close(ours: list[float], theirs: list[float]) -> bool:
    return ours == pytest.approx(theirs, rel=0, abs=1e-12)


@pytest.mark.parametrize(("at", "factor"), [((2, 5), 0.1), ((1,), 0.2), ((6, 90), 0.5), ((), 0.1)])
def test_step(make_recipe: MakeRecipe, at: tuple[int, ...], factor: float) -> None:
    ours = our_rates(make_recipe, schedule=f"step(at = {list(at)}, factor = {factor})")
    theirs = torch_rates(
        lambda of: lr_scheduler.MultiStepLR(of, list(at), gamma=factor), by_epoch=True
    )
    assert close(ours, theirs)


@pytest.mark.parametrize("final", [0.0, 0.01, 1.0])
def test_cosine(make_recipe: MakeRecipe, final: float) -> None:
    theirs = torch_rates(
        lambda of: lr_scheduler.CosineAnnealingLR(of, TOTAL, eta_min=LR * final), by_epoch=False
    )
    assert close(our_rates(make_recipe, schedule=f"cosine(final = {final})"), theirs)


@pytest.mark.parametrize("shape", ["cosine", "linear"])
@pytest.mark.parametrize("peak", [0.005, 0.02, 0.3, 0.99])
@pytest.mark.parametrize(("start", "final"), [(0.04, 4e-6), (0.5, 0.1)])
def test_one_cycle(
    make_recipe: MakeRecipe, shape: str, peak: float, start: float, final: float
) -> None:
    ours = our_rates(
        make_recipe,
        schedule=f"one_cycle(peak = {peak}, start = {start}, final = {final}, shape = {shape})",
    )
    theirs = torch_rates(
        lambda of: lr_scheduler.OneCycleLR(
            of,
            max_lr=LR,
            total_steps=TOTAL,
            pct_start=peak,
            anneal_strategy="cos" if shape == "cosine" else "linear",
            cycle_momentum=False,
            div_factor=1 / start,
            final_div_factor=start / final,
        ),
        by_epoch=False,
    )
    assert close(ours, theirs)


def test_a_cycle_that_only_rises_or_only_falls(make_recipe: MakeRecipe) -> None:
    """torch divides by zero at the one end, and the other has no rise at all."""
    rising = our_rates(make_recipe, schedule="one_cycle(peak = 1)")
    assert rising == sorted(rising) and rising[-1] == LR
    falling = our_rates(make_recipe, schedule="one_cycle(peak = 0)")
    assert falling == sorted(falling, reverse=True) and falling[0] == pytest.approx(LR, rel=1e-3)


def test_one_cycle_by_default_is_torch_by_default(make_recipe: MakeRecipe) -> None:
    theirs = torch_rates(
        lambda of: lr_scheduler.OneCycleLR(of, LR, TOTAL, cycle_momentum=False), by_epoch=False
    )
    ours = our_rates(make_recipe, schedule="one_cycle")
    assert close(ours, theirs)
    assert max(ours) == pytest.approx(LR, rel=0.01) and ours[-1] == pytest.approx(4e-6 * LR)


@pytest.mark.parametrize(
    ("warmup", "length"),
    [("linear(2)", 2 * STEPS), ("linear(0.5, start = 0.1)", 6), ("linear(20, steps)", 20)],
)
def test_a_warm_up_before_a_cosine(make_recipe: MakeRecipe, warmup: str, length: int) -> None:
    start = 0.1 if "0.1" in warmup else 0.01

    def make(of: torch.optim.Optimizer) -> lr_scheduler.SequentialLR:
        rise = lr_scheduler.LinearLR(of, start_factor=start, total_iters=length)
        rest = lr_scheduler.CosineAnnealingLR(of, TOTAL - length, eta_min=LR * 0.1)
        return lr_scheduler.SequentialLR(of, [rise, rest], [length])

    ours = our_rates(make_recipe, schedule="cosine(final = 0.1)", warmup=warmup)
    assert close(ours, torch_rates(make, by_epoch=False))


def test_a_warm_up_before_epochs_and_a_constant(make_recipe: MakeRecipe) -> None:
    rise = [LR * (0.01 + 0.99 * step / 26) for step in range(26)]
    ours = our_rates(make_recipe, warmup="linear(2)")
    assert close(ours, rise + [LR] * (TOTAL - 26))
    ours = our_rates(make_recipe, schedule="step(at = [1, 3])", warmup="linear(2)")
    steps = [LR * 0.1 ** ((step // STEPS >= 1) + (step // STEPS >= 3)) for step in range(TOTAL)]
    share = [*(rate / LR for rate in rise), *[1.0] * (TOTAL - 26)]
    assert close(ours, [a * b for a, b in zip(steps, share, strict=True)])


def test_a_trial_of_one_epoch_has_rates_whatever_the_schedule(make_recipe: MakeRecipe) -> None:
    for schedule in ("constant", "cosine", "one_cycle", "step(at = [50])"):
        for steps in (1, 2, 5):
            entries = {"schedule": schedule, "warmup": "linear(5)", "epochs": 1}
            for recipe in (
                change(make_recipe(lr=LR), entries),
                change(make_recipe(lr=LR), entries | {"warmup": "none"}),
            ):
                rates = rates_of_epoch(recipe, steps, 0)
                assert ((rates > 0) & (rates <= LR)).all()


def test_a_rate_is_a_function_of_its_step_alone(make_recipe: MakeRecipe) -> None:
    recipe = change(make_recipe(epochs=3), {"schedule": "one_cycle", "warmup": "linear(1)"})
    rate = learning_rates(recipe, 5)
    late = rate(2, 3)
    rate(0, 0)
    assert rate(2, 3) == late == learning_rates(recipe, 5)(2, 3)
