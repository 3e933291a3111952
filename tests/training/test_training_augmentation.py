"""Augmentations against Pillow, torchvision, and loops over single images."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from archdsl.elaborate.recipe_changes import change
from archdsl.recipes import Recipe
from archdsl.training.augmentation import (
    Augmentation,
    HorizontalFlip,
    RandomCrop,
    augment,
    augmentations,
    choose_by_bytes,
    choose_by_launches,
    mixup_of,
    prepare,
)
from archdsl.training.erasing import Cutout, RandomErase, blank
from archdsl.training.mixing import Mixup, mix
from archdsl.training.plan import EpochPlan
from archdsl.training.taking import take, windows

MakeRecipe = Callable[..., Recipe]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pixels(count: int, channels: int = 3, side: int = 32) -> torch.Tensor:
    shape = (count, channels, side, side)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator(1))


def with_row(make_recipe: MakeRecipe, row: str) -> Recipe:
    return change(make_recipe(), {"augment": row})


@pytest.mark.parametrize(
    "row", ["resize(40) -> random_crop(32) -> hflip", "random_crop(32, padding = 4) -> hflip"]
)
def test_pixels_equal_pillows_on_a_thousand_images(make_recipe: MakeRecipe, row: str) -> None:
    images, recipe = pixels(1000), with_row(make_recipe, row)
    ready, chosen = prepare(images, recipe), augmentations(recipe)
    size = (ready.shape[2], ready.shape[3])
    plan = EpochPlan.of(0, 0, 1000, size, chosen)
    indices, draws = plan.rows(slice(None))
    ours = augment(ready, indices, chosen, draws)
    padding = 4 if "padding" in row else 0
    corners, mirrored = draws[0].tolist(), draws[1].tolist()
    for place, index in enumerate(indices.tolist()):
        image = Image.fromarray(images[index].permute(1, 2, 0).numpy())
        if not padding:
            image = image.resize((40, 40), Image.Resampling.BILINEAR)
        image = ImageOps.expand(image, padding)
        top, left = corners[place]
        image = image.crop((left, top, left + 32, top + 32))
        if mirrored[place]:
            image = ImageOps.mirror(image)
        assert np.array_equal(ours[place].permute(1, 2, 0).numpy(), np.asarray(image))


def test_taking_and_augmenting_is_augmenting_what_was_taken() -> None:
    images = pixels(20, side=12)
    rows: list[tuple[Augmentation, ...]] = [
        (),
        (RandomCrop(8, 0), HorizontalFlip()),
        (RandomCrop(12, 2), Cutout(4, (9,)), RandomCrop(8, 0)),
        (HorizontalFlip(), RandomCrop(8, 1)),
        (RandomErase(1.0, (0.1, 0.3), (0.5, 2.0), (1, 2, 3)),),
    ]
    for row in rows:
        plan = EpochPlan.of(3, 1, 20, (12, 12), row)
        indices, draws = plan.rows(slice(5, 12))
        taken = images[indices]
        for each, draw in zip(row, draws, strict=True):
            taken = each.apply(taken, draw)
        before = images.clone()
        assert torch.equal(augment(images, indices, row, draws), taken)
        assert torch.equal(images, before), "the resident images were changed"


@pytest.mark.parametrize("fill", [(0,), (7, 7, 7), (10, 20, 30)])
def test_blanking_is_that_of_slices(fill: tuple[int, ...]) -> None:
    images = pixels(40, side=9)
    boxes = torch.randint(-4, 10, (40, 4), generator=generator())
    out = blank(images, boxes, fill)
    wanted = images.clone()
    for image, (top, left, tall, wide) in zip(wanted, boxes.tolist(), strict=True):
        for channel in range(3):
            rows = slice(max(top, 0), max(top + tall, 0))
            columns = slice(max(left, 0), max(left + wide, 0))
            image[channel, rows, columns] = fill[channel % len(fill)]
    assert torch.equal(out, wanted) and out.dtype == torch.uint8


def test_as_many_values_as_channels() -> None:
    with pytest.raises(ValueError, match="2 values to fill 3 channels"):
        blank(pixels(1), torch.zeros(1, 4, dtype=torch.int64), (1, 2))


@pytest.mark.parametrize("side", [1, 4, 5])
def test_cutout_is_centred_on_any_pixel(side: int) -> None:
    boxes = Cutout(side, (0,)).draw(generator(), 5000, (6, 8))
    tops, lefts = (boxes[:, axis] + side // 2 for axis in (0, 1))
    assert set(tops.tolist()) == set(range(6)) and set(lefts.tolist()) == set(range(8))
    assert (boxes[:, 2:] == side).all()


def test_a_cutout_that_leaves_nothing() -> None:
    images = torch.full((200, 1, 8, 8), 5, dtype=torch.uint8)
    largest = Cutout(14, (0,))
    left = largest.apply(images, largest.draw(generator(), 200, largest.size((8, 8))))
    assert left.any()
    with pytest.raises(ValueError, match="covers all"):
        Cutout(15, (0,)).size((8, 8))


def test_rectangles_are_within_the_image_and_as_large_as_is_said() -> None:
    erase = RandomErase(0.6, (0.05, 0.3), (0.5, 2.0), (0,))
    boxes = erase.draw(generator(), 20_000, (32, 32))
    erased = boxes[:, 2] > 0
    assert 0.58 < erased.double().mean() < 0.62
    assert (boxes[~erased, 3] == 0).all()
    top, left, tall, wide = boxes[erased].unbind(1)
    assert (top >= 0).all() and (left >= 0).all()
    assert (top + tall <= 32).all() and (left + wide <= 32).all()
    share = (tall * wide).double() / 1024
    assert share.min() > 0.04 and share.max() < 0.32
    # Evenly distributed: mean and standard deviation of a uniform distribution.
    assert share.mean() == pytest.approx(0.175, abs=0.003)
    assert share.std() == pytest.approx(0.25 / math.sqrt(12), abs=0.003)
    ratio = (tall.double() / wide).log()
    assert ratio.mean() == pytest.approx(0.0, abs=0.02)
    assert ratio.std() == pytest.approx(2 * math.log(2) / math.sqrt(12), abs=0.02)
    # The free places on either side are equally many, on average.
    assert (top.double() / (32 - tall)).mean() == pytest.approx(0.5, abs=0.01)
    assert (left.double() / (32 - wide)).mean() == pytest.approx(0.5, abs=0.01)


@pytest.mark.slow
def test_rectangles_are_distributed_as_torchvisions() -> None:
    transforms = pytest.importorskip("torchvision.transforms")
    theirs = transforms.RandomErasing
    image = torch.zeros(3, 32, 32)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        drawn = [theirs.get_params(image, (0.02, 0.33), (0.3, 3.3), [0.0]) for _ in range(4000)]
    wanted = torch.tensor([place[:4] for place in drawn]).double()
    erase = RandomErase(1.0, (0.02, 0.33), (0.3, 3.3), (0,))
    ours = erase.draw(generator(), 40_000, (32, 32)).double()
    deviation = wanted.std(0) / math.sqrt(4000)
    assert ((ours.mean(0) - wanted.mean(0)).abs() < 4 * deviation).all()
    assert ours.std(0).tolist() == pytest.approx(wanted.std(0).tolist(), rel=0.06)


def test_what_is_blanked_with_the_mean(make_recipe: MakeRecipe) -> None:
    recipe = with_row(make_recipe, "cutout(4) -> random_erase(value = 12)")
    assert augmentations(recipe, (0.5, 0.2, 0.1)) == (
        Cutout(4, (128, 51, 26)),
        RandomErase(0.5, (0.02, 0.33), (0.3, 3.3), (12,)),
    )


def test_images_are_blended_within_their_batch() -> None:
    partners, shares = Mixup(0.4).draw(generator(), 103, 10)
    for start in range(0, 103, 10):
        part = slice(start, min(start + 10, 103))
        assert sorted(partners[part].tolist()) == list(range(part.start, part.stop))
        assert len(set(shares[part].tolist())) == 1
    assert ((shares >= 0) & (shares <= 1)).all() and len(set(shares.tolist())) == 11
    assert (partners != torch.arange(103)).sum() > 80


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_shares_are_of_the_beta_distribution(alpha: float) -> None:
    _, shares = Mixup(alpha).draw(generator(), 20_000, 1)
    assert shares.mean() == pytest.approx(0.5, abs=0.02)
    assert shares.double().var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.05)


def test_blending_is_that_of_the_paper() -> None:
    x, others = torch.rand(5, 3, 2, 2, generator=generator()), torch.rand(5, 3, 2, 2)
    shares = torch.tensor([0.0, 0.25, 0.5, 0.9, 1.0])
    for i, share in enumerate(shares.tolist()):
        wanted = share * x[i] + (1 - share) * others[i]
        assert torch.allclose(mix(x, others, shares)[i], wanted)
    logits, labels = torch.rand(5, 4), torch.tensor([0, 1, 2, 3, 0])
    loss = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
    assert torch.allclose(
        mix(loss, loss.flip(0), shares), shares * loss + (1 - shares) * loss.flip(0)
    )
    assert mix(x.double(), others.double(), shares).dtype == torch.float64


def test_the_loss_of_a_blended_image_is_that_of_its_blended_label() -> None:
    logits = torch.randn(6, 4, generator=generator(), dtype=torch.float64)
    labels = torch.tensor([0, 1, 2, 3, 0, 1])
    shares, partners = torch.full((6,), 0.3, dtype=torch.float64), torch.tensor([1, 0, 3, 2, 5, 4])
    entropy = torch.nn.functional.cross_entropy
    losses = [entropy(logits, each, reduction="none") for each in (labels, labels[partners])]
    one_hot = torch.nn.functional.one_hot(labels, 4).double()
    targets = mix(one_hot, one_hot[partners], shares)
    assert torch.allclose(
        mix(losses[0], losses[1], shares), entropy(logits, targets, reduction="none")
    )


def test_any_split_of_a_batch_sees_the_same_blends() -> None:
    """What a process needs of a plan: its rows, and the rows of their partners."""
    images, crop = pixels(30, side=10), (RandomCrop(8, 1), HorizontalFlip())
    plan = EpochPlan.of(5, 2, 30, (10, 10), crop, Mixup(0.5), 12)
    assert plan.partners is not None and plan.shares is not None

    def blended(which: slice) -> torch.Tensor:
        assert plan.partners is not None and plan.shares is not None
        own, other = plan.rows(which), plan.rows(plan.partners[which])
        x, y = (augment(images, i, crop, draws).double() for i, draws in (own, other))
        return mix(x, y, plan.shares[which])

    for start, stop in ((0, 12), (12, 24), (24, 30)):
        whole = blended(slice(start, stop))
        for cut in (1, 3, 5):
            parts = [blended(slice(start, start + cut)), blended(slice(start + cut, stop))]
            assert torch.equal(torch.cat(parts), whole)


def test_blending_changes_nothing_else_of_a_plan() -> None:
    crop = (RandomCrop(8, 1), HorizontalFlip())
    plain = EpochPlan.of(5, 2, 30, (10, 10), crop)
    for batch in (1, 7, 64):
        blended = EpochPlan.of(5, 2, 30, (10, 10), crop, Mixup(0.5), batch)
        assert torch.equal(plain.order, blended.order)
        for one, other in zip(plain.draws, blended.draws, strict=True):
            assert torch.equal(one, other)
        again = EpochPlan.of(5, 2, 30, (10, 10), crop, Mixup(0.5), batch).to(torch.device("cpu"))
        assert again.partners is not None and again.shares is not None
        assert blended.partners is not None and blended.shares is not None
        assert torch.equal(again.partners, blended.partners)
        assert torch.equal(again.shares, blended.shares)
    assert plain.partners is None and plain.shares is None


def test_what_blends_is_the_last_of_its_row(make_recipe: MakeRecipe) -> None:
    recipe = with_row(make_recipe, "hflip -> mixup(0.3)")
    assert mixup_of(recipe) == Mixup(0.3) and augmentations(recipe) == (HorizontalFlip(),)
    assert mixup_of(make_recipe()) is None
    with pytest.raises(ValueError, match="behind everything else"):
        mixup_of(make_recipe(augment=recipe.augment[::-1]))


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("last", [True, False])
def test_what_is_taken_does_not_depend_on_the_layout(channels: int, last: bool) -> None:
    images = pixels(6, channels, 9)
    if last:
        images = images.contiguous(memory_format=torch.channels_last)
    indices = torch.tensor([5, 0, 5, 2])
    assert torch.equal(take(images, indices), images[indices])
    # The very first bytes and the very last ones are among them.
    corners = torch.tensor([[3, 3], [0, 0], [0, 3], [2, 1]])
    found = windows(images, indices, corners, 6)
    for each, index, (row, column) in zip(found, indices, corners.tolist(), strict=True):
        assert torch.equal(each, images[index, :, row : row + 6, column : column + 6])
    assert torch.equal(windows(images, indices, corners * 0, 9), images[indices])


def test_what_is_prepared_has_its_channels_last(make_recipe: MakeRecipe) -> None:
    ready = prepare(pixels(3), with_row(make_recipe, "resize(40) -> random_crop(32) -> hflip"))
    assert ready.is_contiguous(memory_format=torch.channels_last)
    crop = (RandomCrop(32, 0), HorizontalFlip(), Cutout(8, (1, 2, 3)))
    plan = EpochPlan.of(0, 0, 3, (40, 40), crop)
    indices, draws = plan.rows(slice(None))
    batch = augment(ready, indices, crop, draws)
    assert batch.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize("first", [RandomCrop(32, 0), RandomCrop(32, 4), HorizontalFlip()])
def test_pixels_are_the_same_on_a_cuda_device_and_in_a_graph(first: Augmentation) -> None:
    row = (
        first,
        HorizontalFlip(),
        Cutout(8, (1, 2, 3)),
        RandomErase(0.5, (0.1, 0.3), (0.5, 2), (9,)),
    )
    images = pixels(500, side=40).contiguous(memory_format=torch.channels_last)
    plan = EpochPlan.of(0, 0, 500, (40, 40), row)
    device = torch.device("cuda")
    resident, there = images.to(device), plan.to(device)
    wanted = augment(images, *_of(plan, row))
    assert torch.equal(augment(resident, *_of(there, row)).cpu(), wanted)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        found = augment(resident, *_of(there, row))
    found.zero_()
    graph.replay()
    assert torch.equal(found.cpu(), wanted)


def _of(
    plan: EpochPlan, row: tuple[Augmentation, ...]
) -> tuple[torch.Tensor, tuple[Augmentation, ...], tuple[torch.Tensor, ...]]:
    """The second batch of a plan, as :func:`augment` takes it."""
    indices, draws = plan.rows(slice(64, 128))
    return indices, row, draws


def test_choosing_in_one_operation_is_choosing_by_bytes() -> None:
    images = pixels(6, side=8).contiguous(memory_format=torch.channels_last)
    which = torch.tensor([True, False, True, True, False, False])[:, None, None, None]
    one, other = (
        choose(which, images.flip(3), images) for choose in (choose_by_bytes, choose_by_launches)
    )
    assert torch.equal(one, other) and one.stride() == other.stride() == images.stride()
    assert torch.equal(one[0], images[0].flip(2)) and torch.equal(one[1], images[1])
