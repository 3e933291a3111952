"""B: the views of many networks as a browser draws them: nothing lies on anything else."""

from __future__ import annotations

import pytest
from browser import faults, open_browser
from subjects import ALONE, NAMES, STRESS, subject

from archdsl.backends.figures.painting import Request, paint_all
from archdsl.backends.figures.views import View, draw


@pytest.mark.parametrize(
    "name",
    [
        name if name in STRESS or name in ALONE else pytest.param(name, marks=pytest.mark.slow)
        for name in NAMES
    ],
)
def test_nothing_lies_on_anything_else(name: str) -> None:
    driver = open_browser()
    drawings = [draw(subject(name), view) for view in View]
    for files in paint_all([Request(drawing, ["svg"]) for drawing in drawings]):
        assert faults(driver, files["svg"]) == []
        assert faults(driver, files["svg"], font="DejaVu Sans") == []
