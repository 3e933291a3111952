"""The state of the git repository that a spec lies in, if it lies in one and git is there."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

_SECONDS = 20
"""A repository on a slow disk must not hold up a run for long: its state is then not recorded."""


def state_of(path: Path) -> dict[str, object] | None:
    """Return ``commit`` and whether the tree is ``dirty``; or None outside of a repository.

    The tree is dirty where a tracked file differs from the commit, or the spec itself is not
    tracked; ``diff_sha256`` is then the digest of all differences of tracked files. Other files
    that git does not know (such as runs) do not count.
    """
    folder = path.parent
    try:
        commit = _git(folder, "rev-parse", "--verify", "HEAD").decode().strip()
        diff = _git(folder, "diff", "--no-ext-diff", "--no-textconv", "--binary", "HEAD")
        tracked = _git(folder, "ls-files", "--", path.name)
    except (OSError, subprocess.SubprocessError):
        return None
    dirty = bool(diff) or not tracked
    digest = hashlib.sha256(diff).hexdigest() if diff else None
    return {"commit": commit, "dirty": dirty, "diff_sha256": digest}


def _git(folder: Path, *arguments: str) -> bytes:
    # A repository's own settings name programs that git would run; looking at it runs none.
    quiet = ("-c", "core.fsmonitor=false", "-c", "core.pager=cat")
    return subprocess.run(
        ["git", "-C", str(folder), *quiet, *arguments],
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=_SECONDS,
        env=os.environ | {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"},
    ).stdout
