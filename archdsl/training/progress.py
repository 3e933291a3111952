"""Showing how a run goes: a live bar on a terminal, one plain line an epoch elsewhere."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from archdsl.training.result import EpochMetrics


class Display:
    """A context that shows a run of ``epochs`` epochs of ``images`` images on a console."""

    def __init__(self, console: Console, epochs: int, images: int) -> None:
        self._console = console
        self._epochs = epochs
        self._images = images
        self._rate = ""
        columns = (
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            TextColumn("{task.fields[facts]}"),
            TimeRemainingColumn(),
        )
        self._bar = Progress(
            *columns, console=console, transient=True, disable=not console.is_terminal
        )
        self._task = self._bar.add_task("", total=epochs * images, epoch=f"1/{epochs}", facts="")

    def __enter__(self) -> Display:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def line(self, text: str) -> None:
        """Print a line as it is, above the bar if there is one."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def notice(self, epoch: int, images: int, loss: float | None) -> None:
        """Show how far an epoch (from 1) is: images seen, mean loss so far if it is known."""
        done = (epoch - 1) * self._images + images
        self._bar.update(
            self._task,
            completed=done,
            epoch=f"{epoch}/{self._epochs}",
            facts=("" if loss is None else f"loss {loss:.4f}") + self._rate,
        )

    def epoch(self, metrics: EpochMetrics) -> None:
        """Print the metrics of a finished epoch."""
        self._rate = (
            f"  test {metrics.test_accuracy:.1%}  {metrics.images_per_second:,.0f} images/s"
        )
        self.notice(metrics.epoch, self._images, metrics.loss)
        width = len(str(self._epochs))
        self.line(
            f"epoch {metrics.epoch:{width}}/{self._epochs}"
            f"  loss {metrics.loss:.4f}"
            f"  accuracy {metrics.accuracy:.2%}"
            f"  test loss {metrics.test_loss:.4f}"
            f"  test accuracy {metrics.test_accuracy:.2%}"
            f"  {metrics.images_per_second:,.0f} images/s"
            f"  {metrics.seconds:.1f} s"
        )
