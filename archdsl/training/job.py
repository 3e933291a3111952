"""A job: everything of a compiled model that training needs, as plain values."""

from __future__ import annotations

import linecache
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Job:
    """One compiled model.

    ``name`` is the model's name in its spec, ``class_name`` that of the class in ``source`` (the
    emitted stand-alone Python text), ``identity`` a hexadecimal digest. ``input`` is [channels,
    height, width] of one image; the model maps float32 [N, C, H, W] to logits [N, classes].
    ``spec_files`` has the text of each spec file by the name it is shown under.
    """

    name: str
    class_name: str
    source: str
    network_json: str
    identity: str
    input: tuple[int, int, int]
    classes: int
    parameters: dict[str, object] = field(default_factory=dict)
    spec_files: dict[str, str] = field(default_factory=dict)


def build(job: Job) -> Any:
    """Run the emitted text and return a new module of its class, with freshly drawn weights.

    The weights come from torch's global generator: seed it first. Whatever the text raises is
    passed on, with its lines in the traceback.
    """
    filename = f"<{job.class_name} emitted by archdsl>"
    lines = job.source.splitlines(keepends=True)
    linecache.cache[filename] = (len(job.source), None, lines, filename)
    namespace: dict[str, Any] = {"__name__": "archdsl_emitted"}
    exec(compile(job.source, filename, "exec", dont_inherit=True), namespace)
    return namespace[job.class_name]()
