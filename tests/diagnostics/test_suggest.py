"""Did you mean: typos are recognised, other words are not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.diagnostics.suggest import did_you_mean, edit_distance, nearest

LETTERS = st.sampled_from("abcdefgxyz_0189")
names = st.text(LETTERS, min_size=4, max_size=20)


@st.composite
def typos(draw: st.DrawFn) -> tuple[str, str]:
    """A name, and the same with one insertion, deletion, replacement or swap."""
    name = draw(names)
    at = draw(st.integers(0, len(name) - 1))
    char = draw(LETTERS)
    changed = draw(
        st.sampled_from(
            [
                name[:at] + char + name[at:],
                name[:at] + name[at + 1 :],
                name[:at] + char + name[at + 1 :],
                name[:at] + name[at : at + 2][::-1] + name[at + 2 :],
            ]
        )
    )
    return name, changed


@settings(deadline=None)
@given(typos(), st.lists(names, max_size=5))
def test_one_edit_is_found(typo: tuple[str, str], others: list[str]) -> None:
    name, changed = typo
    assert edit_distance(name, changed) <= 1
    assert nearest(changed, [name]) == name
    guess = nearest(changed, [*others, name])
    assert guess is not None
    assert edit_distance(changed, guess) <= 1


@settings(deadline=None)
@given(names, names)
def test_the_distance_is_symmetric_and_zero_only_for_equals(a: str, b: str) -> None:
    assert edit_distance(a, b) == edit_distance(b, a) <= max(len(a), len(b))
    assert (edit_distance(a, b) == 0) == (a == b)


@pytest.mark.parametrize(
    ("name", "candidates", "expected"),
    [
        ("Relu", ["relu", "relu6"], "relu"),
        ("rleu", ["relu", "gelu"], "relu"),
        ("batchnrom", ["batchnorm", "layernorm"], "batchnorm"),
        ("zebra", ["relu", "maxpool"], None),
        ("relu", [], None),
        ("x" * 101, ["x" * 100], None),
    ],
)
def test_nearest(name: str, candidates: list[str], expected: str | None) -> None:
    assert nearest(name, candidates) == expected


def test_did_you_mean() -> None:
    assert did_you_mean("strid", ["stride", "padding"]) == "did you mean `stride`?"
    assert did_you_mean("zebra", ["stride", "padding"]) == "choose one of: padding, stride"
    assert did_you_mean("zebra", []) is None
    assert did_you_mean("zebra", [f"candidate{n}" for n in range(13)]) is None
