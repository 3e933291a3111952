"""No input runs code, opens what it may not, hangs, or ends in a traceback: 20,000 of them say so.

``pytest tests/safety/test_audit.py -m slow`` runs all of them; 1,500 run always.
"""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from safety.inputs import KINDS, inputs
from safety.watching import PLANTED

HERE = Path(__file__).parent


def watch(folder: Path, seed: int, count: int, *, planted: bool = False) -> dict[str, Any]:
    """Run inputs in a process of their own; return its report."""
    call = [sys.executable, str(HERE / "watching.py"), str(folder / "root"), str(seed), str(count)]
    run = subprocess.run(
        [*call, *(["planted"] if planted else [])], capture_output=True, text=True, timeout=1500
    )
    last = folder / "root" / "current"
    at = last.read_text() if last.exists() else "before the first"
    assert run.returncode == 0, f"the process ended at input {at}:\n{run.stderr[-3000:]}"
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def shown(reports: list[dict[str, Any]]) -> str:
    """Return what was done, in a few lines, for the log of the run."""
    outcomes: dict[str, int] = {}
    for report in reports:
        for outcome, count in report["outcomes"].items():
            outcomes[outcome] = outcomes.get(outcome, 0) + count
    codes = {code for report in reports for code in report["codes"]}
    slowest, kind = max((s, kind) for r in reports for kind, s in r["slowest"].items())
    return (
        f"{sum(r['inputs'] for r in reports)} inputs of {len(KINDS)} kinds: {outcomes}; "
        f"{len(codes)} codes; at most {slowest:.2f} s ({kind}) "
        f"and {max(r['peak MB'] for r in reports)} MB"
    )


def check(reports: list[dict[str, Any]]) -> None:
    listed = [
        f"{fault['kind']} {fault['file']}\n{w}"
        for report in reports
        for fault in report["faults"]
        for w in fault["wrong"]
    ]
    assert not listed, f"{len(listed)} faults\n\n" + "\n\n".join(listed[:10])
    for report in reports:  # they reach everything: all kinds, all outcomes, most codes
        outcomes = report["outcomes"]
        assert set(report["kinds"]) == set(KINDS)
        assert min(outcomes[o] for o in ("compiled", "faulty", "no model", "refused")) > 20
        assert len(report["codes"]) > 50


def watch_all(folder: Path, seeds: range, count: int) -> list[dict[str, Any]]:
    """Run ``count`` inputs of each seed, in two processes at a time."""
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(lambda seed: watch(folder / str(seed), seed, count), seeds))
    print(shown(reports))
    return reports


def test_hostile_inputs(tmp_path: Path) -> None:
    check(watch_all(tmp_path, range(1, 3), 750))


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_twenty_thousand_hostile_inputs(tmp_path: Path) -> None:
    reports = watch_all(tmp_path, range(101, 105), 5000)
    check(reports)
    assert sum(report["inputs"] for report in reports) == 20_000


SIGNS = {
    "open": "open ('/etc/hostname'",
    "write": "open ('stray'",
    "link": "open ('link.arch'",
    "exec": "exec ",
    "eval": "compile ",
    "import": "import ('this_is_not_there'",
    "system": "os.system",
    "process": "os.posix_spawn",
    "socket": "socket.__new__",
    "folder": "os.listdir",
    "remove": "os.remove",
    "recursion": "RecursionError",
    "memory": "MemoryError",
    "hang": "it does not end",
    "traceback": "ZeroDivisionError",
}


def test_the_watch_sees_what_is_done_on_purpose(tmp_path: Path) -> None:
    """Each input does one thing that no spec may do: each time the watch must say so."""
    assert list(SIGNS) == list(PLANTED)
    faults = watch(tmp_path, 1, len(PLANTED), planted=True)["faults"]
    assert [fault["number"] for fault in faults] == list(range(len(PLANTED)))
    for fault, sign in zip(faults, SIGNS.values(), strict=True):
        assert any(sign in wrong for wrong in fault["wrong"]), (sign, fault["wrong"])


def test_inputs_are_the_same_every_time() -> None:
    first = list(inputs(3, 4 * len(KINDS)))
    assert first == list(inputs(3, 4 * len(KINDS)))
    assert first != list(inputs(4, 4 * len(KINDS)))
