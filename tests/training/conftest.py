"""Tiny models, recipes and data sets to train with in milliseconds."""

from __future__ import annotations

import hashlib
import io
import pickle
import tarfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from archdsl.recipes import DATASETS, DataSet, Recipe, Setting
from archdsl.recipes.datasets import Archive, DataFile
from archdsl.training import Job

# Without the extra, nothing of this folder can run.
collect_ignore_glob = [] if find_spec("torch") else ["test_*.py"]

SOURCE = """
import torch
from torch import nn


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d({channels}, 8, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.head = nn.Linear(8, {classes})

    def forward(self, x):
        return self.head(torch.relu(self.norm(self.conv(x))).mean((2, 3)))
"""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def no_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes longer than the runs of these tests do; one of them tests it."""
    monkeypatch.setattr("archdsl.training.run.record_curves", lambda *_: None)


@pytest.fixture
def make_job() -> Callable[..., Job]:
    def make(
        input: tuple[int, int, int] = (1, 8, 8), classes: int = 10, source: str = SOURCE
    ) -> Job:
        return Job(
            name="Tiny",
            class_name="Tiny",
            source=source.replace("{channels}", str(input[0])).replace("{classes}", str(classes)),
            network_json='{"nodes": []}\n',
            identity="0123456789abcdef" * 4,
            input=input,
            classes=classes,
            parameters={"width": 8},
            spec_files={"tiny.arch": "model Tiny\n"},
        )

    return make


@pytest.fixture
def job(make_job: Callable[..., Job]) -> Job:
    return make_job()


@pytest.fixture
def make_recipe() -> Callable[..., Recipe]:
    def make(lr: float = 0.1, augment: tuple[Setting, ...] = (), **changes: Any) -> Recipe:
        arguments = {"lr": lr, "momentum": 0.9, "weight_decay": 0.0, "nesterov": False}
        values = {"name": "short", "epochs": 2, "batch": 128} | changes
        return Recipe(optimizer=Setting(name="sgd", arguments=arguments), augment=augment, **values)

    return make


@pytest.fixture
def recipe(make_recipe: Callable[..., Recipe]) -> Recipe:
    return make_recipe()


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=200)


@pytest.fixture
def digits() -> DataSet:
    return DATASETS["digits"]


def _string(data: bytes) -> bytes:
    """An ordinary string of Python 2, pickled."""
    return pickle.BINSTRING + len(data).to_bytes(4, "little") + data


def _integer(number: int) -> bytes:
    return pickle.BININT + number.to_bytes(4, "little", signed=True)


def cifar_pickle(count: int = 20, key: bytes = b"labels", **changes: Any) -> bytes:
    """A pickle in the official form, byte for byte the same structure, of ``count`` images."""
    width, kind = changes.get("width", 3072), changes.get("kind", b"u1")
    labels = changes.get("labels", [i % 10 for i in range(count)])
    data = changes.get("data", bytes((i * 7 + i // 3072) % 256 for i in range(count * width)))
    return b"".join(
        (
            b"\x80\x02}(",
            *(_string(b"batch_label"), _string(b"a batch"), _string(key)),
            pickle.dumps(labels, protocol=2)[2:-1],
            _string(b"data"),
            changes.get("constructor", b"cnumpy.core.multiarray\n_reconstruct\n"),
            *(b"cnumpy\nndarray\nK\x00\x85", _string(b"b"), b"\x87R(K\x01"),
            *(_integer(count), _integer(width), b"\x86cnumpy\ndtype\n", _string(kind)),
            *(b"K\x00K\x01\x87R(K\x03", _string(b"|"), b"NNN", _integer(-1), _integer(-1)),
            *(b"K\x00tb\x89", _string(data), b"tbu."),
        )
    )


@pytest.fixture(name="cifar_pickle")
def _cifar_pickle() -> Callable[..., bytes]:
    return cifar_pickle


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def tar_of(members: dict[str, bytes]) -> bytes:
    """A gzipped tar archive with these files, in this order, under these names as they are."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return stream.getvalue()


@pytest.fixture(name="tar_of")
def _tar_of() -> Callable[..., bytes]:
    return tar_of


@pytest.fixture
def parts() -> dict[str, bytes]:
    """The files of a tiny data set in CIFAR-10's form: two training files and a test file."""
    return {f"tiny-cifar/{name}": cifar_pickle(20) for name in ("batch_1", "batch_2", "test")}


@pytest.fixture
def make_cifar() -> Callable[..., DataSet]:
    def make(parts: dict[str, bytes], url: str = "", archive: bytes = b"") -> DataSet:
        return DataSet(
            name="cifar10",
            title="tiny CIFAR",
            classes=10,
            image=(3, 32, 32),
            train=40,
            test=20,
            files=tuple(
                DataFile(path=path, md5=md5(data), size=len(data)) for path, data in parts.items()
            ),
            archives=(Archive(url=url, md5=md5(archive), size=len(archive)),) if url else (),
            citation="nobody",
        )

    return make


@pytest.fixture
def place() -> Callable[[Path, dict[str, bytes]], None]:
    """Write files below a folder."""

    def write(folder: Path, parts: dict[str, bytes]) -> None:
        for name, data in parts.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    return write
