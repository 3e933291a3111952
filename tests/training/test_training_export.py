"""ONNX files of trained networks: they compute what the module computes, or are not written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console

from archdsl.compiler import compile_spec, load_spec
from archdsl.recipes import DataSet, Recipe
from archdsl.training import Fault, Job, train
from archdsl.training import export as exporting
from archdsl.training.export import OPSET, Exported, export
from archdsl.training.export_parity import ALLOWED, FACTOR, Parity
from archdsl.training.trained import Trained, load_trained

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

SPEC = """arch 1
from std.blocks import ConvBNReLU

# Two blocks and an LSTM over them.
model Small(classes = 10) {
  input [1, 8, 8]
  backbone {
    stage s1 { block b1 { ConvBNReLU(4) * 2 } -> tap -> maxpool(2) }
    stage s2 { block b2 { ConvBNReLU(8) * 2 } -> tap }
  }
  aggregate lstm(hidden = 8)
  head { linear(classes) }
}
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture
def trained(
    runs: Path, digits: DataSet, make_recipe: Callable[..., Recipe], console: Console
) -> Trained:
    """A recurrent aggregation network, trained for an epoch."""
    if not (runs / "done").exists():
        (runs / "small.arch").write_text(SPEC)
        compiled = compile_spec(load_spec(runs / "small.arch"))
        network = compiled.network
        job = Job(
            name=network.name,
            class_name=compiled.class_name,
            source=compiled.source,
            network_json=network.to_json(),
            identity=network.identity,
            input=network.input,
            classes=10,
            spec_files=compiled.spec_files,
        )
        assert "class LSTM" in job.source
        recipe = make_recipe(epochs=1, batch=128)
        result = train(job, digits, recipe, data=None, out=runs, console=console, device="cpu")
        shutil.move(result.folder, runs / "done")
    return load_trained(runs / "done")


@pytest.fixture(scope="module")
def written() -> dict[str, Exported]:
    return {}


@pytest.fixture
def make(trained: Trained, runs: Path, written: dict[str, Exported]) -> Callable[[str], Exported]:
    """Export once for all tests, as each export takes seconds: ``outer`` or ``inner`` scaling."""

    def exported(name: str) -> Exported:
        if name not in written:
            written[name] = export(trained, runs / f"{name}.onnx", normalise=name == "inner")
        return written[name]

    return exported


Make = Callable[[str], Exported]


def session_of(path: Path) -> Any:
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def answers(path: Path, images: torch.Tensor) -> np.ndarray[Any, Any]:
    (found,) = session_of(path).run(None, {"images": images.numpy()})
    return np.asarray(found)


def test_any_number_of_images(trained: Trained, make: Make) -> None:
    exported = make("outer")
    assert exported.size == exported.path.stat().st_size
    assert set(exported.parity) == {1, 7}
    for parity in exported.parity.values():
        assert max(parity.difference, parity.file, parity.module) < 1e-5 < parity.largest < 1e3
    for count in (1, 2, 3, 7, 64):
        images = torch.randn(count, 1, 8, 8, generator=torch.Generator().manual_seed(count))
        with torch.inference_mode():
            wanted = trained.network(images).numpy()
        found = answers(exported.path, images)
        assert found.shape == (count, 10) and np.abs(found - wanted).max() < 1e-5


def test_scaling_within(trained: Trained, make: Make) -> None:
    outer, inner = make("outer"), make("inner")
    x = torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    scaled = (x - trained.mean[0]) / trained.std[0]
    assert np.abs(answers(inner.path, x) - answers(outer.path, scaled)).max() < 1e-5
    assert inner.metadata["images"].endswith(": x / 255")
    assert outer.metadata["images"].endswith(": (x / 255 - mean) / std")


def test_the_file_says_what_it_is(trained: Trained, make: Make) -> None:
    path = make("outer").path
    model = onnx.load(path)
    assert [(each.domain, each.version) for each in model.opset_import] == [("", OPSET)]
    (image,) = model.graph.input
    assert image.name == "images" and image.type.tensor_type.shape.dim[0].dim_param == "batch"
    found = session_of(path).get_modelmeta().custom_metadata_map
    record = json.loads((trained.recorded.folder / "run.json").read_text())
    assert found["identity"] == record["identity"] and found["model"] == "Small"
    assert json.loads(found["spec_sha256"]) == record["spec_sha256"]
    assert json.loads(found["classes"]) == list("0123456789")
    assert json.loads(found["mean"]) == record["data"]["mean"]
    assert json.loads(found["std"]) == record["data"]["std"]
    assert float(found["test_accuracy"]) == record["final"]["test_accuracy"]


def test_the_file_knows_nothing_of_this_machine_and_is_the_same_again(
    trained: Trained, make: Make, tmp_path: Path
) -> None:
    first = make("outer").path.read_bytes()
    assert first == export(trained, tmp_path / "b.onnx").path.read_bytes()
    for word in (b"site-packages", b"Traceback", b'File "', b"stack_trace", b"torch.onnx."):
        assert word not in first


def refused(code: str, trained: Trained, path: Path) -> str:
    path.write_bytes(b"former")
    with pytest.raises(Fault) as caught:
        export(trained, path)
    assert caught.value.diagnostic.code == code and caught.value.status == 2
    assert path.read_bytes() == b"former"
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    return caught.value.diagnostic.message


def test_a_file_that_computes_something_else_is_not_written(
    trained: Trained, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = make("outer").path.read_bytes()
    with torch.no_grad():
        next(trained.network.parameters()).add_(0.5)
    monkeypatch.setattr(exporting, "_converted", lambda *_: data)
    assert "at batch 1" in refused("ARCH658", trained, tmp_path / "a.onnx")
    with pytest.raises(Fault) as caught:
        export(trained, tmp_path / "a.onnx")
    assert caught.value.diagnostic.notes[1] == (
        "allowed is 1e-5, or a file at most 4 times as far from float64 as the module"
    )
    assert (ALLOWED, FACTOR) == (1e-5, 4)


def test_large_logits_are_measured_against_float64(
    trained: Trained, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = next(m for m in reversed(list(trained.network.modules())) if hasattr(m, "weight"))
    with torch.no_grad():
        head.weight.mul_(1e6)
    exported = export(trained, tmp_path / "large.onnx")
    rounding = max(parity.module for parity in exported.parity.values())
    for parity in exported.parity.values():
        assert parity.largest > 1e4 and parity.difference > ALLOWED
        assert parity.file <= FACTOR * rounding
    # A thousandth of a per cent is no rounding, however large the logits are.
    data = exported.path.read_bytes()
    other = tmp_path / "other"
    other.mkdir()
    with torch.no_grad():
        head.weight.mul_(1 + 1e-5)
    monkeypatch.setattr(exporting, "_converted", lambda *_: data)
    assert "differs from the module by" in refused("ARCH658", trained, other / "b.onnx")


@pytest.mark.parametrize(
    ("difference", "file", "rounding", "allowed"),
    [
        (1e-5, 1.0, 0.0, True),
        (1.1e-5, 1.1e-5, 2e-6, False),
        (1.1e-5, 1.1e-5, 3e-6, True),
        (0.2, 0.2, 0.1, True),
        (0.5, 0.5, 0.1, False),
        (float("nan"), float("nan"), 1.0, False),
        (float("inf"), float("inf"), float("inf"), False),
        (0.2, 0.2, float("nan"), False),
    ],
)
def test_what_is_near_enough(
    difference: float, file: float, rounding: float, allowed: bool
) -> None:
    assert Parity(difference, file, 0.0, 1.0).is_allowed(rounding) is allowed


def test_a_file_that_no_runtime_reads_is_not_written(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "_converted", lambda *_: b"no model")
    assert "not well formed" in refused("ARCH658", trained, tmp_path / "a.onnx")


def test_a_network_that_the_exporter_does_not_take(trained: Trained, tmp_path: Path) -> None:
    class Choosing(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.flatten(1) if x.sum() > 0 else x.flatten(1) + 1

    object.__setattr__(trained, "network", Choosing())
    assert "Small could not be exported" in refused("ARCH659", trained, tmp_path / "a.onnx")


def test_the_ending_is_onnx(trained: Trained, tmp_path: Path) -> None:
    assert "does not end in .onnx" in refused("ARCH659", trained, tmp_path / "a.txt")


def test_packages_that_are_missing(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "find_spec", lambda name: None if name != "onnx" else name)
    message = refused("ARCH618", trained, tmp_path / "a.onnx")
    assert message == ("exporting to ONNX needs onnxruntime, onnxscript, which are not installed")


def test_a_folder_that_cannot_be_written_to(trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Fault) as caught:
        export(trained, tmp_path / "file" / "a.onnx")
    assert caught.value.diagnostic.code == "ARCH615"
