"""Runs PyTorch modules that are wrong, and says what is raised: JSON in, JSON out.

A program of its own, for the tests that use it must not import torch.
"""

from __future__ import annotations

import json
import sys
import traceback
import warnings
from pathlib import Path


def said(code: str) -> dict[str, object]:
    """Build ``Net`` from its code and run it on an image; return what is raised, when and where."""
    import torch

    names: dict[str, object] = {}
    when = "import"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            exec(compile(code, "net.py", "exec"), names)
            when = "construction"
            net = names["Net"]()  # type: ignore[operator]
            when = "forward"
            output = net(torch.zeros(1, 3, 32, 32))
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            return {
                "when": when,
                "error": f"{type(error).__name__}: {error}",
                "frames": [shown(frame) for frame in frames if frame.filename != __file__],
            }
    return {
        "when": "never",
        "error": f"nothing: the output is {list(output.shape)}",
        "frames": [],
        "warnings": [str(warning.message).split("(Triggered")[0].strip() for warning in caught],
    }


def shown(frame: traceback.FrameSummary) -> str:
    """Return where a frame is: torch's own without lines, which differ from release to release."""
    if frame.filename == "net.py":
        return f"net.py:{frame.lineno} in {frame.name}"
    parts = Path(frame.filename).parts
    return f"{'/'.join(parts[parts.index('torch') :])} in {frame.name}"


if __name__ == "__main__":
    import torch

    answers = [said(code) for code in json.load(sys.stdin)]
    json.dump({"version": torch.__version__.partition("+")[0], "answers": answers}, sys.stdout)
