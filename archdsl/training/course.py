"""The course of a run: training in an open folder, up to its end of whatever kind."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch  # noqa: TID251

from archdsl.training import messages
from archdsl.training.checkpoint import Place
from archdsl.training.checkpoint_store import CheckpointStore, Loaded
from archdsl.training.engine import Engine
from archdsl.training.engine_messages import Divergence
from archdsl.training.faults import Fault
from archdsl.training.interruption import Interruption, Stopped
from archdsl.training.lock import Difference
from archdsl.training.opening import Opened
from archdsl.training.progress import Display
from archdsl.training.result import EpochMetrics, Result
from archdsl.training.run_folder import WEIGHTS, RunFolder
from archdsl.training.session import Session
from archdsl.training.tensorboard import Scalars

if TYPE_CHECKING:
    from archdsl.training.attempt import Attempt

NAN_REPORT = "nan_report.json"


@dataclass
class Course:
    """Training in an open folder. ``changes`` are what is not as it was when the run was begun."""

    attempt: Attempt
    opened: Opened
    engine: Engine
    session: Session
    display: Display
    interruption: Interruption
    scalars: Scalars | None = None
    changes: Sequence[Difference] = ()

    def run(self, loaded: Loaded | None, device: torch.device, count: int) -> Result:
        """Train ``count`` images an epoch, from a checkpoint if one is loaded; record the end."""
        folder, recipe = self.opened.folder, self.attempt.recipe
        try:
            with self.display:
                epochs = f"{recipe.epochs} epoch{'s' if recipe.epochs > 1 else ''}"
                self.display.line(
                    f"training {self.attempt.job.name} on {self.attempt.dataset.title}: "
                    f"{count:,} images, {epochs}, batch {recipe.batch}, {device}"
                )
                for what, seconds in self.engine.costs.items():
                    self.display.line(f"{what}: {seconds:.1f} s")
                self._begin(loaded)
                stopped = self._train()
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
                    {"epoch": place.epoch, "step": place.step, "changes": list(self.changes)},
                )
            self.session.begin(self.engine, folder, done, best)
            if folder and self.engine.costs:
                folder.note({"costs_seconds": self.engine.costs})
            if folder and self.attempt.tensorboard:
                self.scalars = Scalars(folder.path, len(done))
                self.session.observe = self.scalars.append

    def _tell(self, loaded: Loaded) -> None:
        for path, reason in loaded.damaged:
            self.display.line(f"warning: a checkpoint is damaged: {reason}: {path}")
        for name, was, now in self.changes:
            self.display.line(f"note: {name} was {was}, and is {now} now")
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
