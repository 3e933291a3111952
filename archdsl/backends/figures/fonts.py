"""The font of all figures, and how wide its texts are: the same on every machine.

DejaVu Sans as matplotlib ships it. Nothing is measured with the fonts of the machine at hand.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from archdsl.backends.figures.drawing import SUB_SCALE, Line, Run
from archdsl.backends.figures.faults import nothing_to_draw_with

FAMILY = "DejaVu Sans"
MISSING = "\N{WHITE SQUARE}"
"""What stands for a character that the font lacks, where no other font can help out."""
_FACES = {
    (False, False): "DejaVuSans.ttf",
    (True, False): "DejaVuSans-Bold.ttf",
    (False, True): "DejaVuSans-Oblique.ttf",
    (True, True): "DejaVuSans-BoldOblique.ttf",
}


@cache
def folder() -> Path:
    """Return the folder with the font files; raises :class:`FigureFault` without matplotlib."""
    # Found, not imported: that would take longer than the whole figure.
    spec = find_spec("matplotlib")
    if spec is None or spec.origin is None:
        raise nothing_to_draw_with(["matplotlib"])
    return Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf"


def files() -> list[Path]:
    """Return the files of all faces; raises :class:`FigureFault` without matplotlib."""
    return [folder() / name for name in _FACES.values()]


@cache
def _face(bold: bool, italic: bool) -> tuple[dict[int, float], float]:
    """Return the width of each character of a face, in em, and that of :data:`MISSING`."""
    try:
        from fontTools.ttLib import TTFont
    except ModuleNotFoundError:
        raise nothing_to_draw_with(["fonttools"]) from None

    with TTFont(folder() / _FACES[bold, italic], lazy=True) as font:
        widths, per_em = font["hmtx"].metrics, font["head"].unitsPerEm
        known = {code: widths[name][0] / per_em for code, name in font.getBestCmap().items()}
        return known, known[ord(MISSING)]


def run_width(run: Run) -> float:
    """Return the width of a text in one style, in points."""
    known, missing = _face(run.bold, run.italic)
    size = run.size * (SUB_SCALE if run.sub else 1)
    return size * sum(known.get(ord(character), missing) for character in run.text)


def drawable(run: Run) -> str:
    """Return a text with :data:`MISSING` for each character that the font lacks."""
    known, _ = _face(run.bold, run.italic)
    return "".join(character if ord(character) in known else MISSING for character in run.text)


def width(line: Line) -> float:
    """Return the width of a line, in points."""
    return sum(map(run_width, line))


def widest(lines: Iterable[Line]) -> float:
    """Return the width of the widest of some lines, in points."""
    return max(map(width, lines), default=0.0)
