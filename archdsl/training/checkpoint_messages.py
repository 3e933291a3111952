"""The wording of ARCH620 to ARCH626: runs that cannot be continued, and locks that do not hold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from archdsl.diagnostics import Diagnostic
from archdsl.training.faults import Fault


def _fault(code: str, message: str, *notes: str, help: str | None = None) -> Fault:
    return Fault(Diagnostic(code, message, notes=notes, help=help), 2)


def not_a_run(folder: Path, reason: str) -> Fault:
    """ARCH620: no folder, no ``run.json``, or one that does not tell what is needed."""
    return _fault(
        "ARCH620",
        f"{folder} is not the folder of a run: {reason}",
        help="name a folder that a training run has made, such as runs/VGG1-digits-1a2b3c4d",
    )


def finished(folder: Path) -> Fault:
    """ARCH621: a run with nothing left to do."""
    return _fault(
        "ARCH621",
        f"the run {folder} is finished: there is nothing to continue",
        help="for another run, call archdsl compile with --train again, or with other --epochs",
    )


def all_damaged(folder: Path, damaged: Sequence[tuple[Path, str]]) -> Fault:
    """ARCH622: checkpoints are there, and none of them is whole."""
    some = "the only checkpoint" if len(damaged) == 1 else f"all {len(damaged)} checkpoints"
    return _fault(
        "ARCH622",
        f"{some} in {folder} {'is' if len(damaged) == 1 else 'are'} damaged",
        *(f"{path.name[:20]}...: {reason}" for path, reason in damaged),
        help=f"put a whole copy back, or delete {folder}: the run then begins anew",
    )


def not_read_back(folder: Path, damaged: Sequence[tuple[Path, str]]) -> Fault:
    """ARCH622: a checkpoint that was written a moment ago, and is not there to be read."""
    return _fault(
        "ARCH622",
        f"the checkpoint that was just written in {folder} cannot be read back",
        *(f"{path.name[:20]}...: {reason}" for path, reason in damaged),
        help="the disk does not keep what is written to it: give a folder on another, as --runs",
    )


def does_not_fit(folder: Path, field: str, recorded: object, found: object) -> Fault:
    """ARCH623: what a run was begun with is not what it would be continued with."""
    return _fault(
        "ARCH623",
        f"the run {folder} cannot be continued: its {field} differs",
        f"recorded: {recorded}",
        f"found: {found}",
        help="continue it with what it was begun with, or start another run",
    )


def lock_differs(lock: Path, differences: Sequence[tuple[str, object, object]]) -> Fault:
    """ARCH624: ``--locked``, and the run would not be the one that is recorded."""
    fields = len(differences)
    return _fault(
        "ARCH624",
        f"this run would differ from {lock} in {fields} {'field' if fields == 1 else 'fields'}",
        *(f"{name}: {recorded} in the lock, {found} here" for name, recorded, found in differences),
        help="restore what differs, or leave --locked out",
    )


def in_use(folder: Path) -> Fault:
    """ARCH625: another process trains in the folder."""
    return _fault(
        "ARCH625",
        f"the run {folder} is being trained by another process",
        help="wait for it, or end it: SIGTERM makes it write a checkpoint first",
    )


def smoke_not_continued(folder: Path) -> Fault:
    """ARCH626: a smoke run, which is to be continued."""
    return _fault(
        "ARCH626",
        f"{folder} is a smoke run: there is nothing in it to continue",
        help="begin the run itself: archdsl compile SPEC --train DATASET, without --smoke",
    )


def smoke_and_resume() -> Fault:
    """ARCH626: a call for a smoke run that asks to continue one."""
    return _fault(
        "ARCH626",
        "--smoke and --resume are both given, but a smoke run is always a new one",
        help="leave --resume out; the run itself takes it: the same command without --smoke",
    )


def smoke_curves(folders: Sequence[Path]) -> Fault:
    """ARCH626: curves of smoke runs alone."""
    names = ", ".join(str(folder) for folder in folders)
    what = "is a smoke run" if len(folders) == 1 else "are smoke runs"
    return _fault(
        "ARCH626",
        f"there is nothing to draw: {names} {what}, whose numbers mean nothing",
        help="name the folder of a run that was trained without --smoke",
    )
