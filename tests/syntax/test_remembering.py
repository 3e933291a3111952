"""A text that stays the same is parsed once: whoever asks again gets the same file and faults."""

from __future__ import annotations

from pathlib import Path

import pytest
from specs_of_tests import ROOT

from archdsl.compiler import check_spec, compile_spec, load_spec
from archdsl.diagnostics import Diagnostic, Problems
from archdsl.source import Source
from archdsl.syntax import nodes, parse
from archdsl.syntax.parser import MAX_REMEMBERED, remembered

FAULTY = "arch 1\nmodel M { input [3, 8, 8]; backbone { conv(4 } }\n"


def parsed(source: Source) -> tuple[nodes.File, tuple[Diagnostic, ...]]:
    problems = Problems()
    return parse(source, problems), problems.sorted()


def test_the_same_text_gives_the_same_file_and_tells_its_faults_again() -> None:
    first, faults = parsed(Source("a.arch", FAULTY, Path("a.arch")))
    again, same = parsed(Source("a.arch", FAULTY, Path("a.arch")))
    assert again is first
    assert same == faults
    assert [fault.code for fault in faults] == ["ARCH002"]
    assert all(f.primary and f.primary.span.source is first.source for f in faults)


@pytest.mark.parametrize(
    "other",
    [
        Source("b.arch", FAULTY, Path("a.arch")),
        Source("a.arch", FAULTY + "\n", Path("a.arch")),
        Source("a.arch", FAULTY, Path("b.arch")),
    ],
)
def test_another_name_text_or_path_has_a_source_of_its_own(other: Source) -> None:
    file, faults = parsed(other)
    assert file is not parsed(Source("a.arch", FAULTY, Path("a.arch")))[0]
    assert (file.source.name, file.source.text, file.source.path) == (
        other.name,
        other.text,
        other.path,
    )
    assert all(f.primary and f.primary.span.source is file.source for f in faults)


def test_a_long_text_is_parsed_anew() -> None:
    source = Source("a.arch", "arch 1\n" + "#" * MAX_REMEMBERED)
    assert parsed(source)[0] is not parsed(source)[0]


@pytest.mark.parametrize("path", sorted((ROOT / "specs").glob("*.arch")), ids=lambda p: p.name)
def test_what_is_made_of_a_remembered_text_is_the_same(path: Path) -> None:
    remembered.cache_clear()
    cold, warm = load_spec(path), load_spec(path)
    assert warm.program.root.file is cold.program.root.file
    assert check_spec(warm) == check_spec(cold)
    for model in cold.models:
        first, second = compile_spec(cold, model.name), compile_spec(warm, model.name)
        assert second.network.to_json() == first.network.to_json()
        assert second.source == first.source
