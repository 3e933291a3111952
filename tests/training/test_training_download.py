"""Downloading and unpacking, from a server of our own and from files."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from rich.console import Console

from archdsl.recipes import DataSet
from archdsl.training import Fault
from archdsl.training.data import download, read

Parts = dict[str, bytes]
Served = dict[str, bytes]
MakeCifar = Callable[..., DataSet]
TarOf = Callable[[Parts], bytes]


class Server:
    """Serves bytes by path; a path that is not there is a 404; ``cut`` breaks off a transfer."""

    def __init__(self) -> None:
        self.files: Served = {}
        self.cut: int | None = None
        self.requests = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requests += 1
                data = outer.files.get(self.path)
                if data is None:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data[: outer.cut])

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.http.shutdown()
    thread.join()
    server.http.server_close()


def below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


INPUT = (3, 32, 32)


def test_an_archive_is_downloaded_checked_and_unpacked_once(
    server: Server,
    parts: Parts,
    tar_of: TarOf,
    make_cifar: MakeCifar,
    tmp_path: Path,
    console: Console,
) -> None:
    archive = tar_of(parts)
    server.files["/tiny.tar.gz"] = archive
    dataset = make_cifar(parts, f"{server.url}/tiny.tar.gz", archive)
    folder = tmp_path / "new" / "data"
    images = read(dataset, folder, INPUT, console)
    assert len(images.train_y) == 40
    assert below(folder) == {*parts, "tiny.tar.gz"}
    assert read(dataset, folder, INPUT, console).sha256 == images.sha256
    assert server.requests == 1


def test_a_file_that_is_its_own_archive(
    server: Server, make_cifar: MakeCifar, tmp_path: Path, console: Console
) -> None:
    parts = {"train_32x32.mat": b"x" * 200, "test_32x32.mat": b"y" * 200}
    server.files = {f"/{name}": data for name, data in parts.items()}
    dataset = make_cifar(parts, "unused", b"")
    archives = tuple(
        replace(
            dataset.archives[0],
            url=f"{server.url}/{file.path}",
            md5=file.md5,
            size=file.size,
        )
        for file in dataset.files
    )
    dataset = replace(dataset, archives=archives)
    (tmp_path / "train_32x32.mat").write_bytes(parts["train_32x32.mat"])
    with pytest.raises(Fault, match="not an official file"):  # they are no MATLAB files
        read(dataset, tmp_path, INPUT, console)
    assert below(tmp_path) == set(parts)
    assert server.requests == 1


def test_an_archive_put_there_by_hand(
    parts: Parts, tar_of: TarOf, make_cifar: MakeCifar, tmp_path: Path, console: Console
) -> None:
    archive = tar_of(parts)
    (tmp_path / "tiny.tar.gz").write_bytes(archive)
    dataset = make_cifar(parts, "http://127.0.0.1:9/tiny.tar.gz", archive)
    assert len(read(dataset, tmp_path, INPUT, console).test_y) == 20


def test_a_file_address(
    parts: Parts, tar_of: TarOf, make_cifar: MakeCifar, tmp_path: Path, console: Console
) -> None:
    archive = tar_of(parts)
    (tmp_path / "tiny.tar.gz").write_bytes(archive)
    dataset = make_cifar(parts, (tmp_path / "tiny.tar.gz").as_uri(), archive)
    assert len(read(dataset, tmp_path / "data", INPUT, console).test_y) == 20


@pytest.mark.parametrize("where", ["/absent.tar.gz", "offline"])
def test_no_download_names_the_address_and_the_way_by_hand(
    where: str,
    server: Server,
    parts: Parts,
    make_cifar: MakeCifar,
    tmp_path: Path,
    console: Console,
) -> None:
    url = f"{server.url}{where}" if where != "offline" else "http://127.0.0.1:9/tiny.tar.gz"
    with pytest.raises(Fault) as caught:
        read(make_cifar(parts, url, b"x"), tmp_path, INPUT, console)
    diagnostic = caught.value.diagnostic
    assert diagnostic.code == "ARCH614"
    assert url in diagnostic.message
    assert diagnostic.help is not None
    assert url in diagnostic.help
    assert str(tmp_path) in diagnostic.help
    assert below(tmp_path) == set()


def test_a_transfer_that_breaks_off(
    server: Server,
    parts: Parts,
    tar_of: TarOf,
    make_cifar: MakeCifar,
    tmp_path: Path,
    console: Console,
) -> None:
    archive = tar_of(parts)
    server.files["/tiny.tar.gz"] = archive
    server.cut = 500
    with pytest.raises(Fault, match="500 of") as caught:
        read(make_cifar(parts, f"{server.url}/tiny.tar.gz", archive), tmp_path, INPUT, console)
    assert caught.value.diagnostic.code == "ARCH614"
    assert below(tmp_path) == set()


def test_an_archive_with_the_wrong_md5_is_neither_kept_nor_opened(
    server: Server,
    parts: Parts,
    tar_of: TarOf,
    make_cifar: MakeCifar,
    tmp_path: Path,
    console: Console,
) -> None:
    archive = tar_of(parts)
    server.files["/tiny.tar.gz"] = archive[:-1] + b"?"
    with pytest.raises(Fault) as caught:
        read(make_cifar(parts, f"{server.url}/tiny.tar.gz", archive), tmp_path, INPUT, console)
    assert caught.value.diagnostic.code == "ARCH612"
    assert below(tmp_path) == set()


def test_a_short_archive_put_there_by_hand(
    parts: Parts, tar_of: TarOf, make_cifar: MakeCifar, tmp_path: Path, console: Console
) -> None:
    archive = tar_of(parts)
    (tmp_path / "tiny.tar.gz").write_bytes(archive[:-50])
    with pytest.raises(Fault, match="not complete") as caught:
        read(make_cifar(parts, "http://127.0.0.1:9/tiny.tar.gz", archive), tmp_path, INPUT, console)
    assert caught.value.diagnostic.code == "ARCH613"


def test_unexpected_members_are_never_written(
    parts: Parts, tar_of: TarOf, make_cifar: MakeCifar, tmp_path: Path, console: Console
) -> None:
    hostile = {"../escaped": b"1", "/tmp/archdsl-escaped": b"2", "tiny-cifar/extra": b"3"}
    archive = tar_of(hostile | parts)
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "tiny.tar.gz").write_bytes(archive)
    read(make_cifar(parts, "http://127.0.0.1:9/tiny.tar.gz", archive), folder, INPUT, console)
    assert below(tmp_path) == {f"data/{name}" for name in (*parts, "tiny.tar.gz")}
    assert not Path("/tmp/archdsl-escaped").exists()


def test_a_link_in_place_of_a_member(
    parts: Parts, make_cifar: MakeCifar, tmp_path: Path, console: Console
) -> None:
    import io
    import tarfile

    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        info = tarfile.TarInfo("tiny-cifar/batch_1")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(info)
    archive = stream.getvalue()
    (tmp_path / "tiny.tar.gz").write_bytes(archive)
    with pytest.raises(Fault, match="not a regular file") as caught:
        read(make_cifar(parts, "http://127.0.0.1:9/tiny.tar.gz", archive), tmp_path, INPUT, console)
    assert caught.value.diagnostic.code == "ARCH613"
    assert below(tmp_path) == {"tiny.tar.gz"}


@pytest.mark.parametrize("broken", ["empty", "noise", "cut", "lacking", "wrong"])
def test_an_archive_that_cannot_be_used(
    broken: str,
    parts: Parts,
    tar_of: TarOf,
    make_cifar: MakeCifar,
    tmp_path: Path,
    console: Console,
) -> None:
    whole = tar_of(parts)
    some = dict(list(parts.items())[:2])
    archive = {
        "empty": tar_of({}),
        "noise": b"noise" * 100,
        "cut": whole[: len(whole) // 2],
        "lacking": tar_of(some),
        "wrong": tar_of(some | {"tiny-cifar/test": b"?" * len(parts["tiny-cifar/test"])}),
    }[broken]
    (tmp_path / "tiny.tar.gz").write_bytes(archive)
    with pytest.raises(Fault) as caught:
        read(make_cifar(parts, "http://127.0.0.1:9/tiny.tar.gz", archive), tmp_path, INPUT, console)
    assert caught.value.diagnostic.code == ("ARCH612" if broken == "wrong" else "ARCH613")
    assert not any(name.endswith(".part") for name in below(tmp_path))


def test_a_full_disk_leaves_no_part(
    server: Server,
    parts: Parts,
    tar_of: TarOf,
    make_cifar: MakeCifar,
    tmp_path: Path,
    console: Console,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    archive = tar_of(parts)
    server.files["/tiny.tar.gz"] = archive
    dataset = make_cifar(parts, f"{server.url}/tiny.tar.gz", archive)
    monkeypatch.setattr(download, "_copy", full)
    with pytest.raises(Fault) as caught:
        read(dataset, tmp_path, INPUT, console)
    assert caught.value.diagnostic.code == "ARCH616"
    monkeypatch.undo()
    monkeypatch.setattr(download.shutil, "copyfileobj", full)
    with pytest.raises(Fault) as caught:
        read(dataset, tmp_path, INPUT, console)
    assert caught.value.diagnostic.code == "ARCH616"
    assert below(tmp_path) == {"tiny.tar.gz"}


def test_an_interruption_leaves_no_part(
    server: Server,
    parts: Parts,
    tar_of: TarOf,
    make_cifar: MakeCifar,
    tmp_path: Path,
    console: Console,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    archive = tar_of(parts)
    server.files["/tiny.tar.gz"] = archive
    monkeypatch.setattr(download, "_copy", interrupted)
    with pytest.raises(KeyboardInterrupt):
        read(make_cifar(parts, f"{server.url}/tiny.tar.gz", archive), tmp_path, INPUT, console)
    assert below(tmp_path) == set()


def test_a_data_folder_that_cannot_be_made(
    server: Server, parts: Parts, make_cifar: MakeCifar, tmp_path: Path, console: Console
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Fault) as caught:
        read(make_cifar(parts, f"{server.url}/t", b"x"), tmp_path / "file/data", INPUT, console)
    assert caught.value.diagnostic.code == "ARCH614"
