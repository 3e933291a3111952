"""VGG-1-RA and VGG-1 at an eighth of their width, on 5,000 real images: docs/results.md.

    python tests/benchmarks/results.py DIR

DIR holds the official files of CIFAR-10. Three runs one after another, on one thread, some minutes
each: VGG-1-RA twice with one seed, whose metrics and weights must be equal, and plain VGG-1.
Everything of the product takes part: recipes, data checked by MD5, run folders, curves. What comes
out is written between two marks of docs/results.md, and to docs/results/.
"""

# ruff: noqa: E501 - the lines of the page are longer than those of the program
from __future__ import annotations

import hashlib
import json
import os
import pickle
import platform
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import torch
from rich.console import Console

import archdsl
from archdsl.cli.training import job_of
from archdsl.recipes import DATASETS, DataSet
from archdsl.recipes.datasets import DataFile
from archdsl.training import Result, train
from archdsl.training.curves import draw_runs, record_curves
from archdsl.training.data import Images, read
from archdsl.training.results import read_run

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"
TRAIN, TEST = 5_000, 2_000
TIMES = ("images_per_second", "seconds")
BEGIN, END = "<!-- narrow -->", "<!-- /narrow -->"


def main() -> None:
    """Train, compare, and write the page and its figure."""
    official = Path(sys.argv[1])
    console = Console()
    torch.set_num_threads(1)  # other programs disturb two threads far more than one
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        images = read(DATASETS["cifar10"], official, (3, 32, 32), console)
        dataset = write_subset(images, folder / "data")
        results = {
            name: run(spec, dataset, folder, name, console)
            for name, spec in (("ra", "narrow_vgg1_ra"), ("again", "narrow_vgg1_ra"),
                               ("plain", "narrow_vgg1"))
        }  # fmt: skip
        record_curves(results["ra"].folder, console)
        demand_equal(results["ra"], results["again"])
        write_page(results["ra"], results["plain"])


def write_subset(images: Images, folder: Path) -> DataSet:
    """Write the first images in the official form, and return what is known of these files."""
    folder.mkdir()
    parts = {
        "data_batch": (images.train_x[:TRAIN], images.train_y[:TRAIN]),
        "test_batch": (images.test_x[:TEST], images.test_y[:TEST]),
    }
    files = []
    for name, (x, y) in parts.items():
        data = pickled(bytes(x.contiguous().numpy()), y.tolist())
        (folder / name).write_bytes(data)
        files.append(
            DataFile(name, hashlib.md5(data, usedforsecurity=False).hexdigest(), len(data))
        )
    return replace(
        DATASETS["cifar10"],
        title=f"the first {TRAIN:,} images of CIFAR-10",
        train=TRAIN,
        test=TEST,
        files=tuple(files),
        archives=(),
    )


def pickled(pixels: bytes, labels: list[int]) -> bytes:
    """Return a batch as the official files have it: a pickle of Python 2 with a numpy array."""

    def text(data: bytes) -> bytes:
        return pickle.BINSTRING + len(data).to_bytes(4, "little") + data

    def integer(number: int) -> bytes:
        return pickle.BININT + number.to_bytes(4, "little", signed=True)

    return b"".join(
        (
            b"\x80\x02}(",
            *(text(b"labels"), pickle.dumps(labels, protocol=2)[2:-1], text(b"data")),
            b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85",
            *(text(b"b"), b"\x87R(K\x01", integer(len(labels)), integer(3072)),
            *(b"\x86cnumpy\ndtype\n", text(b"u1"), b"K\x00K\x01\x87R(K\x03", text(b"|"), b"NNN"),
            *(integer(-1), integer(-1), b"K\x00tb\x89", text(pixels), b"tbu."),
        )
    )


def run(spec: str, dataset: DataSet, folder: Path, name: str, console: Console) -> Result:
    """Train one network into a folder of its own."""
    compiled = archdsl.compile(HERE / "specs" / f"{spec}.arch")
    return train(
        job_of(compiled, dataset.classes),
        dataset,
        compiled.network.recipes["cifar10"],
        data=folder / "data",
        out=folder / name,
        console=console,
        device="cpu",
    )


def demand_equal(one: Result, other: Result) -> None:
    """End with an error unless two runs have the same metrics, but for times, and weights."""

    def untimed(result: Result) -> list[dict[str, object]]:
        lines = (result.folder / "metrics.jsonl").read_text().splitlines()
        return [{k: v for k, v in json.loads(m).items() if k not in TIMES} for m in lines]

    if untimed(one) != untimed(other) or one.weights.read_bytes() != other.weights.read_bytes():
        sys.exit("the same seed gave two results")


def write_page(ra: Result, plain: Result) -> None:
    """Write the section of the page between its marks, and the figure."""
    runs = [read_run(result.folder) for result in (plain, ra)]
    (DOCS / "results").mkdir(exist_ok=True)
    (DOCS / "results" / "curves.svg").write_bytes(draw_runs(runs, ["svg"])["svg"])
    path = DOCS / "results.md"
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    path.write_text(f"{before}{BEGIN}\n\n{section(ra, plain)}\n{END}{after}", encoding="utf-8")


def section(ra: Result, plain: Result) -> str:
    """Return the text of the section."""
    digest = hashlib.sha256(ra.weights.read_bytes()).hexdigest()
    record = json.loads((ra.folder / "run.json").read_text())
    recipe = record["recipe"]
    rate, at = recipe["optimizer"]["arguments"]["lr"], recipe["schedule"]["arguments"]["at"]
    epochs = len(ra.epochs)
    shown = sorted({1, 2, 4, *at, at[0] + 1, at[-1] + 1, epochs})
    rows = "".join(
        f"| {m.epoch} | {m.learning_rate:g} | {p.loss:.3f} | {p.test_loss:.3f} "
        f"| {p.test_accuracy:.2%} | {m.loss:.3f} | {m.test_loss:.3f} | {m.test_accuracy:.2%} |\n"
        for p, m in zip(plain.epochs, ra.epochs, strict=True)
        if m.epoch in shown
    )
    gain = 100 * (ra.test_accuracy - plain.test_accuracy)
    best = [max(m.test_accuracy for m in result.epochs) for result in (plain, ra)]
    return f"""\
{machine(record)}, {datetime.now(UTC).date()}.
Made with `python tests/benchmarks/results.py DIR`.

The specs are [narrow_vgg1.arch](../tests/benchmarks/specs/narrow_vgg1.arch) and
[narrow_vgg1_ra.arch](../tests/benchmarks/specs/narrow_vgg1_ra.arch): VGG-1 and VGG-1-RA of the paper with all widths divided
by 8. Trained on the first {TRAIN:,} of the 50,000 training images of CIFAR-10, tested on the first {TEST:,} of the 10,000 test
images (Krizhevsky 2009). The paper's recipe (SGD, learning rate {rate:g}, batch {recipe["batch"]}, crops and flips), but for its
length: {epochs} epochs, with the rate divided by 10 after {at[0]} and {at[1]}. Seed {recipe["seed"]}.

**These accuracies are not comparable with published ones**: a tenth of the images, an eighth of the width, one seed.

![Loss and error of NarrowVGG1 and NarrowVGG1_RA over the epochs](results/curves.svg)

| epoch | rate | VGG-1: loss | test loss | test accuracy | VGG-1-RA: loss | test loss | test accuracy |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
{rows}
* Trained twice with the same seed, VGG-1-RA gave the same metrics in every epoch (times aside) and the same weights, byte
  for byte: SHA-256 `{digest[:16]}…`.
* At the end VGG-1-RA stands at {ra.test_accuracy:.2%}, VGG-1 at {plain.test_accuracy:.2%}: {gain:+.2f} points, of one seed, where
  the standard error of either number alone is about {100 * error_of(plain.test_accuracy):.1f} points ({TEST:,} test images). The best epochs had
  {best[1]:.2%} and {best[0]:.2%}.
* That is {ra.epochs[-1].epoch * -(-TRAIN // recipe["batch"]):,} steps, {78_200 / (ra.epochs[-1].epoch * -(-TRAIN // recipe["batch"])):.0f} times fewer than the paper's {78_200:,}. In the last epoch the losses on the training
  images were {plain.epochs[-1].loss:.2f} (VGG-1) and {ra.epochs[-1].loss:.2f} (VGG-1-RA). No times are given: they depend on what else the machine does.
"""


def error_of(accuracy: float) -> float:
    """Return the standard error of an accuracy measured on the test images (binomial)."""
    return float((accuracy * (1 - accuracy) / TEST) ** 0.5)


def machine(record: dict[str, object]) -> str:
    """Return what the runs were trained on."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    except OSError:
        models = []
    processor = models[0] if models else platform.processor() or platform.machine()
    return (
        f"{os.cpu_count()} CPU cores ({processor}), {record['threads']} thread, "
        f"{record['precision']}, Python {platform.python_version()}, torch {torch.__version__}"
    )


if __name__ == "__main__":
    main()
