"""The corpus as a whole: how large it is, how often a fault is found at its place, and when."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from corpus_cases import CORPUS, ROOT, Fault, Score, read_faults, score, write

_SUITES = {
    path.stem: read_faults(path.read_text(encoding="utf-8"))
    for path in sorted(CORPUS.glob("*.md"))
    if path.name != "README.md"
}
_FAULTS = [fault for faults in _SUITES.values() for fault in faults]

_CHECK_ALL = """
import contextlib, io, sys
from pathlib import Path
from archdsl.cli import main

for spec in map(Path, sys.argv[1:]):
    sys.argv[1:] = ["check", spec.name, "--format", "concise", "--allow-outside"]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(spec.parent):
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main()
            except SystemExit as exit:
                status = exit.code
    text = out.getvalue() + err.getvalue()
    loud = "Traceback" in text or "internal error" in text
    print(status, "torch" in sys.modules, loud, spec)
"""


def test_the_corpus_is_large_and_varied() -> None:
    codes = {expected.code for fault in _FAULTS for _, _, expected in fault.expected}
    families = {code.removeprefix("ARCH")[0] for code in codes}
    assert len(_FAULTS) >= 80
    assert len({fault.main for fault in _FAULTS}) >= 10
    assert families == {"R", "0", "1", "2", "3", "4", "6", "9"}


@pytest.mark.parametrize("fault", _FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_one_edit_that_is_expected_somewhere_and_shown(fault: Fault) -> None:
    assert fault.expected
    assert fault.snapshot is not None


def test_faults_are_found_where_a_reader_would_mark_them() -> None:
    scores = {name: sum(map(score, faults), Score()) for name, faults in _SUITES.items()}
    total = sum(scores.values(), Score())
    print("\nsuite               faults  places   lines   spans")
    for name, found in (*scores.items(), ("together", total)):
        count = len(_SUITES.get(name, _FAULTS))
        print(f"{name:20}{count:6}{found.places:8}{found.lines:8}{found.spans:8}")
    print(f"lines {total.lines / total.places:.1%}, spans {total.spans / total.places:.1%}")
    assert total.lines == total.places
    assert total.spans >= 0.95 * total.places


def test_every_fault_ends_the_command_with_status_1_before_torch_is_there(tmp_path: Path) -> None:
    specs = [write(fault, tmp_path / str(number)) for number, fault in enumerate(_FAULTS)]
    command = [sys.executable, "-c", _CHECK_ALL, *map(str, specs)]
    run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout.splitlines() == [f"1 False False {spec}" for spec in specs]
