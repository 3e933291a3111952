"""Modules with a backbone from elsewhere: the model as published, its features, and frozen ones."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
torchvision = pytest.importorskip("torchvision")

from archdsl import Compiled, compile  # noqa: E402
from archdsl.ir.serialization import read_network, write_network  # noqa: E402

TAPPED = {
    "resnet18": 'torchvision("resnet18") { taps auto }',
    "resnet18 inner": 'torchvision("resnet18") { tap layer1.0; tap layer2.1.relu; tap layer4 }',
    "vgg11_bn overwritten": (
        'torchvision("vgg11_bn") { tap features.5; tap features.12; tap features.26 }'
    ),
    "densenet121": 'torchvision("densenet121") { taps auto }',
    "mobilenet_v3_small": 'torchvision("mobilenet_v3_small") { taps auto }',
    "squeezenet1_1": 'torchvision("squeezenet1_1") { taps auto }',
    "googlenet": 'torchvision("googlenet", weights = "IMAGENET1K_V1") { taps auto }',
    "regnet_y_400mf": 'torchvision("regnet_y_400mf") { taps auto }',
    "timm resnet18d": 'timm("resnet18d") { taps auto }',
    "timm densenet121": 'timm("densenet121", drop_rate = 0.5) { taps auto }',
    "timm mobilenetv3_small_100": 'timm("mobilenetv3_small_100", in_chans = 3) { taps auto }',
    "timm convnext_atto": 'timm("convnext_atto") { taps auto }',
    "timm ghostnet_050": 'timm("ghostnet_050") { taps auto }',
}


def spec(tmp_path: Path, backbone: str, rest: str = "", size: int = 96) -> Path:
    if "timm(" in backbone:
        pytest.importorskip("timm")
    path = tmp_path / "net.arch"
    path.write_text(
        f"arch 1\nmodel Net {{\n  input [3, {size}, {size}]\n  backbone {backbone}\n{rest}\n}}\n"
    )
    return path


def aggregated(tmp_path: Path, backbone: str, size: int = 96) -> Compiled:
    """Compile a backbone whose taps all have mapping nodes by hand, and so need no ratios."""
    plain = compile(spec(tmp_path, backbone, size=size))
    *_, last = plain.network.taps
    length = plain.network.by_id[last.node].shape[0]
    maps = "".join(
        f"    map {tap.path} {{ gap -> linear({length}) }}\n" for tap in plain.network.taps[:-1]
    )
    rest = f"  aggregate lstm(hidden = 4) {{\n{maps}  }}\n  head {{ linear(10) }}"
    return compile(spec(tmp_path, backbone, rest, size=size))


@pytest.fixture(autouse=True)
def no_download(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever fetches weights fails, here as where there is no network."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("weights were asked for")

    monkeypatch.setattr("torch.hub.load_state_dict_from_url", refuse)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", refuse)


def built(compiled: Compiled) -> Any:
    """Return the module with random weights and statistics, where the spec says trained ones."""
    namespace: dict[str, Any] = {"__name__": "emitted"}
    source = compiled.source.replace(
        'weights="IMAGENET1K_V1"', "transform_input=True, aux_logits=False"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        exec(source, namespace)
        torch.manual_seed(0)
        module = namespace[compiled.class_name]()
    for each in module.modules():
        if isinstance(each, torch.nn.BatchNorm2d):
            each.running_mean.normal_()
            each.running_var.uniform_(0.5, 2)
    return module, namespace


def test_without_head_and_aggregate_the_logits_are_the_models_own(tmp_path: Path) -> None:
    compiled = compile(spec(tmp_path, 'torchvision("resnet18", num_classes = 7)'))
    module, _ = built(compiled)
    model = torchvision.models.resnet18(num_classes=7)
    state = module.state_dict()
    assert list(state) == [f"backbone.{key}" for key in model.state_dict()]
    model.load_state_dict({key.removeprefix("backbone."): v for key, v in state.items()})
    x = torch.randn(2, 3, 96, 96)
    for training in (True, False):
        assert torch.equal(module.train(training)(x), model.train(training)(x))
    assert compiled.params == sum(p.numel() for p in model.parameters()) == 11_180_103
    assert compiled.network.buffers == sum(b.numel() for b in model.buffers())
    assert compiled.network.convolutions == 20


# One of each kind in the default run; the others behave alike, and building them takes long.
USUAL = ("resnet18 inner", "vgg11_bn overwritten", "squeezenet1_1", "timm convnext_atto")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in USUAL else pytest.mark.slow) for n in TAPPED]
)
def test_features_are_what_the_modules_give(name: str, tmp_path: Path) -> None:
    compiled = aggregated(tmp_path, TAPPED[name])
    module, namespace = built(compiled)
    model = module.backbone
    nodes = [n for n in compiled.network.nodes if n.op == "feature"]
    assert len(nodes) >= 3
    x = torch.randn(2, 3, 96, 96)
    for training in (True, False):
        module.train(training)
        state = {k: v.clone() for k, v in model.state_dict().items()}
        torch.manual_seed(1)
        with recorded(model, [str(n.arguments["path"]) for n in nodes]) as expected:
            model(x)
        model.load_state_dict(state)
        torch.manual_seed(1)
        found = namespace["features"](model, x)
        for node, tensor in zip(nodes, found, strict=True):
            assert torch.equal(tensor, expected[str(node.arguments["path"])])
            assert tuple(tensor.shape[1:]) == node.shape
        if training:
            model.load_state_dict(state)
    module.eval()
    assert module(x).shape == (2, 10)
    assert {
        k.removeprefix("backbone.") for k in module.state_dict() if k.startswith("backbone.")
    } == set(model.state_dict())
    assert sum(p.numel() for p in module.parameters()) == compiled.params


class recorded:  # noqa: N801 - used as a function
    """Copies of what modules of a model give, taken as they give it."""

    def __init__(self, model: Any, paths: list[str]) -> None:
        self.found: dict[str, Any] = {}
        self.hooks = [
            model.get_submodule(path).register_forward_hook(
                lambda _, __, made, path=path: self.found.update({path: made.clone()})
            )
            for path in paths
        ]

    def __enter__(self) -> dict[str, Any]:
        return self.found

    def __exit__(self, *_: object) -> None:
        for hook in self.hooks:
            hook.remove()


def test_macs_are_those_of_torchs_counter(tmp_path: Path) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    plain = compile(spec(tmp_path, 'torchvision("resnet18")', size=224))
    assert plain.macs == 1_814_073_344
    compiled = aggregated(
        tmp_path, 'torchvision("resnet18") { tap layer1; tap layer2; tap layer4 }'
    )
    module, namespace = built(compiled)
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        namespace["features"](module.backbone, torch.zeros(1, 3, 96, 96))
    features = [n for n in compiled.network.nodes if n.op == "feature"]
    assert sum(n.macs for n in features) == counter.get_total_flops() // 2


def test_a_frozen_backbone_does_not_train(tmp_path: Path) -> None:
    compiled = aggregated(tmp_path, 'torchvision("resnet18") frozen { taps auto }')
    module, _ = built(compiled)
    assert module.train() is module and module.training and not module.backbone.training
    before = {k: v.clone() for k, v in module.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in module.parameters() if p.requires_grad], lr=1.0)
    module(torch.randn(4, 3, 96, 96)).sum().backward()
    optimizer.step()
    after = module.state_dict()
    changed = {k for k in before if not torch.equal(before[k], after[k])}
    assert changed and not any(key.startswith("backbone.") for key in changed)


def test_a_backbone_that_is_not_frozen_trains_with_its_own_initialisation(tmp_path: Path) -> None:
    compiled = aggregated(tmp_path, 'torchvision("resnet18") { taps auto }')
    namespace: dict[str, Any] = {"__name__": "emitted"}
    exec(compiled.source, namespace)
    torch.manual_seed(3)
    module = namespace["Net"]()
    torch.manual_seed(3)
    model = torchvision.models.resnet18()
    for key, value in model.state_dict().items():
        assert torch.equal(value, module.backbone.state_dict()[key]), key
    module(torch.randn(4, 3, 96, 96)).sum().backward()
    assert module.backbone.conv1.weight.grad.abs().sum() > 0


def test_pretrained_weights_are_asked_for_only_when_the_module_is_built(tmp_path: Path) -> None:
    backbone = 'torchvision("resnet18", weights = "IMAGENET1K_V1")'
    compiled = compile(spec(tmp_path, backbone))
    assert 'torchvision.models.resnet18(weights="IMAGENET1K_V1")' in compiled.source
    with pytest.raises(AssertionError, match="weights were asked for"):
        compiled.build()


def test_compiling_leaves_torchs_generator_alone(tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    compile(spec(tmp_path, 'torchvision("regnet_y_400mf", num_classes = 3)'))
    assert torch.equal(torch.rand(3), expected)


def test_the_network_comes_back_from_json(tmp_path: Path) -> None:
    network = aggregated(tmp_path, 'torchvision("resnet18") { taps auto }').network
    again = read_network(write_network(network))
    assert again.nodes == network.nodes and again.identity == network.identity


def test_identity_is_that_of_the_model_not_of_the_library(tmp_path: Path) -> None:
    from dataclasses import replace

    def identity(backbone: str, **arguments: Any) -> str:
        network = compile(spec(tmp_path, backbone)).network
        nodes = tuple(
            replace(n, arguments={**n.arguments, **arguments}) if n.op == "foreign" else n
            for n in network.nodes
        )
        return replace(network, nodes=nodes).identity

    plain = identity('torchvision("resnet18")')
    assert plain == identity('torchvision("resnet18")', version="99")
    others = [
        identity('torchvision("resnet34")'),
        identity('torchvision("resnet18", num_classes = 10)'),
        identity('torchvision("resnet18", weights = "IMAGENET1K_V1")'),
        identity('torchvision("resnet18") frozen'),
    ]
    assert len({plain, *others}) == 5


def test_the_file_says_what_it_needs_and_fits_its_lines(tmp_path: Path) -> None:
    compiled = aggregated(tmp_path, 'torchvision("densenet121") frozen { taps auto }')
    source = compiled.source
    assert "The backbone is torchvision's densenet121 as published, frozen" in source
    assert "\nimport torchvision\n" in source and "import timm" not in source
    assert max(map(len, source.splitlines())) <= 100
