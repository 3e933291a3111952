"""Checkpoints and crashes: killed at every call, full disks, folders that may not be written."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from archdsl.training import Fault, writing
from archdsl.training.checkpoint import Place
from archdsl.training.checkpoint_store import CheckpointStore
from archdsl.training.checkpoint_writer import CheckpointWriter, Task

# Saves a third checkpoint in a process of its own that ends itself with SIGKILL before the n-th
# call that touches the disk, for n = 0, 1, ... until it comes to its end; prints what was found.
DRILL = """
import os, signal, sys
from pathlib import Path

import torch

from archdsl.training.checkpoint import Place
from archdsl.training.checkpoint_store import CheckpointStore

CALLS = ("mkdir", "open", "write", "fsync", "close", "replace", "unlink")


def payload(number):
    return {"number": number, "weights": torch.arange(50_000.0) + number}


def trap(last):
    # Before call number `last`: SIGKILL, after half of what is to be written where it is a write.
    count = 0
    for name in CALLS:
        real = getattr(os, name)

        def call(*arguments, name=name, real=real, **named):
            nonlocal count
            if count == last:
                if name == "write":
                    real(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
                print(name, end=" ", flush=True)
                os.kill(os.getpid(), signal.SIGKILL)
            count += 1
            return real(*arguments, **named)

        setattr(os, name, call)


number, status = 0, 1
while status:
    folder = Path(sys.argv[1], str(number))
    folder.mkdir(parents=True)
    store = CheckpointStore(folder)
    for epoch in (1, 2):
        store.save(payload(epoch), Place(epoch, 0), 1)
    child = os.fork()
    if child == 0:
        trap(number)
        store.save(payload(3), Place(3, 0), 2)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status in (0, signal.SIGKILL), status
    if not status:
        print("end", end=" ")
    loaded = store.load()
    assert not loaded.damaged
    found = loaded.payload["number"]
    assert torch.equal(loaded.payload["weights"], payload(found)["weights"])
    print(found, len(store.stored()), len(list(store.folder.iterdir())), end=" ")
    store.set_aside(loaded)
    store.save(payload(3), Place(3, 0), 2)
    assert store.load().payload["number"] == 3
    print(len(list(store.folder.iterdir())), flush=True)
    number += 1
"""


def run_python(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs SIGKILL and fork")
def test_killed_before_every_call_that_touches_the_disk(tmp_path: Path) -> None:
    done = run_python(DRILL, tmp_path)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    calls = [line[0] for line in lines]
    # Made, written, synced, published, the folder synced, the first of three deleted.
    assert calls == [
        "mkdir",
        *("open", "write", "fsync", "close", "replace"),
        *("open", "fsync", "close"),
        *("unlink", "end"),
    ]
    renamed = calls.index("replace")
    for index, (_, found, checkpoints, files, at_last) in enumerate(lines):
        assert found == ("3" if index > renamed else "2")
        assert int(checkpoints) == (2 if index <= renamed or calls[index] == "end" else 3)
        # What was being written is there under a name that is not a checkpoint's, then swept up.
        assert int(files) - int(checkpoints) == int(calls.index("write") <= index <= renamed)
        assert at_last == "2"


def payload(number: int, size: int = 50_000) -> dict[str, Any]:
    return {"number": number, "weights": torch.arange(float(size)) + number}


def demand_former(store: CheckpointStore) -> None:
    """Assert that the two former checkpoints are whole, and that nothing else is there."""
    loaded = store.load()
    assert loaded is not None and not loaded.damaged
    assert loaded.payload["number"] == 2
    assert [each.place.epoch for each in store.stored()] == [2, 1]
    assert len(list(store.folder.iterdir())) == 2


@pytest.fixture
def store(tmp_path: Path) -> CheckpointStore:
    store = CheckpointStore(tmp_path)
    for epoch in (1, 2):
        store.save(payload(epoch), Place(epoch, 0), None)
    return store


@pytest.mark.parametrize("name", ["open", "write", "fsync", "replace"])
@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOSPC, "ARCH616"), (errno.EROFS, "ARCH615"), (errno.EIO, "ARCH615")],
)
def test_a_call_that_fails_leaves_the_former_ones(
    name: str, number: int, code: str, store: CheckpointStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(writing.os, name, fail)
        with pytest.raises(Fault) as caught:
            store.save(payload(3), Place(3, 0), None)
    assert caught.value.diagnostic.code == code
    demand_former(store)


def test_a_folder_that_cannot_be_synced(
    store: CheckpointStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is there, but a power cut might take its name: that is said, where it is a fault."""
    real = os.fsync
    for number, fails in [(errno.EIO, True), (errno.EINVAL, False)]:
        calls: list[int] = []

        def fsync(descriptor: int, number: int = number, calls: list[int] = calls) -> None:
            calls.append(descriptor)
            if len(calls) == 2:  # after that of the file
                raise OSError(number, os.strerror(number))
            real(descriptor)

        with monkeypatch.context() as patched:
            patched.setattr(writing.os, "fsync", fsync)
            if fails:
                with pytest.raises(Fault, match=os.strerror(number)):
                    store.save(payload(3), Place(3, 0), None)
            else:
                store.save(payload(3), Place(3, 0), None)
        loaded = store.load()
        assert loaded is not None and loaded.payload["number"] == 3


def test_new_folders_are_synced_from_above(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(writing, "_sync_folder", synced.append)
    writing.make_folders(tmp_path / "a" / "b")
    assert writing.make_new_folder(tmp_path / "a" / "c")
    writing.make_folders(tmp_path / "a" / "c")
    assert synced == [tmp_path / "a", tmp_path, tmp_path / "a"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real disk of 512 KiB, where the system lets us have one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=512k", "archdsl-test", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs the right to mount a tmpfs")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_really_is_full(small_disk: Path) -> None:
    store = CheckpointStore(small_disk)
    for epoch in (1, 2):
        store.save(payload(epoch), Place(epoch, 0), None)
    with pytest.raises(Fault) as caught:
        store.save(payload(3), Place(3, 0), None)
    assert caught.value.diagnostic.code == "ARCH616"
    demand_former(store)


def test_a_disk_that_really_is_read_only(small_disk: Path) -> None:
    store = CheckpointStore(small_disk)
    for epoch in (1, 2):
        store.save(payload(epoch), Place(epoch, 0), None)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(Fault, match="Read-only") as caught:
        store.save(payload(3), Place(3, 0), None)
    assert caught.value.diagnostic.code == "ARCH615"
    demand_former(store)


def test_a_file_that_may_not_be_so_large(store: CheckpointStore) -> None:
    """A limit on the size of files is one more way to have no room; it needs no rights."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    former = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(Fault, match="File too large") as caught:
            store.save(payload(3), Place(3, 0), None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, former)
    assert caught.value.diagnostic.code == "ARCH615"
    demand_former(store)


class Slow(CheckpointStore):
    """A disk that writes nothing until it is told to."""

    def __init__(self, run: Path) -> None:
        super().__init__(run)
        self.go = threading.Event()
        self.saved: list[int] = []

    def save(self, *arguments: Any) -> Any:
        assert self.go.wait(30)
        self.saved.append(arguments[0]["number"])
        return super().save(*arguments)


def test_a_slow_disk_stalls_nobody(tmp_path: Path) -> None:
    store = Slow(tmp_path)
    writer = CheckpointWriter(store)
    assert not writer.busy
    start = time.perf_counter()
    writer.submit(Task(payload(1), Place(1, 0), None))
    assert writer.busy and writer.written is None
    writer.submit(Task(payload(2), Place(2, 0), None))
    assert time.perf_counter() - start < 1
    store.go.set()
    writer.wait()
    assert not writer.busy
    assert writer.written is not None and writer.written.place == Place(2, 0)
    writer.close()
    assert store.saved == [1, 2]


def call(writer: CheckpointWriter, name: str) -> Callable[[], object]:
    return {
        "busy": lambda: writer.busy,
        "submit": lambda: writer.submit(Task(payload(9), Place(9, 0), None)),
        "wait": writer.wait,
        "close": writer.close,
    }[name]


@pytest.mark.parametrize("name", ["busy", "submit", "wait", "close"])
def test_an_error_in_the_thread_is_raised_by_the_next_call(name: str, tmp_path: Path) -> None:
    (tmp_path / "checkpoints").write_text("in the way")
    writer = CheckpointWriter(CheckpointStore(tmp_path))
    writer.submit(Task(payload(1), Place(1, 0), None))
    deadline = time.monotonic() + 30
    while writer._error is None and time.monotonic() < deadline:
        time.sleep(0.001)
    for _ in range(2):  # and by every one after it: it is not forgotten
        with pytest.raises(Fault) as caught:
            call(writer, name)()
        assert caught.value.diagnostic.code == "ARCH615"
    writer.abandon()


def test_a_bug_in_the_thread_is_raised_too(tmp_path: Path) -> None:
    writer = CheckpointWriter(CheckpointStore(tmp_path))
    writer.submit(Task({"a": {1, 2}}, Place(1, 0), None))
    with pytest.raises(TypeError, match="is a set"):
        writer.close()


def test_waiting_can_be_broken_off(tmp_path: Path) -> None:
    store = Slow(tmp_path)
    writer = CheckpointWriter(store)
    writer.submit(Task(payload(1), Place(1, 0), None))
    timer = threading.Timer(0.2, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        writer.wait()
    timer.join()
    store.go.set()
    writer.close()
    assert store.saved == [1]
