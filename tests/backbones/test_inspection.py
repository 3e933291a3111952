"""What is found out about a model, and what is refused before anything is built."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("torchvision")

from archdsl import check
from archdsl.backbones import Fault, Refused, Request, inspect, inspection, libraries

# Published for 224×224 (inception: 299×299); torchvision's documentation, timm's results.
PUBLISHED = {
    ("torchvision", "alexnet"): (61_100_840, [8, 16]),
    ("torchvision", "vgg16_bn"): (138_365_992, [1, 2, 4, 8, 16]),
    ("torchvision", "resnet50"): (25_557_032, [4, 8, 16, 32]),
    ("torchvision", "densenet121"): (7_978_856, [4, 8, 16, 32]),
    ("torchvision", "inception_v3"): (27_161_264, [2, 4, 8, 16, 32]),
    ("torchvision", "shufflenet_v2_x1_0"): (2_278_604, [8, 16, 32]),
    ("torchvision", "efficientnet_b0"): (5_288_548, [2, 4, 8, 16, 32]),
    ("torchvision", "convnext_tiny"): (28_589_128, [4, 8, 16, 32]),
    ("timm", "resnet50.a1_in1k"): (25_557_032, [4, 8, 16, 32]),
    ("timm", "efficientnet_b0"): (5_288_548, [2, 4, 8, 16, 32]),
    ("timm", "vgg16"): (138_357_544, [1, 2, 4, 8, 16]),
    ("timm", "ghostnet_100"): (5_182_508, [2, 4, 8, 16, 32]),
}


USUAL = ("alexnet", "shufflenet_v2_x1_0", "resnet50.a1_in1k")


@pytest.mark.parametrize(
    ("library", "model"),
    [pytest.param(*m, marks=() if m[1] in USUAL else pytest.mark.slow) for m in PUBLISHED],
)
def test_parameters_and_derived_taps(library: str, model: str) -> None:
    pytest.importorskip(library)
    size = 299 if model == "inception_v3" else 224
    params, strides = PUBLISHED[library, model]
    facts = inspect(Request(library, model, (), (3, size, size), None))
    assert facts.params == params and facts.shape == (1000,) and facts.stride is None
    assert [f.stride for f in facts.features] == [(s, s) for s in strides]
    # What is derived keeps the paper's rules.
    assert all(f.convolutions >= 2 and not f.late for f in facts.features)
    assert facts.following < 2


def test_strides_do_not_depend_on_the_input() -> None:
    for size in (65, 97, 224, 255):
        facts = inspect(Request("torchvision", "resnet18", (), (3, size, size), None))
        assert [f.stride for f in facts.features] == [(4, 4), (8, 8), (16, 16), (32, 32)]


def test_a_wide_image() -> None:
    facts = inspect(Request("torchvision", "resnet18", (), (3, 96, 160), ("layer1",)))
    (feature,) = facts.features
    assert feature.shape == (64, 24, 40) and feature.stride == (4, 4)


def refusal(request: Request) -> Refused:
    with pytest.raises(Refused) as caught:
        inspect(request)
    return caught.value


@pytest.mark.parametrize("name", ["hf-hub:timm/resnet50.a1_in1k", "local-dir:/tmp", "/etc/passwd"])
def test_names_that_reach_beyond_the_library_are_not_built(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    timm = pytest.importorskip("timm")
    monkeypatch.setattr(timm, "create_model", lambda *_, **__: pytest.fail("built"))
    assert refusal(Request("timm", name, (), (3, 64, 64), ())).fault is Fault.MODEL


@pytest.mark.parametrize(
    "keyword", ["checkpoint_path", "pretrained_cfg", "cache_dir", "features_only", "device"]
)
def test_keywords_that_reach_beyond_the_model_are_refused(keyword: str) -> None:
    pytest.importorskip("timm")
    request = Request("timm", "resnet18", ((keyword, "x"),), (3, 64, 64), ())
    found = refusal(request)
    assert (found.fault, found.subject) == (Fault.KEYWORD, keyword)


def test_a_module_that_is_tapped_late(tmp_path: Path) -> None:
    facts = inspect(Request("torchvision", "resnet18", (), (3, 64, 64), ("maxpool", "layer1")))
    assert [(f.convolutions, f.late) for f in facts.features] == [(1, True), (4, False)]
    assert facts.following == 15


@pytest.mark.parametrize("library", ["torchvision", "timm"])
def test_a_library_that_is_not_installed(
    library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inspection.inspect.cache_clear()
    monkeypatch.setattr(libraries, "find_spec", lambda name: None if name == library else sys)
    path = tmp_path / "net.arch"
    path.write_text(
        f'arch 1\nmodel Net {{ input [3, 64, 64]; backbone {library}("resnet18") frozen }}\n'
    )
    (found,) = check(path)
    assert found.code == "ARCH501" and found.help is not None
    assert found.message == f"a backbone from {library} needs {library}, which is not installed"
    assert f"pip install {library}" in found.help
