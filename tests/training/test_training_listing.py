"""Which images a folder has, by class, and which of them are tested with."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.training import Fault
from archdsl.training.listing import Listing, list_images, readable


def fill(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def paths(images: tuple[object, ...]) -> list[str]:
    return [image.path for image in images]  # type: ignore[attr-defined]


def fault_of(root: Path) -> Fault:
    with pytest.raises(Fault) as caught:
        list_images(root)
    assert caught.value.status == 2
    return caught.value


def test_train_and_test(tmp_path: Path) -> None:
    fill(tmp_path, "train/dog/b.png", "train/dog/a.JPG", "train/cat/c.png", "test/cat/d.png")
    found = list_images(tmp_path)
    assert found.class_names == ("cat", "dog")
    assert paths(found.train) == ["train/cat/c.png", "train/dog/a.JPG", "train/dog/b.png"]
    assert [image.label for image in found.train] == [0, 1, 1]
    assert paths(found.test) == ["test/cat/d.png"] and found.split == "test"


def test_val_is_tested_with_where_test_has_no_classes(tmp_path: Path) -> None:
    fill(tmp_path, "train/a/1.png", "train/b/1.png", "val/b/1.png", "test/1.png")
    found = list_images(tmp_path)
    assert found.split == "val" and paths(found.test) == ["val/b/1.png"]
    fill(tmp_path, "test/a/1.png")
    assert list_images(tmp_path).split == "test"


def test_a_fifth_is_set_aside(tmp_path: Path) -> None:
    names = [f"{c}/{n}.png" for c in ("a", "b") for n in range(10 if c == "a" else 23)]
    fill(tmp_path / "plain", *names)
    found = list_images(tmp_path / "plain")
    assert found.split == "fifth"
    assert sorted(paths(found.train) + paths(found.test)) == sorted(names)
    assert [sum(i.label == label for i in found.test) for label in (0, 1)] == [2, 4]
    # The same fifth wherever the classes lie.
    fill(tmp_path / "below", *(f"train/{name}" for name in names))
    below = list_images(tmp_path / "below")
    assert paths(below.test) == [f"train/{path}" for path in paths(found.test)]
    # And nearly the same one with one image more.
    fill(tmp_path / "plain", "a/10.png")
    assert len(set(paths(list_images(tmp_path / "plain").test)) ^ set(paths(found.test))) <= 2


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    fill(tmp_path, *(f"{name}/{n}.png" for name in ("car", "plane", "train") for n in range(2)))
    assert list_images(tmp_path).class_names == ("car", "plane", "train")


def test_folders_within_a_class_belong_to_it(tmp_path: Path) -> None:
    fill(tmp_path, "train/a/x/y/1.png", "train/a/2.png", "train/b/3.png", "test/a/z/4.png")
    found = list_images(tmp_path)
    assert paths(found.train) == ["train/a/2.png", "train/a/x/y/1.png", "train/b/3.png"]
    assert paths(found.test) == ["test/a/z/4.png"]


def test_what_is_no_image_is_counted_and_what_is_hidden_is_not(tmp_path: Path) -> None:
    fill(tmp_path, "a/1.png", "a/2.png", "a/notes.TXT", "a/Makefile", "b/1.png", "b/2.webp")
    fill(tmp_path, "readme.txt", "a/.1.png", ".git/x.png", "b/.cache/3.png")
    found = list_images(tmp_path)
    assert len(found.train) + len(found.test) == 4
    assert found.ignored == {".txt": 2, "": 1}


@pytest.mark.parametrize("names", [(), ("1.png",), ("train/1.png",), ("only/1.png", "only/2.png")])
def test_fewer_than_two_classes(tmp_path: Path, names: tuple[str, ...]) -> None:
    fill(tmp_path, *names)
    fault = fault_of(tmp_path)
    assert fault.diagnostic.code == "ARCH651"
    assert "PATH/cat/1.png" in (fault.diagnostic.help or "")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("a/1.png", "a/2.png", "b/x.txt"), "class b in .* has no images, not 2 or more"),
        (("a/1.png", "a/2.png", "b/1.png"), "class b in .* has 1 image, not 2 or more"),
        (("train/a/1.png", "train/b/x.txt", "test/a/1.png"), "class b in .* has no images"),
        (
            ("train/a/1.png", "train/b/1.png", "test/a/1.png", "test/c/1.png"),
            "class c in .*test has no images to train with",
        ),
    ],
)
def test_classes_that_cannot_be_learned(
    tmp_path: Path, names: tuple[str, ...], message: str
) -> None:
    fill(tmp_path, *names)
    with pytest.raises(Fault, match=message) as caught:
        list_images(tmp_path)
    assert caught.value.diagnostic.code == "ARCH652"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    fill(tmp_path, "file", "empty/train/a/1.png", "empty/train/b/1.png", "empty/test/a/x.txt")
    for name, reason in (
        ("absent", "no such file or directory"),
        ("file", "not a directory"),
        ("empty", "its class folders are empty"),
    ):
        fault = fault_of(tmp_path / name)
        assert fault.diagnostic.code == "ARCH650" and reason in fault.diagnostic.message


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_links_are_followed_and_those_that_lead_out_are_counted(tmp_path: Path) -> None:
    fill(tmp_path, "out/1.png", "out/2.png", "in/a/1.png", "in/b/1.png", "in/b/2.png")
    root = tmp_path / "in"
    (root / "a" / "inner.png").symlink_to(root / "b" / "1.png")
    (root / "a" / "outer.png").symlink_to(tmp_path / "out" / "1.png")
    (root / "c").symlink_to(tmp_path / "out")
    (root / "b" / "circle").symlink_to(root / "b")
    (root / "b" / "gone.png").symlink_to(root / "nowhere")
    found = list_images(root)
    assert found.class_names == ("a", "b", "c") and found.outside == 3
    assert sorted(paths(found.train) + paths(found.test)) == [
        *("a/1.png", "a/inner.png", "a/outer.png"),
        *("b/1.png", "b/2.png", "b/gone.png"),
        *("c/1.png", "c/2.png"),
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux alone")
def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    for name in (b"caf\xe9", b"caf\xc3\xa9"):
        folder = os.fsencode(tmp_path) + b"/" + name
        os.mkdir(folder)  # noqa: PTH102
        for n in (b"1", b"\xff"):
            Path(os.fsdecode(folder + b"/" + n + b".png")).write_bytes(b"")
    found = list_images(tmp_path)
    assert found.class_names == ("café", "caf\\xe9")
    assert len(found.train) == len(found.test) == 2
    assert {readable(image.path) for image in found.train + found.test} >= {"caf\\xe9/\\xff.png"}


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="everybody may read everything")
def test_a_folder_that_may_not_be_read(tmp_path: Path) -> None:
    fill(tmp_path, "a/1.png", "b/1.png")
    (tmp_path / "b").chmod(0)
    try:
        fault = fault_of(tmp_path)
    finally:
        (tmp_path / "b").chmod(0o700)
    assert fault.diagnostic.code == "ARCH650" and "permission denied" in fault.diagnostic.message


def test_thousands_of_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for n in range(1500):
            (tmp_path / name / f"{n}.png").touch()
    found = list_images(tmp_path)
    assert len(found.train) == 2400 and len(found.test) == 600


NAMES = st.text(
    st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1, max_size=20
).filter(lambda name: not name.startswith(".") and len(name.encode()) <= 80)


@settings(max_examples=25, deadline=None)
@given(st.sets(NAMES, min_size=2, max_size=5))
def test_classes_are_folders_of_any_name_sorted(
    tmp_path_factory: pytest.TempPathFactory, names: set[str]
) -> None:
    root = tmp_path_factory.mktemp("names")
    for name in names:
        (root / name).mkdir(exist_ok=True)
        (root / name / "1.png").touch()
        (root / name / "2.png").touch()
    found: Listing = list_images(root)
    there = sorted(os.listdir(root), key=os.fsencode)  # noqa: PTH208
    assert list(found.class_names) == there
    assert [image.label for image in found.train] == list(range(len(there)))
    assert all((root / image.path).exists() for image in found.train + found.test)


def test_listing_imports_nothing_heavy() -> None:
    import subprocess

    code = (
        "import sys, archdsl.training.listing, archdsl.cli.data\n"
        "print({'torch', 'numpy', 'PIL'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
