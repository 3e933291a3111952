"""A trained network on the test images: loss, accuracy, and how right it is in each class."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch  # noqa: TID251
from rich.console import Console

from archdsl.recipes import FOLDER, folder_of_images
from archdsl.training import trained_messages as messages
from archdsl.training.data import Images, read
from archdsl.training.data_messages import other_classes
from archdsl.training.devices import at_work
from archdsl.training.engine_evaluation import images_at_once
from archdsl.training.engine_step import Scaling, loss_of
from archdsl.training.listing import list_images
from archdsl.training.options import Resolved
from archdsl.training.precision import arithmetic, autocast, has_bfloat16
from archdsl.training.requirements import require
from archdsl.training.resizing import resize
from archdsl.training.trained import Trained


@dataclass(frozen=True)
class Evaluated:
    """What was measured on the test images.

    ``loss`` is the mean cross entropy in nats, ``accuracy`` a fraction (0 to 1). ``images`` and
    ``right`` are counts, by class. ``same_data`` is whether the data are those of the run.
    """

    loss: float
    accuracy: float
    images: tuple[int, ...]
    right: tuple[int, ...]
    same_data: bool
    precision: str


def data_for(
    trained: Trained, data: Path | None, console: Console, *, other: bool = False
) -> tuple[Images, bool]:
    """Return the images to test with, at the network's input, and whether they are the run's.

    ``data`` is the folder to read them from, if it is not the one of the run. Raises Fault ARCH657
    for other data, unless ``other`` allows them; ARCH652 for other classes; those of ``read``.
    """
    recorded = trained.recorded
    dataset = recorded.dataset
    require(dataset.name)
    folder = data or recorded.data_folder
    if dataset.name == FOLDER and folder is not None:
        # Before anything is decoded.
        names = list_images(folder).class_names
        if names != dataset.class_names:
            raise other_classes(folder, names, dataset.class_names)
        skip = dataset.skip_unreadable
        dataset = folder_of_images(names, skip_unreadable=skip)
    images = read(dataset, folder, trained.input, console)
    wanted = str(recorded.facts["data"].get("sha256"))
    same = images.sha256 == wanted
    if not same and not other:
        raise messages.other_data(recorded.folder, images.sha256, wanted, dataset.title)
    return images, same


def evaluate(
    trained: Trained,
    images: Images,
    device: torch.device,
    batch: int | None = None,
    *,
    same_data: bool = True,
) -> Evaluated:
    """Return loss and accuracy on the test images.

    By the arithmetic of the run, where the device has it, and by its batches, so that on one
    machine the same weights give the same numbers to the bit; ``batch`` sets another size. Raises
    Fault ARCH638 where the device has not enough memory.
    """
    facts = trained.recorded.facts
    precision = facts.get("precision", "float32")
    if precision == "bfloat16" and not has_bfloat16(device):
        precision = "float32"
    resolved = Resolved("eager", precision, "local", bool(facts.get("deterministic")))
    _, height, width = trained.input
    size = batch or images_at_once(device, height, width)
    classes = int(facts["classes"])
    with at_work(device, messages.out_of_memory), arithmetic(resolved):
        network = trained.network.to(device=device, memory_format=torch.channels_last)
        scaled = Images(
            *(images.train_x, images.train_y, images.test_x, images.test_y),
            *(trained.mean, trained.std, images.sha256),
        )
        scaling = Scaling(scaled, resolved, device)
        x = torch.from_numpy(resize(images.test_x.numpy(), height, width)).to(device)
        y = images.test_y.to(device)
        total = torch.zeros((), dtype=torch.float64, device=device)
        right = torch.zeros(classes, dtype=torch.int64, device=device)
        for start in range(0, len(y), size):
            labels = y[start : start + size]
            with torch.inference_mode(), autocast(resolved, device):
                logits = network(scaling(x[start : start + size]))
                total += loss_of(logits, labels).double() * len(labels)
                correct = labels[logits.argmax(1) == labels]
                right += torch.bincount(correct, minlength=classes)
        loss, accuracy = float(total / len(y)), float(right.sum().double() / len(y))
        by_class = tuple(right.tolist())
    counts = torch.bincount(images.test_y, minlength=classes).tolist()
    return Evaluated(loss, accuracy, tuple(counts), by_class, same_data, precision)
