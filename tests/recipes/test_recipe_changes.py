"""``--set train.PATH=VALUE``: single values by their kinds, whole entries by the parser."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from pydantic import TypeAdapter
from typer.testing import CliRunner

from archdsl.cli import app
from archdsl.cli.output import parse_settings
from archdsl.elaborate.recipe_changes import Unchangeable, change, demand_fit
from archdsl.operators.signature import Value
from archdsl.recipes import DATASETS, Recipe, Setting

SGD = Setting("sgd", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.0, "nesterov": False})
RECIPE = Recipe("r", 10, 64, SGD, Setting("step", {"at": (5,), "factor": 0.1}))
WARM = change(RECIPE, {"warmup": "linear(5)"})


def changed(*settings: str, recipe: Recipe = RECIPE) -> Recipe:
    values = parse_settings([f"train.{setting}" for setting in settings])
    return change(recipe, {path.removeprefix("train."): v for path, v in values.items()})


def test_single_values() -> None:
    assert changed("batch=256").batch == 256
    assert changed("optimizer.lr=0.5").optimizer.arguments["lr"] == 0.5
    assert changed("schedule.at=[3, 7]").schedule.arguments["at"] == (3, 7)
    assert changed("ema=0.99").ema == 0.99 and changed("ema=none").ema is None
    assert changed("clip=2").clip == 2.0 and changed("label_smoothing=0").label_smoothing == 0.0
    assert changed("warmup.unit=steps", recipe=WARM).warmup == Setting(
        "linear", {"length": 5.0, "unit": "steps", "start": 0.01}
    )


def test_whole_entries_are_read_as_in_a_recipe() -> None:
    adamw = changed("optimizer=adamw(lr = 1e-3, betas=[0.8,0.9], decay = weights)").optimizer
    assert adamw.name == "adamw" and adamw.arguments == {
        "lr": 1e-3,
        "betas": (0.8, 0.9),
        "eps": 1e-8,
        "weight_decay": 0.01,
        "decay": "weights",
    }
    assert changed("schedule=cosine").schedule == Setting("cosine", {"final": 0.0})
    assert changed("warmup=none", recipe=WARM).warmup is None
    assert change(WARM, {"warmup": None}).warmup is None
    row = changed("augment={ random_crop(32, padding = 4) -> mixup }").augment
    assert [step.name for step in row] == ["random_crop", "mixup"]
    assert changed("augment=random_crop(32, padding = 4) -> mixup").augment == row
    assert changed("augment=none", recipe=changed("augment=hflip")).augment == ()


def test_arguments_that_need_each_other_may_come_in_any_order() -> None:
    given = {"optimizer": "sgd(lr = 1)", "optimizer.nesterov": True, "optimizer.momentum": 0.9}
    assert change(RECIPE, given).optimizer.arguments["momentum"] == 0.9
    with pytest.raises(Unchangeable, match="needs a momentum"):
        change(RECIPE, {"optimizer.nesterov": True, "optimizer.momentum": 0.0})


def test_arguments_are_changed_behind_the_entries_that_have_them() -> None:
    wanted = changed("schedule=cosine(final = 0.5)")
    assert changed("schedule.final=0.5", "schedule=cosine") == wanted
    assert changed("schedule=cosine", "schedule.final=0.5") == wanted


@pytest.mark.parametrize(
    ("setting", "code", "said"),
    [
        ("bach=3", "ARCH602", "recipe r has no `bach`"),
        ("batch=0", "ARCH105", "train.batch cannot be 0"),
        ("ema=much", "ARCH105", 'train.ema cannot be "much"'),
        ("warmup.length=3", "ARCH602", "has no `warmup.length`"),
        ("schedule.final=0", "ARCH602", "has no `schedule.final`"),
        ("schedule=cosin", "ARCH602", "there is no schedule `cosin`"),
        ("optimizer=sgd", "ARCH104", "sgd needs `lr`"),
        ("optimizer=adamw(lr = fast)", "ARCH102", "nothing named `fast`"),
        ("optimizer=adamw(lr = )", "ARCH001", "train.optimizer: expected a value"),
        ("optimizer=", "ARCH001", "train.optimizer: expected a value"),
        ("optimizer=cosine", "ARCH602", "there is no optimizer `cosine`"),
        ("optimizer=sgd(lr = 1, nesterov = true)", "ARCH105", "needs a momentum above 0"),
        ("schedule=none", "ARCH602", "there is no schedule `none`"),
        ("schedule=step(at = [3", "ARCH002", "never closed"),
        ("schedule=cosine; clip 3", "ARCH114", "is not a value"),
        ("schedule=cosine }\nrecipe x { epochs 3", "ARCH114", "is not a value"),
        ("augment=mixup -> hflip", "ARCH641", "mixup must be the last"),
    ],
)
def test_what_cannot_be_changed(setting: str, code: str, said: str) -> None:
    with pytest.raises(Unchangeable) as caught:
        changed(setting)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == code and said in diagnostic.message
    assert diagnostic.help and diagnostic.primary is None


@pytest.mark.parametrize("value", ["x" * 10_000, "(" * 2_000, "cosine(" * 200, "\0", "é", "#", '"'])
def test_nonsense_is_a_fault_and_no_more(value: str) -> None:
    for place in ("optimizer", "schedule", "warmup", "augment"):
        with pytest.raises(Unchangeable):
            change(RECIPE, {place: value})


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("random_crop(28)", "ARCH604"),
        ("random_crop(48)", "ARCH604"),
        ("cutout(64)", "ARCH642"),
        ("hflip -> resize(40) -> random_crop(32)", "ARCH602"),
    ],
)
def test_changed_augmentations_must_fit(row: str, code: str) -> None:
    with pytest.raises(Unchangeable) as caught:
        demand_fit(changed(f"augment={row}"), DATASETS["cifar10"], (3, 32, 32))
    assert caught.value.diagnostics[0].code == code
    good = changed("augment=resize(40) -> random_crop(32) -> cutout(16)")
    demand_fit(good, DATASETS["cifar10"], (3, 32, 32))


SPEC = """\
arch 1
from std.recipes import digits
model Small(classes = 10) {
  input [1, 8, 8]
  backbone { conv(4) }
  head { gap -> linear(classes) }
  train digits with digits
}
"""


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("optimizer=adamv", "error[ARCH602]: there is no optimizer `adamv`"),
        ("augment=random_crop(6)", "error[ARCH604]"),
    ],
)
def test_the_command_says_so(tmp_path: Path, value: Value, said: str) -> None:
    pytest.importorskip("torch")
    spec = tmp_path / "small.arch"
    spec.write_text(SPEC)
    call = ["compile", str(spec), "-o", str(tmp_path), "--train", "digits", "--no-figures"]
    call += ["--runs", str(tmp_path / "runs"), "--set", f"train.{value}"]
    result = CliRunner().invoke(app, call)
    assert result.exit_code == 2 and said in result.output
    assert not (tmp_path / "runs").exists()


def test_a_recorded_recipe_is_read_as_it_was() -> None:
    """A run is continued by the recipe in its ``run.json``: nothing of it may be lost there."""
    entries = {
        "optimizer": "adamw(lr = 1, betas = [0, 0.5], decay = weights)",
        "warmup": "linear(3, steps)",
        "schedule": "step(at = [1, 2])",
        "augment": "cutout(4, value = 0) -> random_erase -> mixup(1)",
        "clip": 1.0,
        "ema": 0.5,
    }
    for recipe in (RECIPE, WARM, change(RECIPE, entries)):
        text = json.dumps(asdict(recipe))
        again = TypeAdapter(Recipe).validate_python(json.loads(text))
        assert again == recipe and json.dumps(asdict(again)) == text


def test_a_short_trial_is_no_fault() -> None:
    assert change(WARM, {"epochs": 1}).epochs == 1
    at = changed("schedule=step(at = [200])", "epochs=1").schedule.arguments["at"]
    assert at == (200,)
