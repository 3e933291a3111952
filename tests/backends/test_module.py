"""What an emitted module must do as a PyTorch module, beyond computing the right numbers."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import pytest
import torch
from comparing import built, images, same_bits, values
from paper_networks import AGGREGATING, BESIDES, EVERY, PLAIN
from torch import nn

from archdsl import Compiled
from archdsl.ir import RegionKind

Get = Callable[[str], Compiled]
WITH_LSTM = AGGREGATING + BESIDES


# --- gradients


@pytest.mark.parametrize("name", EVERY)
def test_every_parameter_receives_a_gradient(name: str, whole: Get, narrow: Get) -> None:
    compiled = narrow(name) if name in BESIDES else whole(name)
    torch.manual_seed(0)
    module = compiled.build().train()
    logits = module(images(compiled.network, 2))
    nn.functional.cross_entropy(logits, torch.tensor([1, 7])).backward()
    for key, parameter in module.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key
        assert parameter.grad.count_nonzero() > 0, key


@pytest.mark.parametrize("base", ["vgg1", "vgg2"])
def test_b_and_c_differ_though_their_counts_are_equal(base: str, narrow: Get) -> None:
    b, c = narrow(f"{base}_ra_b"), narrow(f"{base}_ra_c")
    assert (b.params, b.macs) == (c.params, c.macs)
    assert b.network.identity != c.network.identity
    first, second = built(b), built(c)
    shapes = {k: v.shape for k, v in first.state_dict().items()}
    assert shapes == {k: v.shape for k, v in second.state_dict().items()}
    second.load_state_dict(first.state_dict())
    x = images(b.network, 2)
    with torch.no_grad():
        assert not torch.equal(first(x), second(x))


# --- the backbone is that of the plain network


def tapped(module: nn.Module, x: torch.Tensor, paths: list[str]) -> dict[str, torch.Tensor]:
    """Run a module; return what the submodules of these paths gave."""
    found: dict[str, torch.Tensor] = {}
    hooks = [
        module.get_submodule(path).register_forward_hook(
            lambda _, __, output, path=path: found.__setitem__(path, output)
        )
        for path in paths
    ]
    with torch.no_grad():
        module(x)
    for hook in hooks:
        hook.remove()
    return found


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", AGGREGATING)
def test_the_backbone_computes_what_the_plain_one_does(
    name: str, training: bool, whole: Get
) -> None:
    plain, compiled = whole(PLAIN[name]), whole(name)
    left, right = built(plain, training=training), built(compiled, training=training)
    of_backbone = {k: v for k, v in left.state_dict().items() if k.startswith("backbone.")}
    others = {k: v for k, v in right.state_dict().items() if k.startswith("backbone.")}
    assert list(of_backbone) == list(others)
    assert {k: v.shape for k, v in of_backbone.items()} == {k: v.shape for k, v in others.items()}
    missing, unexpected = right.load_state_dict(of_backbone, strict=False)
    assert not unexpected and not any(key.startswith("backbone.") for key in missing)
    blocks = [r.path for r in plain.network.regions if r.kind is RegionKind.BLOCK]
    x = images(plain.network, 2)
    before, after = tapped(left, x, blocks), tapped(right, x, blocks)
    assert list(before) == list(after) == blocks
    assert all(same_bits(before[path], after[path]) for path in blocks)


def test_the_backbone_of_resnet_ends_where_its_last_block_does(whole: Get) -> None:
    plain, compiled = built(whole("resnet")), built(whole("resnet_ra"))
    compiled.load_state_dict(plain.state_dict(), strict=False)
    x = images(whole("resnet").network, 2)
    (output,) = tapped(plain, x, ["backbone"]).values()
    (block,) = tapped(compiled, x, ["backbone.s3.b3"]).values()
    assert same_bits(output, block)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", WITH_LSTM)
def test_tapped_tensors_are_not_changed_in_place(name: str, training: bool, narrow: Get) -> None:
    compiled = narrow(name)
    module = built(compiled, training=training)
    seen: dict[str, tuple[torch.Tensor, torch.Tensor, int]] = {}

    def keep(path: str, output: torch.Tensor) -> None:
        seen[path] = (output, output.clone(), output._version)

    for tap in compiled.network.taps:
        module.get_submodule(tap.block).register_forward_hook(
            lambda _, __, output, path=tap.path: keep(path, output)
        )
    module(images(compiled.network, 3))
    assert list(seen) == [tap.path for tap in compiled.network.taps]
    for path, (now, then, version) in seen.items():
        assert now._version == version, path
        assert same_bits(now, then), path


# --- initialisation


@pytest.mark.parametrize("name", ["vgg1_ra"])
def test_initialisation(name: str, whole: Get) -> None:
    torch.manual_seed(0)
    module = whole(name).build()
    for key, part in module.named_modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            weight = part.weight.detach()
            fan_in = weight[0].numel()
            spread = (2 / fan_in) ** 0.5  # Kaiming, for ReLU
            deviation = 4 / weight.numel() ** 0.5  # four standard errors
            assert abs(float(weight.mean())) < deviation * spread, key
            assert abs(float(weight.std()) / spread - 1) < deviation, key
            assert part.bias is None or not part.bias.any(), key
        elif isinstance(part, nn.BatchNorm2d):
            assert (part.weight == 1).all() and not part.bias.any(), key
    hidden = 256
    lstm = module.get_submodule("lstm").requires_grad_(False)
    for gate in lstm.weight_hh_l0.chunk(4):
        torch.testing.assert_close(gate @ gate.T, torch.eye(hidden), rtol=0, atol=1e-4)
    limit = (6 / (lstm.weight_ih_l0.shape[1] + hidden)) ** 0.5  # Xavier, for each gate
    assert 0.99 * limit < float(lstm.weight_ih_l0.abs().max()) <= limit
    bias = (lstm.bias_ih_l0 + lstm.bias_hh_l0).chunk(4)
    assert [set(part.tolist()) for part in bias] == [{0.0}, {1.0}, {0.0}, {0.0}]


def test_initialisation_follows_the_seed(narrow: Get) -> None:
    weights = []
    for number in (0, 0, 1):
        torch.manual_seed(number)
        weights.append(values(narrow("resnet_ra").build()))
    assert all(same_bits(a, b) for a, b in zip(weights[0], weights[1], strict=True))
    assert not all(same_bits(a, b) for a, b in zip(weights[0], weights[2], strict=True))


def test_the_lstm_is_that_of_torch(narrow: Get) -> None:
    """Weights of nn.LSTM fit without renaming, and give the same states."""
    module = narrow("vgg1_ra").build()
    lstm = module.get_submodule("lstm")
    theirs = nn.LSTM(64, 32, batch_first=True)
    assert {k: v.shape for k, v in theirs.state_dict().items()} == {
        k: v.shape for k, v in lstm.state_dict().items()
    }
    lstm.load_state_dict(theirs.state_dict(), strict=True)
    vectors = torch.randn(5, 3, 64)
    with torch.no_grad():
        torch.testing.assert_close(lstm(vectors), theirs(vectors)[0], rtol=1e-5, atol=1e-6)


def test_building_warns_of_nothing(whole: Get) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        whole("resnet_ra_b").build()
