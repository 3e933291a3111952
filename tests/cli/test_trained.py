"""The commands for trained networks, and training on a folder, as they are called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from calling import archdsl

np = pytest.importorskip("numpy")
pytest.importorskip("torch")

SPEC = """arch 1
recipe short {
  epochs 2
  batch 8
  optimizer sgd(lr = 0.1)
  augment { resize(10) -> random_crop(8) }
}

model Pets(classes = 10) {
  input [3, 8, 8]
  backbone { conv(4) -> batchnorm -> relu -> gap }
  head { linear(classes) }
  train folder with short
}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a spec, images of two classes (one of them broken), and a run."""
    from PIL import Image

    root = tmp_path_factory.mktemp("place")
    (root / "pets.arch").write_text(SPEC)
    random = np.random.default_rng(0)
    for label, name in enumerate(("cat", "dög")):
        (root / "pets" / name).mkdir(parents=True)
        for n in range(10):
            pixels = random.integers(0, 100, (9 + n, 14, 3), np.uint8)
            pixels[..., label] += 150
            Image.fromarray(pixels).save(root / "pets" / name / f"{n}.png")
    (root / "pets" / "cat" / "broken.jpg").write_bytes(b"broken")
    done = archdsl(*CALL, "--skip-unreadable", "--report", "report.jsonl", cwd=root)
    assert done.returncode == 0, done.stderr
    return root


CALL = ("compile", "pets.arch", "--no-figures", "--train", "folder:pets", "--device", "cpu")


def run_of(place: Path) -> str:
    (folder,) = (place / "runs").glob("Pets-folder-*")
    return str(folder.relative_to(place))


def test_the_classes_are_those_of_the_folder(place: Path) -> None:
    record = json.loads((place / run_of(place) / "run.json").read_text())
    assert record["parameters"]["classes"] == 2 and record["classes"] == 2
    assert record["data"]["class_names"] == ["cat", "dög"]
    assert record["data_folder"] == str(place / "pets")
    (line,) = (place / "report.jsonl").read_text().splitlines()
    assert json.loads(line)["path"] == "cat/broken.jpg"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "error[ARCH653]: 1 of the 21 images in pets cannot be read"),
        (("--set", "classes=3"), "error[ARCH605]: folder has 2 classes, but classes is set to 3"),
        (("--data", "pets"), "error[ARCH133]: --data pets is given, but folder:pets names"),
        (("--train", "folder:nowhere"), "error[ARCH650]: there are no images in nowhere"),
        (("--train", "folder"), "error[ARCH650]: a folder of images is to be trained on"),
        (("--train", "folder:runs"), "error[ARCH65"),
        (("--train", "foldr:pets"), "error[ARCH603]: there is no data set `foldr:pets`"),
        (
            ("--train", "digits", "--skip-unreadable"),
            "error[ARCH133]: --skip-unreadable is set, but digits is not a folder",
        ),
    ],
)
def test_faults_of_training_on_a_folder(
    place: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = archdsl(*CALL, *arguments, "--runs", "other", cwd=place)
    assert done.returncode == 2
    assert message in done.stderr and "help: " in done.stderr
    assert not list((place / "other").glob("*")) if (place / "other").exists() else True


def test_a_model_without_the_parameter(place: Path) -> None:
    (place / "fixed.arch").write_text(SPEC.replace("(classes = 10)", "").replace("classes", "3"))
    done = archdsl("compile", "fixed.arch", "--train", "folder:pets", cwd=place)
    assert done.returncode == 2
    assert "error[ARCH605]: folder has 2 classes, but the model gives" in done.stderr
    assert archdsl("check", "fixed.arch", cwd=place).returncode == 0


def test_an_augmentation_that_ends_in_another_size(place: Path) -> None:
    (place / "wide.arch").write_text(SPEC.replace(" -> random_crop(8)", ""))
    done = archdsl("check", "wide.arch", cwd=place)
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert "takes [3, 8, 8], but a folder of images gives [3, 10, 10] in training" in said
    assert "end augment with a crop to 8" in said


def test_evaluate(place: Path) -> None:
    done = archdsl("evaluate", run_of(place), "--per-class", cwd=place)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "Pets, final weights, after 2 epochs"
    assert lines[3] == "equal to what the run recorded, to the bit"
    assert [line.split()[0] for line in lines[6:]] == ["cat", "dög"]
    done = archdsl("evaluate", run_of(place), "--best", cwd=place)
    assert done.stdout.startswith("Pets, weights of the best epoch, after ")


def test_evaluate_in_json(place: Path) -> None:
    done = archdsl("evaluate", run_of(place), "--format", "json", "--best", cwd=place)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["equal"] is True and found["weights"] == "best" and "per_class" not in found
    assert found["recorded"] == {"test_loss": found["loss"], "test_accuracy": found["accuracy"]}


def test_evaluate_on_other_images(place: Path) -> None:
    from PIL import Image

    for name in ("cat", "dög"):
        (place / "more" / name).mkdir(parents=True, exist_ok=True)
        for n in range(3):
            Image.new("RGB", (9, 9), "red").save(place / "more" / name / f"{n}.png")
    call = ("evaluate", run_of(place), "--data", "folder:more")
    done = archdsl(*call, cwd=place)
    assert done.returncode == 2 and "error[ARCH657]: the data are not those of" in done.stderr
    done = archdsl(*call, "--other-data", "--format", "json", "--per-class", cwd=place)
    found = json.loads(done.stdout)
    assert found["equal"] is None and found["same_data"] is False and found["images"] == 2
    assert [row["class"] for row in found["per_class"]] == ["cat", "dög"]


def test_faults_of_evaluate_and_export(place: Path) -> None:
    run = run_of(place)
    for call, code in (
        (("evaluate", "nowhere"), "ARCH620"),
        (("evaluate", "pets"), "ARCH620"),
        (("evaluate", run, "--device", "gpu7"), "ARCH608"),
        (("evaluate", run, "--data", "nowhere"), "ARCH650"),
        (("export", run, "--onnx", "a.txt"), "ARCH659"),
        (("export", "nowhere", "--onnx", "a.onnx"), "ARCH620"),
    ):
        done = archdsl(*call, cwd=place)
        assert done.returncode == 2, call
        assert f"error[{code}]" in done.stderr


def test_faults_in_json(place: Path) -> None:
    done = archdsl("evaluate", "nowhere", "--format", "json", cwd=place)
    assert done.returncode == 2 and '"ARCH620"' in done.stderr


def test_export(place: Path) -> None:
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    done = archdsl("export", run_of(place), "--onnx", "out/pets.onnx", "--normalise", cwd=place)
    assert done.returncode == 0, done.stderr
    assert "opset 18; differs from the module by " in done.stdout
    session = runtime.InferenceSession(place / "out" / "pets.onnx")
    (found,) = session.run(None, {"images": np.zeros((5, 3, 8, 8), np.float32)})
    assert found.shape == (5, 2)
    assert json.loads(session.get_modelmeta().custom_metadata_map["classes"]) == ["cat", "dög"]
