"""Running emitted source: the text that is written is the module."""

from __future__ import annotations

import linecache
from typing import Any


def execute(source: str, class_name: str) -> Any:
    """Run emitted text and return a new module of its class, with freshly drawn weights.

    The weights come from torch's global generator: seed it first. Whatever the text raises is
    passed on, with its lines in the traceback.
    """
    filename = f"<{class_name} emitted by archdsl>"
    lines = source.splitlines(keepends=True)
    linecache.cache[filename] = (len(source), None, lines, filename)
    namespace: dict[str, Any] = {"__name__": "archdsl_emitted"}
    exec(compile(source, filename, "exec", dont_inherit=True), namespace)
    return namespace[class_name]()
