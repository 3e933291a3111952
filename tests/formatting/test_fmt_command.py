"""``archdsl fmt`` as a user runs it: what is written, what is printed, which status it has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from archdsl.cli import fmt
from archdsl.formatting import formatter

ROOT = Path(__file__).parents[2]

UGLY = "arch 1\ndef F(c){conv(c)  # why\n\n\n\n relu}"
GOOD = "arch 1\ndef F(c) {\n  conv(c)  # why\n\n  relu\n}\n"
BROKEN = "arch 1\ndef F(c {\n"


def status(*names: object, check: bool = False, diff: bool = False) -> int:
    """Run the command and return its status."""
    with pytest.raises(typer.Exit) as stop:
        fmt.run([str(name) for name in names], check=check, diff=diff)
    return stop.value.exit_code


@pytest.fixture
def ugly(tmp_path: Path) -> Path:
    path = tmp_path / "net.arch"
    path.write_text(UGLY)
    return path


def test_a_file_is_formatted(ugly: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert status(ugly) == 0
    assert ugly.read_text() == GOOD
    assert capsys.readouterr() == ("1 file formatted\n", "")
    assert list(ugly.parent.iterdir()) == [ugly]


def test_a_formatted_file_is_not_written(ugly: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ugly.write_text(GOOD)
    os.utime(ugly, (1, 1))
    assert status(ugly) == 0
    assert ugly.stat().st_mtime == 1
    assert capsys.readouterr().out == "1 file unchanged\n"


def test_check_lists_what_would_change(ugly: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = ugly.with_name("good.arch")
    good.write_text(GOOD)
    assert status(ugly, good, check=True) == 1
    assert ugly.read_text() == UGLY
    listed = f"would format {ugly}\n1 file would change, 1 unchanged\n"
    assert capsys.readouterr().out == listed
    assert status(good, check=True) == 0


def test_diff_shows_what_would_change(ugly: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert status(ugly, diff=True) == 1
    assert ugly.read_text() == UGLY
    shown = capsys.readouterr()
    assert shown.out == (
        f"--- {ugly}\n+++ {ugly}\n@@ -1,6 +1,6 @@\n arch 1\n-def F(c){{conv(c)  # why\n"
        "+def F(c) {\n+  conv(c)  # why\n \n-\n-\n- relu}\n\\ No newline at end of file\n"
        "+  relu\n+}\n"
    )
    assert shown.err == "1 file would change\n"
    ugly.write_text(GOOD)
    assert status(ugly, diff=True) == 0
    assert capsys.readouterr().out == ""


def test_a_file_that_cannot_be_parsed_is_left(
    ugly: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = ugly.with_name("broken.arch")
    broken.write_text(BROKEN)
    assert status(broken, ugly) == 1
    assert broken.read_text() == BROKEN
    assert ugly.read_text() == GOOD  # the others are formatted all the same
    shown = capsys.readouterr()
    assert "error[ARCH00" in shown.err and "broken.arch:2" in shown.err
    assert shown.out == "1 file formatted\n"


def test_faults_beyond_syntax_do_not_matter(ugly: Path) -> None:
    ugly.write_text("def F(){nonsense(1)->relu;1<2<3}\nmodel M extends Nothing{}")
    assert status(ugly) == 0
    assert ugly.read_text() == (
        "def F() { nonsense(1) -> relu; 1 < 2 < 3 }\nmodel M extends Nothing {}\n"
    )


def test_folders_hold_all_specs_below(ugly: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["a/x.arch", "a/b/y.arch", "a/.git/z.arch", "a/note.txt"]
    for name in names:
        path = ugly.parent / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(UGLY)
    assert status(ugly.parent / "a", ugly.parent / "a" / "x.arch") == 0
    assert capsys.readouterr().out == "2 files formatted\n"
    written = [(ugly.parent / name).read_text() == GOOD for name in names]
    assert written == [True, True, False, False]


def test_a_folder_without_specs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert status(tmp_path) == 2
    assert "error[ARCH109]: no .arch files in" in capsys.readouterr().err


def test_a_missing_file(ugly: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert status(ugly.with_name("nowhere.arch"), ugly) == 2
    assert "error[ARCH109]: cannot read" in capsys.readouterr().err
    assert ugly.read_text() == GOOD


def test_a_file_that_is_no_text(ugly: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ugly.write_bytes(b"arch 1\n# \xff\xfe\n")
    assert status(ugly) == 2
    assert "error[ARCH007]" in capsys.readouterr().err
    assert ugly.read_bytes() == b"arch 1\n# \xff\xfe\n"


def test_line_ends_and_byte_order_mark_stay(ugly: Path) -> None:
    ugly.write_bytes(b"\xef\xbb\xbf" + UGLY.replace("\n", "\r\n").encode())
    assert status(ugly) == 0
    assert ugly.read_bytes() == b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode()
    assert status(ugly, check=True) == 0


@pytest.mark.skipif(os.name != "posix", reason="permissions and links of POSIX")
def test_permissions_and_links_stay(ugly: Path) -> None:
    ugly.chmod(0o640)
    folder = ugly.parent / "links"
    folder.mkdir()
    link = folder / "link.arch"
    link.symlink_to(ugly)
    assert status(link) == 0
    assert link.is_symlink() and ugly.read_text() == GOOD
    assert ugly.stat().st_mode & 0o777 == 0o640
    assert list(folder.iterdir()) == [link]


def test_a_file_that_cannot_be_replaced(
    ugly: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_self: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    assert status(ugly) == 2
    assert "error[ARCH615]: cannot write" in capsys.readouterr().err
    assert ugly.read_text() == UGLY
    assert list(ugly.parent.iterdir()) == [ugly]


def test_a_write_protected_file(
    ugly: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # the tests may run as root
    assert status(ugly) == 2
    assert "permission denied" in capsys.readouterr().err
    assert ugly.read_text() == UGLY


@pytest.mark.parametrize(
    ("wrong", "change"),
    [
        ("arch 1\ndef F(c) { relu }\n", "what it says"),
        ("arch 1\ndef F(c) {\n  conv(c)\n  relu\n}\n", "its comments"),
        ("arch 1\ndef F(c) {\n", "its syntax"),
    ],
)
def test_a_formatter_that_is_wrong_writes_nothing(
    ugly: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    wrong: str,
    change: str,
) -> None:
    monkeypatch.setattr(formatter, "lay_out", lambda *_: wrong)
    assert status(ugly) == 70
    assert ugly.read_text() == UGLY
    shown = capsys.readouterr().err
    assert f"error[ARCH990]: formatting {ugly} would change {change}" in shown.replace("\n", " ")
    assert "this is a bug in archdsl" in shown


def test_a_formatter_that_never_rests_writes_nothing(
    ugly: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_out = formatter.lay_out

    def restless(text: str, *rest: object) -> str:
        return lay_out(text, *rest) if text == UGLY else f"\n{text}"  # type: ignore[arg-type]

    monkeypatch.setattr(formatter, "lay_out", restless)
    assert status(ugly) == 70
    assert ugly.read_text() == UGLY
    assert "ARCH990" in capsys.readouterr().err


def archdsl(*arguments: str, text: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "archdsl", *arguments],
        cwd=ROOT,
        input=text,
        capture_output=True,
        timeout=120,
    )


def test_standard_input_goes_to_standard_output() -> None:
    run = archdsl("fmt", "-", text=UGLY.replace("\n", "\r\n").encode())
    assert (run.returncode, run.stderr) == (0, b"")
    assert run.stdout == GOOD.replace("\n", "\r\n").encode()
    run = archdsl("fmt", "-", text=BROKEN.encode())
    assert (run.returncode, run.stdout) == (1, b"")
    assert b"--> <stdin>:2" in run.stderr


def test_start_up_needs_lark_alone() -> None:
    code = (
        "import sys\n"
        "from archdsl.cli import main\n"
        "try:\n    main()\n"
        "except SystemExit as stop:\n    assert not stop.code, stop.code\n"
        "assert 'lark' in sys.modules\n"
        "heavy = [m for m in ('rich', 'pydantic', 'torch', 'numpy') if m in sys.modules]\n"
        "heavy += [m for m in sys.modules if m.startswith(('archdsl.elab', 'archdsl.op'))]\n"
        "assert not heavy, heavy\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, "fmt", "--check", "specs"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
