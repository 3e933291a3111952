"""Variants as a user meets them: compared in a table, compiled to a module each, trained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from calling import archdsl
from test_commands import TINY

import archdsl as package

GRID = "variants grid of Tiny { c in [8, 12]; classes in [10, 20] }\n"


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.arch"
    path.write_text(TINY + GRID)
    return path


def test_summary_has_a_row_for_each_point(spec: Path) -> None:
    run = archdsl("summary", str(spec), "--variants", "grid")
    assert (run.returncode, run.stderr) == (0, "")
    rows = [line.split("  ")[0].strip() for line in run.stdout.splitlines() if "[" in line]
    assert rows == [
        "grid[c=8, classes=10]",
        "grid[c=8, classes=20]",
        "grid[c=12, classes=10]",
        "grid[c=12, classes=20]",
    ]
    for point in package.compile_variants(spec, "grid").values():
        assert f"{point.params:,}" in run.stdout and f"{point.macs:,}" in run.stdout


def test_a_point_is_the_model_with_its_parameters(spec: Path) -> None:
    points = package.compile_variants(spec, "grid")
    for c in (8, 12):
        for classes in (10, 20):
            alone = package.compile(spec, c=c, classes=classes)
            point = points[f"grid[c={c}, classes={classes}]"]
            assert point.network.identity == alone.network.identity
            assert point.source == alone.source


def test_compile_writes_a_module_for_each_point(spec: Path) -> None:
    run = archdsl("compile", str(spec), "--variants", "grid", "-o", "out", cwd=spec.parent)
    assert run.returncode == 0, run.stderr
    names = ["tiny_c12_classes10", "tiny_c12_classes20", "tiny_c8_classes10", "tiny_c8_classes20"]
    assert sorted(p.name for p in (spec.parent / "out").iterdir()) == names
    for name in names:
        folder = spec.parent / "out" / name
        assert sorted(p.name for p in folder.iterdir()) == [
            f"{name}.{ending}" for ending in ("html", "json", "py", "svg")
        ]
        document = json.loads((folder / f"{name}.json").read_text())
        assert f"{document['params']:,}" in run.stdout


def points_of(path: Path, values: str) -> dict[str, package.Compiled]:
    """Compile variants of a parameter that may have any value."""
    head = "head { if r != 0 { relu } -> gap"
    text = TINY.replace("c = 8", "r = 0").replace("conv(c)", "conv(8)").replace("head { gap", head)
    path.write_text(f"{text}variants rates of Tiny {{ r in [{values}] }}\n")
    return package.compile_variants(path, "rates")


def test_close_numbers_are_points_of_their_own(tmp_path: Path) -> None:
    assert list(points_of(tmp_path / "tiny.arch", "0.1, 0.1 + 1e-9, 1e-4")) == [
        "rates[r=0.1]",
        "rates[r=0.100000001]",
        "rates[r=0.0001]",
    ]


def test_points_whose_names_would_be_the_same_have_modules_of_their_own(tmp_path: Path) -> None:
    points = points_of(tmp_path / "tiny.arch", "-1.0, [1, 0]")
    assert list(points) == ["rates[r=-1.0]", "rates[r=[1, 0]]"]
    assert [p.module_name for p in points.values()] == ["tiny_r_1_0", "tiny_r_1_02"]


def test_a_setting_holds_at_every_point(spec: Path) -> None:
    spec.write_text(TINY + "variants width of Tiny { c in [8, 12] }\n")
    points = package.compile_variants(spec, "width", classes=7)
    assert {p.network.by_id[p.network.output].shape for p in points.values()} == {(7,)}


def test_every_point_is_trained(spec: Path) -> None:
    spec.write_text(TINY + "variants width of Tiny { c in [2, 3] }\n")
    run = archdsl(
        "compile", "tiny.arch", "--variants", "width", "--train", "digits", "--epochs", "1",
        cwd=spec.parent,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert "width[c=2]" in run.stdout and "width[c=3]" in run.stdout
    runs = [json.loads(p.read_text()) for p in (spec.parent / "runs").glob("*/run.json")]
    assert sorted(record["parameters"]["c"] for record in runs) == [2, 3]


def test_a_fault_at_a_point_names_it(spec: Path) -> None:
    spec.write_text(TINY + "variants width of Tiny { c in [8, 0] }\n")
    for command in (
        ["check"],
        ["summary", "--variants", "width"],
        ["compile", "--variants", "width"],
    ):
        run = archdsl(command[0], "tiny.arch", *command[1:], cwd=spec.parent)
        said = run.stdout + run.stderr
        assert run.returncode == 1
        assert "error[ARCH105]: conv: c cannot be 0" in said
        assert "found at width[c=0]" in said
        assert said.endswith("1 error\n")
    assert not (spec.parent / "build").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--variants", "gird"], "error[ARCH141]: there are no variants `gird`"),
        (["--variants", "grid", "--model", "Tiny"], "error[ARCH133]: --model Tiny is set"),
        (["--variants", "grid", "--set", "c=4"], "error[ARCH133]: `c` is set, but variants grid"),
        (["--variants", "grid", "--set", "d=4"], "error[ARCH103]: model Tiny has no parameter `d`"),
    ],
    ids=lambda value: "" if isinstance(value, str) else " ".join(value),
)
@pytest.mark.parametrize("command", ["summary", "compile"])
def test_a_call_at_fault(spec: Path, command: str, arguments: list[str], message: str) -> None:
    run = archdsl(command, "tiny.arch", *arguments, cwd=spec.parent)
    assert run.returncode == 2
    assert message in run.stderr and run.stdout == ""


def test_the_name_meant_is_suggested(spec: Path) -> None:
    assert "did you mean `grid`?" in archdsl("summary", str(spec), "--variants", "gird").stderr
