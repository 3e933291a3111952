"""``archdsl summary`` as a user meets it: what goes where, in which format; and its page."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shlex
import subprocess
import sys
from contextvars import copy_context
from pathlib import Path

import pytest
from calling import ROOT, archdsl
from test_commands import TINY
from typer.testing import CliRunner

from archdsl.cli import app
from archdsl.cli.summary import Format

SIX = [f"specs/{n}.arch" for n in "vgg1 vgg2 resnet vgg1_ra vgg2_ra resnet_ra".split()]
PAGE = ROOT / "docs" / "summary.md"


def summary(*arguments: str) -> tuple[int, str, str]:
    """Run the command in this process; return status, standard output and standard error."""
    # In a context of its own: the format that is chosen for faults is gone afterwards.
    run = copy_context().run(CliRunner().invoke, app, ["summary", *arguments])
    assert run.exception is None or isinstance(run.exception, SystemExit), run.exception
    return run.exit_code, run.stdout, run.stderr


def rows(*arguments: str) -> list[dict[str, object]]:
    status, out, _ = summary(*arguments, "--format", "json")
    assert status == 0
    found = json.loads(out)["rows"]
    assert isinstance(found, list)
    return found


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "tiny.arch"
    path.write_text(TINY)
    return path


@pytest.fixture
def in_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


# --- what a row is


@pytest.mark.usefixtures("in_root")
def test_what_a_row_is_follows_from_what_is_asked() -> None:
    assert "block" in {row.get("kind") for row in rows("specs/vgg1.arch")}
    assert [row["network"] for row in rows(*SIX[:2])] == ["VGG1", "VGG2"]
    assert [row["network"] for row in rows("specs/vgg1.arch", "--per", "network")] == ["VGG1"]
    by_stage = rows(*SIX[:2], "--per", "stage")
    assert [row["part"] for row in by_stage if row["kind"] == "stage"] == ["s1", "s2", "s3"] * 2
    assert {row["network"] for row in by_stage} == {"VGG1", "VGG2"}


def test_settings_hold_for_every_spec(tiny: Path) -> None:
    Path("other.arch").write_text(TINY.replace("Tiny", "Other"))
    found = rows("tiny.arch", "other.arch", "--set", "c=12")
    assert [row["network"] for row in found] == ["Tiny", "Other"]
    assert [row["parameters"] for row in found] == [{"classes": 10, "c": 12}] * 2
    assert [row["stages"][0]["widths"] for row in found] == [[[12, 2]]] * 2  # type: ignore[index]


def test_a_model_can_be_named(tiny: Path) -> None:
    tiny.write_text(TINY + "model Wide extends Tiny { }\n")
    assert summary("tiny.arch")[0] == 2
    assert {row["network"] for row in rows("tiny.arch", "--model", "Wide")} == {"Wide"}


@pytest.mark.parametrize("per", ["layer", "block", "stage", "network"])
@pytest.mark.parametrize("format", Format)
def test_variants_in_every_format(tiny: Path, format: Format, per: str) -> None:
    tiny.write_text(TINY + "variants width of Tiny { c in [8, 12] }\n")
    status, out, err = summary("tiny.arch", "--variants", "width", "--format", format, "--per", per)
    assert (status, err) == (0, "[]\n" if format is Format.JSON else "")
    for c in (8, 12):
        name = {"markdown": rf"width\[c={c}\]", "latex": rf"width{{[}}c={c}]"}.get(format)
        plain = f"width[c={c}]"
        assert plain in out or (name is not None and name in out)


def test_points_have_their_costs_in_latex(tiny: Path) -> None:
    tiny.write_text(TINY + "variants width of Tiny { c in [8, 12] }\n")
    _, out, _ = summary("tiny.arch", "--variants", "width", "--format", "latex")
    assert r"Point & Block 1 & Classifier & Params & MACs \\" in out


# --- what goes where


@pytest.mark.parametrize("format", Format)
def test_nothing_but_the_table_goes_to_standard_output(format: Format) -> None:
    """VGG-1-RA has a note: its last pool feeds nothing."""
    run = archdsl("summary", "specs/vgg1_ra.arch", "--format", format)
    assert run.returncode == 0
    assert "maxpool" in run.stderr and "nothing reads" in run.stderr
    assert "nothing reads" not in run.stdout and "note:" not in run.stdout
    if format is Format.JSON:
        assert [d["code"] for d in json.loads(run.stderr)] == ["ARCH310"]
        json.loads(run.stdout)
    else:
        assert run.stderr.startswith("note: ")


@pytest.mark.parametrize("format", Format)
@pytest.mark.parametrize(
    ("text", "status", "code"),
    [(TINY.replace("relu", "rleu", 1), 1, "ARCH101"), (None, 2, "ARCH109")],
    ids=["spec", "call"],
)
def test_faults_leave_standard_output_empty(
    tiny: Path, text: str | None, status: int, code: str, format: Format
) -> None:
    """A sound spec before the faulty one changes nothing."""
    if text is not None:
        Path("bad.arch").write_text(text)
    found, out, err = summary("tiny.arch", "bad.arch", "--format", format)
    assert (found, out) == (status, "")
    if format is Format.JSON:
        assert [d["code"] for d in json.loads(err)] == [code]
    else:
        assert f"error[{code}]" in err


def test_warnings_of_all_specs_are_one_list(tiny: Path) -> None:
    warned = TINY.replace("from std.recipes import digits", "from std.blocks import Basic").replace(
        "  train digits with digits\n", ""
    )
    for name in ("a.arch", "b.arch"):
        Path(name).write_text(warned)
    status, _, err = summary("a.arch", "b.arch", "--format", "json")
    assert status == 0
    assert [d["file"] for d in json.loads(err)] == ["a.arch", "b.arch"]


def test_formats_of_faults_are_not_formats_of_tables(tiny: Path) -> None:
    status, out, err = summary("tiny.arch", "--format", "sarif")
    assert (status, out) == (2, "")
    assert "'text', 'json', 'csv', 'markdown', 'latex'" in err


def test_options_after_the_format_are_told_in_it(tiny: Path) -> None:
    status, out, err = summary("tiny.arch", "--set", "n", "--format", "json")
    assert (status, out, json.loads(err)[0]["code"]) == (2, "", "ARCH114")


# --- bytes


def test_csv_has_the_line_ends_that_it_must_have() -> None:
    call = [sys.executable, "-m", "archdsl", "summary", "specs/vgg1.arch", "--format", "csv"]
    written = subprocess.run(call, cwd=ROOT, capture_output=True, check=True).stdout
    assert written.count(b"\n") == written.count(b"\r\n") > 5
    lines = list(csv.DictReader(io.StringIO(written.decode(), newline="")))
    assert lines[-1]["kind"] == "total" and lines[-1]["params"] == "14027658"
    assert json.loads(lines[0]["output"]) == [3, 32, 32]


@pytest.mark.parametrize("format", Format)
def test_streams_that_are_ascii(format: Format) -> None:
    call = [sys.executable, "-m", "archdsl", "summary", *SIX[:3], "--format", format]
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    run = subprocess.run(call, cwd=ROOT, capture_output=True, env=environment, check=True)
    assert run.stdout.isascii() and run.stdout


def test_a_hostile_name_of_a_file(tiny: Path) -> None:
    name = "=1|`$x$`\x1b[31m\n.arch"
    tiny.rename(name)
    _, out, _ = summary(f"./{name}", "--per", "layer", "--format", "markdown")
    for line in out.splitlines():
        if line.startswith("| backbone"):
            assert len(re.findall(r"(?<!\\)\|", line)) == 8
    for format in Format:
        for per in ("layer", "network"):
            status, out, _ = summary(name, "--per", per, "--format", format)
            assert status == 0
            assert all(c.isprintable() for c in out.replace("\r\n", "").replace("\n", ""))
    header, row = csv.reader(io.StringIO(summary(name, "--per=network", "--format=csv")[1]))
    assert row[header.index("spec")] == "'=1|`$x$`\\x1b[31m\\n.arch"


def test_all_taps_of_a_block_are_named(tiny: Path) -> None:
    block = "block b1 { conv(c) -> relu -> conv(c) -> relu } -> tap"
    two = "block b1 { conv(c) -> relu -> tap as low -> conv(c) -> relu -> tap as high }"
    head = "aggregate lstm(hidden = 4)\n  head { linear(classes) }"
    text = TINY.replace(block, two).replace("head { gap -> linear(classes) }", head)
    tiny.write_text(text.replace("stage s1 {", 'stage s1 { allow RA001 "two of one stage";'))
    status, out, err = summary("tiny.arch", "--format", "json")
    assert status == 0, err
    rows = {row["part"]: row for row in json.loads(out)["rows"]}
    assert rows["b1"]["tap"] == ["s1.low", "s1.high"]
    assert len(rows["b1"]["level"]) == len(rows["b1"]["ratio"]) == 2
    assert (rows["s1"]["tap"], rows["total"]["ratio"]) == ([], [])
    assert all(len(rows[f"map s1.{name}"]["tap"]) == 1 for name in ("low", "high"))


def test_reasons_in_every_format(tiny: Path) -> None:
    reason = "=a|b `c` & 50% _x_"
    block = "block b1 { conv(c) -> relu -> conv(c) -> relu } -> tap"
    one = f'block b1 {{ allow RA001 "{reason}"; conv(c) -> relu }} -> tap'
    head = "aggregate lstm(hidden = 4)\n  head { linear(classes) }"
    text = TINY.replace(block, one).replace("head { gap -> linear(classes) }", head)
    tiny.write_text(text)
    said = {format: summary("tiny.arch", "--format", format)[1] for format in Format}
    assert "allows RA001\n" in said[Format.TEXT] and reason not in said[Format.TEXT]
    assert r"allows RA001: =a\|b \`c\` &amp; 50% \_x\_ |" in said[Format.MARKDOWN]
    assert (
        r"allows RA001: =a\textbar{}b \textasciigrave{}c\textasciigrave{} \& 50\% \_x\_ \\"
        in said[Format.LATEX]
    )
    allowed = [row["allowed"] for row in json.loads(said[Format.JSON])["rows"] if row["allowed"]]
    assert allowed == [[{"code": "RA001", "reason": reason}]]
    lines = csv.DictReader(io.StringIO(said[Format.CSV], newline=""))
    assert [json.loads(line["allowed"]) for line in lines if line["allowed"] != "[]"] == allowed


# --- a terminal


def on_a_terminal(width: int, *arguments: str) -> list[str]:
    """Return the lines that the command prints on a terminal of so many columns."""
    pty = pytest.importorskip("pty")
    import fcntl
    import struct
    import termios

    outer, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
    environment |= {"NO_COLOR": "1", "TERM": "xterm"}
    call = [sys.executable, "-m", "archdsl", "summary", *arguments]
    process = subprocess.Popen(
        call, cwd=ROOT, env=environment, stdin=inner, stdout=inner, stderr=subprocess.DEVNULL
    )
    os.close(inner)
    written = b""
    while True:
        try:
            read = os.read(outer, 1 << 16)
        except OSError:  # the other side is closed
            break
        if not read:
            break
        written += read
    os.close(outer)
    assert process.wait() == 0
    plain = re.sub(r"\x1b\[[\d;]*m", "", written.decode())
    return plain.replace("\r\n", "\n").splitlines()


@pytest.mark.parametrize("per", ["layer", "block", "stage", "network"])
def test_lines_fit_on_a_terminal(per: str) -> None:
    lines = on_a_terminal(80, "specs/resnet_ra.arch", "--per", per)
    assert max(map(len, lines)) <= 80
    assert any("16,040,650" in line and "2,253,654,528" in line for line in lines)


def test_a_pipe_gets_everything() -> None:
    run = archdsl("summary", "specs/resnet_ra.arch", "--per", "layer")
    assert "left out" not in run.stdout
    assert "specs/resnet.arch:10\n" in run.stdout


# --- the page


CONSOLE = re.compile(r"```console\n\$ archdsl (.*?)\n(.*?)```", re.DOTALL)


@pytest.mark.usefixtures("in_root")
def test_the_page_shows_what_is_printed(request: pytest.FixtureRequest) -> None:
    def example(match: re.Match[str]) -> str:
        command, _, head = match[1].partition(" | head -n ")
        status, out, _ = summary(*shlex.split(command)[1:])
        assert status == 0, command
        lines = [line.rstrip() for line in out.splitlines()]
        shown = "\n".join(lines[: int(head)] if head else lines)
        return f"```console\n$ archdsl {match[1]}\n{shown}\n```"

    text = PAGE.read_text(encoding="utf-8")
    current = CONSOLE.sub(example, text)
    if request.config.getoption("--update"):
        PAGE.write_text(current, encoding="utf-8")
        text = current
    shown = " ".join(match[1] for match in CONSOLE.finditer(text))
    assert set(re.findall(r"--format (\w+)", shown)) | {"text"} == set(Format)
    assert text == current, "pytest --update rewrites it"


@pytest.mark.usefixtures("in_root")
@pytest.mark.parametrize("per", ["layer", "block", "stage", "network"])
def test_the_page_tells_of_every_key(per: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    title = "`block`, `stage`" if per in ("block", "stage") else f"`{per}`"
    section = text.partition("## json")[2].partition(f"| {title} | what |")[2].partition("\n\n")[0]
    named = set()
    for line in section.splitlines()[2:]:
        named |= set(re.findall(r"`(\w+)`", line.split("|")[1]))
    named = {f"params{name}" if name.startswith("_") else name for name in named}
    assert named == set(rows("specs/vgg1_ra.arch", "--per", per)[0])


@pytest.mark.usefixtures("in_root")
def test_the_page_tells_of_every_kind() -> None:
    from archdsl.backends.tables import parts

    (line,) = [line for line in PAGE.read_text().splitlines() if line.startswith("| `kind` |")]
    written = set(re.findall(r"`(\w+)`", line.split("|")[2]))
    documented = set(re.findall(r"``(\w+)``", (parts.Part.__doc__ or "").partition("``kind``")[2]))
    assert written == documented - {"path"}
    found = {
        row["kind"] for row in rows("specs/zoo/resnet18.arch", "specs/vgg1_ra.arch", "--per=block")
    }
    assert found == written - {"foreign", "feature"}


@pytest.mark.parametrize("format", Format)
def test_no_format_imports_anything_heavy(format: Format) -> None:
    code = (
        "import sys\nfrom archdsl.cli import main\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code\n"
        "heavy = {'torch', 'numpy', 'matplotlib', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    call = [sys.executable, "-c", code, "summary", *SIX, "--format", format, "--per", "layer"]
    run = subprocess.run(call, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
