"""A job: everything of a compiled model that training needs, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from archdsl.backends.pytorch.execution import execute


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
    """Return the job's module, with weights drawn from torch's global generator."""
    return execute(job.source, job.class_name)
