"""What the folder of a run says of it: ``run.json`` and the spec, read and checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archdsl.recipes import DATASETS, FOLDER, DataSet, Recipe, folder_of_images
from archdsl.training import checkpoint_messages
from archdsl.training.options import Options

RECORD = "run.json"
SCALARS = "events.out.tfevents.*"
"""What TensorBoard calls its files."""


def is_smoke(facts: Mapping[str, object]) -> bool:
    """Return whether ``run.json`` tells of a smoke run: its numbers mean nothing."""
    return facts.get("smoke") is not None


def sha256_of(text: str) -> str:
    """Return the SHA-256 of a text in UTF-8, hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Recorded:
    """A run as its folder tells it: ``facts`` is what ``run.json`` holds.

    All of it raises Fault ARCH620 where the facts are not those of a run.
    """

    folder: Path
    facts: dict[str, Any]

    def fact(self, name: str) -> Any:
        """Return one of the facts; raises Fault ARCH620 if it is not there."""
        if name not in self.facts:
            reason = f"{RECORD} does not say `{name}`"
            raise checkpoint_messages.not_a_run(self.folder, reason)
        return self.facts[name]

    @property
    def status(self) -> str:
        """``running`` (or killed), ``finished``, ``interrupted`` or ``failed``."""
        return str(self.fact("status"))

    @property
    def is_smoke(self) -> bool:
        """Whether it is a smoke run: its numbers mean nothing, and it is not continued."""
        return is_smoke(self.facts)

    @property
    def tensorboard(self) -> bool:
        """Whether scalars for TensorBoard are written: since the run was begun, or since later."""
        return self.facts.get("tensorboard") is True or any(self.folder.glob(SCALARS))

    @property
    def name(self) -> str:
        """The name of the model in its spec."""
        return str(self.fact("model"))

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of the model, lists as tuples, as the compiler takes them."""
        found = self.fact("parameters")
        if not isinstance(found, dict):
            raise self._wrong("parameters")
        return {k: tuple(v) if isinstance(v, list) else v for k, v in found.items()}

    @property
    def recipe(self) -> Recipe:
        """The recipe with all changes that were made by the call."""
        from pydantic import TypeAdapter, ValidationError

        try:
            return TypeAdapter(Recipe).validate_python(self.fact("recipe"))
        except ValidationError as error:
            raise self._wrong("recipe") from error

    @property
    def dataset(self) -> DataSet:
        """The declaration of the data set."""
        data = self.fact("data")
        if not isinstance(data, dict) or data.get("name") not in DATASETS:
            raise self._wrong("data")
        if data["name"] == FOLDER:
            return self._folder_of_images(data)
        return DATASETS[data["name"]]

    def _folder_of_images(self, data: dict[str, Any]) -> DataSet:
        names = data.get("class_names")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise self._wrong("data")
        return folder_of_images(names, skip_unreadable=data.get("skip_unreadable") is True)

    @property
    def data_folder(self) -> Path | None:
        """Where the data was read from; None for a data set without files."""
        found = self.fact("data_folder")
        return None if found is None else Path(str(found))

    @property
    def device(self) -> str:
        """The device that was asked for, such as ``auto``."""
        return str(self.fact("device_asked"))

    @property
    def options(self) -> Options:
        """What was asked for."""
        try:
            return Options(**self.fact("options"))
        except TypeError as error:
            raise self._wrong("options") from error

    @property
    def spec_files(self) -> dict[str, str]:
        """The text of each spec file by the name that it was shown under, the first one first.

        Raises Fault ARCH623 where a text is not the recorded one any more.
        """
        paths, digests = self.fact("spec_paths"), self.fact("spec_sha256")
        if not isinstance(paths, dict) or not isinstance(digests, dict) or not paths:
            raise self._wrong("spec_paths")
        texts = {}
        for name, place in paths.items():
            try:
                data = (self.folder / str(place)).read_bytes()
                texts[name] = data.decode()
            except (OSError, ValueError) as error:
                reason = f"{place} cannot be read: {error}"
                raise checkpoint_messages.not_a_run(self.folder, reason) from error
            found = hashlib.sha256(data).hexdigest()
            if found != digests.get(name):
                raise checkpoint_messages.does_not_fit(
                    self.folder, f"spec ({place})", digests.get(name), found
                )
        return texts

    def _wrong(self, name: str) -> Exception:
        reason = f"`{name}` in {RECORD} is not what this version of archdsl writes"
        return checkpoint_messages.not_a_run(self.folder, reason)


def read_recorded(folder: Path) -> Recorded:
    """Return what a folder says of its run; raises Fault ARCH620 where it is not a run's."""
    try:
        facts = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        there = f"it has no {RECORD}" if folder.is_dir() else "there is no such folder"
        raise checkpoint_messages.not_a_run(folder, there) from None
    except NotADirectoryError:
        raise checkpoint_messages.not_a_run(folder, "it is a file") from None
    except OSError as error:
        reason = f"{RECORD} cannot be read: {error.strerror or error}"
        raise checkpoint_messages.not_a_run(folder, reason) from error
    except (ValueError, RecursionError) as error:
        raise checkpoint_messages.not_a_run(folder, f"{RECORD} is not JSON: {error}") from error
    if not isinstance(facts, dict):
        raise checkpoint_messages.not_a_run(folder, f"{RECORD} is not an object")
    return Recorded(folder, facts)
