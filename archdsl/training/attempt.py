"""One attempt at a run, by one process: all that comes before training, and what is to fit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch  # noqa: TID251
from rich.console import Console

from archdsl.recipes import DataSet, Recipe
from archdsl.training import checkpoint_messages, messages
from archdsl.training.checkpoint import Place
from archdsl.training.checkpoint_schedule import Every
from archdsl.training.checkpoint_store import CheckpointStore, Loaded
from archdsl.training.course import Course
from archdsl.training.data import Images, read
from archdsl.training.distributed import World, agree, connect, disconnect
from archdsl.training.engine import Engine, choose_device
from archdsl.training.fitting import demand_fit, fit_test_images
from archdsl.training.interruption import Interruption, Stopped
from archdsl.training.job import Job, build
from archdsl.training.lock import differences
from archdsl.training.opening import Open, Opened
from archdsl.training.options import Options
from archdsl.training.progress import Display
from archdsl.training.record import Record, record_of
from archdsl.training.result import Result
from archdsl.training.session import FORMAT, IDENTITY, Session
from archdsl.training.smoke import extent_of
from archdsl.training.writing import check_writable

_KEPT = ("identity", "source_sha256", "data", "recipe", "seed", "options", "precision", "bn")
"""What of a record cannot be another when a run goes on."""

_MAY_CHANGE = (
    *("engine", "deterministic", "world_size"),
    *("device", "threads", "versions", "platform", "processor"),
)
"""What may, which is said and recorded: the rest of the run is then the same up to rounding."""


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
    smoke: bool = False

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
                extent = None
                if self.smoke:
                    extent = extent_of(self.recipe, images, device, self.job.input)
                part = extent.part_of(images) if extent else images
                epochs = extent.epochs if extent else self.recipe.epochs
                display = Display(console, epochs, len(part.train_y))
                session = Session(interruption, display, self.every)
                torch.manual_seed(self.recipe.seed % 2**64)
                fitted = fit_test_images(part, self.job)
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
                    extent=extent,
                    tensorboard=self.tensorboard,
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
        course = Course(self, opened, engine, session, display, interruption, extent)
        try:
            with interruption.shielded():
                loaded = self.load(opened, record) if opened.again else None
                if opened.again and opened.folder:
                    course.changes = differences(opened.folder.record, record, _MAY_CHANGE)
            return course.run(loaded, device, record)
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

    def load(self, opened: Opened, record: Record) -> Loaded | None:
        """Return the newest checkpoint of a run, checked against what it would be continued with.

        Nothing is changed. Raises Fault ARCH622 or ARCH623.
        """
        if opened.folder:
            for difference in differences(opened.folder.record, record, _KEPT):
                raise checkpoint_messages.does_not_fit(opened.path, *difference)
        loaded = CheckpointStore(opened.path).load()
        if loaded is not None:
            if loaded.payload.get("format") != FORMAT:
                raise checkpoint_messages.does_not_fit(
                    opened.path, "format of checkpoints", loaded.payload.get("format"), FORMAT
                )
            for field in IDENTITY:
                kept = loaded.payload["run"].get(field)
                if kept != record[field]:
                    where = f"{field} in {loaded.stored.path}"
                    raise checkpoint_messages.does_not_fit(opened.path, where, kept, record[field])
        # Where processes do not share the disk, they must not go on from different places.
        place = loaded.stored.place if loaded else Place(0, 0)
        if agree(place.epoch << 32 | place.step) != place.epoch << 32 | place.step:
            raise checkpoint_messages.does_not_fit(
                opened.path, "newest checkpoint", "a later one in another process", place
            )
        return loaded
