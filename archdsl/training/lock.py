"""``--locked``: whether a run would be the one that another run's ``run.json`` tells of."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from archdsl.training import checkpoint_messages
from archdsl.training.record import Record
from archdsl.training.recorded import RECORD, Recorded

FIELDS = (
    *("model", "parameters", "input", "classes"),
    *("identity", "source_sha256", "spec_sha256", "data", "recipe", "seed"),
    *("options", "engine", "precision", "bn", "deterministic", "world_size"),
    *("device", "threads", "versions", "platform", "processor", "repository"),
)
"""What has to be the same, in this order: what a run is made from, how, and on what."""

Difference = tuple[str, str, str]
"""A field's path (``versions.torch``), the value that is recorded, and the other."""

_ABSENT = "absent"


def differences(locked: Record, found: Record, fields: Sequence[str] = FIELDS) -> list[Difference]:
    """Return what of the fields differs in two records."""
    pairs: list[Difference] = []
    for field in fields:
        one, other = _plain(locked, field), _plain(found, field)
        pairs.extend(_differing(field, one, other))
    return pairs


def demand_same(lock: Recorded, found: Record) -> None:
    """Raise Fault ARCH624, which names every field that differs with both values."""
    if differing := differences(lock.facts, found):
        raise checkpoint_messages.lock_differs(lock.folder / RECORD, differing)


def _plain(record: Record, field: str) -> Any:
    """Return a field as JSON has it: what is compared is what is written."""
    if field not in record:
        return _ABSENT
    value = record[field]
    if field == "spec_sha256" and isinstance(value, dict):
        # The names depend on the folder that a command is called in, the texts do not.
        value = dict(zip(_shortened(list(value)), value.values(), strict=True))
    return json.loads(json.dumps(value))


def _shortened(names: list[str]) -> list[str]:
    """Return the names without what all but the standard library's have in front in common."""
    own = [name.replace("\\", "/") for name in names]
    root = own[0].rpartition("/")[0]
    return [name.removeprefix(f"{root}/") if root else name for name in own]


def _differing(path: str, one: Any, other: Any) -> Iterator[Difference]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in dict.fromkeys([*one, *other]):
            yield from _differing(f"{path}.{key}", one.get(key, _ABSENT), other.get(key, _ABSENT))
    elif one != other:
        yield path, _shown(one), _shown(other)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
