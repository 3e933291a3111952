"""Every format, character for character: tests/diagnostics/golden holds what is printed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sample_faults import SAMPLES

from archdsl.cli.formats import Format, rendered
from archdsl.cli.output import wants_colour
from archdsl.diagnostics.catalogue import CATALOGUE
from archdsl.diagnostics.sarif import to_sarif
from archdsl.diagnostics.text import render_text

GOLDEN = Path(__file__).parent / "golden"
ROOT = Path(__file__).parents[2]

FAULTY = """\
arch 1
def Unit(c) { main = in -> conv(c, stride = 2); skip = in -> conv(c, 1); out = add(main, skip) }
model Net { input [3, 32, 32]; backbone { Unit(16) -> rleu }; head { gap -> linear(10) } }
"""


def compare(name: str, written: str, request: pytest.FixtureRequest) -> None:
    path = GOLDEN / name
    if request.config.getoption("--update"):
        path.write_text(written, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == written, "pytest --update rewrites it"


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("format", Format)
def test_each_format(format: Format, sample: str, request: pytest.FixtureRequest) -> None:
    written = rendered(SAMPLES[sample], format)
    if format is Format.SARIF:  # the pages have tests of their own
        log = json.loads(written)
        log["runs"][0]["tool"]["driver"]["version"] = "VERSION"
        for rule in log["runs"][0]["tool"]["driver"]["rules"]:
            rule["help"] = "PAGE"
        written = json.dumps(log, indent=2)
    compare(f"{sample}.{format}", written + "\n" if written else "", request)


@pytest.mark.parametrize("width", [20, 40, 80])
@pytest.mark.parametrize("sample", ["join", "hostile"])
def test_narrow_pages(sample: str, width: int, request: pytest.FixtureRequest) -> None:
    written = render_text(SAMPLES[sample], width).plain + "\n"
    compare(f"{sample}.text{width}", written, request)


@pytest.mark.parametrize("sample", SAMPLES)
def test_sarif_has_what_its_schema_requires(sample: str) -> None:
    """The required properties and ranges of SARIF 2.1.0, of the objects that are used here."""
    log = json.loads(to_sarif(SAMPLES[sample]))
    assert set(log) == {"$schema", "version", "runs"} and log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert set(run) == {"tool", "columnKind", "results"}
    assert run["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
    driver = run["tool"]["driver"]
    assert driver["name"] == "archdsl" and driver["version"]
    for rule in driver["rules"]:
        entry = CATALOGUE[rule["id"]]
        assert rule["name"] == entry.slug and rule["shortDescription"] == {"text": entry.title}
        page = (ROOT / "docs" / "errors" / f"{entry.code}.md").read_text(encoding="utf-8")
        assert rule["help"] == {"text": page, "markdown": page}
    assert len(run["results"]) == len(SAMPLES[sample])
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("none", "note", "warning", "error")
        assert result["message"]["text"]
        for location in [*result.get("locations", []), *result.get("relatedLocations", [])]:
            assert location["physicalLocation"]["artifactLocation"]["uri"]
            region = location["physicalLocation"]["region"]
            assert set(region) == {"startLine", "startColumn", "endLine", "endColumn"}
            assert min(region.values()) >= 1
        ids = [location["id"] for location in result.get("relatedLocations", [])]
        assert len(set(ids)) == len(ids) and all(number >= 0 for number in ids)
        for fix in result.get("fixes", []):
            assert fix["description"]["text"]
            assert fix["artifactChanges"]
            for change in fix["artifactChanges"]:
                assert change["artifactLocation"]["uri"]
                assert change["replacements"]
                for replacement in change["replacements"]:
                    assert replacement["deletedRegion"]["startLine"] >= 1
                    assert isinstance(replacement["insertedContent"]["text"], str)


@pytest.mark.parametrize(
    ("environment", "on_terminal", "elsewhere"),
    [
        ({"TERM": "xterm"}, True, False),
        ({}, True, False),
        ({"TERM": "dumb"}, False, False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False, False),
        ({"TERM": "xterm", "NO_COLOR": ""}, True, False),
        ({"TERM": "xterm", "FORCE_COLOR": "1"}, True, True),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True, True),
        ({"TERM": "xterm", "FORCE_COLOR": "0"}, False, False),
        ({"TERM": "xterm", "FORCE_COLOR": ""}, True, False),
        ({"TERM": "xterm", "FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
    ],
)
def test_colour(environment: dict[str, str], on_terminal: bool, elsewhere: bool) -> None:
    assert wants_colour(environment, terminal=True) is on_terminal
    assert wants_colour(environment, terminal=False) is elsewhere


def check(spec: Path, *, columns: int | None = None, **environment: str) -> str:
    """Return what `archdsl check` prints, on a terminal of so many columns or into a pipe."""
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    kept |= {"TERM": "xterm", **environment}
    call = [sys.executable, "-m", "archdsl", "check", spec.name]
    if columns is None:
        run = subprocess.run(call, cwd=spec.parent, env=kept, capture_output=True, timeout=60)
        return run.stdout.decode()
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    kept["COLUMNS"] = str(columns)
    with subprocess.Popen(call, cwd=spec.parent, env=kept, stdout=theirs, stdin=theirs) as process:
        os.close(theirs)
        parts = []
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # Linux's way to say that the other side is closed
                break
            if not part:
                break
            parts.append(part)
        process.wait(timeout=60)
    os.close(ours)
    return b"".join(parts).decode().replace("\r\n", "\n")


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "net.arch"
    path.write_text(FAULTY)
    return path


def test_a_pipe_gets_no_colour_and_no_wrapping_whatever_its_terminal(spec: Path) -> None:
    plain = check(spec)
    assert "\x1b" not in plain
    assert FAULTY.splitlines()[1] in plain
    assert check(spec, COLUMNS="40", TERM="dumb") == plain
    forced = check(spec, FORCE_COLOR="1")
    assert "\x1b[1;31merror[ARCH203]\x1b[0m" in forced
    assert FAULTY.splitlines()[1] in forced


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
    ids=["plain", "NO_COLOR", "dumb"],
)
def test_a_terminal_is_coloured_unless_it_objects(
    spec: Path, environment: dict[str, str], coloured: bool
) -> None:
    printed = check(spec, columns=80, **environment)
    assert ("\x1b[" in printed) is coloured
    assert "error[ARCH203]" in printed


@pytest.mark.parametrize("columns", [20, 40])
def test_a_narrow_terminal_is_wrapped(spec: Path, columns: int) -> None:
    printed = check(spec, columns=columns, NO_COLOR="1")
    assert max(map(len, printed.splitlines())) <= columns
    assert "add(" in printed and "…" in printed


def test_what_the_encoding_lacks_is_escaped(spec: Path) -> None:
    spec.write_text(FAULTY.replace("Unit(16) -> rleu", "conv(3, 99, padding = 0)"))
    printed = check(spec, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert "its 99\\xd799 window" in printed
