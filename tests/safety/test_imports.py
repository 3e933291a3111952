"""Imports stay within the folder of the spec, and no file that is not one can stop the compiler."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import calling
import pytest

import archdsl
from archdsl import CallFault, Diagnostic
from archdsl.cli.options import AllowOutside
from archdsl.compiler import load_spec
from archdsl.reading import MAX_BYTES, NotText, TooLarge, decode, read_bytes

UNIT = "arch 1\ndef Unit(c) { conv(c) }\n"


def user(path: str) -> str:
    return f'arch 1\nfrom "{path}" import Unit\ndef Twice(c) {{ Unit(c) -> Unit(c) }}\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder for a spec, beside it a file that it must not reach, and files that it may."""
    folder = tmp_path / "root"
    (folder / "blocks").mkdir(parents=True)
    (tmp_path / "secret.arch").write_text(UNIT)
    (folder / "unit.arch").write_text(UNIT)
    (folder / "blocks" / "unit.arch").write_text(UNIT)
    return folder


def check(root: Path, path: str, *, allow_outside: bool = False) -> tuple[Diagnostic, ...]:
    spec = root / "main.arch"
    spec.write_text(user(path))
    return archdsl.check(spec, allow_outside=allow_outside)


# --- where an import may lead


@pytest.mark.parametrize(
    "path",
    ["unit.arch", "./unit.arch", "blocks/unit.arch", "blocks/../unit.arch", "blocks//unit.arch"],
)
def test_imports_below_the_root(root: Path, path: str) -> None:
    assert check(root, path) == ()


def test_dots_that_stay_below_the_root(root: Path) -> None:
    (root / "blocks" / "pair.arch").write_text(user("../unit.arch") + "def Unit2(c) { Unit(c) }\n")
    (root / "main.arch").write_text(
        'arch 1\nfrom "blocks/pair.arch" import Unit2\ndef F(c) { Unit2(c) }\n'
    )
    assert archdsl.check(root / "main.arch") == ()


def leading_out(root: Path) -> dict[str, str]:
    """Return paths that lead out, with what is said of each."""
    (root / "link.arch").symlink_to(root.parent / "secret.arch")
    (root / "up").symlink_to(root.parent)
    (root / "chain.arch").symlink_to("link.arch")
    (root / "gone.arch").symlink_to(root.parent / "gone.arch")
    return {
        "../secret.arch": "lies outside of the root folder",
        "blocks/../../secret.arch": "lies outside of the root folder",
        "../root2/../secret.arch": "lies outside of the root folder",
        str(root.parent / "secret.arch"): "is an absolute path",
        "link.arch": "leads out of the root folder",
        "chain.arch": "leads out of the root folder",
        "up/secret.arch": "leads out of the root folder",
        "gone.arch": "leads out of the root folder",
        "../gone.arch": "lies outside of the root folder",  # not said whether it is there
    }


def test_nothing_leads_out_of_the_root(root: Path) -> None:
    for path, what in leading_out(root).items():
        (diagnostic,) = check(root, path)
        assert (diagnostic.code, diagnostic.primary is not None) == ("ARCH905", True)
        assert diagnostic.primary is not None
        assert diagnostic.primary.span.text == f'"{path}"'
        assert what in diagnostic.message
        assert diagnostic.notes[1] == f"the root is the folder of the first file, {root}"
        assert "--allow-outside" in (diagnostic.help or "")


def test_allow_outside(root: Path) -> None:
    for path in leading_out(root):
        found = [d.code for d in check(root, path, allow_outside=True)]
        assert found == (["ARCH109"] if "gone" in path else []), path


def test_an_absolute_path_below_the_root_is_written_shorter(root: Path) -> None:
    (diagnostic,) = check(root, str(root / "blocks" / "unit.arch"))
    assert diagnostic.code == "ARCH905"
    assert diagnostic.help == 'write it relative to this file: "blocks/unit.arch"'


def test_an_import_of_an_import_has_the_same_root(root: Path) -> None:
    (root / "blocks" / "far.arch").write_text(user("../../secret.arch"))
    (root / "main.arch").write_text('arch 1\nfrom "blocks/far.arch" import Twice\n')
    codes = [d.code for d in archdsl.check(root / "main.arch")]
    assert codes == ["ARCH905", "ARCH119"]
    # Given to the command itself, the folder of that file is the root.
    (root / "blocks" / "near.arch").write_text(user("../unit.arch"))
    assert [d.code for d in archdsl.check(root / "blocks" / "near.arch")] == ["ARCH905"]


def test_the_root_is_where_the_file_really_lies(root: Path, tmp_path: Path) -> None:
    (root / "main.arch").write_text(user("unit.arch"))
    (tmp_path / "alias.arch").symlink_to(root / "main.arch")
    assert archdsl.check(tmp_path / "alias.arch") == ()


@pytest.mark.parametrize("command", ["check", "compile", "summary"])
def test_commands_take_allow_outside(root: Path, command: str) -> None:
    (root / "main.arch").write_text(
        user("../secret.arch") + "model M { input [3, 8, 8]; backbone { Twice(4) } }\n"
    )
    refused = calling.archdsl(command, "main.arch", cwd=root)
    assert refused.returncode == 1
    assert "error[ARCH905]" in refused.stdout + refused.stderr
    assert not (root / "build").exists()
    assert calling.archdsl(command, "main.arch", "--allow-outside", cwd=root).returncode == 0


def test_every_command_that_reads_a_spec_has_the_option() -> None:
    folder = Path(archdsl.__file__).parent / "cli"
    for file in folder.glob("*.py"):
        text = file.read_text()
        if "load_spec(" in text or "compile_or_exit(" in text:
            assert text.count("allow_outside=") >= text.count("load_spec("), file
    assert AllowOutside


# --- one file is loaded once, however it is spelt


def test_every_spelling_of_a_file_is_one_file(root: Path) -> None:
    (root / "soft.arch").symlink_to("unit.arch")
    os.link(root / "unit.arch", root / "hard.arch")
    (root / "folder").symlink_to("blocks")
    spellings = ["unit.arch", "./unit.arch", "blocks/../unit.arch", "soft.arch", "hard.arch"]
    spellings += ["folder/unit.arch", "blocks/unit.arch"]
    lines = [f'from "{s}" import Unit' for s in spellings]
    (root / "main.arch").write_text("arch 1\n" + "\n".join(lines) + "\ndef F(c) { Unit(c) }\n")
    spec = load_spec(root / "main.arch")
    names = [m.source.name for m in spec.program.modules]
    assert names == [str(root / name) for name in ("main.arch", "unit.arch", "blocks/unit.arch")]


def test_a_linked_file_imports_from_where_it_lies(root: Path) -> None:
    (root / "blocks" / "own.arch").write_text("arch 1\ndef Own(c) { conv(c) }\n")
    (root / "blocks" / "all.arch").write_text('arch 1\nfrom "own.arch" import Own\n')
    (root / "all.arch").symlink_to("blocks/all.arch")
    (root / "main.arch").write_text('arch 1\nfrom "all.arch" import Own\ndef F(c) { Own(c) }\n')
    assert archdsl.check(root / "main.arch") == ()


# --- what is no text file


@pytest.fixture
def special(root: Path) -> Iterator[dict[str, Path]]:
    """Things that would never end, or never begin, if they were simply read."""
    os.mkfifo(root / "pipe.arch")
    (root / "folder.arch").mkdir()
    with (root / "large.arch").open("wb") as file:
        file.truncate(50_000_000_000)  # takes no space
    listening = socket.socket(socket.AF_UNIX)
    before = Path.cwd()
    os.chdir(root)  # the name of a socket is short
    listening.bind("socket.arch")
    os.chdir(before)
    links = {"zero": "/dev/zero", "tty": "/dev/tty", "random": "/dev/random"}
    links |= {"memory": "/proc/self/mem", "pages": "/proc/self/pagemap"}
    for name, target in links.items():
        (root / f"{name}.arch").symlink_to(target)
    (root / "self.arch").symlink_to("self.arch")
    yield {path.stem: path for path in root.glob("*.arch") if path.stem != "unit"}
    listening.close()


REASONS = {
    "pipe": "is a pipe, not a file",
    "folder": "is a folder",
    "socket": "is a socket, not a file",
    "zero": "is a device, not a file",
    "random": "is a device, not a file",
}


def test_special_files_are_answered_at_once(root: Path, special: dict[str, Path]) -> None:
    assert len(special) == 10
    for name, path in special.items():
        started = perf_counter()
        (diagnostic,) = check(root, path.name, allow_outside=True)
        with pytest.raises(CallFault) as fault:
            load_spec(path)
        assert perf_counter() - started < 1
        for found in (diagnostic, fault.value.diagnostic):
            assert found.code in ("ARCH109", "ARCH904", "ARCH007")
            assert REASONS.get(name, "") in found.message
        if name not in ("folder", "pipe", "socket", "large", "self"):
            assert [d.code for d in check(root, path.name)] == ["ARCH905"]


def test_a_large_file_is_not_read(special: dict[str, Path]) -> None:
    with pytest.raises(TooLarge):
        read_bytes(special["large"])


def test_a_file_of_the_largest_size(tmp_path: Path) -> None:
    path = tmp_path / "x.arch"
    path.write_bytes(b"#" * MAX_BYTES)
    assert len(read_bytes(path)) == MAX_BYTES
    with pytest.raises(CallFault) as fault:
        path.write_bytes(b"#" * (MAX_BYTES + 1))
        load_spec(path)
    assert fault.value.diagnostic.code == "ARCH904"


# --- bytes that are no text


@pytest.mark.parametrize(
    ("data", "line", "column", "byte"),
    [
        (b"arch 1\n# \xff\n", 2, 3, 0xFF),
        (b"\xef\xbb\xbfarch 1\n# \xc3\n", 2, 3, 0xC3),  # behind a byte order mark
        ("arch 1\n# é".encode() + b"\xe9", 2, 4, 0xE9),
        (b"arch 1\x00\n# \xff\n", 1, 7, 0),
        ("arch 1\n".encode("utf-16"), 1, 1, 0xFF),
        ("arch 1\n".encode("utf-16-le"), 1, 2, 0),
        (b"\xed\xa0\x80", 1, 1, 0xED),  # half of a surrogate pair
        (b"\xc0\xaf", 1, 1, 0xC0),  # a longer spelling of `/`
        (b"\xf4\x90\x80\x80", 1, 1, 0xF4),  # beyond Unicode
    ],
)
def test_bytes_that_are_no_text_have_a_place(
    root: Path, data: bytes, line: int, column: int, byte: int
) -> None:
    with pytest.raises(NotText) as no_text:
        decode(data)
    assert no_text.value.byte == byte
    bad = root / "bad.arch"
    bad.write_bytes(data)
    with pytest.raises(CallFault) as fault:
        load_spec(bad)
    (imported,) = check(root, "bad.arch")
    for diagnostic in (fault.value.diagnostic, imported):
        assert diagnostic.code == "ARCH007"
        assert diagnostic.primary is not None
        span = diagnostic.primary.span
        assert (span.source.name, span.line, span.column) == (str(bad), line, column)
    assert [label.span.text for label in imported.labels] == ['"bad.arch"']


def test_a_byte_order_mark_is_dropped_at_the_start_only(root: Path) -> None:
    (root / "main.arch").write_text("\ufeff" + UNIT)
    assert archdsl.check(root / "main.arch") == ()
    (root / "main.arch").write_text(UNIT + "\ufeff")
    (diagnostic,) = archdsl.check(root / "main.arch")
    assert diagnostic.code == "ARCH003"
