"""The commands as a user runs them: exit status, what is printed, what is written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from calling import ROOT, archdsl

TINY = """arch 1
from std.recipes import digits

model Tiny(classes = 10, c = 8) {
  input [1, 8, 8]
  backbone { stage s1 { block b1 { conv(c) -> relu -> conv(c) -> relu } -> tap } }
  head { gap -> linear(classes) }
  train digits with digits
}
"""


def process(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "archdsl", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=240,
    )


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.arch"
    path.write_text(TINY)
    return path


def test_check_is_silent_about_clean_specs() -> None:
    specs = sorted(str(p.relative_to(ROOT)) for p in (ROOT / "specs").glob("*.arch"))
    run = process("check", *specs)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout == f"no faults in {', '.join(specs)}\n"


def test_check_reports_faults_with_status_1(tiny: Path) -> None:
    tiny.write_text(TINY.replace("relu", "rleu", 1))
    run = process("check", "tiny.arch", cwd=tiny.parent)
    assert run.returncode == 1
    assert "error[ARCH101]: there is no operator or def `rleu`" in run.stdout
    assert "--> tiny.arch:6:47" in run.stdout
    assert "help: did you mean `relu`?" in run.stdout
    assert run.stdout.endswith("1 error\n")
    assert "\x1b" not in run.stdout  # no colour where there is no terminal


def test_check_prints_json(tiny: Path) -> None:
    tiny.write_text(TINY.replace("relu", "rleu", 1))
    run = archdsl("check", "tiny.arch", "--format", "json", cwd=tiny.parent)
    (found,) = json.loads(run.stdout)
    assert run.returncode == 1
    assert {k: found[k] for k in ("code", "severity", "file", "line", "column")} == {
        "code": "ARCH101",
        "severity": "error",
        "file": "tiny.arch",
        "line": 6,
        "column": 47,
    }
    assert (found["end_line"], found["end_column"]) == (6, 51)
    assert found["help"] == "did you mean `relu`?"
    assert found["labels"] == []


def test_clean_json_is_an_empty_list(tiny: Path) -> None:
    assert json.loads(archdsl("check", str(tiny), "--format", "json").stdout) == []


@pytest.mark.parametrize("command", ["check", "compile", "summary"])
def test_a_missing_file_is_the_calls_fault(command: str, tmp_path: Path) -> None:
    run = process(command, "nowhere.arch", cwd=tmp_path)
    assert run.returncode == 2
    assert "error[ARCH109]: cannot read nowhere.arch" in run.stdout + run.stderr


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "bad.arch").write_bytes(b"arch 1\n\xff\xfe\n")
    run = archdsl("check", "bad.arch", cwd=tmp_path)
    assert run.returncode == 2
    assert "error[ARCH007]: bad.arch is not UTF-8 text" in run.stdout


def test_unknown_option_and_command() -> None:
    assert process("check", "--nope").returncode == 2
    assert process("chekc").returncode == 2


def test_compile_writes_source_and_json(tiny: Path) -> None:
    run = process("compile", str(tiny), "-o", "out", cwd=tiny.parent)
    assert run.returncode == 0, run.stderr
    folder = tiny.parent / "out" / "tiny"
    assert sorted(p.name for p in folder.iterdir()) == [
        "tiny.html",
        "tiny.json",
        "tiny.py",
        "tiny.svg",
    ]
    document = json.loads((folder / "tiny.json").read_text())
    assert document["name"] == "Tiny" and document["params"] > 0
    assert document["identity"] in (folder / "tiny.py").read_text()
    assert f"{document['params']:,}" in run.stdout  # the summary table


def test_compile_does_not_write_for_a_faulty_spec(tiny: Path) -> None:
    tiny.write_text(TINY.replace("gap", "gapp"))
    run = archdsl("compile", str(tiny), "-o", "out", cwd=tiny.parent)
    assert run.returncode == 1
    assert "error[ARCH101]" in run.stderr and run.stdout == ""
    assert not (tiny.parent / "out").exists()


def test_compile_says_when_it_cannot_write(tiny: Path) -> None:
    (tiny.parent / "file").write_text("")
    run = archdsl("compile", str(tiny), "-o", "file/out", cwd=tiny.parent)
    assert run.returncode == 2
    assert "error[ARCH615]" in run.stderr and "Traceback" not in run.stderr


def test_a_parameter_can_be_set(tiny: Path) -> None:
    assert archdsl("compile", str(tiny), "--set", "c=12", cwd=tiny.parent).returncode == 0
    text = (tiny.parent / "build/tiny/tiny.py").read_text()
    assert "nn.Conv2d(1, 12, 3, padding=1)" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "cc=3"], "error[ARCH103]: model Tiny has no parameter `cc`"),
        (["--set", "c"], "error[ARCH114]: --set takes path=value"),
        (["--set", "c=[[1]]"], "error[ARCH114]"),
        (["--set", "train.batch=3"], "error[ARCH133]: batch is set for training"),
        (["--epochs", "3"], "error[ARCH133]"),
        (["--device", "cpu"], "error[ARCH133]: --device is set for training"),
        (["--train", "digits", "--device", "gpu7"], "error[ARCH608]: gpu7 is not a device"),
        (["--model", "Tinny"], "error[ARCH120]: there is no model `Tinny`"),
        (["--train", "digts"], "error[ARCH603]: there is no data set `digts`"),
        (["--train", "cifar10"], "error[ARCH607]: Tiny names no recipe for cifar10"),
        (["--train", "digits", "--set", "train.bach=3"], "error[ARCH602]"),
        (["--train", "digits", "--set", "train.batch=0"], "error[ARCH105]"),
        (["--train", "digits", "--set", "classes=3"], "error[ARCH605]"),
    ],
)
def test_faults_of_the_call(tiny: Path, arguments: list[str], message: str) -> None:
    run = archdsl("compile", str(tiny), *arguments, cwd=tiny.parent)
    assert run.returncode == 2
    assert message in run.stderr
    assert "help: " in run.stderr and "Traceback" not in run.stderr


def test_a_set_value_out_of_place_is_the_specs_fault(tiny: Path) -> None:
    run = archdsl("compile", str(tiny), "--set", "c=0", cwd=tiny.parent)
    assert run.returncode == 1
    assert "error[ARCH105]: conv: c cannot be 0" in run.stderr


def test_training_leaves_a_run(tiny: Path) -> None:
    run = process(
        "compile", str(tiny), "--train", "digits", "--epochs", "1", "--seed", "3", cwd=tiny.parent
    )
    assert run.returncode == 0, run.stderr
    assert "test accuracy" in run.stdout
    (folder,) = (tiny.parent / "runs").iterdir()
    record = json.loads((folder / "run.json").read_text())
    assert record["recipe"]["seed"] == 3 and record["recipe"]["epochs"] == 1
    assert len((folder / "metrics.jsonl").read_text().splitlines()) == 1
    assert (folder / "weights.safetensors").stat().st_size > 1000
    (kept,) = folder.rglob("tiny.arch")
    assert kept.read_text() == TINY


@pytest.mark.parametrize(
    ("augment", "code"),
    [
        ("random_crop(16)", "ARCH604"),
        ("resize(6) -> random_crop(8)", "ARCH604"),
        ("hflip -> resize(8)", "ARCH602"),
        ("resize(6) -> random_crop(8, padding = 1)", None),
        ("resize(9) -> random_crop(8) -> hflip", None),
    ],
)
def test_an_augmentation_that_cannot_work_is_the_specs_fault(
    tiny: Path, augment: str, code: str | None
) -> None:
    import archdsl as api

    recipe = f"recipe mine extends digits {{ augment {{ {augment} }} }}\n"
    tiny.write_text(TINY.replace("model", recipe + "model").replace("with digits", "with mine"))
    found = api.check(tiny)
    assert [d.code for d in found] == ([code] if code else [])
    assert all(d.help and d.primary and d.primary.span.text == "mine" for d in found)


def test_explain_and_summary() -> None:
    run = archdsl("explain", "RA002")
    assert run.returncode == 0 and run.stdout.startswith("#")
    assert archdsl("explain", "RA0022").returncode == 2
    run = archdsl("summary", "specs/resnet_ra.arch")
    assert run.returncode == 0 and "16,040,650" in run.stdout and "2,253,654,528" in run.stdout


def test_the_api() -> None:
    import archdsl as api

    compiled = api.compile(ROOT / "specs" / "vgg1_ra.arch", classes=100)
    assert (compiled.params, compiled.macs) == (6_704_612, 702_243_840)
    assert api.check(ROOT / "specs" / "vgg1.arch") == ()
    with pytest.raises(api.CallFault):
        api.compile(ROOT / "specs" / "vgg1_ra.arch", n_classes=100)


FULL = Path("/dev/full")
needs_a_full_disk = pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")


@needs_a_full_disk
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "arguments",
    [
        ("summary", "specs/vgg1.arch"),
        ("summary", "specs/vgg1.arch", "--per", "layer", "--format", "csv"),
        ("check", "nothing.arch"),
        ("explain", "RA002"),
        ("--version",),
    ],
    ids=lambda each: " ".join(each),
)
def test_a_full_disk_behind_standard_output_is_no_bug(
    arguments: tuple[str, ...], unbuffered: str
) -> None:
    with FULL.open("wb") as full:
        run = subprocess.run(
            [sys.executable, "-m", "archdsl", *arguments],
            cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True,
            env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        )  # fmt: skip
    assert run.returncode == 2
    assert "error[ARCH616]: the disk is full: standard output could not be written" in run.stderr
    assert "note: what has been written to it is cut short" in run.stderr
    assert "bug" not in run.stderr and "Exception" not in run.stderr


@needs_a_full_disk
def test_nothing_can_be_said_where_standard_error_is_full_too() -> None:
    with FULL.open("wb") as full:
        call = [sys.executable, "-m", "archdsl", "summary", "specs/vgg1.arch"]
        assert subprocess.run(call, cwd=ROOT, stdout=full, stderr=full).returncode == 2


def test_a_full_disk_in_json() -> None:
    if not FULL.exists():
        pytest.skip("there is no /dev/full")
    with FULL.open("wb") as full:
        call = [sys.executable, "-m", "archdsl", "check", "nothing.arch", "--format", "json"]
        run = subprocess.run(call, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True)
    assert run.returncode == 2
    assert [fault["code"] for fault in json.loads(run.stderr)] == ["ARCH616"]


@needs_a_full_disk
def test_an_interruption_is_one_whatever_standard_output_takes() -> None:
    program = (
        "import archdsl.cli as cli\n"
        "def interrupted():\n"
        "    print('[')\n"
        "    raise KeyboardInterrupt\n"
        "cli.app = interrupted\n"
        "cli.main()\n"
    )
    with FULL.open("wb") as full:
        call = [sys.executable, "-c", program]
        run = subprocess.run(
            call, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True,
            env=os.environ | {"PYTHONUNBUFFERED": ""},
        )  # fmt: skip
    assert run.returncode == 130
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
@pytest.mark.parametrize(("arguments", "status"), [("specs/vgg1.arch", 0), ("nothing.arch", 2)])
def test_an_output_that_is_closed(arguments: str, status: int, closed: str) -> None:
    command = f"{sys.executable} -m archdsl summary {arguments} {closed}"
    run = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == status
    assert "bug" not in run.stderr + run.stdout
