"""The engine: equal to a plain loop, repeatable, and restored bit for bit from any step."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy

from archdsl.recipes import Recipe, Setting
from archdsl.training import Fault
from archdsl.training.augmentation import mixup_of
from archdsl.training.data import Images
from archdsl.training.engine import Engine, Hooks, Position, Snapshot
from archdsl.training.engine_messages import Divergence
from archdsl.training.options import Options
from archdsl.training.plan import EpochPlan

MakeRecipe = Callable[..., Recipe]
CPU = torch.device("cpu")
FLOAT32 = Options(precision="float32")
CROP = Setting("random_crop", {"size": 8, "padding": 1})
MIXUP = Setting("mixup", {"alpha": 0.4})
COSINE = Setting("cosine", {"final": 0.1})
TIMES = ("images_per_second", "seconds")


class Net(torch.nn.Module):
    """A few channels, with dropout, so that a generator is part of the state."""

    def __init__(self, dropout: float = 0.25, norm: bool = True) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 4, 3, stride=2, padding=1)
        self.norm = torch.nn.BatchNorm2d(4) if norm else torch.nn.Identity()
        self.drop = torch.nn.Dropout(dropout)
        self.head = torch.nn.Linear(4, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.drop(torch.relu(self.norm(self.conv(x))).mean((2, 3))))


@pytest.fixture
def images() -> Images:
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(256, (70, 1, 8, 8), generator=generator, dtype=torch.uint8)
    y = torch.randint(10, (70,), generator=generator)
    return Images(x[:50], y[:50], x[50:], y[50:], (0.5,), (0.3,), "0" * 64)


def engine_of(images: Images, recipe: Recipe, hooks: Hooks | None = None, **changes: Any) -> Engine:
    torch.manual_seed(recipe.seed)
    return Engine(Net(), images, recipe, CPU, replace(FLOAT32, **changes), hooks)


def untimed(engine: Engine) -> list[dict[str, Any]]:
    found = [asdict(metrics) for metrics in engine.epochs()]
    return [{k: v for k, v in metrics.items() if k not in TIMES} for metrics in found]


def equal(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(equal, a, b))
    return bool(a == b)


class Stop(Exception):
    pass


class At(Hooks):
    """Takes a snapshot at a position, and ends the run there."""

    engine: Engine
    snapshot: Snapshot

    def __init__(self, position: Position) -> None:
        self._position = position

    def boundary(self, position: Position) -> None:
        if position == self._position:
            self.snapshot = self.engine.snapshot()
            raise Stop


def test_it_trains_as_a_plain_loop_does(images: Images, make_recipe: MakeRecipe) -> None:
    recipe = make_recipe(lr=0.5, batch=16)
    engine = engine_of(images, recipe)
    torch.manual_seed(recipe.seed)
    model = Net().to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9, fused=True)
    torch.manual_seed(3)
    losses = []
    for epoch in range(2):
        plan = EpochPlan.of(recipe.seed, epoch, 50, (8, 8), ())
        total = 0.0
        for indices in plan.order.split(16):
            x = (images.train_x[indices].float() - 127.5) / (0.3 * 255)
            loss = cross_entropy(
                model(x.contiguous(memory_format=torch.channels_last)), images.train_y[indices]
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(indices)
        losses.append(total / 50)
    torch.manual_seed(3)
    found = untimed(engine)
    assert [metrics["loss"] for metrics in found] == pytest.approx(losses, rel=1e-6)
    state = engine.state()
    for name, value in model.state_dict().items():
        assert torch.allclose(state[name], value, rtol=1e-5, atol=1e-6), name


@pytest.mark.parametrize(
    "changes", [{}, {"precision": "float64"}, {"deterministic": True}], ids=["", "float64", "det"]
)
def test_the_same_seed_gives_the_same_run(
    images: Images, make_recipe: MakeRecipe, changes: dict[str, Any]
) -> None:
    recipe = make_recipe(batch=16, augment=(CROP,))
    runs = []
    for _ in range(2):  # one after the other: dropout draws from torch's global generator
        engine = engine_of(images, recipe, **changes)
        runs.append((untimed(engine), engine.snapshot()))
    assert equal(runs[0], runs[1])
    other = engine_of(images, replace(recipe, seed=1), **changes)
    assert untimed(other) != runs[0][0]
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize(
    "position", [(0, 0), (0, 1), (0, 3), (0, 4), (1, 0), (1, 2), (1, 4)], ids=str
)
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_restored_at_any_boundary_it_goes_on_bit_for_bit(
    images: Images, make_recipe: MakeRecipe, position: tuple[int, int], optimizer: str
) -> None:
    everything = {"ema": 0.9, "clip": 1.0, "label_smoothing": 0.1, "schedule": COSINE}
    recipe = make_recipe(batch=16, augment=(CROP, MIXUP), **everything)
    if optimizer == "adamw":
        arguments = {"lr": 0.01, "betas": (0.9, 0.99), "eps": 1e-8, "weight_decay": 0.1}
        recipe = replace(recipe, optimizer=Setting("adamw", arguments | {"decay": "all"}))
    whole = engine_of(images, recipe)
    wanted = untimed(whole)
    hooks = At(Position(*position))
    hooks.engine = engine_of(images, recipe, hooks)
    with pytest.raises(Stop):
        list(hooks.engine.epochs())
    torch.manual_seed(99)
    rest = Engine(Net(), images, recipe, CPU, FLOAT32)
    next(rest.epochs())  # whatever it has done before
    rest.restore(hooks.snapshot)
    assert rest.position == Position(*position)
    assert untimed(rest) == wanted[position[0] :]
    assert equal(rest.snapshot(), whole.snapshot())
    assert equal(rest.state(), whole.state())


def test_a_snapshot_holds_plain_values_only(
    images: Images, make_recipe: MakeRecipe, tmp_path: Any
) -> None:
    engine = engine_of(images, make_recipe(batch=16))
    next(engine.epochs())
    snapshot = engine.snapshot()
    torch.save(snapshot, tmp_path / "snapshot")
    assert equal(torch.load(tmp_path / "snapshot", weights_only=True), snapshot)
    assert snapshot["epoch"] == 1 and snapshot["step"] == 0
    before = snapshot["model"]["head.weight"].clone()
    list(engine.epochs())
    assert torch.equal(snapshot["model"]["head.weight"], before)  # a copy


def test_a_snapshot_of_another_run_changes_nothing(images: Images, make_recipe: MakeRecipe) -> None:
    engine = engine_of(images, make_recipe(batch=16))
    before = engine.snapshot()
    other = Engine(Net(norm=False), images, make_recipe(batch=16), CPU, FLOAT32).snapshot()
    more = engine_of(images, make_recipe(batch=10)).snapshot()
    averaged = engine_of(images, make_recipe(batch=16, ema=0.9)).snapshot()
    for snapshot, reason in (
        (other, "only the run has norm.weight"),
        (more, "its epochs have 5 steps, and those of this run 4"),
        (averaged, r"only the snapshot has conv.weight \(ema\)"),
        (before | {"format": 9}, "its format is 9"),
    ):
        with pytest.raises(Fault, match=reason) as caught:
            engine.restore(snapshot)
        assert caught.value.diagnostic.code == "ARCH636"
    assert equal(engine.snapshot(), before)


def test_where_a_run_diverged_is_told(images: Images, make_recipe: MakeRecipe) -> None:
    bad = replace(images, train_y=images.train_y.clone())
    recipe = make_recipe(batch=16)
    order = EpochPlan.of(0, 0, 50, (8, 8), ()).order

    class Poison(Hooks):
        def boundary(self, position: Position) -> None:
            if position == Position(0, 2):
                with torch.no_grad():
                    network.head.bias.fill_(float("nan"))

    network = Net()
    engine = Engine(network, bad, recipe, CPU, FLOAT32, Poison())
    with pytest.raises(Divergence, match="the loss on the training images is nan in epoch 1") as e:
        list(engine.epochs())
    assert e.value.diagnostic.code == "ARCH619" and e.value.status == 3
    assert (e.value.epoch, e.value.step) == (1, 2)
    assert e.value.images == tuple(order[32:48].tolist())
    with pytest.raises(Divergence):  # what is lost is not saved
        engine.snapshot()


def test_boundaries_come_before_every_step(images: Images, make_recipe: MakeRecipe) -> None:
    seen = []

    class Note(Hooks):
        def boundary(self, position: Position) -> None:
            seen.append((position.epoch, position.step))

    list(engine_of(images, make_recipe(batch=16), Note()).epochs())
    assert seen == [(e, s) for e in range(2) for s in range(5)]  # the fifth: evaluation


def test_the_average_is_what_is_tested(images: Images, make_recipe: MakeRecipe) -> None:
    recipe = make_recipe(batch=50, epochs=3, ema=0.5)
    engine = engine_of(images, recipe)
    initial = {name: value.clone() for name, value in engine.state().items()}
    wanted = initial["head.weight"].double()
    for _ in engine.epochs():  # one step each
        wanted = 0.5 * wanted + 0.5 * engine.snapshot()["model"]["head.weight"].double()
        assert torch.allclose(engine.state()["head.weight"].double(), wanted, atol=1e-6)
    state = engine.state()
    assert int(state["norm.num_batches_tracked"]) == 3
    # A network with the averages for weights does the same on the test images.
    network = Net().eval()
    network.load_state_dict(state)
    x = (images.test_x.float() - 127.5) / (0.3 * 255)
    with torch.no_grad():
        loss = cross_entropy(network(x), images.test_y).item()
    again = engine_of(images, recipe)
    assert [m.test_loss for m in again.epochs()][-1] == pytest.approx(loss, rel=1e-5)


def test_rates_change_from_step_to_step(images: Images, make_recipe: MakeRecipe) -> None:
    rates = []

    class Note(Hooks):
        def boundary(self, position: Position) -> None:
            if position.step:
                rates.append(engine._built.state.optimizer.param_groups[0]["lr"])

    engine = engine_of(images, make_recipe(batch=16, lr=0.2, schedule=COSINE), Note())
    metrics = list(engine.epochs())
    assert rates == pytest.approx(
        [0.1 * 0.2 + 0.9 * 0.2 * (1 + math.cos(math.pi * i / 8)) / 2 for i in range(8)]
    )
    assert [m.learning_rate for m in metrics] == [rates[3], rates[7]]


def test_blended_images_and_their_losses(images: Images, make_recipe: MakeRecipe) -> None:
    recipe = make_recipe(lr=1e-9, batch=50, epochs=1, augment=(MIXUP,))
    network = Net(dropout=0.0)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    metrics = next(Engine(network, images, recipe, CPU, Options(precision="float64")).epochs())
    plan = EpochPlan.of(0, 0, 50, (8, 8), (), mixup_of(recipe), 50)
    assert plan.partners is not None and plan.shares is not None
    plain = Net(dropout=0.0).double()
    plain.load_state_dict(before)
    x = ((images.train_x.double() - 127.5) / (0.3 * 255))[plan.order]
    share = plan.shares.double()[:, None, None, None]
    logits = plain(share * x + (1 - share) * x[plan.partners])
    y = images.train_y[plan.order]
    both = [cross_entropy(logits, each, reduction="none") for each in (y, y[plan.partners])]
    share = share.flatten()
    wanted = (share * both[0] + (1 - share) * both[1]).mean().item()
    assert metrics.loss == pytest.approx(wanted, rel=1e-6)
    assert metrics.accuracy == float((logits.argmax(1) == y).double().mean())


def test_clipping_and_smoothing(images: Images, make_recipe: MakeRecipe) -> None:
    recipe = make_recipe(lr=1.0, batch=50, epochs=1, clip=0.01)
    recipe.optimizer.arguments["momentum"] = 0.0
    engine = engine_of(images, recipe)
    before = engine.state()
    next(engine.epochs())
    after = engine.state()
    moved = sum(((after[n] - before[n]).double() ** 2).sum() for n, _ in Net().named_parameters())
    assert float(moved) ** 0.5 == pytest.approx(0.01, rel=1e-3)
    plain, smooth = (
        engine_of(images, make_recipe(lr=1e-9, batch=50, epochs=1, label_smoothing=s))
        for s in (0.0, 0.3)
    )
    a, b = next(plain.epochs()), next(smooth.epochs())
    assert a.loss != b.loss and a.test_loss == pytest.approx(b.test_loss, rel=1e-6)
