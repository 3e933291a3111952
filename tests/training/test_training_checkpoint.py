"""Checkpoints: what is written is what is read, the last two and the best, and what is damaged."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from archdsl.training import Fault
from archdsl.training.checkpoint import Damaged, Place, decode, encode
from archdsl.training.checkpoint_schedule import Every, Schedule
from archdsl.training.checkpoint_store import CheckpointStore


def payload(number: int = 0) -> dict[str, object]:
    return {
        "number": number,
        "weights": {"a": torch.arange(6.0).reshape(2, 3) + number, "b": torch.tensor(3)},
        "list": [1, 0.5, "text", True, None, [torch.ones(2, dtype=torch.uint8)]],
    }


def test_what_is_decoded_is_what_was_encoded(tmp_path: Path) -> None:
    data, sha256 = encode(payload(7))
    assert sha256 == hashlib.sha256(data).hexdigest()
    path = tmp_path / "file.pt"
    path.write_bytes(data)
    for found in (decode(path, sha256), torch.load(path, weights_only=True)):
        assert found["number"] == 7
        assert torch.equal(found["weights"]["a"], torch.arange(6.0).reshape(2, 3) + 7)
        assert found["list"][:5] == [1, 0.5, "text", True, None]
        assert torch.equal(found["list"][5][0], torch.ones(2, dtype=torch.uint8))


def test_equal_payloads_are_equal_bytes() -> None:
    assert encode(payload()) == encode(payload())
    assert encode(payload()) != encode(payload(1))


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"a": [1, {2, 3}]}, r"payload\['a'\]\[1\] is a set"),
        ({"a": Path("x")}, r"payload\['a'\] is a .*Path"),
        ({"a": torch.zeros(1).numpy()[0]}, r"payload\['a'\] is a float32"),
        ({(1, 2): 3}, r"has the key \(1, 2\)"),
        ({"a": torch.float32}, "is a dtype"),
    ],
)
def test_values_that_are_not_plain_are_refused(value: dict[str, object], where: str) -> None:
    with pytest.raises(TypeError, match=where):
        encode(value)


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: flip(path, 0),
        lambda path: flip(path, path.stat().st_size // 2),
        lambda path: flip(path, -1),
        lambda path: os.truncate(path, path.stat().st_size - 1),
        lambda path: os.truncate(path, 0),
        lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    ],
    ids=["first bit", "a bit", "last bit", "cut", "empty", "longer"],
)
def test_any_damage_is_noticed(damage: Callable[[Path], object], tmp_path: Path) -> None:
    path = CheckpointStore(tmp_path).save(payload(), Place(1, 0), None).path
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    decode(path, sha256)
    damage(path)
    with pytest.raises(Damaged, match="SHA-256"):
        decode(path, sha256)


def test_a_file_cannot_run_code(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "owned"),)

    stream = io.BytesIO()
    torch.save({"a": Evil()}, stream)
    path = tmp_path / "evil.pt"
    path.write_bytes(stream.getvalue())
    with pytest.raises(Damaged, match="not a checkpoint"):
        decode(path, hashlib.sha256(stream.getvalue()).hexdigest())
    assert not (tmp_path / "owned").exists()


def places(store: CheckpointStore) -> list[tuple[int, int]]:
    return [(each.place.epoch, each.place.step) for each in store.stored()]


def test_the_last_two_and_the_best_are_kept(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    assert store.load() is None
    kept = []
    for place, best in [((1, 0), 1), ((2, 0), 2), ((3, 0), 2), ((3, 5), 2), ((4, 0), 2)]:
        store.save(payload(), Place(*place), best)
        kept.append(places(store))
    assert kept == [
        [(1, 0)],
        [(2, 0), (1, 0)],
        [(3, 0), (2, 0)],
        [(3, 5), (3, 0), (2, 0)],
        [(4, 0), (3, 5), (2, 0)],
    ]
    assert {path.name for path in store.folder.iterdir()} == {s.path.name for s in store.stored()}


def test_of_two_at_one_place_the_new_one_is_kept(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    for number in (1, 2):
        store.save(payload(number), Place(3, 1), None)
    loaded = store.load()
    assert loaded is not None and loaded.payload["number"] == 2
    assert places(store) == [(3, 1)]


def test_a_damaged_one_is_said_and_the_one_before_is_loaded(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    old = store.save(payload(1), Place(1, 0), None)
    new = store.save(payload(2), Place(2, 0), None)
    flip(new.path, 100)
    loaded = store.load()
    assert loaded is not None
    assert (loaded.stored, loaded.payload["number"]) == (old, 1)
    ((path, reason),) = loaded.damaged
    assert path == new.path and "SHA-256" in reason
    assert new.path.exists()  # looking changes nothing
    store.set_aside(loaded)
    assert places(store) == [(1, 0)]
    assert new.path.with_name(f"{new.path.name}.damaged").exists()
    store.save(payload(3), Place(2, 0), None)
    assert places(store) == [(2, 0), (1, 0)]


def test_when_all_are_damaged(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    for epoch in (1, 2):
        os.truncate(store.save(payload(), Place(epoch, 0), None).path, 10)
    with pytest.raises(Fault, match="all 2 checkpoints") as caught:
        store.load()
    assert caught.value.diagnostic.code == "ARCH622"
    assert len(caught.value.diagnostic.notes) == 2


def test_the_newest_is_not_told_by_times_of_files(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    for epoch in (1, 2, 3):  # the clock runs backwards: each looks older than the one before
        stored = store.save(payload(epoch), Place(epoch, 0), None)
        os.utime(stored.path, (2_000_000_000 - epoch * 1000,) * 2)
    loaded = store.load()
    assert loaded is not None and loaded.payload["number"] == 3
    assert places(store) == [(3, 0), (2, 0)]


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_every_so_many_epochs_or_seconds() -> None:
    clock = Clock()
    schedule = Schedule(Every(epochs=3, seconds=60), Place(0, 0), clock)
    assert not schedule.due(Place(0, 0)) and not schedule.due(Place(2, 0))
    assert schedule.due(Place(3, 0)) and schedule.due(Place(4, 0))
    assert not schedule.due(Place(4, 1))  # in the middle of an epoch only time counts
    clock.now += 60
    assert schedule.due(Place(4, 1))
    schedule.note(Place(4, 1))
    assert not schedule.due(Place(4, 2)) and not schedule.due(Place(4, 1))
    assert schedule.due(Place(7, 0))


def test_a_long_epoch_has_one_at_its_end() -> None:
    clock = Clock()
    schedule = Schedule(Every(epochs=10, seconds=60), Place(0, 0), clock)
    clock.now += 61
    assert schedule.due(Place(0, 9))
    schedule.note(Place(0, 9))
    clock.now += 1
    assert not schedule.due(Place(0, 10))
    assert schedule.due(Place(1, 0))  # the epoch took longer than 60 s
    clock.now += 1
    assert not schedule.due(Place(2, 0))


def test_a_clock_that_goes_backwards_puts_nothing_off_for_long() -> None:
    clock = Clock()
    schedule = Schedule(Every(epochs=10, seconds=60), Place(0, 0), clock)
    clock.now -= 3600
    assert not schedule.due(Place(0, 1))
    clock.now += 60
    assert schedule.due(Place(0, 2))


@pytest.mark.parametrize(
    ("values", "finite"),
    [
        ([1.0, -2.0], True),
        ([3e38, 3e38], True),  # whose sum is infinite
        ([1.0, float("nan")], False),
        ([1.0, float("inf")], False),
        ([float("inf"), float("-inf")], False),
    ],
)
@pytest.mark.parametrize("where", ["model", "optimizer"])
def test_what_is_not_finite_is_noticed(values: list[float], finite: bool, where: str) -> None:
    from archdsl.training.session import is_finite

    good, these = torch.zeros(2), torch.tensor(values)
    weights, momentum = (these, good) if where == "model" else (good, these)
    mask = torch.full((2,), float("-inf"))
    snapshot = {
        "model": {"w": weights, "mask": mask},
        "optimizer": {"w": {"momentum_buffer": momentum, "step": torch.tensor(3)}},
    }
    assert is_finite(snapshot) is finite
