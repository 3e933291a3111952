"""Augmentation by the batch against torchvision's pipeline, image by image in Pillow.

The recipe's three steps and the scaling, from images in memory to batches of 64 that a network
takes, on one thread. CPU seconds, interleaved, medians of seven; the bar is a ratio of 8. Before
that, the pixels of both are compared on 1,000 images, with the plan's own corners and flips.

    python tests/benchmarks/training_data.py [--images 1024]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from archdsl.elaborate.recipe_changes import change
from archdsl.recipes import Recipe, Setting
from archdsl.training.augmentation import augment, augmentations, prepare
from archdsl.training.data import Images
from archdsl.training.engine_step import Scaling
from archdsl.training.options import Options
from archdsl.training.plan import EpochPlan
from archdsl.training.precision import resolve

BAR, REPEATS, BATCH = 8.0, 7, 64
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)  # of CIFAR-10
ROWS = {
    "resize(40) -> random_crop(32) -> hflip": "resize(40) -> random_crop(32) -> hflip",
    "the same, resized before": "random_crop(32) -> hflip",
    "random_crop(32, padding = 4) -> hflip": "random_crop(32, padding = 4) -> hflip",
}
"""What is measured, and the row of augmentations that ours is timed with."""


def recipe_of(row: str) -> Recipe:
    """Return a recipe with a row of augmentations."""
    plain = Recipe("measured", 1, BATCH, Setting("sgd", {"lr": 0.1}))
    return change(plain, {"augment": row})


class Batched:
    """Ours: what is done once is done, and each call is an epoch."""

    def __init__(self, images: Tensor, row: str) -> None:
        self.recipe = recipe_of(row)
        self.images = prepare(images, self.recipe)
        self.augmentations = augmentations(self.recipe, MEAN)
        device = torch.device("cpu")
        nothing = torch.zeros(0, dtype=torch.int64)
        facts = Images(images, nothing, images, nothing, MEAN, STD, "")
        self.scaling = Scaling(facts, resolve(Options(precision="float32"), device), device)

    def plan(self, epoch: int) -> EpochPlan:
        """Return the plan of an epoch."""
        size = (self.images.shape[2], self.images.shape[3])
        return EpochPlan.of(0, epoch, len(self.images), size, self.augmentations)

    def pixels(self, plan: EpochPlan) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the indices and the uint8 images of each batch."""
        for indices, draws in plan.batches(BATCH):
            yield indices, augment(self.images, indices, self.augmentations, draws)

    def __call__(self, epoch: int) -> None:
        """Make all batches of an epoch, plan and all."""
        for _, pixels in self.pixels(self.plan(epoch)):
            self.scaling(pixels)


def pillow_loader(images: Tensor, steps: list[Any]) -> Callable[[int], None]:
    """Return torchvision's pipeline in a DataLoader; each call is an epoch."""
    from PIL import Image
    from torchvision import transforms

    pictures = [Image.fromarray(image.permute(1, 2, 0).numpy()) for image in images]
    whole = transforms.Compose([*steps, transforms.ToTensor(), transforms.Normalize(MEAN, STD)])

    class Pictures(torch.utils.data.Dataset[Tensor]):
        def __len__(self) -> int:
            return len(pictures)

        def __getitem__(self, index: int) -> Tensor:
            result: Tensor = whole(pictures[index])
            return result

    loader = torch.utils.data.DataLoader(Pictures(), BATCH, shuffle=True)

    def epoch(number: int) -> None:
        for _ in loader:
            pass

    return epoch


def count_unequal(images: Tensor, row: str) -> int:
    """Return how many images differ in any pixel from torchvision's on Pillow's images."""
    from PIL import Image
    from torchvision.transforms import InterpolationMode, functional

    ours = Batched(images, row)
    plan = ours.plan(0)
    padding = 4 if "padding" in row else 0
    corners, mirrored = plan.draws[0].tolist(), plan.draws[1].tolist()
    unequal = place = 0
    for indices, pixels in ours.pixels(plan):
        for index, image in zip(indices.tolist(), pixels, strict=True):
            picture: Any = Image.fromarray(images[index].permute(1, 2, 0).numpy())
            if "resize" in row:
                picture = functional.resize(picture, [40, 40], InterpolationMode.BILINEAR)
            picture = functional.crop(functional.pad(picture, [padding]), *corners[place], 32, 32)
            picture = functional.hflip(picture) if mirrored[place] else picture
            unequal += not torch.equal(functional.pil_to_tensor(picture), image)
            place += 1
    return unequal


def seconds(work: Callable[[int], None], epoch: int) -> float:
    """Return CPU seconds of an epoch."""
    start = time.process_time()
    work(epoch)
    return time.process_time() - start


def main() -> int:
    """Print the table; return 1 where a bar is missed or a pixel differs, 0 otherwise."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=1024)
    count = parser.parse_args().images
    try:
        from torchvision import transforms
    except (ImportError, RuntimeError) as error:  # a build for another torch raises RuntimeError
        print(f"skipped: torchvision cannot be imported: {error}")
        return 0
    torch.set_num_threads(1)
    torch.manual_seed(0)
    images = torch.randint(0, 256, (max(count, 1000), 3, 32, 32), dtype=torch.uint8)
    crops = [transforms.RandomCrop(32), transforms.RandomHorizontalFlip()]
    theirs = {
        "resize(40) -> random_crop(32) -> hflip": [transforms.Resize(40), *crops],
        "the same, resized before": crops,
        "random_crop(32, padding = 4) -> hflip": [transforms.RandomCrop(32, 4), crops[1]],
    }
    failed = False
    for row in ("resize(40) -> random_crop(32) -> hflip", "random_crop(32, padding = 4) -> hflip"):
        unequal = count_unequal(images[:1000], row)
        failed |= unequal > 0
        print(f"{row}: {1000 - unequal} of 1000 images equal in every pixel")
    images = images[:count]
    larger = prepare(images, recipe_of("resize(40)"))
    print(f"\n{'microseconds of CPU time per image':42}{'Pillow':>9}{'ours':>9}{'ratio':>8}")
    for name, row in ROWS.items():
        source = larger if name == "the same, resized before" else images
        contestants = (pillow_loader(source, theirs[name]), Batched(source, row))
        times: list[list[float]] = [[], []]
        for epoch in range(REPEATS + 1):
            for found, work in zip(times, contestants, strict=True):
                found.append(seconds(work, epoch))
        pillow, ours = (statistics.median(found[1:]) / count * 1e6 for found in times)
        failed |= pillow / ours < BAR
        print(f"{name:42}{pillow:9.1f}{ours:9.1f}{pillow / ours:8.1f}")
    print(f"the bar is {BAR:g}: {'missed' if failed else 'kept'}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
