"""A run from start to end, or from where it was left: the two calls that train."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from archdsl.recipes import DataSet, Recipe
from archdsl.training import checkpoint_messages
from archdsl.training.curves import record_curves
from archdsl.training.distributed import world
from archdsl.training.job import Job
from archdsl.training.options import Options
from archdsl.training.recorded import Recorded, read_recorded, sha256_of
from archdsl.training.requirements import require
from archdsl.training.result import Result
from archdsl.training.tensorboard import require_tensorboard

if TYPE_CHECKING:
    from archdsl.training.checkpoint_schedule import Every
    from archdsl.training.distributed import World
    from archdsl.training.opening import Opened
    from archdsl.training.record import Record


def train(
    job: Job,
    dataset: DataSet,
    recipe: Recipe,
    *,
    data: Path | None,
    out: Path,
    console: Console,
    device: str = "auto",
    options: Options | None = None,
    every: Every | None = None,
    resume: bool = False,
    locked: Path | None = None,
    tensorboard: bool = False,
    smoke: bool = False,
) -> Result:
    """Train a model and leave a folder under ``out`` that tells all about it.

    ``data`` is the folder with the official files, or to download them into (None for a data set
    without files). ``device`` is ``auto``, ``cpu``, ``cuda`` or ``cuda:N``. What happens is shown
    on ``console``; ``options`` say how it is computed, ``every`` how often a checkpoint is taken.
    With ``resume``, a run of the same under ``out`` is continued if there is one, and returned as
    it is if it is finished. With ``locked``, the folder of another run, training only begins if
    all that is recorded there holds here too. With ``tensorboard``, scalars for it are written
    beside the metrics; the curves of a finished run are drawn. With ``smoke``, all of that is done
    on a few images, in a folder of its own, in a few seconds (``archdsl.training.smoke``). Weights
    and metrics depend on the job, the data, the recipe (with its seed), the options, and on the
    machine and its number of threads.

    Raises :class:`Fault` (ARCH611 to ARCH638, ARCH666; ARCH626 for ``smoke`` with ``resume``, as a
    smoke run is always a new one), and ValueError where job, data set, recipe and device do not fit
    together, which the compiler and the command line check beforehand. Torch's global random
    generator is seeded.
    """
    if smoke and resume:
        raise checkpoint_messages.smoke_and_resume()
    lock = read_recorded(locked) if locked is not None else None
    require(dataset.name)
    if tensorboard:
        require_tensorboard()
    from archdsl.training.attempt import Attempt
    from archdsl.training.checkpoint_schedule import Every
    from archdsl.training.opening import open_new, open_same

    def open(record: Record, here: World) -> Opened:
        from archdsl.training.lock import demand_same

        if lock is not None and here.writes:  # the others have devices of their own
            demand_same(lock, record)
        return open_same(out, job, record, here) if resume else open_new(out, job, record, here)

    attempt = Attempt(
        job,
        dataset,
        recipe,
        data,
        console,
        device,
        options or Options(),
        every or Every(),
        tensorboard,
        smoke,
    )
    return _drawn(attempt.carry_out(out, open), console)


def resume(
    folder: Path,
    job: Job,
    *,
    console: Console,
    data: Path | None = None,
    every: Every | None = None,
) -> Result:
    """Continue a run from its folder: data set, recipe, seed, device and options are as recorded.

    ``job`` is what its spec compiles to. ``data`` is a folder to read the data from, if it does not
    lie where it lay. The result is what the run would have come to without any interruption, to the
    bit. Raises :class:`Fault`: ARCH620 to ARCH626 where the run cannot be continued, and what
    :func:`train` raises.
    """
    recorded = read_recorded(folder)
    if recorded.is_smoke:
        raise checkpoint_messages.smoke_not_continued(folder)
    if recorded.status == "finished":
        raise checkpoint_messages.finished(folder)
    _demand_same_job(recorded, job)
    dataset, recipe, options = recorded.dataset, recorded.recipe, recorded.options
    require(dataset.name)
    from archdsl.training.attempt import Attempt
    from archdsl.training.checkpoint_schedule import Every
    from archdsl.training.opening import open_again

    attempt = Attempt(
        job,
        dataset,
        recipe,
        data or recorded.data_folder,
        console,
        recorded.device,
        options,
        every or Every(),
    )
    return _drawn(attempt.carry_out(folder, lambda _, here: open_again(folder, here)), console)


def _drawn(result: Result, console: Console) -> Result:
    """Return a finished run, with its curves drawn: by the one process of several that writes."""
    if world().writes:
        record_curves(result.folder, console)
    return result


def _demand_same_job(recorded: Recorded, job: Job) -> None:
    """Raise Fault ARCH623 where a job is not the one that a run was begun with."""
    found_here = {"identity": job.identity, "source_sha256": sha256_of(job.source)}
    for field, found in found_here.items():
        kept = recorded.fact(field)
        if kept != found:
            raise checkpoint_messages.does_not_fit(recorded.folder, field, kept, found)
