"""A rehearsal refuses exactly the networks that are too large, before they are made."""

from __future__ import annotations

from pathlib import Path

import pytest

from archdsl.compiler import choose_model, load_spec
from archdsl.diagnostics import Problems
from archdsl.elaborate import expanding
from archdsl.elaborate.modelling import ModelElaborator
from archdsl.ir import draft
from archdsl.syntax import nodes

ZOO = Path("specs/zoo")


def elaborator(path: Path, name: str) -> ModelElaborator:
    spec = load_spec(path)
    return ModelElaborator(choose_model(spec, name), spec.resolution, Problems(), {})


@pytest.mark.parametrize("path", sorted(ZOO.glob("*.arch")), ids=lambda path: path.stem)
def test_the_limit_is_that_of_the_network_itself(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (name,) = [
        item.name.text
        for item in load_spec(path).program.root.file.items
        if isinstance(item, nodes.Model)
    ]
    plain = elaborator(path, name)
    plain.expander.rehearse = None
    assert plain.elaborate() is not None
    operators = len(plain.expander.draft.nodes) - 1
    monkeypatch.setattr(expanding, "REHEARSED_FROM", 0)
    for limit, codes in ((operators, []), (operators - 1, ["ARCH901"])):
        monkeypatch.setattr(draft, "MAX_OPERATORS", limit)
        rehearsed = elaborator(path, name)
        assert (rehearsed.elaborate() is not None) is (codes == [])
        assert [d.code for d in rehearsed.problems.sorted()] == codes
    made = rehearsed.expander.draft.size.operators
    assert name not in ("ResNet50", "DenseNet121") or made < operators / 4
