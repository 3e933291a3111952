"""Graphviz as a pen: DOT sources become pictures in a process that is ended when it takes too long.

It is the ``dot`` program where one is on PATH, and else the libraries in pygraphviz's wheel. Both
see one font only, the one that texts are measured with.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO

from archdsl.backends.figures import child, fonts
from archdsl.backends.figures.faults import FigureFault, graphviz_failed, nothing_to_draw_with

LIMIT = 30.0
"""Seconds that drawing may take."""

_CONFIGURATION = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
<dir>{folder}/fonts</dir>
<cachedir>{folder}/cache</cachedir>
{rules}</fontconfig>
"""
# Letters that are moved to whole pixels stand apart in figures that are enlarged: "s tride".
_RULES = """<match target="{target}">
<edit name="antialias" mode="assign"><bool>true</bool></edit>
<edit name="autohint" mode="assign"><bool>false</bool></edit>
<edit name="hinting" mode="assign"><bool>false</bool></edit>
<edit name="hintstyle" mode="assign"><const>hintnone</const></edit>
</match>
"""
_NOISE = (
    "Fontconfig ",  # newer rules of the system, which the wheel's older library cannot read
    "Warning: graph has ",  # pygraphviz, about a thousand nodes: we have a time limit
)


@dataclass(frozen=True, slots=True)
class Job:
    """What to draw: DOT source, the layout engine, and Graphviz's name of the output format."""

    source: str
    format: str
    engine: str = "nop2"


@dataclass(frozen=True, slots=True)
class Pen:
    """A Graphviz. ``program`` is the path of ``dot``; None for the one in pygraphviz's wheel."""

    program: str | None


@dataclass(frozen=True, slots=True)
class Drawn:
    """One result for each job, and what Graphviz had to say."""

    files: tuple[bytes, ...]
    warnings: tuple[str, ...]


def pens() -> list[Pen]:
    """Return every Graphviz that there is, the one to use first."""
    program = shutil.which("dot")
    found = [Pen(program)] if program is not None else []
    return found + ([Pen(None)] if find_spec("pygraphviz") is not None else [])


def draw(jobs: Sequence[Job], *, limit: float = LIMIT, pen: Pen | None = None) -> Drawn:
    """Draw all jobs, in ``limit`` seconds together.

    Without a ``pen``, the first one that can: a ``dot`` that lacks a format leaves it to the wheel.
    Raises :class:`FigureFault`: ARCH701 where there is no Graphviz (or no font), ARCH702 where it
    fails or takes too long.
    """
    choice = [pen] if pen is not None else pens()
    if not choice:
        raise nothing_to_draw_with(["Graphviz"])
    font_files = fonts.files()
    end = time.monotonic() + limit
    try:
        return _drawn(choice, jobs, font_files, end, limit)
    except OSError as error:
        why = f"a temporary file cannot be written: {error.strerror or error}"
        raise graphviz_failed(why, []) from None


def _drawn(
    choice: Sequence[Pen], jobs: Sequence[Job], font_files: Sequence[Path], end: float, limit: float
) -> Drawn:
    with TemporaryDirectory(prefix="figure") as folder:
        environment = _environment(Path(folder), font_files)
        *others, last = choice
        for one in others:
            try:
                return _draw(one, jobs, environment, Path(folder), end, limit)
            except FigureFault:
                if time.monotonic() > end:
                    raise
        return _draw(last, jobs, environment, Path(folder), end, limit)


def _environment(folder: Path, font_files: Sequence[Path]) -> dict[str, str]:
    """Write a configuration of fonts; return an environment in which it is used."""
    (folder / "fonts").mkdir()
    for file in font_files:
        link = folder / "fonts" / file.name
        try:
            link.symlink_to(file)
        except OSError:  # Windows allows it to administrators only
            shutil.copyfile(file, link)
    rules = "".join(_RULES.format(target=target) for target in ("pattern", "font"))
    text = _CONFIGURATION.format(folder=escape(str(folder)), rules=rules)
    (folder / "fonts.conf").write_text(text, encoding="utf-8")
    return {
        **os.environ,
        "FONTCONFIG_FILE": str(folder / "fonts.conf"),
        "LC_ALL": "C",  # a decimal point is a point
        "TZ": "UTC",  # a date in a PDF has one length
        "PYTHONPATH": os.pathsep.join(path or os.curdir for path in sys.path),
        "PYTHONIOENCODING": "utf-8",
    }


def _draw(
    pen: Pen,
    jobs: Sequence[Job],
    environment: dict[str, str],
    folder: Path,
    end: float,
    limit: float,
) -> Drawn:
    if pen.program is None:
        command = [sys.executable, "-P", "-m", child.__name__]
        asked = json.dumps([[job.source, job.engine, job.format] for job in jobs]).encode()
        inputs = [(command, asked)]
    else:
        inputs = [
            ([pen.program, f"-K{job.engine}", f"-T{job.format}"], job.source.encode())
            for job in jobs
        ]
    runs: list[_Run] = []
    try:
        # All at once: each has files of its own to read and write.
        runs.extend(_Run(command, text, environment, folder) for command, text in inputs)
        outputs = [run.output(end, limit) for run in runs]
    finally:
        for run in runs:
            run.stop()
    warnings = tuple(line for run in runs for line in run.said)
    if pen.program is None:
        outputs = _parts(outputs[0])
    return Drawn(tuple(outputs), warnings)


class _Run:
    """A process that reads a text and writes a picture, through files: none waits for another."""

    def __init__(
        self, command: Sequence[str], text: bytes, environment: dict[str, str], folder: Path
    ) -> None:
        self.files: list[IO[bytes]] = [TemporaryFile(dir=folder) for _ in range(3)]  # noqa: SIM115 - closed by stop()
        self.said: list[str] = []
        self.process: subprocess.Popen[bytes] | None = None
        given, out, err = self.files
        given.write(text)
        given.seek(0)
        try:
            self.process = subprocess.Popen(
                command, stdin=given, stdout=out, stderr=err, env=environment
            )
        except OSError as error:
            self.stop()
            raise graphviz_failed(f"it could not be started: {error.strerror}", ()) from None

    def output(self, end: float, limit: float) -> bytes:
        """Return what it wrote, at the latest at a time of the monotonic clock."""
        assert self.process is not None
        try:
            status = self.process.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise graphviz_failed(f"it took more than {limit:g} seconds", ()) from None
        _, out, err = self.files
        out.seek(0)
        err.seek(0)
        data, text = out.read(), err.read().decode("utf-8", "replace")
        lines = (line.strip() for line in text.splitlines())
        self.said = [line for line in lines if line and not line.startswith(_NOISE)]
        if status == child.MISSING and not data:
            raise nothing_to_draw_with(["Graphviz"], self.said)
        if status < 0:
            raise graphviz_failed(f"it crashed (signal {-status})", self.said)
        if status or not data:
            raise graphviz_failed(f"it ended with status {status}", self.said)
        return data

    def stop(self) -> None:
        """End the process, if it is still there, and give its files back."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for file in self.files:
            file.close()


def _parts(data: bytes) -> list[bytes]:
    """Return the results of a child in Python, which come one behind the other."""
    found = []
    while data:
        size = int.from_bytes(data[:8], "big")
        found.append(data[8 : 8 + size])
        data = data[8 + size :]
    return found
