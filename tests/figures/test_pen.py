"""Drawing with Graphviz: in a process of its own, within a time limit, with one font only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sample_drawings

from archdsl.backends.figures import child, pen
from archdsl.backends.figures.dot import write_dot
from archdsl.backends.figures.drawing import Drawing
from archdsl.backends.figures.faults import FigureFault
from archdsl.backends.figures.painting import paint
from archdsl.backends.figures.pen import Job, Pen, draw, pens
from archdsl.backends.figures.theme import DARK, LIGHT

ROOT = Path(__file__).parents[2]
TINY = 'digraph { a [pos="10,10"] }'
PENS = pytest.mark.parametrize(
    "with_pen", pens(), ids=lambda p: "program" if p.program else "wheel"
)
POSIX = pytest.mark.skipif(os.name != "posix", reason="programs are shell scripts here")


def test_there_is_something_to_draw_with() -> None:
    assert pens()


@PENS
def test_several_jobs_are_answered_in_order(with_pen: Pen) -> None:
    kinds = ["svg", "png", "pdf", "svg"]
    drawn = draw([Job(TINY, kind) for kind in kinds], pen=with_pen).files
    starts = [b"<?xml", b"\x89PNG", b"%PDF", b"<?xml"]
    assert [data.startswith(start) for data, start in zip(drawn, starts, strict=True)] == [True] * 4


@PENS
@pytest.mark.parametrize("drawing", [sample_drawings.overview(), sample_drawings.block()])
def test_no_text_is_larger_than_it_was_measured(drawing: Drawing, with_pen: Pen) -> None:
    """Test F: Graphviz says so where it is ("size too small for label")."""
    for theme in (LIGHT, DARK):
        assert draw([Job(write_dot(drawing, theme), "svg")], pen=with_pen).warnings == ()


@PENS
def test_graphviz_says_where_a_text_is_too_large(with_pen: Pen) -> None:
    source = 'digraph { a [pos="0,0" width=0.1 height=0.1 fixedsize=true label="too large"] }'
    (warning,) = set(draw([Job(source, "svg")], pen=with_pen).warnings)
    assert "size too small for label" in warning


@PENS
def test_fonts_of_the_machine_change_nothing(
    with_pen: Pen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawing = sample_drawings.overview()
    before = paint(drawing, ["svg", "pdf", "png"], pen=with_pen)
    (tmp_path / "empty.conf").write_text(f"<fontconfig><dir>{tmp_path}/none</dir></fontconfig>")
    monkeypatch.setenv("FONTCONFIG_FILE", str(tmp_path / "empty.conf"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert paint(drawing, ["svg", "pdf", "png"], pen=with_pen) == before


_HASHES = """
import hashlib, sys
sys.path.insert(0, sys.argv[1])
import sample_drawings
from archdsl.backends.figures.painting import paint
files = paint(sample_drawings.overview(), ["dot", "svg", "pdf", "png"])
print(*(hashlib.sha256(data).hexdigest() for data in files.values()))
"""


def test_bytes_depend_on_the_drawing_alone() -> None:
    """Test E: over runs, hash seeds, and dates."""
    found = set()
    for seed in ("1", "2", "3"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", _HASHES, str(Path(__file__).parent)]
        run = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        found.add(run.stdout)
        time.sleep(0.4)  # dates in PDF are seconds
    assert len(found) == 1


@PENS
def test_what_takes_too_long_is_ended(with_pen: Pen) -> None:
    edges = "".join(f"{a}->{a * 7919 % 1500};{a}->{a * 104729 % 1500};" for a in range(1500))
    start = time.monotonic()
    with pytest.raises(FigureFault) as fault:
        draw([Job(f"digraph {{{edges}}}", "svg", "dot")], limit=1, pen=with_pen)
    assert time.monotonic() - start < 10
    assert fault.value.code == "ARCH702"
    assert "it took more than 1 seconds" in fault.value.message


def program(folder: Path, script: str) -> Pen:
    file = folder / "dot"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return Pen(str(file))


@POSIX
@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("kill -SEGV $$", "it crashed (signal 11)"),
        ("echo some reason >&2; exit 1", "it ended with status 1"),
        ("exit 0", "it ended with status 0"),
    ],
)
def test_a_failing_program_is_a_fault(tmp_path: Path, script: str, why: str) -> None:
    with pytest.raises(FigureFault) as fault:
        draw([Job(TINY, "svg")], pen=program(tmp_path, script))
    assert fault.value.code == "ARCH702" and why in fault.value.message
    assert fault.value.help
    if "reason" in script:
        assert fault.value.notes == ("Graphviz said: some reason",)


def test_a_program_that_cannot_be_started_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(FigureFault) as fault:
        draw([Job(TINY, "svg")] * 2, pen=Pen(str(tmp_path / "nothing")))
    assert fault.value.code == "ARCH702"
    assert str(fault.value) == f"ARCH702: {fault.value.message}"


@POSIX
def test_what_the_program_cannot_do_is_left_to_the_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if Pen(None) not in pens():
        pytest.skip("pygraphviz is not installed")
    broken = program(tmp_path, "exit 1")
    monkeypatch.setattr(pen, "pens", lambda: [broken, Pen(None)])
    assert draw([Job(TINY, "svg")]).files == draw([Job(TINY, "svg")], pen=Pen(None)).files


@POSIX
def test_a_program_that_hangs_leaves_nothing_to_the_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging = program(tmp_path, "exec sleep 60")
    monkeypatch.setattr(pen, "pens", lambda: [hanging, Pen(None)])
    with pytest.raises(FigureFault, match=r"ARCH702: .* more than 0\.3 seconds"):
        draw([Job(TINY, "svg")], limit=0.3)


def test_without_graphviz_there_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(pen, "find_spec", lambda name: None)
    assert pens() == []
    with pytest.raises(FigureFault) as fault:
        paint(sample_drawings.block(), ["pdf"])
    assert fault.value.code == "ARCH701"
    assert fault.value.help == 'install the extra: pip install "archdsl[figures]"'


def test_dot_source_needs_no_graphviz(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pen, "pens", list)
    assert paint(sample_drawings.block(), ["dot"])["dot"].startswith(b"digraph Block {")


def test_without_its_writer_there_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "graphviz", None)
    with pytest.raises(FigureFault, match="ARCH701: figures need graphviz, which is not installed"):
        paint(sample_drawings.block(), ["svg"])


def test_a_wheel_that_cannot_be_loaded_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pygraphviz.py").write_text("raise ImportError('no such library')")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(FigureFault) as fault:
        draw([Job(TINY, "svg")], pen=Pen(None))
    assert fault.value.code == "ARCH701"
    assert fault.value.notes == ("no such library",)


def test_the_child_answers_with_sizes_and_bytes(
    capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pygraphviz")

    class Input:
        class buffer:  # noqa: N801 - as streams have it
            @staticmethod
            def read() -> bytes:
                return json.dumps([[TINY, "nop2", "svg"]] * 2).encode()

    monkeypatch.setattr(sys, "stdin", Input)
    assert child.main() == 0
    data = capsysbinary.readouterr().out
    size = int.from_bytes(data[:8], "big")
    assert len(data) == 2 * (8 + size) and data[8:].startswith(b"<?xml")
