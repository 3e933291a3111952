"""Reading the data sets: the official form, and everything that is not it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from archdsl.recipes import DATASETS, DataSet
from archdsl.training import Fault
from archdsl.training.data import READERS, read
from archdsl.training.data.digits import read_digits
from archdsl.training.resizing import resize

Parts = dict[str, bytes]
Place = Callable[[Path, Parts], None]
MakeCifar = Callable[..., DataSet]


def test_every_data_set_has_a_reader() -> None:
    assert set(READERS) | {"digits", "folder"} == set(DATASETS)


def test_every_class_has_a_name() -> None:
    for dataset in DATASETS.values():
        assert len(set(dataset.class_names)) == dataset.classes


def test_every_official_file_has_its_size() -> None:
    assert all(file.size for dataset in DATASETS.values() for file in dataset.files)


def test_digits_are_split_evenly_in_every_class() -> None:
    images = read_digits(DATASETS["digits"], (1, 8, 8))
    assert images.train_x.shape == (1437, 1, 8, 8)
    assert images.test_x.shape == (360, 1, 8, 8)
    train, test = np.bincount(images.train_y), np.bincount(images.test_y)
    assert np.all(np.abs(test - (train + test) * 360 / 1797) <= 1)
    assert int(images.train_x.max()) == 255


def test_digits_are_the_same_every_time_and_no_image_is_lost() -> None:
    from sklearn.datasets import load_digits

    images = read_digits(DATASETS["digits"], (1, 8, 8))
    assert images.sha256 == read_digits(DATASETS["digits"], (1, 8, 8)).sha256
    grey = load_digits().data.astype(np.int64)
    both = np.concatenate([images.train_x.numpy(), images.test_x.numpy()]).reshape(-1, 64)
    restored = np.rint(both.astype(float) * 16 / 255).astype(np.int64)
    assert sorted(map(tuple, restored)) == sorted(map(tuple, grey))


def test_digits_come_at_the_size_and_channels_of_the_model() -> None:
    images = read_digits(DATASETS["digits"], (3, 32, 32))
    assert images.train_x.shape == (1437, 3, 32, 32)
    assert (images.train_x[:, 0] == images.train_x[:, 2]).all()
    assert len(images.mean) == len(images.std) == 3


def test_resizing_is_pillows_pixel_by_pixel() -> None:
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (3, 3, 9, 7), np.uint8)
    resized = resize(pixels, 12, 5)
    for source, target in zip(pixels, resized, strict=True):
        image = Image.fromarray(source.transpose(1, 2, 0).copy())
        wanted = np.asarray(image.resize((5, 12), Image.Resampling.BILINEAR))
        assert (target.transpose(1, 2, 0) == wanted).all()
    one_by_one = np.stack([resize(pixels[:, c : c + 1], 12, 5)[:, 0] for c in range(3)], 1)
    assert (one_by_one == resized).all()


def test_statistics_are_those_of_numpy(
    parts: Parts, place: Place, make_cifar: MakeCifar, tmp_path: Path, console: Console
) -> None:
    place(tmp_path, parts)
    images = read(make_cifar(parts), tmp_path, (3, 32, 32), console)
    unit = images.train_x.numpy() / 255
    assert images.mean == pytest.approx(unit.mean((0, 2, 3)))
    assert images.std == pytest.approx(unit.std((0, 2, 3)))


@pytest.mark.parametrize("inner", [False, True])
def test_the_folder_or_the_one_above_it(
    parts: Parts,
    place: Place,
    make_cifar: MakeCifar,
    tmp_path: Path,
    console: Console,
    inner: bool,
) -> None:
    place(tmp_path, parts)
    folder = tmp_path / "tiny-cifar" if inner else tmp_path
    images = read(make_cifar(parts), folder, (3, 32, 32), console)
    assert images.train_x.shape == (40, 3, 32, 32)
    assert images.test_y.tolist() == [i % 10 for i in range(20)]


def test_no_folder_given(make_cifar: MakeCifar, parts: Parts, console: Console) -> None:
    with pytest.raises(Fault, match="no folder is given") as caught:
        read(make_cifar(parts), None, (3, 32, 32), console)
    assert caught.value.diagnostic.code == "ARCH611"
    assert caught.value.status == 2


def test_missing_files_are_named(
    parts: Parts, place: Place, make_cifar: MakeCifar, tmp_path: Path, console: Console
) -> None:
    place(tmp_path, {"tiny-cifar/batch_1": parts["tiny-cifar/batch_1"]})
    with pytest.raises(Fault, match="2 of the 3 files") as caught:
        read(make_cifar(parts), tmp_path, (3, 32, 32), console)
    assert caught.value.diagnostic.code == "ARCH611"
    assert "tiny-cifar/batch_2, tiny-cifar/test" in caught.value.diagnostic.notes[0]


def test_a_wrong_file_is_said_with_both_md5(
    parts: Parts, place: Place, make_cifar: MakeCifar, tmp_path: Path, console: Console
) -> None:
    dataset = make_cifar(parts)
    data = bytearray(parts["tiny-cifar/test"])
    data[-100] ^= 1
    place(tmp_path, parts | {"tiny-cifar/test": bytes(data)})
    with pytest.raises(Fault) as caught:
        read(dataset, tmp_path, (3, 32, 32), console)
    assert caught.value.diagnostic.code == "ARCH612"
    assert dataset.files[2].md5 in caught.value.diagnostic.message
    assert str(tmp_path / "tiny-cifar/test") in caught.value.diagnostic.message


@pytest.mark.parametrize("length", [0, 1000])
def test_a_truncated_file_is_said_with_both_sizes(
    parts: Parts,
    place: Place,
    make_cifar: MakeCifar,
    tmp_path: Path,
    console: Console,
    length: int,
) -> None:
    name = "tiny-cifar/batch_2"
    place(tmp_path, parts | {name: parts[name][:length]})
    with pytest.raises(Fault, match=f"has {length:,} of {len(parts[name]):,} bytes") as caught:
        read(make_cifar(parts), tmp_path, (3, 32, 32), console)
    assert caught.value.diagnostic.code == "ARCH613"


def test_a_folder_in_place_of_a_file(
    parts: Parts, make_cifar: MakeCifar, tmp_path: Path, console: Console
) -> None:
    (tmp_path / "tiny-cifar" / "batch_1").mkdir(parents=True)
    with pytest.raises(Fault, match="directory") as caught:
        read(make_cifar(parts), tmp_path, (3, 32, 32), console)
    assert caught.value.diagnostic.code == "ARCH613"


class Hostile:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("hostile code has run",))


NOT_OFFICIAL: dict[str, Callable[[Callable[..., bytes]], bytes]] = {
    "runs code": lambda make: pickle.dumps(Hostile(), protocol=2),
    "names another global": lambda make: make(constructor=b"cos\nsystem\n"),
    "names numpy's other functions": lambda make: make(constructor=b"cnumpy\nsave\n"),
    "is not a pickle": lambda make: b"x" * 100,
    "ends early": lambda make: make()[:-100],
    "is no dictionary": lambda make: pickle.dumps([1, 2], protocol=2),
    "has no labels": lambda make: make(key=b"names"),
    "has too few labels": lambda make: make(labels=[1, 2, 3]),
    "has a label out of range": lambda make: make(labels=[10] * 20),
    "has a negative label": lambda make: make(labels=[-1] * 20),
    "has labels that are not integers": lambda make: make(labels=["a"] * 20),
    "has wider images": lambda make: make(width=3073),
    "has numbers of eight bytes": lambda make: make(kind=b"i8"),
    "has too few pixels": lambda make: make(data=b"123"),
}


@pytest.mark.parametrize("what", NOT_OFFICIAL)
def test_a_pickle_that_is_not_official(
    what: str,
    parts: Parts,
    place: Place,
    cifar_pickle: Callable[..., bytes],
    make_cifar: MakeCifar,
    tmp_path: Path,
    console: Console,
    capsys: pytest.CaptureFixture[str],
) -> None:
    parts["tiny-cifar/batch_1"] = NOT_OFFICIAL[what](cifar_pickle)
    place(tmp_path, parts)
    with pytest.raises(Fault, match="not an official file") as caught:
        read(make_cifar(parts), tmp_path, (3, 32, 32), console)
    assert caught.value.diagnostic.code == "ARCH613"
    assert "hostile" not in capsys.readouterr().out


def mat(folder: Path, name: str, **contents: Any) -> bytes:
    from scipy.io import savemat

    savemat(folder / name, contents)
    return (folder / name).read_bytes()


def svhn_of(make_cifar: MakeCifar, folder: Path, **contents: Any) -> DataSet:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3, 12), np.uint8)
    labels = np.array([[i % 10 + 1] for i in range(12)], np.uint8)
    data = {"X": pixels, "y": labels} | contents
    parts = {
        "train_32x32.mat": mat(folder, "train_32x32.mat", **data),
        "test_32x32.mat": mat(folder, "test_32x32.mat", X=pixels, y=labels),
    }
    return replace(make_cifar(parts), name="svhn")


def test_svhn_has_zero_for_ten(make_cifar: MakeCifar, tmp_path: Path, console: Console) -> None:
    images = read(svhn_of(make_cifar, tmp_path), tmp_path, (3, 32, 32), console)
    assert images.train_y.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2]
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3, 12), np.uint8)
    assert int(images.train_x[5, 2, 7, 3]) == pixels[7, 3, 2, 5]


@pytest.mark.parametrize(
    "contents",
    [
        {"X": np.zeros((32, 32, 3, 12))},
        {"X": np.zeros((32, 32, 1, 12), np.uint8)},
        {"y": np.zeros((12, 1), np.uint8)},
        {"y": np.ones((3, 1), np.uint8)},
        {"X": "text"},
    ],
)
def test_svhn_that_is_not_official(
    contents: dict[str, Any], make_cifar: MakeCifar, tmp_path: Path, console: Console
) -> None:
    with pytest.raises(Fault, match="not an official file") as caught:
        read(svhn_of(make_cifar, tmp_path, **contents), tmp_path, (3, 32, 32), console)
    assert caught.value.diagnostic.code == "ARCH613"


def test_svhn_that_is_no_matlab_file(
    place: Place, make_cifar: MakeCifar, tmp_path: Path, console: Console
) -> None:
    parts = {"train_32x32.mat": b"x" * 300, "test_32x32.mat": b"y" * 300}
    place(tmp_path, parts)
    dataset = replace(make_cifar(parts), name="svhn")
    with pytest.raises(Fault) as caught:
        read(dataset, tmp_path, (3, 32, 32), console)
    assert caught.value.diagnostic.code == "ARCH613"
