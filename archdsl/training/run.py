"""One run from start to end: data, folder, training, record."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from archdsl.recipes import DataSet, Recipe
from archdsl.training import messages
from archdsl.training.faults import Fault
from archdsl.training.interruption import Interruption
from archdsl.training.job import Job, build
from archdsl.training.options import Options
from archdsl.training.requirements import require
from archdsl.training.result import EpochMetrics, Result
from archdsl.training.writing import check_writable

if TYPE_CHECKING:
    from archdsl.training.data import Images


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
) -> Result:
    """Train a model and leave a folder under ``out`` that tells all about it.

    ``data`` is the folder with the official files, or to download them into (None for a data set
    without files). ``device`` is ``auto``, ``cpu``, ``cuda`` or ``cuda:N``. What happens is shown
    on ``console``; ``options`` say how it is computed. Weights and metrics depend on the job, the
    data, the recipe (with its seed), the options, and on the machine and its number of threads.

    Raises :class:`Fault` (ARCH611 to ARCH619), and ValueError where job, data set, recipe and
    device do not fit together, which the compiler and the command line check beforehand. Torch's
    global random generator is seeded.
    """
    require(dataset.name)
    from archdsl.training.data import read
    from archdsl.training.engine import choose_device

    choose_device(device)
    try:
        check_writable(out)
        images = read(dataset, data, job.input, console)
    except KeyboardInterrupt:
        raise messages.interrupted(None, 0, recipe.epochs) from None
    return _train(job, dataset, recipe, images, out, console, device, options)


def _train(
    job: Job,
    dataset: DataSet,
    recipe: Recipe,
    images: Images,
    out: Path,
    console: Console,
    device_name: str,
    options: Options | None,
) -> Result:
    import torch  # noqa: TID251

    from archdsl.training.engine import Engine, Hooks, Position, choose_device
    from archdsl.training.fitting import demand_fit, fit_test_images
    from archdsl.training.progress import Display
    from archdsl.training.record import record_of
    from archdsl.training.run_folder import RunFolder

    class _RunHooks(Hooks):
        def __init__(self, interruption: Interruption, display: Display) -> None:
            self._interruption = interruption
            self.notice = display.notice  # type: ignore[method-assign]

        def boundary(self, position: Position) -> None:
            self._interruption.check()

    demand_fit(job, dataset, recipe, images)
    device = choose_device(device_name)
    display = Display(console, recipe.epochs, len(images.train_y))
    done: list[EpochMetrics] = []
    with Interruption() as interruption:
        with interruption.shielded():
            folder = RunFolder(out, job, record_of(job, dataset, images, recipe, device))
        try:
            with display:
                epochs = f"{recipe.epochs} epoch{'s' if recipe.epochs > 1 else ''}"
                display.line(
                    f"training {job.name} on {dataset.title}: {len(images.train_y):,} images, "
                    f"{epochs}, batch {recipe.batch}, {device}"
                )
                torch.manual_seed(recipe.seed % 2**64)
                images = fit_test_images(images, job)
                engine = Engine(
                    build(job), images, recipe, device, options, _RunHooks(interruption, display)
                )
                for metrics in engine.epochs():
                    with interruption.shielded():
                        folder.append(metrics)
                        done.append(metrics)
                    display.epoch(metrics)
                interruption.check()
            with interruption.shielded():
                folder.write_weights(engine.state())
                folder.close("finished", done[-1])
        except KeyboardInterrupt:
            with interruption.shielded():
                folder.close("interrupted", done[-1] if done else None)
            raise messages.interrupted(folder.path, len(done), recipe.epochs) from None
        except BaseException as error:
            # The record may not be writable either (a full disk): the first fault is the one.
            with interruption.shielded(), suppress(Fault):
                folder.close("failed", done[-1] if done else None, str(error))
            raise
    result = Result(folder.path, folder.weights, tuple(done))
    display.line(f"test accuracy {result.test_accuracy:.2%}  {result.folder}")
    return result
