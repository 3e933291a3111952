"""The reference of recipes: the page in docs, and what ``archdsl recipes`` prints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from archdsl.cli import app, recipe_reference
from archdsl.compiler import check_spec, load_spec
from archdsl.recipes import ENTRIES, Entry
from archdsl.recipes.recipe import PLACES, SINGLES, Recipe

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "recipes.md"


def printed(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["recipes", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_page_is_current(request: pytest.FixtureRequest) -> None:
    page = recipe_reference.page()
    if request.config.getoption("--update"):
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page, "run pytest tests/recipes --update"


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
def test_each_entry_is_whole(entry: Entry) -> None:
    assert entry.place in PLACES
    assert re.match(r"\S.*[^.]$", entry.doc) and re.match(r"\S.*[^.]$", entry.source)
    assert all(re.search(r"\w", parameter.doc) for parameter in entry.parameters)
    for parameter in entry.parameters:
        if not parameter.required:
            parameter.normal_default  # noqa: B018 - raises where its kind does not admit it


def test_each_number_is_a_field_of_a_recipe_with_its_default() -> None:
    for name, single in SINGLES.items():
        assert single.source
        if not single.parameter.required:
            default = Recipe.__dataclass_fields__[name].default
            assert default == single.parameter.normal_default
    assert set(Recipe.__dataclass_fields__) == {"name", *SINGLES, *PLACES}


def test_everything_is_listed_with_a_line() -> None:
    listing = printed()
    for entry in ENTRIES.values():
        assert re.search(rf"^  {entry.name} +{re.escape(entry.doc)}$", listing, re.M)
    for name, single in SINGLES.items():
        assert re.search(rf"^  {name} +{re.escape(single.parameter.doc)}$", listing, re.M)
    for name in recipe_reference.library():
        assert re.search(rf"^  {name} +\S", listing, re.M)


def test_an_entry_says_all_that_is_declared() -> None:
    page = printed("adamw")
    for parameter in ENTRIES["adamw"].parameters:
        assert f"| `{parameter.name}` | {parameter.kind.wanted}" in page
    assert "optimizer adamw(lr = 0.001, betas = [0.9, 0.999], eps = 1e-08" in page
    assert "* Source: Loshchilov and Hutter 2019" in page
    assert "augment { hflip }" in printed("hflip")
    assert "`none`" in printed("clip") and "one of: epochs, steps" in printed("linear")
    assert "warmup linear(length, unit = epochs" in printed("warmup")


def test_what_is_shown_is_read_as_it_is_shown(tmp_path: Path) -> None:
    """Every signature, with its defaults, and every recipe of the library, is a recipe's text."""
    lines = []
    for entry in ENTRIES.values():
        text = recipe_reference.signature(entry)
        for parameter in entry.parameters:
            if parameter.required:
                needed = "[3]" if parameter.name == "at" else "1"
                name = parameter.name
                text = re.sub(rf"\b{name}\b", f"{name} = {needed}", text, count=1)
        rest = "" if entry.place == "optimizer" else "; optimizer sgd(1)"
        lines.append(f"recipe of_{entry.name} {{ epochs 9; batch 1; {text}{rest} }}\n")
    lines += [f"{body}\n" for _, body in recipe_reference.library().values()]
    spec = tmp_path / "all.arch"
    spec.write_text("arch 1\n" + "".join(lines))
    assert check_spec(load_spec(spec)) == ()


def test_the_library_is_all_there() -> None:
    text = (ROOT / "specs" / "std" / "recipes.arch").read_text(encoding="utf-8")
    assert list(recipe_reference.library()) == re.findall(r"^recipe (\w+)", text, re.M)
    assert all(comment for comment, _ in recipe_reference.library().values())
    assert "recipe paper_svhn extends paper_cifar10 { augment none }" in printed("paper_svhn")


def test_an_unknown_word_is_a_fault_of_the_call() -> None:
    result = CliRunner().invoke(app, ["recipes", "adam"])
    assert result.exit_code == 2
    assert "error[ARCH643]: no recipe knows 'adam'" in result.output
    assert "did you mean `adamw`?" in result.output
    assert "lists everything" in CliRunner().invoke(app, ["recipes", "zzzz"]).output
