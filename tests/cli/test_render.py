"""``archdsl render`` as a user runs it: files, notes, and what is said of wrong calls."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from calling import ROOT, Done, archdsl
from typer.testing import CliRunner

import archdsl as package
from archdsl.cli import app
from archdsl.cli.render import run as render_command

RA = "specs/vgg1_ra.arch"


def process(*arguments: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "archdsl", "render", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **env},
    )


def render(*arguments: str | Path, cwd: Path = ROOT) -> Done:
    return archdsl("render", *arguments, cwd=cwd)


def test_several_files_at_once(tmp_path: Path) -> None:
    names = ["figure.svg", "figure.pdf", "deep/figure.png", "figure.DOT", "figure.html"]
    paths = [tmp_path / name for name in names]
    run = process(RA, *(part for path in paths for part in ("-o", path)))
    assert run.returncode == 0, run.stderr
    assert run.stdout == "".join(f"wrote {path}\n" for path in paths)
    assert "nothing reads backbone.s3.maxpool" in run.stderr
    heads = [path.read_bytes()[:15] for path in paths]
    assert heads[0].startswith(b"<svg ") and heads[1].startswith(b"%PDF")
    assert heads[2].startswith(b"\x89PNG") and b"graph" in heads[3]
    assert heads[4].lower() == b"<!doctype html>"
    root = ElementTree.fromstring(paths[0].read_text(encoding="utf-8"))
    assert root.attrib["role"] == "img"


def test_without_a_file_it_is_an_svg_named_after_the_model(tmp_path: Path) -> None:
    run = render(ROOT / RA, cwd=tmp_path)
    assert run.stdout == "wrote vgg1_ra.svg\n"
    assert [p.name for p in tmp_path.iterdir()] == ["vgg1_ra.svg"]


def test_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    """E: hashes are seeded differently, and the clock goes on."""
    files = {}
    for seed in ("1", "2", "3"):
        paths = [tmp_path / f"{seed}.{ending}" for ending in ("svg", "pdf", "png", "dot", "html")]
        outputs = (part for path in paths for part in ("-o", path))
        assert process(RA, *outputs, PYTHONHASHSEED=seed).returncode == 0
        files[seed] = [path.read_bytes() for path in paths]
    assert files["1"] == files["2"] == files["3"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "figure.jpg"], "error[ARCH710]: figure.jpg has the ending of no figure"),
        (["-o", "figure"], "name a file that ends in one of .svg, .pdf, .png, .dot, .html"),
        (["--def", "ConvBNRelu"], "error[ARCH711]: VGG1_RA uses no def `ConvBNRelu`"),
        (["--def", "ConvBNRelu"], "did you mean `ConvBNReLU`?"),
        (
            ["--def", "ConvBNReLU", "--view", "full"],
            "error[ARCH133]: --def and --view full are both",
        ),
        (["--set", "n=0"], "error[RA001]"),
    ],
)
def test_wrong_calls(arguments: list[str], said: str, tmp_path: Path) -> None:
    run = render(ROOT / RA, *arguments, cwd=tmp_path)
    assert run.returncode == (1 if "--set" in arguments else 2)
    assert said in run.stderr and run.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_a_def_and_what_is_said_of_its_uses(tmp_path: Path) -> None:
    run = render("specs/resnet_ra.arch", "--def", "Basic", "-o", tmp_path / "basic.svg")
    assert run.returncode == 0
    assert "note: Basic is used 30 times; drawn as s1.b1.basic.0\n" in run.stderr
    assert "conv 3×3, 64" in (tmp_path / "basic.svg").read_text(encoding="utf-8")
    run = render("specs/resnet_ra.arch", "--def", "s2.b2.basic", "-o", tmp_path / "down.html")
    assert run.returncode == 0
    assert "subsample /2" in (tmp_path / "down.html").read_text(encoding="utf-8")


def test_many_taps_choose_the_view(tmp_path: Path) -> None:
    stage = "stage s{i} {{ block b {{ conv(8) -> conv(8) }} -> tap as t{i} }}"
    stages = "; ".join(stage.format(i=i) for i in range(7))
    (tmp_path / "many.arch").write_text(
        f"arch 1\nmodel Many {{ input [3, 8, 8]; backbone {{ {stages} }}\n"
        "aggregate lstm(hidden = 8); head { linear(3) } }\n"
    )
    run = render("many.arch", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert "note: 7 taps are too many for an overview: drawn as a column" in run.stderr


def test_views_and_themes(tmp_path: Path) -> None:
    written = {}
    for view in ("overview", "column", "full", "graph"):
        path = tmp_path / f"{view}.svg"
        assert render(RA, "--view", view, "--theme", "dark", "-o", path).returncode == 0
        written[view] = path.read_text(encoding="utf-8")
        assert "#0d1117" in written[view].lower() and "prefers-color-scheme" not in written[view]
    assert len(set(written.values())) == 4


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    run = render(RA, "-o", tmp_path / "file" / "figure.svg")
    assert run.returncode == 2 and "error[ARCH615]" in run.stderr


def test_without_the_extra_the_module_is_compiled_all_the_same(tmp_path: Path) -> None:
    """Nothing to draw with: `render` says what to install, `compile` writes what it can."""
    code = "import sys\nsys.modules['graphviz'] = None\nfrom archdsl.cli import main\nmain()\n"
    for command in ("render", "compile"):
        call = [sys.executable, "-c", code, command, RA, "-o", str(tmp_path / f"{command}.svg")]
        run = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, timeout=120)
        assert "ARCH701" in run.stderr and 'pip install "archdsl[figures]"' in run.stderr
        assert run.returncode == (2 if command == "render" else 0), run.stderr
    folder = tmp_path / "compile.svg" / "vgg1_ra"
    assert sorted(p.name for p in folder.iterdir()) == ["vgg1_ra.json", "vgg1_ra.py"]


def test_compile_without_figures(tmp_path: Path) -> None:
    call = [sys.executable, "-m", "archdsl", "compile", RA, "--no-figures", "-o", str(tmp_path)]
    assert subprocess.run(call, cwd=ROOT, capture_output=True, timeout=120).returncode == 0
    names = sorted(p.name for p in (tmp_path / "vgg1_ra").iterdir())
    assert names == ["vgg1_ra.json", "vgg1_ra.py"]


def test_a_notebook_shows_the_figure() -> None:
    svg = package.compile(ROOT / RA)._repr_svg_()
    assert svg is not None and ElementTree.fromstring(svg).tag.endswith("svg")


def test_the_command_says_what_it_is_for() -> None:
    assert render_command.__doc__ is not None and "paper" in render_command.__doc__


WIRED = """arch 1
def Crossed(c) {
  a   = in -> conv(c, 1)
  b   = in -> conv(c, 3)
  d   = add(a, b) -> relu
  e   = concat(a, d) -> conv(c, 1)
  out = add(e, d)
}
model Wired { input [3, 16, 16]; backbone { Crossed(8) -> conv(4) as last }; head { gap } }
"""


def test_a_def_that_is_wired_freely_is_a_graph(tmp_path: Path) -> None:
    (tmp_path / "wired.arch").write_text(WIRED)
    run = render("wired.arch", "--def", "Crossed", "-o", "crossed.svg", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert "note: Crossed is wired freely: drawn as a graph" in run.stderr
    text = (tmp_path / "crossed.svg").read_text(encoding="utf-8")
    assert "concat" in text and "wired freely" not in text
    same = render("wired.arch", "--def", "Crossed", "--view", "graph", "-o", "g.svg", cwd=tmp_path)
    assert same.returncode == 0 and (tmp_path / "g.svg").read_text(encoding="utf-8") == text
    run = render("wired.arch", "--def", "", cwd=tmp_path)
    assert run.returncode == 2 and "ARCH711" in run.stderr


def test_a_page_opens_as_it_was_asked_for(tmp_path: Path) -> None:
    pages = {}
    for name, options in {"a": [], "b": ["--view", "full"], "c": ["--theme", "dark"]}.items():
        assert render(RA, *options, "-o", tmp_path / f"{name}.html").returncode == 0
        pages[name] = (tmp_path / f"{name}.html").read_text(encoding="utf-8")
    assert len(set(pages.values())) == 3 and 'data-wants="dark"' in pages["c"]


def test_a_page_of_too_many_layers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archdsl.backends.figures.files.MOST_LAYERS", 5)
    result = CliRunner().invoke(app, ["render", str(ROOT / RA), "-o", str(tmp_path / "a.html")])
    assert result.exit_code == 2 and "ARCH703" in result.output
    call = ["compile", str(ROOT / RA), "-o", str(tmp_path)]
    result = CliRunner().invoke(app, call)
    assert result.exit_code == 0 and "ARCH703" in result.output
    names = sorted(p.suffix for p in (tmp_path / "vgg1_ra").iterdir())
    assert names == [".json", ".py", ".svg"]


def test_a_folder_that_has_the_name_of_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "fig.svg"
    folder.mkdir()
    result = CliRunner().invoke(app, ["render", str(ROOT / RA), "-o", str(folder)])
    assert result.exit_code == 2
    assert f"error[ARCH615]: cannot write to {folder}: it is a folder" in result.output
    assert f"help: name another file, such as one in it: {folder / 'fig.svg'}" in result.output
    assert not list(folder.iterdir())


def test_a_full_disk_is_no_bug(tmp_path: Path) -> None:
    """Files of more than half a kilobyte cannot be written: neither Graphviz's nor ours."""
    command = f"ulimit -f 1; {sys.executable} -m archdsl render {RA} -o {tmp_path}/a.png"
    run = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 2, run.stderr
    assert re.search(r"error\[ARCH(702|616|615)\]", run.stderr) and "bug" not in run.stderr
