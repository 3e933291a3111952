"""Whether files have changed: content counts, and where paths lead; nothing else."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest
from watched_process import replace

from archdsl.reading import NotText
from archdsl.watching.files import Files

OLD = 1_500_000_000_000_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.arch"
    path.write_text("one")
    return path


def seen(*paths: Path) -> Files:
    files = Files()
    for path in paths:
        with suppress(OSError, NotText):
            files.read(path)
    return files


def test_what_is_as_it_was_has_not_changed(path: Path) -> None:
    files = seen(path)
    assert not files.has_changed() and files.count == 1
    path.touch()
    assert not files.has_changed()
    path.write_text("one")
    replace(path, "one")
    assert not files.has_changed()


def test_an_edit_of_the_same_length_in_the_same_instant(path: Path) -> None:
    files = seen(path)
    times = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    path.write_text("two")
    os.utime(path, ns=times)
    assert files.has_changed()


def test_an_edit_whose_time_is_set_back(path: Path) -> None:
    os.utime(path, ns=(OLD, OLD))
    files = seen(path)
    path.write_text("two")
    os.utime(path, ns=(OLD, OLD))
    assert files.has_changed()


def test_replaced_by_rename(path: Path) -> None:
    files = seen(path)
    replace(path, "two")
    assert files.has_changed()


def test_an_old_file_is_not_read_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from archdsl.watching import files as module

    files = seen(path)
    later = module.time.time_ns() + 10_000_000_000
    monkeypatch.setattr(module.time, "time_ns", lambda: later)
    monkeypatch.setattr(module, "read_text", lambda path: pytest.fail("was read"))
    assert not files.has_changed()


def test_gone_and_back(path: Path) -> None:
    files = seen(path)
    path.unlink()
    assert files.has_changed()
    path.write_text("one")
    assert not files.has_changed()


def test_missing_and_there(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "late.arch"
    files = seen(path)
    assert not files.has_changed()
    path.parent.mkdir()
    assert not files.has_changed()
    path.write_text("")
    assert files.has_changed()


def test_a_folder_in_its_place(path: Path) -> None:
    files = seen(path)
    path.unlink()
    path.mkdir()
    assert files.has_changed()
    assert not seen(path).has_changed()


def test_bytes_that_are_no_text(path: Path) -> None:
    path.write_bytes(b"\xffone")
    files = seen(path)
    assert not files.has_changed()
    path.write_bytes(b"\xfftwo")
    assert files.has_changed()


@pytest.mark.skipif(os.name != "posix", reason="links")
def test_a_link_that_is_led_elsewhere(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.arch").write_text("same")
    link = tmp_path / "link"
    link.symlink_to("a")
    files = seen((tmp_path / "a/x.arch").resolve())
    files.follow(link / "x.arch")
    assert not files.has_changed()
    link.unlink()
    link.symlink_to("b")
    assert files.has_changed()


def test_strange_paths_are_no_reason_to_fail(tmp_path: Path) -> None:
    files = seen(tmp_path / ("x" * 300))
    for name in ("\0", "x" * 5000, "../" * 50):
        files.follow(tmp_path / name)
    (tmp_path / "loop").symlink_to("loop")
    files.follow(tmp_path / "loop")
    assert not files.has_changed()
