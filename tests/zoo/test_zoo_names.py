"""Stable names: a squeeze-and-excite unit put anywhere into a network renames nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from networks import FOLDER, NETWORKS, compiled

from archdsl import Compiled, compile
from archdsl.diagnostics import Problems
from archdsl.source import Source
from archdsl.syntax import nodes, parse

UNIT = """
def SE(r) {
  gate = in -> gap -> linear(max(1, in.c // r)) -> relu -> linear(in.c) -> sigmoid
  out  = mul(in, gate)
}
"""


def inner(node: object) -> Iterator[object]:
    """Yield a node and all nodes in it."""
    yield node
    if isinstance(node, tuple):
        for item in node:
            yield from inner(item)
    elif type(node).__module__ in (nodes.__name__, nodes.Body.__module__):
        for field in type(node).__slots__:
            yield from inner(getattr(node, field))


def places(text: str) -> list[int]:
    """Return the ends of all steps in blocks and defs behind which a unit can stand."""
    problems = Problems()
    file = parse(Source("spec.arch", text), problems)
    assert not problems.has_errors
    found: set[int] = set()
    for part in inner(file.items):
        if not isinstance(part, nodes.Block | nodes.Def):
            continue
        for body in inner(part.body):
            if isinstance(body, nodes.Body):
                for statement in body.statements:
                    found.update(step.span.end for step in steps(statement))
    return sorted(found)


def steps(statement: object) -> Iterator[nodes.Expr]:
    """Yield the steps of a statement that hand one tensor on."""
    value = statement.value if isinstance(statement, nodes.Bind) else statement
    row = value.steps if isinstance(value, nodes.Pipeline) else (value,)
    for step in row:
        if not isinstance(step, nodes.Let | nodes.Allow | nodes.Fork):
            yield step


def with_unit(name: str, place: int, folder: Path) -> Compiled:
    """Compile a network of the zoo with a unit at a place of its file, or of its base's."""
    for path in FOLDER.glob("*.arch"):
        (folder / path.name).write_bytes(path.read_bytes())
    file = folder / f"{written_in(name)}.arch"
    text = file.read_text()
    file.write_text(text[:place] + " -> SE(4)" + text[place:] + UNIT)
    return compile(folder / f"{name}.arch")


def written_in(name: str) -> str:
    """Return the file that holds a network's blocks: ResNeXt's are ResNet's."""
    return name if "block" in (FOLDER / f"{name}.arch").read_text() else "resnet50"


@pytest.mark.parametrize("step", [6, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_unit_renames_nothing_wherever_it_stands(name: str, step: int, tmp_path: Path) -> None:
    owners = {n.id: (n.op, n.shape, n.params) for n in compiled(name).network.nodes if n.params}
    for place in places((FOLDER / f"{written_in(name)}.arch").read_text())[::step]:
        changed = with_unit(name, place, tmp_path).network.by_id
        found = {id: changed.get(id) for id in owners}
        kept = {id: (n.op, n.shape, n.params) for id, n in found.items() if n is not None}
        assert kept == owners
        assert any(".se." in f".{id}." or "_se." in id for id in changed)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_checkpoint_fits_but_for_the_unit(name: str, tmp_path: Path) -> None:
    places_in_file = places((FOLDER / f"{written_in(name)}.arch").read_text())
    changed = with_unit(name, places_in_file[len(places_in_file) // 2], tmp_path)
    with torch.device("meta"):
        before, after = compiled(name).build().state_dict(), changed.build().state_dict()
    new = {key for key in after if key not in before}
    assert new and all("se" in key.replace("_", ".").split(".") for key in new)
    assert {k: v.shape for k, v in after.items() if k not in new} == {
        k: v.shape for k, v in before.items()
    }
