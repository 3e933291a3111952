"""The course of a run: training in an open folder, up to its end of whatever kind."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import torch  # noqa: TID251

from archdsl.training import checkpoint_messages, messages
from archdsl.training.checkpoint import Place
from archdsl.training.checkpoint_store import CheckpointStore, Loaded
from archdsl.training.distributed import agree
from archdsl.training.engine import Engine
from archdsl.training.engine_messages import Divergence
from archdsl.training.faults import Fault
from archdsl.training.interruption import Interruption, Stopped
from archdsl.training.lock import Difference
from archdsl.training.opening import Opened
from archdsl.training.progress import Display
from archdsl.training.record import Record
from archdsl.training.recorded import Recorded
from archdsl.training.result import EpochMetrics, Result
from archdsl.training.run_folder import WEIGHTS, RunFolder
from archdsl.training.session import Session
from archdsl.training.smoke import Extent
from archdsl.training.tensorboard import Scalars, has_tensorboard

if TYPE_CHECKING:
    from archdsl.training.attempt import Attempt

NAN_REPORT = "nan_report.json"


@dataclass
class Course:
    """Training in an open folder.

    ``extent`` is how much of the run a smoke run does, None for any other; ``changes`` are what is
    not as it was when the run was begun.
    """

    attempt: Attempt
    opened: Opened
    engine: Engine
    session: Session
    display: Display
    interruption: Interruption
    extent: Extent | None = None
    scalars: Scalars | None = None
    changes: Sequence[Difference] = ()

    def run(self, loaded: Loaded | None, device: torch.device, record: Record) -> Result:
        """Train, from a checkpoint if one is loaded; record the end.

        ``record`` holds the facts of this process, to which those of the folder were compared.
        """
        folder = self.opened.folder
        try:
            with self.display:
                self.display.line(f"{self._heading(record)}, {device}")
                for what, seconds in self.engine.costs.items():
                    self.display.line(f"{what}: {seconds:.1f} s")
                self._begin(loaded)
                stopped = self._train(record)
        except KeyboardInterrupt:
            self.session.abandon()
            with self.interruption.shielded():
                self._close("interrupted")
            raise self._interrupted(130) from None
        except BaseException as error:
            reason = str(error)
            try:
                self.session.close()
            except KeyboardInterrupt:
                pass  # of a disk that hangs: what is being written is given up
            except Exception as other:
                if other is not error:
                    reason += f"; and a checkpoint could not be written: {other}"
            # The record may not be writable either (a full disk): the first fault is the one.
            with self.interruption.shielded(), suppress(Fault):
                if isinstance(error, Divergence) and folder:
                    self._report(error, folder)
                self._close("failed", reason)
            raise
        if stopped:
            raise self._interrupted(75)
        result = Result(self.opened.path, self.opened.path / WEIGHTS, tuple(self.session.done))
        if self.extent:
            self.display.line(f"smoke run done: all of it works  {result.folder}")
            self.display.line("its accuracy means nothing; train without --smoke to know")
        else:
            self.display.line(f"test accuracy {result.test_accuracy:.2%}  {result.folder}")
        return result

    def _heading(self, record: Record) -> str:
        """Return what is trained, on what, and for how long."""
        recipe, data = self.attempt.recipe, record["data"]
        assert isinstance(data, dict)
        images, epochs = f"{data['train']:,} images", _count(recipe.epochs, "epoch")
        if self.extent:
            images = f"{self.extent.train:,} of {images}"
            epochs = f"{self.extent.epochs} of {epochs}"
        on = f"{self.attempt.job.name} on {self.attempt.dataset.title}"
        what = "smoke run: " if self.extent else ""
        return f"{what}training {on}: {images}, {epochs}, batch {recipe.batch}"

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
                    {"epoch": place.epoch, "step": place.step, "changes": list(self.changes)},
                )
            self.session.begin(self.engine, folder, done, best)
            if folder and self.engine.costs:
                folder.note({"costs_seconds": self.engine.costs})
            if folder:
                self._begin_scalars(folder, len(done))

    def _begin_scalars(self, folder: RunFolder, done: int) -> None:
        """Write scalars for TensorBoard, if this call asks for them, or an earlier one of this run.

        The run was begun with them elsewhere, perhaps: where the package is missing it goes on
        without. They have nothing that the metrics lack.
        """
        recorded = Recorded(folder.path, folder.record)
        if not self.attempt.tensorboard and not recorded.tensorboard:
            return
        folder.note({"tensorboard": True})
        if not self.attempt.tensorboard and not has_tensorboard():
            self.display.line("note: tensorboard is not installed: the run goes on without")
            return
        self.scalars = Scalars(folder.path, done)
        self.session.observe = self.scalars.append

    def _tell(self, loaded: Loaded) -> None:
        for path, reason in loaded.damaged:
            self.display.line(f"warning: a checkpoint is damaged: {reason}: {path}")
        for name, was, now in self.changes:
            self.display.line(f"note: {name} was {was}, and is {now} now")
        self.display.line(f"going on after {loaded.stored.place}: {loaded.stored.path}")

    def _train(self, record: Record) -> bool:
        """Train to the end, or until a signal; returns whether there was one."""
        folder = self.opened.folder
        last = self.extent.epochs if self.extent else None
        try:
            for metrics in islice(self.engine.epochs(), last):
                self.session.end_epoch(metrics)
                if self.extent and metrics.epoch == 1:
                    self._read_back(record)
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

    def _read_back(self, record: Record) -> None:
        """Write a checkpoint, and go on from it as a process would that continues the run."""
        stored, place = self.session.take_last(), self.session.place
        # Of what is not finite none is taken. Only the process that writes knows; and once all have
        # agreed, the checkpoint is written.
        taken = not self.opened.folder or (stored is not None and stored.place == place)
        if agree(0 if taken else 1):
            raise messages.state_not_finite(place)
        loaded = self.attempt.load(self.opened, record)
        if loaded is None or (stored and loaded.stored != stored):
            damaged = loaded.damaged if loaded else ()
            raise checkpoint_messages.not_read_back(self.opened.path, damaged)
        self.engine.restore(loaded.payload["engine"])
        self.display.line(f"checkpoint written and read back: {loaded.stored.path}")

    def _interrupted(self, status: int) -> Fault:
        written = self.session.written
        return messages.interrupted(
            self.opened.path,
            self.session.place,
            self.extent.epochs if self.extent else self.attempt.recipe.epochs,
            written.path if written else None,
            status,
            smoke=self.extent is not None,
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


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
