"""The layout holds: imports point one way, start-up is light, ARCHITECTURE.md is current."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "archdsl"

# What each folder (or file) may import, beside itself. Text flows from left to right.
LAYERS = {
    "source": set(),
    "resources": set(),
    "diagnostics": {"source", "resources"},
    "reading": set(),
    "syntax": {"source", "resources", "diagnostics"},
    "formatting": {"source", "diagnostics", "syntax"},
    "operators": {"source", "diagnostics"},
    "recipes": {"operators"},
    "aggregators": {"operators"},
    "ir": {"source", "operators", "aggregators", "recipes"},
    "backbones": {"operators", "ir"},
    "elaborate": {
        "source", "resources", "reading", "diagnostics", "syntax", "operators", "recipes",
        "aggregators", "ir", "backbones",
    },
    "analysis": {"source", "diagnostics", "operators", "aggregators", "ir", "elaborate"},
    "backends": {"source", "operators", "aggregators", "ir", "analysis"},
    "training": {"diagnostics", "operators", "recipes", "backends"},
    "compiler": {
        "source", "reading", "diagnostics", "syntax", "operators", "ir", "elaborate", "analysis",
        "backends",
    },
    "watching": {"reading", "diagnostics", "syntax", "operators", "compiler"},
    "cli": {
        "source", "diagnostics", "formatting", "operators", "recipes", "ir", "elaborate",
        "backends", "training", "compiler", "reading", "resources", "watching",
    },
}  # fmt: skip


def modules() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py") if "__pycache__" not in p.parts)


def imported(path: Path) -> set[str]:
    """Return every module that a file imports, those inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names = [f"{node.module}.{a.name}" for a in node.names]
            found.update(names if node.module == "archdsl" else [node.module or ""])
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_one_way(path: Path) -> None:
    layer = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if layer in ("__init__", "__main__"):
        return
    allowed = LAYERS[layer] | {layer}
    for name in imported(path):
        if name.startswith("archdsl."):
            assert name.split(".")[1] in allowed, f"{layer} imports {name}"


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_only_training_imports_torch(path: Path) -> None:
    layer = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    roots = {name.split(".")[0] for name in imported(path)}
    if (
        layer not in ("training", "backbones") and path.name != "compiler.py"
    ):  # for an annotation there
        assert not roots & {"torch", "numpy", "sklearn", "scipy", "PIL", "safetensors"}


def test_every_module_says_what_it_is_for() -> None:
    for path in modules():
        first = first_line(path)
        assert first.endswith("."), f"{path} begins with one sentence"


def test_no_file_is_too_long() -> None:
    for path in modules():
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= 400, f"{path} has {lines} lines: what is it really two of?"


HEAVY = "torch torchvision timm numpy sklearn scipy PIL safetensors networkx matplotlib pygraphviz"
DRAWING = "graphviz fontTools"
"""What only commands import that draw; Graphviz itself runs in a process of its own."""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["check", "specs/vgg1_ra.arch"],
        ["compile", "specs/vgg1_ra.arch", "-o", "{tmp}"],
        ["explain", "RA002"],
        ["operators", "conv"],
        ["render", "specs/resnet_ra.arch", "-o", "{tmp}/a.svg", "-o", "{tmp}/a.html"],
        ["summary", "specs/vgg1_ra.arch"],
        ["fmt", "--check", "specs/vgg1_ra.arch"],
    ],
    ids=lambda a: a[0],
)
def test_commands_import_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    heavy = HEAVY.split() + (DRAWING.split() if arguments[0] not in ("compile", "render") else [])
    code = (
        "import sys\n"
        "from archdsl.cli import main\n"
        "try:\n    main()\n"
        "except SystemExit as stop:\n    assert not stop.code, stop.code\n"
        f"heavy = [m for m in {heavy!r} if m in sys.modules]\n"
        "assert not heavy, heavy\n"
    )
    filled = [a.replace("{tmp}", str(tmp_path)) for a in arguments]
    run = subprocess.run(
        [sys.executable, "-c", code, *filled], cwd=ROOT, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr


def test_the_import_test_can_fail() -> None:
    code = "import sys, numpy\nassert not [m for m in ['numpy'] if m in sys.modules]"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 1


def test_architecture_lists_every_module(request: pytest.FixtureRequest) -> None:
    """ARCHITECTURE.md prints the first line of every module; `--update` rewrites the list."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    before, marker, _ = text.partition("<!-- modules -->")
    assert marker
    listed = module_list()
    expected = f"{before}{marker}\n\n{listed}"
    if text != expected and request.config.getoption("--update"):
        (ROOT / "ARCHITECTURE.md").write_text(expected, encoding="utf-8")
        text = expected
    assert text == expected, "run pytest --update"


def first_line(path: Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n")[0]


def module_list() -> str:
    lines = []
    for path in modules():
        first = first_line(path)
        lines.append(f"* `{path.relative_to(ROOT)}`: {first}")
    return "\n".join(lines) + "\n"
