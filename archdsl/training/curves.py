"""Learning curves: loss and error over epochs, of one run or of several, drawn from metrics.

Colours and font are those of the figures (``backends/figures/theme.py``). The bytes depend on
nothing but the metrics and the version of matplotlib. Nothing here imports pyplot, so that no
state of a notebook is touched, and no window is ever opened.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.backends.figures.drawing import Role
from archdsl.backends.figures.faults import nothing_to_draw_with
from archdsl.backends.figures.fonts import FAMILY
from archdsl.backends.figures.theme import LIGHT, Theme
from archdsl.training.curves_labels import labels_of, milestones, progress, title_of
from archdsl.training.results import METRICS, Measured, Run, read_run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from rich.console import Console

FORMATS = ("svg", "png", "pdf")
"""Of files with curves."""

_SIZE = (9.0, 3.6)  # inches
_PIXELS = 200  # an inch, as in the figures
_COLOURS = (Role.CONV, Role.DOWN, Role.RECURRENT, Role.FC, Role.MAP, Role.RESIDUAL)
_DASHES = ("-", "--", "-.", ":")
# Two files are made without a date, and with the same ids inside: equal runs give equal files.
_SETTINGS: Any = {
    "font.family": [FAMILY],
    "font.size": 8.5,
    "svg.fonttype": "none",
    "svg.hashsalt": "archdsl",
    "pdf.fonttype": 42,
    "axes.unicode_minus": True,
    "path.simplify": False,
}
_METADATA: dict[str, dict[str, None]] = {
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


@dataclass(frozen=True, slots=True)
class Series:
    """The curves of one run: ``label`` is its name in the legend, empty for the only one."""

    label: str
    epochs: tuple[Measured, ...]


@dataclass(frozen=True, slots=True)
class Reported:
    """A test error that somebody reported, as a level line: ``error`` is a fraction (0 to 1).

    It has the colour of the series of the same ``label``, or that of texts if there is none.
    """

    label: str
    error: float


def write_curves(folder: Path) -> list[Path]:
    """Write ``curves.svg`` and ``curves.png`` into a run folder, from its ``metrics.jsonl``.

    Returns what was written: nothing where no epoch is measured, or matplotlib is not installed.
    Raises Fault ARCH620 where the folder is not a run's, ARCH615 or ARCH616 where it cannot be
    written to.
    """
    from archdsl.training.writing import replace_file

    run = read_run(folder)
    if not run.epochs or find_spec("matplotlib") is None:
        return []
    written = []
    for format, data in draw_runs([run], ["svg", "png"]).items():
        path = folder / f"curves.{format}"
        replace_file(path, data)
        written.append(path)
    return written


def record_curves(folder: Path, console: Console) -> None:
    """Write the curves of a run that has finished, unless they are there already.

    The run is whole without them, so nothing that goes wrong here is raised: it is said.
    """
    try:
        drawn = folder / "curves.svg"
        metrics = folder / METRICS
        if drawn.exists() and drawn.stat().st_mtime_ns >= metrics.stat().st_mtime_ns:
            return
        write_curves(folder)
    except Exception as error:
        console.print(
            f"note: no curves were drawn: {error}", highlight=False, markup=False, soft_wrap=True
        )


def draw_runs(
    runs: Sequence[Run], formats: Sequence[str], *, theme: Theme = LIGHT
) -> dict[str, bytes]:
    """Return the curves of runs, in one figure, by format; runs without an epoch are left out.

    Raises :class:`FigureFault` ARCH701 without matplotlib.
    """
    drawn = [run for run in runs if run.epochs]
    labels = labels_of(drawn) if len(drawn) > 1 else [""]
    ended = [f"{label} ({progress(r)})" if label and progress(r) else label
             for label, r in zip(labels, drawn, strict=True)]  # fmt: skip
    series = [Series(label, run.epochs) for label, run in zip(ended, drawn, strict=True)]
    return draw(series, title_of(drawn), formats, theme=theme)


def draw(
    series: Sequence[Series],
    title: str,
    formats: Sequence[str],
    *,
    reported: Sequence[Reported] = (),
    notes: Sequence[str] = (),
    theme: Theme = LIGHT,
) -> dict[str, bytes]:
    """Return a figure of curves by format (``svg``, ``png``, ``pdf``).

    Left are losses, right errors; what is of the test images is drawn strong, what is of training
    faint. ``notes`` stand below. Raises :class:`FigureFault` ARCH701 without matplotlib.
    """
    if find_spec("matplotlib") is None:
        raise nothing_to_draw_with(["matplotlib"])
    with _quiet():
        from matplotlib import rc_context

        with rc_context(_SETTINGS):
            figure = _figure(series, title, reported, notes, theme)
            return {format: _written(figure, format, title) for format in formats}


def _written(figure: Figure, format: str, title: str) -> bytes:
    out = io.BytesIO()
    metadata: dict[str, Any] = {**_METADATA[format], "Title": title}
    figure.savefig(out, format=format, dpi=_PIXELS, metadata=metadata)
    return out.getvalue()


def _figure(
    series: Sequence[Series],
    title: str,
    reported: Sequence[Reported],
    notes: Sequence[str],
    theme: Theme,
) -> Figure:
    from matplotlib.figure import Figure

    rows = -(-len(series) // 2) if _has_legend(series) else 0
    below = 0.17 * (rows + 1 + len(notes))
    figure = Figure(figsize=(_SIZE[0], _SIZE[1] + below), facecolor=theme.background)
    height = _SIZE[1] + below
    figure.subplots_adjust(
        left=0.07, right=0.985, wspace=0.18, top=1 - 0.45 / height, bottom=(0.62 + below) / height
    )
    figure.suptitle(title, color=theme.text, y=1 - 0.1 / height, va="top", fontsize=10)
    axes = figure.subplots(1, 2)
    colours: dict[str, str] = {}
    for index, line in enumerate(series):
        colour = theme.roles[_COLOURS[index % len(_COLOURS)]].line
        dash = _DASHES[index // len(_COLOURS) % len(_DASHES)]
        colours.setdefault(line.label, colour)
        _curves(axes[0], axes[1], line, colour, dash)
    for level in reported:
        colour = colours.get(level.label, theme.text)
        axes[1].axhline(100 * level.error, color=colour, linewidth=0.9, dashes=(1, 2), zorder=1)
    for one, name in zip(axes, ("loss (nats)", "error (%)"), strict=True):
        _dress(one, name, theme)
    for axis in axes:
        _mark_milestones(axis, series, theme)
    _legend(figure, axes[0], series, reported, notes, theme, below / height)
    return figure


def _has_legend(series: Sequence[Series]) -> bool:
    return any(one.label for one in series)


def _curves(losses: Axes, errors: Axes, series: Series, colour: str, dash: str) -> None:
    """Draw the four curves of a run; with one epoch alone there is a dot instead of a line."""
    x = [m.epoch for m in series.epochs]
    marker = "o" if len(x) == 1 else None
    style: dict[str, Any] = {"color": colour, "marker": marker, "markersize": 4}
    strong: dict[str, Any] = {"linewidth": 1.5, "linestyle": dash, "zorder": 3, **style}
    faint: dict[str, Any] = {"linewidth": 0.9, "linestyle": dash, "alpha": 0.45, "zorder": 2,
                             **style}  # fmt: skip
    losses.plot(x, [m.loss for m in series.epochs], **faint)
    losses.plot(x, [m.test_loss for m in series.epochs], label=series.label or "test", **strong)
    errors.plot(x, [100 * (1 - m.accuracy) for m in series.epochs], **faint)
    errors.plot(x, [100 * (1 - m.test_accuracy) for m in series.epochs], **strong)


def _dress(axes: Axes, name: str, theme: Theme) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_facecolor(theme.background)
    axes.set_xlabel("epoch", color=theme.text)
    axes.set_ylabel(name, color=theme.text)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=9))
    axes.tick_params(colors=theme.muted)
    axes.grid(color=theme.text, alpha=0.12, linewidth=0.6)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(theme.muted)


def _mark_milestones(axes: Axes, series: Sequence[Series], theme: Theme) -> None:
    """Draw a line where the learning rate is lowered or raised, and say what it is from there."""
    found: dict[int, set[float]] = {}
    for line in series:
        for epoch, rate in milestones(line.epochs).items():
            found.setdefault(epoch, set()).add(rate)
    for epoch, rates in sorted(found.items()):
        axes.axvline(epoch - 0.5, color=theme.muted, linewidth=0.8, dashes=(4, 3), zorder=1)
        text = f"lr {min(rates):.3g}" if len(rates) == 1 else "lr changes"
        axes.annotate(
            text,
            (epoch - 0.5, 1),
            xycoords=("data", "axes fraction"),
            xytext=(2, -2),
            textcoords="offset points",
            color=theme.muted,
            fontsize=7,
            va="top",
        )


def _legend(
    figure: Figure,
    axes: Axes,
    series: Sequence[Series],
    reported: Sequence[Reported],
    notes: Sequence[str],
    theme: Theme,
    below: float,
) -> None:
    """Write below the axes which run is which, how curves are drawn, and notes."""
    explained = ["strong: test images; faint: training images"]
    if reported:
        explained[0] += "; dotted level: as the paper reports it"
    if _has_legend(series):
        figure.legend(
            handles=axes.get_legend_handles_labels()[0],
            loc="upper center",
            bbox_to_anchor=(0.5, below + 0.02),
            ncols=2,
            frameon=False,
            labelcolor=theme.text,
            fontsize=8,
            borderaxespad=0,
        )
    rows = -(-len(series) // 2) if _has_legend(series) else 0
    step = below / (len(notes) + 1 + rows)
    for index, text in enumerate(reversed([*explained, *notes])):
        figure.text(
            0.5, 0.012 + index * step, text, color=theme.muted, fontsize=7.5, ha="center",
            va="bottom",
        )  # fmt: skip


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep matplotlib from telling on standard error that it looks for fonts."""
    logger = logging.getLogger("matplotlib")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
