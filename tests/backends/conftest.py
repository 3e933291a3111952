"""The eight networks, whole and with an eighth of their width."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import torch
from paper_networks import BESIDES

from archdsl import Compiled, compile

SPECS = Path(__file__).parents[2] / "specs"

# The paper shows B and C for ResNet only; these are their siblings on VGG.
SIBLING = """arch 1
from "{base}.arch" import {model}
model {model}_RA_{letter} extends {model} {{
  aggregate lstm(hidden = 256) {{ readout {readout} }}
  head {{ linear(256) -> relu -> linear(classes) }}
}}
"""


@pytest.fixture(scope="session", autouse=True)
def few_threads() -> Iterator[None]:
    """Tiny tensors gain nothing from threads, and workers of one test run share the cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def narrowed(text: str) -> str:
    """Return a spec with every width of 64 and more divided by 8."""
    return re.sub(r"\b(64|128|256|512|1024)\b", lambda m: str(int(m[0]) // 8), text)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of all specs, in ``narrow`` with an eighth of their width."""
    folder = tmp_path_factory.mktemp("specs")
    (folder / "narrow").mkdir()
    texts = {path.name: path.read_text() for path in SPECS.glob("*.arch")}
    for name in BESIDES:
        base, _, letter = name.split("_")
        readout = {"b": "last_and_feature", "c": "all"}[letter]
        texts[f"{name}.arch"] = SIBLING.format(
            base=base, model=base.upper(), letter=letter.upper(), readout=readout
        )
    for name, text in texts.items():
        (folder / name).write_text(text)
        (folder / "narrow" / name).write_text(narrowed(text))
    return folder


@pytest.fixture(scope="session")
def whole(folder: Path) -> Callable[[str], Compiled]:
    """Compile a network as the paper has it."""
    return cache(lambda name: compile(folder / f"{name}.arch"))


@pytest.fixture(scope="session")
def narrow(folder: Path) -> Callable[[str], Compiled]:
    """Compile a network at an eighth of its width: the same structure, in milliseconds.

    ResNet has 3 units in a stage instead of 10.
    """

    def compiled(name: str) -> Compiled:
        fewer = {"n": 3} if name.startswith("resnet") else {}
        return compile(folder / "narrow" / f"{name}.arch", **fewer)

    return cache(compiled)
