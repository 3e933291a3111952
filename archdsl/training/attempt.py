"""One attempt at a run, by one process: from reading the data to how it ended."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch  # noqa: TID251
from rich.console import Console

from archdsl.recipes import DataSet, Recipe
from archdsl.training import checkpoint_messages, messages
from archdsl.training.checkpoint import Place
from archdsl.training.checkpoint_schedule import Every
from archdsl.training.checkpoint_store import CheckpointStore, Loaded
from archdsl.training.data import Images, read
from archdsl.training.distributed import World, agree, connect, disconnect
from archdsl.training.engine import Engine, choose_device
from archdsl.training.engine_messages import Divergence
from archdsl.training.faults import Fault
from archdsl.training.fitting import demand_fit, fit_test_images
from archdsl.training.interruption import Interruption, Stopped
from archdsl.training.job import Job, build
from archdsl.training.options import Options
from archdsl.training.progress import Display
from archdsl.training.record import Record, record_of
from archdsl.training.result import EpochMetrics, Result
from archdsl.training.run_folder import WEIGHTS, RunFolder
from archdsl.training.session import FORMAT, IDENTITY, Session
from archdsl.training.tensorboard import Scalars
from archdsl.training.writing import check_writable

NAN_REPORT = "nan_report.json"

_KEPT = ("identity", "source_sha256", "data", "recipe", "seed", "options", "precision", "bn")
"""What of a record cannot be another when a run goes on."""


@dataclass(frozen=True)
class Opened:
    """The folder of a run: ``folder`` is None in a process that does not write.

    ``again`` is whether it was there before; ``finished`` is the result of one that is finished.
    """

    path: Path
    folder: RunFolder | None
    again: bool = False
    finished: Result | None = None


Open = Callable[[Record, World], Opened]
"""Makes or finds the folder for a run of this record."""


@dataclass(frozen=True)
class Attempt:
    """What a run is made of; see ``run.train``."""

    job: Job
    dataset: DataSet
    recipe: Recipe
    data: Path | None
    console: Console
    device: str
    options: Options
    every: Every
    tensorboard: bool = False

    def carry_out(self, writable: Path, open: Open) -> Result:
        """Train, in the folder that ``open`` makes or finds; ``writable`` is checked beforehand.

        Raises what ``run.train`` does. A fault before training changes nothing in the folder.
        """
        device = choose_device(self.device)
        here = connect(device.type)
        try:
            with Interruption() as interruption:
                return self._carry_out(writable, open, device, here, interruption)
        finally:
            disconnect()

    def _carry_out(
        self,
        writable: Path,
        open: Open,
        device: torch.device,
        here: World,
        interruption: Interruption,
    ) -> Result:
        console = self.console if here.writes else Console(quiet=True)
        try:
            with interruption.at_once():
                if here.writes:
                    check_writable(writable)
                images = self._read(here, console)
                demand_fit(self.job, self.dataset, self.recipe, images)
                display = Display(console, self.recipe.epochs, len(images.train_y))
                session = Session(interruption, display, self.every)
                torch.manual_seed(self.recipe.seed % 2**64)
                fitted = fit_test_images(images, self.job)
                engine = Engine(build(self.job), fitted, self.recipe, device, self.options, session)
                record = record_of(
                    self.job,
                    self.dataset,
                    images,
                    self.recipe,
                    device,
                    options=self.options,
                    resolved=engine.resolved,
                    asked=self.device,
                    data=self.data,
                )
        except Stopped:
            raise messages.interrupted_before(75) from None
        except KeyboardInterrupt:
            raise messages.interrupted_before(130) from None
        with interruption.shielded():
            opened = open(record, here)
        if opened.finished is not None:
            accuracy = f"test accuracy {opened.finished.test_accuracy:.2%}"
            display.line(f"finished before: {accuracy}  {opened.path}")
            return opened.finished
        course = _Course(self, opened, engine, session, display, interruption)
        try:
            with interruption.shielded():
                loaded = self._load(opened, record) if opened.again else None
            return course.run(loaded, device, len(images.train_y))
        finally:
            if course.scalars:
                course.scalars.close()
            if opened.folder:
                opened.folder.release()

    def _read(self, here: World, console: Console) -> Images:
        # One process downloads what is missing; then the others find it.
        if here.writes:
            images = read(self.dataset, self.data, self.job.input, console)
        agree(0)
        if not here.writes:
            images = read(self.dataset, self.data, self.job.input, console)
        return images

    def _load(self, opened: Opened, record: Record) -> Loaded | None:
        """Return the newest checkpoint of a run, checked against what it would be continued with.

        Nothing is changed. Raises Fault ARCH622 or ARCH623.
        """
        if opened.folder:
            found = json.loads(json.dumps(record))
            for field in _KEPT:
                _demand_same(opened.path, field, opened.folder.record.get(field), found[field])
        loaded = CheckpointStore(opened.path).load()
        if loaded is not None:
            if loaded.payload.get("format") != FORMAT:
                raise checkpoint_messages.does_not_fit(
                    opened.path, "format of checkpoints", loaded.payload.get("format"), FORMAT
                )
            for field in IDENTITY:
                kept = loaded.payload["run"].get(field)
                _demand_same(opened.path, f"{field} in {loaded.stored.path}", kept, record[field])
        # Where processes do not share the disk, they must not go on from different places.
        place = loaded.stored.place if loaded else Place(0, 0)
        if agree(place.epoch << 32 | place.step) != place.epoch << 32 | place.step:
            raise checkpoint_messages.does_not_fit(
                opened.path, "newest checkpoint", "a later one in another process", place
            )
        return loaded


def _demand_same(path: Path, field: str, recorded: object, found: object) -> None:
    if isinstance(recorded, dict) and isinstance(found, dict):
        for key in dict.fromkeys([*recorded, *found]):
            _demand_same(path, f"{field}.{key}", recorded.get(key), found.get(key))
    elif recorded != found:
        raise checkpoint_messages.does_not_fit(path, field, recorded, found)


@dataclass
class _Course:
    """The course of training in an open folder, up to its end of whatever kind."""

    attempt: Attempt
    opened: Opened
    engine: Engine
    session: Session
    display: Display
    interruption: Interruption
    scalars: Scalars | None = None

    def run(self, loaded: Loaded | None, device: torch.device, count: int) -> Result:
        folder, recipe = self.opened.folder, self.attempt.recipe
        try:
            with self.display:
                epochs = f"{recipe.epochs} epoch{'s' if recipe.epochs > 1 else ''}"
                self.display.line(
                    f"training {self.attempt.job.name} on {self.attempt.dataset.title}: "
                    f"{count:,} images, {epochs}, batch {recipe.batch}, {device}"
                )
                self._begin(loaded)
                stopped = self._train()
        except KeyboardInterrupt:
            self.session.abandon()
            with self.interruption.shielded():
                self._close("interrupted")
            raise self._interrupted(130) from None
        except BaseException as error:
            with self.interruption.shielded():
                reason = str(error)
                try:
                    self.session.close()
                except Exception as other:
                    if other is not error:
                        reason += f"; and a checkpoint could not be written: {other}"
                # The record may not be writable either (a full disk): the first fault is the one.
                with suppress(Fault):
                    if isinstance(error, Divergence) and folder:
                        self._report(error, folder)
                    self._close("failed", reason)
            raise
        if stopped:
            raise self._interrupted(75)
        result = Result(self.opened.path, self.opened.path / WEIGHTS, tuple(self.session.done))
        self.display.line(f"test accuracy {result.test_accuracy:.2%}  {result.folder}")
        return result

    def _begin(self, loaded: Loaded | None) -> None:
        """Bring engine, folder and session to where the run begins, or goes on."""
        folder = self.opened.folder
        done: tuple[EpochMetrics, ...] = ()
        best: list[float] | None = None
        with self.interruption.shielded():
            if loaded is not None:
                self._tell(loaded)
                self.engine.restore(loaded.payload["engine"])
                done = _epochs(loaded.payload["metrics"])
                best = loaded.payload["best"]
            if folder and self.opened.again:
                store = CheckpointStore(self.opened.path)
                if loaded is not None:
                    store.set_aside(loaded)
                store.sweep()
                payload: dict[str, Any] = loaded.payload if loaded else {}
                place = loaded.stored.place if loaded else Place(0, 0)
                folder.go_on(
                    payload.get("metrics", ""),
                    payload.get("seconds", 0.0),
                    {"epoch": place.epoch, "step": place.step},
                )
            self.session.begin(self.engine, folder, done, best)
            if folder and self.attempt.tensorboard:
                self.scalars = Scalars(folder.path, len(done))
                self.session.observe = self.scalars.append

    def _tell(self, loaded: Loaded) -> None:
        for path, reason in loaded.damaged:
            self.display.line(f"warning: a checkpoint is damaged: {reason}: {path}")
        self.display.line(f"going on after {loaded.stored.place}: {loaded.stored.path}")

    def _train(self) -> bool:
        """Train to the end, or until a signal; returns whether there was one."""
        folder = self.opened.folder
        try:
            for metrics in self.engine.epochs():
                self.session.end_epoch(metrics)
        except Stopped:
            self.session.take_last()
            self.session.close()
            with self.interruption.shielded():
                self._close("interrupted")
            return True
        self.session.take_last()
        self.session.close()
        if folder:
            with self.interruption.shielded():
                folder.write_weights(self.engine.state())
                folder.close("finished")
        return False

    def _interrupted(self, status: int) -> Fault:
        written = self.session.written
        return messages.interrupted(
            self.opened.path,
            self.session.place,
            self.attempt.recipe.epochs,
            written.path if written else None,
            status,
        )

    def _close(self, status: Any, reason: str | None = None) -> None:
        if self.opened.folder:
            self.opened.folder.close(status, reason)

    def _report(self, fault: Divergence, folder: RunFolder) -> None:
        """Write which step, with which images, lost the loss, and what the last good state is."""
        stored = CheckpointStore(folder.path).stored()
        folder.write_json(
            NAN_REPORT,
            {
                "loss": str(fault.loss),
                "on": fault.on,
                "epoch": fault.epoch,
                "step": fault.step,
                "images": list(fault.images),
                "learning_rate": fault.learning_rate,
                "seed": self.attempt.recipe.seed,
                "batch": self.attempt.recipe.batch,
                "last_good": str(stored[0].path.relative_to(folder.path)) if stored else None,
            },
        )


def _epochs(lines: str) -> tuple[EpochMetrics, ...]:
    return tuple(EpochMetrics(**json.loads(line)) for line in lines.splitlines())
