"""Edits as they happen on disk, seen through a process: what the page shows, how soon."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest
from watched_process import PARTS, TINY, WatchProcess, replace

SOON = 2.0
"""Seconds from a write until the page is told: less than one where no other tests run."""


def test_an_edit_is_told_soon(watch: WatchProcess, spec: Path) -> None:
    listener = watch.listen()
    first = listener.next()
    assert "<p id=params>754</p>" in watch.get()[1]
    start = time.monotonic()
    spec.write_text(TINY.replace("Unit(8)", "Unit(4)"))
    second = listener.next()
    assert time.monotonic() - start < SOON
    assert second != first
    _, page, _ = watch.get()
    assert f'data-version="{second}"' in page and "<p id=params>754</p>" not in page
    assert watch.line_with("redrawn in ")


def test_an_import_is_edited_by_rename(watch: WatchProcess, spec: Path) -> None:
    listener = watch.listen()
    listener.next()
    replace(spec.parent / "parts.arch", PARTS.replace("conv(c) -> relu }", "conv(c, 1) -> relu }"))
    assert listener.next()
    assert "<p id=params>754</p>" not in watch.get()[1]


def test_broken_and_mended(watch: WatchProcess, spec: Path) -> None:
    listener = watch.listen()
    good = listener.next()
    replace(spec, TINY.replace("gap", "gpa <b>"))
    assert listener.next() != good
    _, page, _ = watch.get()
    assert "<p id=params>754</p>" in page  # the last good figure stays
    assert "error[ARCH" in page and "gpa &lt;b&gt;" in page
    assert "tiny.arch:7:" in watch.line_with("error[")
    replace(spec, TINY)
    listener = watch.listen()
    assert good in (listener.next(), listener.next())
    assert "error: " not in watch.get()[1]


def test_half_written_files(watch: WatchProcess, spec: Path) -> None:
    for end in range(0, len(TINY), 9):
        spec.write_text(TINY[:end])
        time.sleep(0.01)
    spec.write_bytes(TINY.encode()[:40] + b"\xc3")
    time.sleep(0.4)
    spec.write_text(TINY.replace("classes = 10", "classes = 11"))
    wait_for_page(watch, "<p id=params>763</p>", without="<pre>")
    assert watch.process.poll() is None


def test_deleted_and_back(watch: WatchProcess, spec: Path) -> None:
    spec.unlink()
    wait_for_page(watch, "error[ARCH109]")
    assert "<p id=params>754</p>" in watch.get()[1]
    spec.write_text(TINY)
    wait_for_page(watch, "<p id=params>754</p>", without="ARCH109")


def test_the_folder_is_deleted_and_back(watch: WatchProcess, spec: Path) -> None:
    shutil.rmtree(spec.parent)
    wait_for_page(watch, "error[ARCH109]")
    spec.parent.mkdir()
    spec.write_text(TINY)
    wait_for_page(watch, "parts.arch: no such file")
    (spec.parent / "parts.arch").write_text(PARTS)
    wait_for_page(watch, "<p id=params>754</p>", without="ARCH109")


def test_an_import_that_is_added_and_does_not_exist_yet(watch: WatchProcess, spec: Path) -> None:
    replace(spec, TINY.replace("parts.arch", "new/more.arch"))
    wait_for_page(watch, "new/more.arch: no such file")
    (spec.parent / "new").mkdir()
    (spec.parent / "new/more.arch").write_text(
        PARTS.replace("conv(c) -> relu }", "conv(c, 1) -> relu }")
    )
    wait_for_page(watch, "<p id=params>242</p>", without="ARCH")
    (spec.parent / "new/more.arch").write_text(PARTS)  # and it is watched from then on
    wait_for_page(watch, "<p id=params>754</p>")
    before = watch.get()[1]
    (spec.parent / "parts.arch").write_text("what nobody imports any more")
    time.sleep(0.6)
    assert watch.get()[1] == before


@pytest.mark.skipif(os.name != "posix", reason="links")
def test_a_link_that_leads_outside(watch: WatchProcess, spec: Path) -> None:
    outside = spec.parent.parent / "outside.arch"
    outside.write_text("arch 1\ndef Unit(c) { conv(c) }  # what is outside\n")
    link = spec.parent / "parts.arch"
    link.unlink()
    link.symlink_to(outside)
    wait_for_page(watch, "error[ARCH905]")
    assert "what is outside" not in watch.get()[1]
    (spec.parent / "inside.arch").write_text(PARTS)
    link.unlink()
    link.symlink_to("inside.arch")
    wait_for_page(watch, "<p id=params>754</p>", without="ARCH905")


def test_a_change_that_changes_nothing_is_no_news(watch: WatchProcess, spec: Path) -> None:
    listener = watch.listen()
    first = listener.next()
    spec.touch()
    spec.write_text(TINY)
    time.sleep(0.6)
    assert watch.lines.empty()
    spec.write_text(TINY + "# a comment\n")
    watch.line_with("redrawn in")
    spec.write_text(TINY.replace("10", "11"))
    assert listener.next() != first  # the first news: the comment was none


def test_what_cannot_be_drawn(watch: WatchProcess, spec: Path) -> None:
    replace(spec, TINY.replace("Tiny", "Refused"))
    wait_for_page(watch, "error[ARCH701]: too large to draw")
    assert "<p id=params>754</p>" in watch.get()[1]
    replace(spec, TINY.replace("Tiny", "Crash"))
    wait_for_page(watch, "internal error: ValueError: of no use")
    assert watch.line_with("This is a bug in archdsl")
    replace(spec, TINY.replace("10", "11"))
    wait_for_page(watch, "<p id=params>763</p>", without="error:")


def wait_for_page(watch: WatchProcess, text: str, without: str | None = None) -> None:
    end = time.monotonic() + 10
    while text not in (page := watch.get()[1]) or (without is not None and without in page):
        assert time.monotonic() < end, page
        time.sleep(0.02)
