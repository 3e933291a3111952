"""One checkpoint as bytes: plain values only, and a digest of them that is checked on loading."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch  # noqa: TID251
from torch import Tensor  # noqa: TID251

Payload = dict[str, Any]
"""Tensors, ints, floats, strings, bools, None, and lists, tuples and dictionaries of these."""

_SCALARS = (int, float, str, bool, type(None))


class Damaged(Exception):
    """A file that is not the checkpoint that was written; the text says in what way."""


@dataclass(frozen=True, order=True, slots=True)
class Place:
    """How far a run is: ``epoch`` whole epochs, and ``step`` steps of the next one."""

    epoch: int
    step: int

    def __str__(self) -> str:
        epochs = f"{self.epoch} epoch{'' if self.epoch == 1 else 's'}"
        if not self.step:
            return epochs
        return f"{epochs} and {self.step} step{'' if self.step == 1 else 's'}"


def encode(payload: Payload) -> tuple[bytes, str]:
    """Return a payload in the format of ``torch.save``, and the SHA-256 of it, hexadecimal.

    Equal payloads give equal bytes. Raises TypeError, with the way to it, for a value that
    ``torch.load(weights_only=True)`` would not read, or not read as what it was.
    """
    _demand_plain(payload, "payload")
    stream = io.BytesIO()
    torch.save(payload, stream)
    data = stream.getvalue()
    return data, hashlib.sha256(data).hexdigest()


def decode(path: Path, sha256: str) -> Payload:
    """Return what a file holds, its tensors on the CPU; raises :class:`Damaged`.

    What is read once is checked and then decoded: nothing can change the file in between. A file
    cannot run code: only plain values and tensors are read from it.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Damaged(f"it cannot be read: {error.strerror or error}") from error
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise Damaged(f"its SHA-256 begins with {found[:12]}, not {sha256[:12]}")
    try:
        payload = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # of many kinds; the digest was right, so it was written like this
        raise Damaged(f"it is not a checkpoint: {error}") from error
    if not isinstance(payload, dict):
        raise Damaged("it is not a checkpoint")
    return payload


def _demand_plain(value: object, where: str) -> None:
    # By exact type: a subclass, such as numpy.float64, is pickled as something else.
    if type(value) in _SCALARS or isinstance(value, Tensor):
        return
    if type(value) is dict:
        for key, item in value.items():
            if type(key) not in (str, int):
                raise TypeError(f"{where} has the key {key!r}")
            _demand_plain(item, f"{where}[{key!r}]")
    elif type(value) in (list, tuple):
        assert isinstance(value, list | tuple)
        for index, item in enumerate(value):
            _demand_plain(item, f"{where}[{index}]")
    else:
        raise TypeError(f"{where} is a {type(value).__qualname__}")
