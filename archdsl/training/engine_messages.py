"""The wording of the engine's faults, and the one that tells where a run diverged."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics import Diagnostic
from archdsl.training.faults import Fault


class Divergence(Fault):
    """The loss is no longer finite (ARCH619).

    ``epoch`` counts from 1, ``step`` from 0 within it, ``images`` are the places in the training
    set of those in the step, in order; for a test loss there is no step and there are no images.
    """

    def __init__(
        self, loss: float, on: str, epoch: int, rate: float, step: int | None, images: Sequence[int]
    ) -> None:
        notes = [f"the learning rate was {rate:g}"]
        if step is not None:
            first = ", ".join(map(str, images[:8])) + (", ..." if len(images) > 8 else "")
            notes.insert(
                0, f"it is so from step {step} of the epoch on (from 0), with the images {first}"
            )
        diagnostic = Diagnostic(
            "ARCH619",
            f"the loss on the {on} images is {loss} in epoch {epoch}",
            notes=tuple(notes),
            help="lower the learning rate in the recipe",
        )
        super().__init__(diagnostic, 3)
        self.loss = loss
        self.on = on
        self.epoch = epoch
        self.step = step
        self.images = tuple(images)
        self.learning_rate = rate


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says, or what it is where it says nothing.

    With the next one where it ends in a colon: "backend='inductor' raised:" tells nothing.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    return " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]


def _fault(code: str, message: str, *notes: str, help: str) -> Fault:
    return Fault(Diagnostic(code, message, notes=notes, help=help))


def engine_unavailable(engine: str, reason: str, instead: str) -> Fault:
    """ARCH630: an engine that this machine or this run cannot have."""
    return _fault(
        "ARCH630",
        f"the engine {engine} is not available: {reason}",
        help=f"use --engine {instead}, or leave it to --engine auto",
    )


def precision_unavailable(precision: str, device: str, reason: str) -> Fault:
    """ARCH631: a precision that the device would only emulate."""
    return _fault(
        "ARCH631",
        f"{precision} is not available on {device}: {reason}",
        help="use --precision float32, or leave it to --precision auto",
    )


def sync_unavailable(device: str) -> Fault:
    """ARCH632: statistics over all processes, on a device that has no code for it."""
    return _fault(
        "ARCH632",
        f"bn = sync works on CUDA devices only, and this run is on {device}",
        help="use --bn local: each process then normalizes with the statistics of its own images",
    )


def not_captured(engine: str, reason: str) -> Fault:
    """ARCH633: the step cannot be captured, or the network not compiled."""
    verb = "compiled" if engine == "compile" else "captured"
    return _fault(
        "ARCH633",
        f"the step could not be {verb}: {reason}",
        help="use --engine eager, which takes every network",
    )


def rank_lost(rank: int, reason: str) -> Fault:
    """ARCH634: another process of the run is gone, or silent for too long."""
    return _fault(
        "ARCH634",
        f"rank {rank} has lost another process of the run: {reason}",
        "the checkpoints of the run are as they were",
        help="look at what the lost process said, and start all of them again with --resume",
    )


def batch_too_small(batch: int, size: int, which: str) -> Fault:
    """ARCH635: a batch of which some process would have no image."""
    return _fault(
        "ARCH635",
        f"{which} of {batch} images cannot be shared by {size} processes",
        help="batch counts the images of all processes together: set train.batch higher, "
        "or start fewer processes",
    )


def snapshot_mismatch(reason: str) -> Fault:
    """ARCH636: a snapshot of another run."""
    return _fault(
        "ARCH636",
        f"the snapshot is not of this run: {reason}",
        help="continue a run with the model and the recipe that it was begun with",
    )


def out_of_memory(device: str, error: BaseException) -> Fault:
    """ARCH638: a device whose memory a run does not fit into."""
    return _fault(
        "ARCH638",
        f"{device} has not enough memory for this run",
        f"torch says: {first_line(error)}",
        help="use a device with more memory, or set train.batch lower, which is another recipe",
    )


def no_rendezvous(reason: str) -> Fault:
    """ARCH637: the processes do not meet."""
    return _fault(
        "ARCH637",
        f"the processes of the run do not meet: {reason}",
        help="start them with torchrun --nproc-per-node N -m archdsl compile ...",
    )
