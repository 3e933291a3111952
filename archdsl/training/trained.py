"""A trained network, out of its run's folder: the emitted source and the weights, both checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from archdsl.backends.pytorch.class_names import class_name_of
from archdsl.backends.pytorch.execution import execute
from archdsl.training import trained_messages as messages
from archdsl.training.checkpoint import Damaged, Place, decode
from archdsl.training.checkpoint_store import CheckpointStore
from archdsl.training.recorded import Recorded, read_recorded, sha256_of

SOURCE = "model.py"
WEIGHTS = "weights.safetensors"
METRICS = "metrics.jsonl"

Which = Literal["final", "best"]


@dataclass(frozen=True, eq=False)
class Trained:
    """A network with its weights, on the CPU, in evaluation mode.

    ``epoch`` is the number of epochs after which it had them; ``metrics`` are those that the run
    recorded then, by the names of ``EpochMetrics``: none if they are not there, or if it is a smoke
    run.
    """

    recorded: Recorded
    network: Any
    which: Which
    epoch: int
    metrics: Mapping[str, float]

    @property
    def input(self) -> tuple[int, int, int]:
        """[channels, height, width] of an image."""
        channels, height, width = self.recorded.facts["input"]
        return channels, height, width

    @property
    def mean(self) -> tuple[float, ...]:
        """The mean of each channel that images are scaled by, for values in 0 to 1."""
        return tuple(self.recorded.facts["data"]["mean"])

    @property
    def std(self) -> tuple[float, ...]:
        """The deviation of each channel that images are scaled by, for values in 0 to 1."""
        return tuple(self.recorded.facts["data"]["std"])

    @property
    def class_names(self) -> tuple[str, ...]:
        """What the classes are called, in the order of the network's outputs."""
        names, classes = self.recorded.dataset.class_names, self.recorded.facts["classes"]
        return names if len(names) == classes else tuple(map(str, range(classes)))


def load_trained(folder: Path, which: Which = "final") -> Trained:
    """Return the network of a run with its final weights, or those of its best epoch.

    Nothing is executed but the emitted source, and that only if its SHA-256 is the recorded one.
    Raises Fault ARCH620 where the folder is not a run's, ARCH655 where it has no weights, ARCH656
    where a file is damaged or not the run's.
    """
    recorded = read_recorded(folder)
    _demand_facts(recorded)
    source = _source(recorded)
    if which == "final":
        state, epoch = _final(recorded)
        place = folder / WEIGHTS
    else:
        state, epoch, place = _best(recorded)
    network = execute(source, class_name_of(recorded.name))
    if recorded.facts.get("precision") == "float64":
        network = network.double()
    _load(network, state, place)
    return Trained(recorded, network.eval(), which, epoch, _metrics(recorded, epoch))


def _demand_facts(recorded: Recorded) -> None:
    """Raise Fault ARCH656 where the record lacks what is needed, or has it in another form."""
    facts, data = recorded.facts, recorded.facts.get("data")
    path = recorded.folder / "run.json"
    recorded.dataset  # noqa: B018 - raises ARCH620 where it is not known
    channels = facts.get("input")
    whole = isinstance(channels, list) and len(channels) == 3
    if not whole or not all(type(length) is int and length > 0 for length in facts["input"]):
        raise messages.altered(path, "`input` is not [channels, height, width]")
    if type(facts.get("classes")) is not int:
        raise messages.altered(path, "`classes` is not a number")
    for name in ("mean", "std"):
        values = data.get(name) if isinstance(data, dict) else None
        good = isinstance(values, list) and len(values) == facts["input"][0]
        if not good or not all(isinstance(value, float) for value in values or ()):
            raise messages.altered(path, f"`data.{name}` is not a number for each channel")


def _source(recorded: Recorded) -> str:
    path = recorded.folder / SOURCE
    try:
        source = path.read_bytes().decode()
    except OSError as error:
        raise messages.altered(path, (error.strerror or str(error)).lower()) from error
    except UnicodeDecodeError as error:
        raise messages.altered(path, "it is not UTF-8 text") from error
    found, wanted = sha256_of(source), recorded.facts.get("source_sha256")
    if found != wanted:
        reason = f"its SHA-256 begins with {found[:12]}, not {str(wanted)[:12]}"
        raise messages.altered(path, reason)
    return source


def _final(recorded: Recorded) -> tuple[dict[str, Any], int]:
    from safetensors import SafetensorError, safe_open

    path = recorded.folder / WEIGHTS
    if recorded.status != "finished" or not path.exists():
        raise messages.no_weights(recorded.folder, recorded.status, "final")
    try:
        with safe_open(path, "pt") as file:
            identity = (file.metadata() or {}).get("identity")
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise messages.altered(path, str(error)) from error
    if identity != recorded.facts.get("identity"):
        raise messages.altered(path, f"they are weights of the network {str(identity)[:12]}")
    final = recorded.facts.get("final")
    return state, int(final["epoch"]) if isinstance(final, dict) and "epoch" in final else 0


def _best(recorded: Recorded) -> tuple[dict[str, Any], int, Path]:
    """Return the state after the best epoch, as far as checkpoints are written."""
    store = CheckpointStore(recorded.folder)
    newest = store.load()
    best = newest.payload.get("best") if newest else None
    if newest is None or not best:
        raise messages.no_weights(recorded.folder, recorded.status, "best")
    epoch = int(best[0])
    stored = next((s for s in store.stored() if s.place == Place(epoch, 0)), None)
    if stored is None:
        raise messages.no_weights(recorded.folder, recorded.status, "best")
    try:
        payload = decode(stored.path, stored.sha256)
    except Damaged as damage:
        raise messages.altered(stored.path, str(damage)) from damage
    if payload.get("run", {}).get("identity") != recorded.facts.get("identity"):
        raise messages.altered(stored.path, "it is of another network")
    engine = payload["engine"]
    return engine["ema"] or engine["model"], epoch, stored.path


def _load(network: Any, state: dict[str, Any], place: Path) -> None:
    wanted = network.state_dict()
    for name in (*wanted, *state):
        if name not in state or name not in wanted:
            reason = f"`{name}` is {'missing' if name in wanted else 'not of the network'}"
            raise messages.altered(place, reason)
        if state[name].shape != wanted[name].shape or state[name].dtype != wanted[name].dtype:
            shapes = f"{list(state[name].shape)}, not {list(wanted[name].shape)}"
            raise messages.altered(place, f"`{name}` is {state[name].dtype} {shapes}")
    network.load_state_dict(state)


def _metrics(recorded: Recorded, epoch: int) -> dict[str, float]:
    """Return what was recorded at the end of an epoch, from the run's metrics.

    Those of a smoke run are of a few images, and nothing is to be compared with them.
    """
    if recorded.is_smoke:
        return {}
    try:
        lines = (recorded.folder / METRICS).read_text(encoding="utf-8").splitlines()
        for line in lines:
            fields = json.loads(line)
            if isinstance(fields, dict) and fields.get("epoch") == epoch:
                return {key: float(value) for key, value in fields.items()}
    except (OSError, ValueError, TypeError):
        pass  # then there is nothing to compare with, which is said
    return {}
