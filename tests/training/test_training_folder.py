"""Reading and training on a folder of real image files, broken ones among them."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from archdsl.recipes import DATASETS, DataSet, Recipe, folder_of_images
from archdsl.training import Fault, Job, train
from archdsl.training.data import Images, folder, read
from archdsl.training.recorded import read_recorded

MakeJob = Callable[..., Job]
CLASSES = ("cat", "dog", "emu")
INPUT = (3, 8, 8)


def picture(path: Path, colour: int, seed: int, size: tuple[int, int] = (12, 9)) -> None:
    """An image of noise in which one channel is brighter than the others."""
    pixels = np.random.default_rng(seed).integers(0, 100, (*size[::-1], 3), np.uint8)
    pixels[..., colour] += 120
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Three classes of ten images each, half of them PNG, half JPEG, of many sizes."""
    root = tmp_path / "pets"
    for label, name in enumerate(CLASSES):
        for n in range(10):
            ending = "jpg" if n % 2 else "png"
            picture(root / name / f"{n}.{ending}", label, 10 * label + n, (9 + n, 20 - n))
    return root


def look(root: Path, console: Console, **options: Any) -> Images:
    dataset = folder_of_images(CLASSES, **options)
    return read(dataset, root, INPUT, console)


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def labelled(images: Images) -> list[tuple[bytes, int]]:
    pairs = [(images.train_x, images.train_y), (images.test_x, images.test_y)]
    return [
        (image.numpy().tobytes(), int(label))
        for x, y in pairs
        for image, label in zip(x, y, strict=True)
    ]


def spoil(root: Path) -> None:
    (root / "cat" / "0.png").write_bytes(b"nothing of an image")
    (root / "dog" / "1.jpg").write_bytes((root / "dog" / "1.jpg").read_bytes()[:-40])
    (root / "emu" / "new.gif").touch()


def test_images_are_read_by_class(pets: Path, console: Console) -> None:
    images = look(pets, console)
    assert images.train_x.shape == (24, *INPUT) and images.test_x.shape == (6, *INPUT)
    assert images.class_names == CLASSES
    for x, y in ((images.train_x, images.train_y), (images.test_x, images.test_y)):
        assert (x.float().mean((2, 3)).argmax(1) == y).all()  # the bright channel is the label
        assert np.bincount(y).min() == np.bincount(y).max()
    assert images.facts["split"] == "fifth" and images.facts["unreadable"] == []
    assert "reading 24 images to train with and 6 to test with, 3 classes" in printed(console)


def test_images_come_as_they_are_listed(pets: Path, console: Console) -> None:
    from archdsl.training.data.decoding import decode
    from archdsl.training.listing import list_images

    images, listing = look(pets, console), list_images(pets)
    for place, image in enumerate(listing.train):
        assert (images.train_x[place].numpy() == decode(pets / image.path, INPUT)).all()
    for place, image in enumerate(listing.test):
        assert (images.test_x[place].numpy() == decode(pets / image.path, INPUT)).all()


def test_the_digest_is_of_what_was_read(pets: Path, console: Console, tmp_path: Path) -> None:
    first = look(pets, console).sha256
    assert look(pets.rename(tmp_path / "moved"), console).sha256 == first
    picture(tmp_path / "moved" / "cat" / "0.png", 0, 99)
    assert look(tmp_path / "moved", console).sha256 != first


def test_grey_models_get_grey_images(pets: Path, console: Console) -> None:
    images = read(folder_of_images(CLASSES), pets, (1, 6, 10), console)
    assert images.train_x.shape == (24, 1, 6, 10) and len(images.mean) == 1


def test_unreadable_images_are_an_error_with_their_paths(
    pets: Path, console: Console, tmp_path: Path
) -> None:
    spoil(pets)
    with pytest.raises(Fault, match=r"3 of the 31 images in .* cannot be read") as caught:
        look(pets, console, report=tmp_path / "report.jsonl")
    assert caught.value.diagnostic.code == "ARCH653" and caught.value.status == 2
    notes = caught.value.diagnostic.notes
    assert notes[0] == "cat/0.png: it is not an image in a known format"
    assert notes[1].startswith("dog/1.jpg: ") and "truncated" in notes[1]
    assert notes[2] == "emu/new.gif: it is empty"
    lines = (tmp_path / "report.jsonl").read_text().splitlines()
    assert [f"{line['path']}: {line['reason']}" for line in map(json.loads, lines)] == list(
        notes[:3]
    )
    assert "--skip-unreadable" in (caught.value.diagnostic.help or "")


def test_many_unreadable_images_are_not_all_printed(
    pets: Path, console: Console, tmp_path: Path
) -> None:
    for n in range(50):
        (pets / "cat" / f"bad{n}.png").touch()
    report = tmp_path / "report.jsonl"
    with pytest.raises(Fault) as caught:
        look(pets, console, report=report)
    notes = caught.value.diagnostic.notes
    assert len(notes) == 22 and notes[20] == "and 30 more"
    assert len(report.read_text().splitlines()) == 50


def test_a_report_of_nothing_is_empty(pets: Path, console: Console, tmp_path: Path) -> None:
    look(pets, console, report=tmp_path / "report.jsonl")
    assert (tmp_path / "report.jsonl").read_bytes() == b""
    with pytest.raises(Fault) as caught:
        look(pets, console, report=tmp_path / "absent" / "report.jsonl")
    assert caught.value.diagnostic.code == "ARCH615"


def test_unreadable_images_can_be_left_out(pets: Path, console: Console) -> None:
    whole = look(pets, console)
    spoil(pets)
    images = look(pets, console, skip_unreadable=True)
    left_out = {entry["path"] for entry in images.facts["unreadable"]}
    assert left_out == {"cat/0.png", "dog/1.jpg", "emu/new.gif"}
    assert len(images.train_y) + len(images.test_y) == 28
    assert "left out 3 of 31 images" in printed(console)
    # The others are those that they were, each with its label.
    before = dict(labelled(whole))
    assert len(before) == 30
    for pixels, label in labelled(images):
        assert before[pixels] == label


def test_a_class_of_which_nothing_is_left(pets: Path, console: Console) -> None:
    for path in (pets / "dog").iterdir():
        path.write_bytes(b"?")
    with pytest.raises(Fault, match=r"class dog .* none of its images can be read") as caught:
        look(pets, console, skip_unreadable=True)
    assert caught.value.diagnostic.code == "ARCH652"


def test_nothing_left_to_test_with(pets: Path, console: Console) -> None:
    root = pets.parent / "apart"
    pets.rename(root.parent / "train")
    root.mkdir()
    (root.parent / "train").rename(root / "train")
    (root / "val" / "cat").mkdir(parents=True)
    (root / "val" / "cat" / "1.png").touch()
    with pytest.raises(Fault, match="none of the images to test with can be read") as caught:
        look(root, console, skip_unreadable=True)
    assert caught.value.diagnostic.code == "ARCH650"


def test_other_classes_than_those_of_the_run(pets: Path, console: Console) -> None:
    with pytest.raises(Fault, match="3 in place of 2") as caught:
        read(folder_of_images(("cat", "yak")), pets, INPUT, console)
    assert caught.value.diagnostic.code == "ARCH652"
    assert caught.value.diagnostic.notes == (
        "only in the folder: dog, emu",
        "only in the run: yak",
    )


def test_channels_that_no_image_has(pets: Path, console: Console) -> None:
    with pytest.raises(Fault, match=r"takes \[4, 8, 8\]") as caught:
        read(folder_of_images(CLASSES), pets, (4, 8, 8), console)
    assert caught.value.diagnostic.code == "ARCH604"


def test_more_images_than_memory_holds(
    pets: Path, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "_memory", lambda: 5_000)
    with pytest.raises(Fault, match=r"take .* at \[3, 8, 8\], and this machine has") as caught:
        look(pets, console)
    assert caught.value.diagnostic.code == "ARCH654"
    monkeypatch.setattr(folder, "_memory", lambda: None)
    look(pets, console)


def test_a_bar_on_a_terminal(pets: Path) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    look(pets, console)
    assert re.search("reading.*30/30", printed(console))


def test_what_was_passed_over_is_said_and_recorded(pets: Path, console: Console) -> None:
    (pets / "cat" / "notes.txt").touch()
    (pets / "cat" / "link.png").symlink_to(Path(__file__).resolve())
    images = look(pets, console, skip_unreadable=True)
    assert "passed over 1 file that is no image: 1 .txt" in printed(console)
    assert "1 of the images are links that lead out of the folder" in printed(console)
    assert images.facts["ignored"] == {".txt": 1} and images.facts["links_leading_out"] == 1


def test_images_that_are_tested_and_trained_with(pets: Path, console: Console) -> None:
    assert look(pets, console).facts["tested_and_trained"] == 0
    assert "warning" not in printed(console)
    for name in ("train", "test"):
        for label in CLASSES:
            for n in range(3):
                picture(
                    pets.parent / "two" / name / label / f"{n}.png", 0, n if label == "cat" else 9
                )
    images = look(pets.parent / "two", console)
    assert images.facts["tested_and_trained"] == 9
    assert "warning: 9 images are tested with that are trained with, too" in printed(console)


def run(
    root: Path, job: Job, recipe: Recipe, console: Console, dataset: DataSet, out: Path
) -> Path:
    return train(job, dataset, recipe, data=root, out=out, console=console, device="cpu").folder


def test_a_run_on_a_folder(
    pets: Path, make_job: MakeJob, make_recipe: Callable[..., Recipe], console: Console
) -> None:
    recipe = make_recipe(epochs=12, batch=8, lr=0.5)
    spoil(pets)
    dataset = folder_of_images(CLASSES, skip_unreadable=True)
    out = pets.parent / "runs"
    path = run(pets, make_job(INPUT, 3), recipe, console, dataset, out)
    assert path.name.startswith("Tiny-folder-")
    record = json.loads((path / "run.json").read_text())
    assert record["data"]["class_names"] == list(CLASSES)
    assert [entry["path"] for entry in record["data"]["unreadable"]] == [
        "cat/0.png",
        "dog/1.jpg",
        "emu/new.gif",
    ]
    assert record["final"]["test_accuracy"] > 0.5
    # What is recorded is enough to read the same again.
    again = read_recorded(path)
    assert again.dataset == dataset and again.data_folder == pets
    assert read(again.dataset, again.data_folder, INPUT, console).sha256 == record["data"]["sha256"]


def test_no_folder_is_given(console: Console) -> None:
    with pytest.raises(Fault) as caught:
        read(DATASETS["folder"], None, INPUT, console)
    assert caught.value.diagnostic.code == "ARCH611"
