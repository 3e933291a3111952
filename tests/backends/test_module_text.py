"""The text of an emitted module: the same everywhere, short, and what a reader expects."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from generation.specs import Spec, specs
from hypothesis import HealthCheck, Phase, given, seed, settings
from paper_networks import EVERY

from archdsl import Compiled, SpecFault, compile

Get = Callable[[str], Compiled]
Texts = dict[str, tuple[object, str]]  # by name: what it was emitted from, and the text

HASHES = """
import hashlib, json, sys
from archdsl import compile
found = {}
for path, model, parameters in json.load(sys.stdin):
    source = compile(path, model, **parameters).source
    found[path] = hashlib.sha256(source.encode()).hexdigest()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, Spec, Compiled]]:
    """Compile generated specs."""
    folder = tmp_path_factory.mktemp("generated")
    found: dict[Spec, tuple[Path, Compiled]] = {}

    @settings(
        max_examples=120,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),
    )
    @seed(1234)
    @given(specs())
    def collect(spec: Spec) -> None:
        if spec in found:
            return
        path = spec.write(folder / str(len(found)))
        try:
            found[spec] = path, compile(path, spec.model, **spec.parameters)
        except SpecFault:
            return

    collect()
    return [(path, spec, compiled) for spec, (path, compiled) in found.items()]


def test_text_does_not_depend_on_the_process(
    folder: Path, generated: list[tuple[Path, Spec, Compiled]]
) -> None:
    wanted = [(str(folder / f"{name}.arch"), None, {}) for name in EVERY]
    wanted += [(str(path), spec.model, spec.parameters) for path, spec, _ in generated[-40:]]
    runs = []
    for hash_seed in ("0", "4242"):
        result = subprocess.run(
            [sys.executable, "-c", HASHES],
            input=json.dumps(wanted),
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        runs.append(json.loads(result.stdout))
    assert runs[0] == runs[1]
    for path, spec, compiled in generated[-40:]:
        here = hashlib.sha256(compiled.source.encode()).hexdigest()
        assert runs[0][str(path)] == here, spec


LONG = """arch 1
model AVeryLongNameForAModelThatStillIsAName {
  input [2, 16, 16]
  backbone {
    stage first_with_a_long_name {
      block first_block { conv(4) -> conv(4) } -> tap
      block second_block { conv(4) -> conv(4) } -> tap -> maxpool(2)
    }
    stage second_with_a_long_name {
      block third_block { conv(4) -> conv(4) } -> tap
      block fourth_block { conv(4) -> conv(4) } -> tap -> maxpool(2)
    }
    stage third_with_a_long_name { block fifth_block { conv(8) -> conv(8) } -> tap }
  }
  aggregate lstm(hidden = 3)
}
"""


@pytest.fixture(scope="module", params=["networks", "long names", "generated"])
def texts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Texts:
    """Emitted texts, and what they were emitted from."""
    if request.param == "generated":
        generated = request.getfixturevalue("generated")
        return {f"g{i}": (spec, compiled.source) for i, (_, spec, compiled) in enumerate(generated)}
    if request.param == "long names":
        path = tmp_path_factory.mktemp("long") / "long.arch"
        path.write_text(LONG)
        return {"long": ("long names", compile(path).source)}
    whole, narrow = request.getfixturevalue("whole"), request.getfixturevalue("narrow")
    found: Texts = {name: (name, whole(name).source) for name in EVERY}
    return found | {f"narrow_{name}": (name, narrow(name).source) for name in EVERY}


def test_no_line_is_long(texts: Texts) -> None:
    for spec, text in texts.values():
        long = [line for line in text.splitlines() if len(line) > 100]
        assert not long, (long, spec)
        assert text.isascii() and text.endswith("\n") and "\t" not in text


@pytest.mark.parametrize("arguments", [["check"], ["format", "--check", "--diff"]], ids=" ".join)
def test_ruff_is_content(arguments: list[str], texts: Texts, tmp_path: Path) -> None:
    for name, (_, text) in texts.items():
        (tmp_path / f"{name}.py").write_text(text)
    ruff = Path(sys.executable).parent / "ruff"
    command = [str(ruff), *arguments, "--isolated", "--no-cache", "--line-length", "100", "."]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_class_is_documented_and_torch_alone_imported(
    texts: Texts,
) -> None:
    for spec, text in texts.values():
        tree = ast.parse(text)
        assert ast.get_docstring(tree), spec
        for part in ast.walk(tree):
            if isinstance(part, ast.ClassDef | ast.FunctionDef) and part.name != "__init__":
                documented = ast.get_docstring(part) or part.name == "forward"
                assert documented, (part.name, spec)
            if isinstance(part, ast.Import):
                roots = {alias.name.partition(".")[0] for alias in part.names}
                assert roots == {"torch"}, spec
            if isinstance(part, ast.ImportFrom):
                assert (part.module or "").partition(".")[0] in ("torch", "collections"), spec


def test_every_line_of_forward_shows_shapes(whole: Get) -> None:
    """Beside each statement of the model's own forward stands a shape of what it computes."""
    text = whole("vgg1_ra").source
    lines = text[text.rindex("def forward") :].splitlines()
    for before, line in pairwise(lines):
        above = before.strip() if before.strip().startswith("# [") else ""  # where it is too long
        assert "# [" in line or above, line


def test_repeats_are_not_unrolled(whole: Get) -> None:
    """Ten units of a residual stage take one line, as they do in the spec."""
    short = len(whole("resnet").source.splitlines())
    assert short < 200
    assert whole("resnet").source.count("Basic(") < 12


def test_one_class_a_definition(whole: Get) -> None:
    classes = [
        part.name
        for part in ast.parse(whole("resnet_ra").source).body
        if isinstance(part, ast.ClassDef)
    ]
    assert classes.count("Basic") == 1 and classes.count("ConvBNReLU") == 1
    assert classes[-1] == "ResNet_RA"
