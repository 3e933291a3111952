"""Files: encodings, places and names that a spec may meet on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from markdown_cases import check_text

import archdsl
from archdsl.compiler import CallFault, check_spec, load_spec

UNIT = "arch 1\ndef Unit(c) { conv(c) }\n"
USER = 'arch 1\nfrom "{}" import Unit\ndef Twice(c) {{ Unit(c) -> Unit(c) }}\n'


def codes(path: Path) -> list[str]:
    return [d.code for d in archdsl.check(path)]


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "x.arch"
    path.write_bytes(b"\xef\xbb\xbf" + UNIT.encode())
    assert codes(path) == []


def test_carriage_returns(tmp_path: Path) -> None:
    path = tmp_path / "x.arch"
    path.write_bytes(b"arch 1\r\ndef Unit(c) {\r\n  conv(c)\r\n    -> rleu\r\n}\r\n")
    (diagnostic,) = archdsl.check(path)
    assert diagnostic.primary is not None
    assert (diagnostic.primary.span.line, diagnostic.primary.span.column) == (4, 8)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "x.arch"
    path.write_bytes(b"arch 1\n# \xff\n")
    with pytest.raises(CallFault) as fault:
        load_spec(path)
    assert fault.value.diagnostic.code == "ARCH007"


def test_an_import_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "unit.arch").write_bytes(b"\x00\xff\xfe")
    path = tmp_path / "x.arch"
    path.write_text(USER.format("unit.arch"))
    assert codes(path) == ["ARCH007"]


@pytest.mark.parametrize(
    "name",
    ["gone.arch", ".", "", "sub", "unit", "sub\\unit.arch", "x" * 1990, "x" * 1990 + ".arch"],
)
def test_an_import_that_is_no_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.arch"
    path.write_text(USER.format(name))
    assert codes(path) == ["ARCH109"]


def test_an_import_with_too_long_a_name(tmp_path: Path) -> None:
    path = tmp_path / "x.arch"
    path.write_text(USER.format("x" * 5000 + ".arch"))
    assert codes(path) == ["ARCH906"]


def test_a_loop_of_links(tmp_path: Path) -> None:
    (tmp_path / "a.arch").symlink_to(tmp_path / "b.arch")
    (tmp_path / "b.arch").symlink_to(tmp_path / "a.arch")
    path = tmp_path / "x.arch"
    path.write_text(USER.format("a.arch"))
    assert codes(path) == ["ARCH109"]


def test_one_file_by_two_names_is_one_file(tmp_path: Path) -> None:
    (tmp_path / "unit.arch").write_text(UNIT)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "link.arch").symlink_to(tmp_path / "unit.arch")
    path = tmp_path / "x.arch"
    path.write_text(
        'arch 1\nfrom "unit.arch" import Unit\nfrom "sub/../unit.arch" import Unit as2\n'.replace(
            " as2", ""
        )
        + "def Twice(c) { Unit(c) -> Unit(c) }\n"
    )
    assert codes(path) == ["ARCH106"]
    assert len(load_spec(path).program.modules) == 2


def test_a_file_that_imports_itself(tmp_path: Path) -> None:
    path = tmp_path / "x.arch"
    path.write_text(USER.format("x.arch"))
    assert codes(path) == ["ARCH111"]


def test_faults_of_imports_are_shown_with_their_own_name(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "unit.arch").write_text("arch 1\ndef Unit(c) { conv(c) -> rleu }\n")
    path = tmp_path / "x.arch"
    path.write_text(USER.format("parts/unit.arch"))
    (diagnostic,) = check_spec(load_spec(path))
    assert diagnostic.primary is not None
    assert diagnostic.primary.span.source.name == str(tmp_path / "parts" / "unit.arch")


def test_a_nul_byte_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "x.arch"
    path.write_text(USER.format("a\0b.arch"))
    with pytest.raises(CallFault) as fault:
        load_spec(path)
    assert fault.value.diagnostic.code == "ARCH007"
    # Text that comes from no file can hold one.
    (diagnostic,) = check_text(USER.format("a\0b.arch"))
    assert diagnostic.code == "ARCH109"


def test_a_folder_is_no_spec(tmp_path: Path) -> None:
    with pytest.raises(CallFault) as fault:
        load_spec(tmp_path)
    assert fault.value.diagnostic.code == "ARCH109"
