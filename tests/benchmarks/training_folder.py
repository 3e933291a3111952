"""How fast a folder of photographs is listed and decoded, beside torchvision's ImageFolder.

Interleaved, best of several. The photographs are made here: JPEG files of smooth noise, 500 x 375
pixels, which is what those of ImageNet come to on the average. The pixels are compared, too.

    python tests/benchmarks/training_folder.py [IMAGES]
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console

from archdsl.recipes import folder_of_images
from archdsl.training.data import read
from archdsl.training.listing import list_images

REPEATS = 3
CLASSES = ("a", "b", "c", "d")


def make(root: Path, count: int) -> int:
    """Write ``count`` photographs below ``root``; return how many bytes they have."""
    random = np.random.default_rng(0)
    size = 0
    for n in range(count):
        path = root / CLASSES[n % len(CLASSES)] / f"{n:05}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = Image.fromarray(random.integers(0, 256, (47, 63, 3), np.uint8))
        coarse.resize((500, 375), Image.Resampling.BICUBIC).save(path, quality=85)
        size += path.stat().st_size
    return size


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that something takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def ours(root: Path, side: int) -> np.ndarray:
    """Read the folder as training does; return the training images."""
    quiet = Console(file=io.StringIO())
    return read(folder_of_images(CLASSES), root, (3, side, side), quiet).train_x.numpy()


def torchvisions(root: Path, side: int) -> np.ndarray | None:
    """Read it with ImageFolder, in one process, to bytes; None without torchvision."""
    try:
        from torchvision import transforms
        from torchvision.datasets import ImageFolder
    except ImportError:
        return None
    steps = transforms.Compose([transforms.Resize(side), transforms.CenterCrop(side)])
    images = ImageFolder(str(root), steps)
    return np.stack([np.asarray(image).transpose(2, 0, 1) for image, _ in images])


def main() -> None:
    """Print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        size = make(root, count)
        print(
            f"{count:,} photographs of 500 x 375 pixels, {size / count / 1e3:.0f} kB each; ", end=""
        )
        print(f"{cores} cores")
        listing = min(timed(lambda: list_images(root)) for _ in range(REPEATS))
        print(f"listing                {listing / count * 1e6:8.1f} us an image")
        for side in (32, 64, 224):
            found: dict[str, list[float]] = {"archdsl": [], "ImageFolder": []}
            theirs = torchvisions(root, side)
            for _ in range(REPEATS):
                found["archdsl"].append(timed(lambda side=side: ours(root, side)))
                if theirs is not None:
                    found["ImageFolder"].append(timed(lambda side=side: torchvisions(root, side)))
            best = {name: min(times) for name, times in found.items() if times}
            for name, seconds in best.items():
                ratio = best.get("ImageFolder", seconds) / seconds
                rate = count / seconds
                print(f"{side:4} px  {name:12} {seconds / count * 1e6:8.0f} us an image", end="")
                print(f"  {rate:6.0f} images/s  {ratio:5.2f}")
            if theirs is not None:
                # Ours leaves a fifth out, and both are sorted by class and name.
                chosen = [image.path for image in list_images(root).train]
                names = [p.relative_to(root).as_posix() for p in sorted(root.rglob("*.jpg"))]
                places = [names.index(path) for path in chosen]
                same = (theirs[places] == ours(root, side)).all()
                print(f"{side:4} px  pixels {'equal' if same else 'NOT equal'}")


if __name__ == "__main__":
    main()
