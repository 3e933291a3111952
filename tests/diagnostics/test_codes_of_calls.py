"""Codes that come from the call of a command, not from a spec."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from archdsl.cli import app
from archdsl.diagnostics.catalogue import CATALOGUE

SMALL = """\
arch 1
from std.recipes import digits
model Small(classes = 10) {
  input [1, 8, 8]
  backbone { conv(4) }
  head { gap -> linear(classes) }
  train digits with digits
}
"""


def test_an_unknown_code() -> None:
    result = CliRunner().invoke(app, ["explain", "ARCH2O3"])
    assert result.exit_code == 2
    assert "ARCH132" in result.output and "ARCH203" in result.output


def test_a_number_that_is_not_taken() -> None:
    result = CliRunner().invoke(app, ["explain", "arch999"])
    assert result.exit_code == 2
    assert "ARCH132" in result.output and "did you mean" not in result.output
    family = [code for code in CATALOGUE if code.startswith("ARCH9")]
    assert f"codes of this kind: {', '.join(family)}\n" in result.output
    result = CliRunner().invoke(app, ["explain", "ARCH877"])
    assert "docs/errors lists every code" in result.output


def test_a_device_that_is_not_there(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    folders = ["--output", str(tmp_path / "build"), "--runs", str(tmp_path / "runs")]
    spec = tmp_path / "small.arch"
    spec.write_text(SMALL)
    call = ["compile", str(spec), "--train", "digits", "--device", "cuda:77"]
    result = CliRunner().invoke(app, [*call, *folders])
    assert result.exit_code == 2
    assert "ARCH608" in result.output
