"""Weights of one module carried over to another that runs the same layers in the same order.

Names do not matter, only what runs: the modules that own tensors, in the order in which they are
done when an image goes through.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import torch
from torch import Tensor, nn

TOLERANCE = 1e-5
"""Of the largest output, in single precision: the order of additions is free."""


@dataclass(frozen=True)
class Layer:
    """A module that owns tensors, its name, and the shape of its output without the batch axis.

    The shape is (channels, height, width), where torchvision's ConvNeXt works with channels last,
    too, and (channels,) of a map of one pixel: a vector has the same elements.
    """

    name: str
    module: nn.Module
    shape: tuple[int, ...]

    @property
    def kind(self) -> str:
        """What layer it is; one that is no torch module is called by the tensors that it owns."""
        if isinstance(self.module, nn.LayerNorm):
            return "LayerNorm"
        if isinstance(self.module, nn.Conv2d):
            # On one pixel, or on each for itself, a 1x1 convolution and a linear layer are one.
            return "Linear" if self.is_pointwise else "Conv2d"
        known = isinstance(self.module, nn.BatchNorm2d | nn.Linear)
        return type(self.module).__name__ if known else "scale of channels"

    @property
    def is_pointwise(self) -> bool:
        m = self.module
        assert isinstance(m, nn.Conv2d)
        return m.kernel_size == (1, 1) and m.stride == (1, 1) and m.groups == 1

    @property
    def tensors(self) -> dict[str, Tensor]:
        """Its own parameters and buffers, in order."""
        own = {**self.module._parameters, **self.module._buffers}
        return {name: tensor for name, tensor in own.items() if tensor is not None}

    @property
    def settings(self) -> dict[str, object]:
        """What it does besides its tensors."""
        names = "kernel_size stride padding dilation groups eps momentum".split()
        return {name: getattr(self.module, name) for name in names if hasattr(self.module, name)}


@torch.no_grad()
def layers(module: nn.Module, x: Tensor) -> list[Layer]:
    """Run a module and return its layers in the order in which they were done."""
    found: list[Layer] = []
    hooks = []
    for name, part in module.named_modules():
        if not part._parameters and not part._buffers:
            continue

        def note(part: nn.Module, _: object, output: Tensor, name: str = name) -> None:
            shape = tuple(output.shape[1:])
            last = len(shape) == 3 and isinstance(part, nn.Linear)
            last |= len(shape) == 3 and type(part) is nn.LayerNorm
            if last:
                shape = (shape[2], *shape[:2])
            if shape[1:] == (1, 1):
                shape = shape[:1]
            found.append(Layer(name, part, shape))

        hooks.append(part.register_forward_hook(note))
    module(x)
    for hook in hooks:
        hook.remove()
    assert len({layer.name for layer in found}) == len(hooks) == len(found)
    return found


@dataclass(frozen=True)
class Pair:
    """Both networks, on the meta device and in evaluation mode, and their layers as they run."""

    theirs: nn.Module
    ours: nn.Module
    their_layers: list[Layer]
    our_layers: list[Layer]

    @classmethod
    def of(cls, theirs: nn.Module, ours: nn.Module, shape: tuple[int, ...]) -> Pair:
        """Run both, for an image of a shape, without numbers."""
        theirs, ours = theirs.eval(), ours.eval()
        x = torch.empty(1, *shape, device="meta")
        return cls(theirs, ours, layers(theirs, x), layers(ours, x))


@torch.no_grad()
def dropped(module: nn.Module, x: Tensor) -> tuple[list[float], list[float]]:
    """Run a module; return the probabilities of dropout, and of stochastic depth, in order.

    What never drops anything is left out, and so is what does not run.
    """
    elements: list[float] = []
    units: list[float] = []
    hooks = []
    for part in module.modules():
        p = getattr(part, "p", None)
        if isinstance(p, float) and p:
            found = elements if isinstance(part, nn.Dropout) else units
            hooks.append(part.register_forward_hook(lambda *_, found=found, p=p: found.append(p)))
    module(x)
    for hook in hooks:
        hook.remove()
    return elements, units


@torch.no_grad()
def draw(module: nn.Module, seed: int = 0) -> None:
    """Give a module that has no numbers yet numbers of its own: no scale 1, no shift or mean 0."""
    generator = torch.Generator().manual_seed(seed)
    module.to_empty(device="cpu")

    def uniform(tensor: Tensor, low: float, high: float) -> None:
        tensor.uniform_(low, high, generator=generator)

    for part in module.modules():
        own = {**part._parameters, **part._buffers}
        for name, tensor in own.items():
            if tensor is None:
                continue
            if name == "num_batches_tracked":
                tensor.fill_(3)
            elif name == "weight" and tensor.dim() > 1:
                bound = sqrt(6 / tensor[0].numel())  # He: the variance is kept through ReLU
                uniform(tensor, -bound, bound)
            elif name in ("bias", "running_mean"):
                uniform(tensor, -0.2, 0.2)
            else:  # scales and variances
                uniform(tensor, 0.5, 1.5)


def carry(theirs: list[Layer], ours: list[Layer]) -> None:
    """Let each layer of ours own the tensors of the same layer of theirs."""
    for source, target in zip(theirs, ours, strict=True):
        tensors = source.tensors
        for (name, tensor), value in zip(target.tensors.items(), tensors.values(), strict=True):
            value = value.detach().reshape(tensor.shape)
            if name in target.module._buffers:
                target.module._buffers[name] = value
            else:
                target.module._parameters[name] = nn.Parameter(value)


@torch.no_grad()
def relative_error(pair: Pair, shape: tuple[int, ...]) -> float:
    """Return the largest difference of their outputs over the largest output, for one image."""
    theirs, ours = pair.theirs, pair.ours
    draw(theirs)
    carry(pair.their_layers, pair.our_layers)
    x = torch.randn(1, *shape, generator=torch.Generator().manual_seed(1))
    wanted, found = theirs(x), ours(x)
    theirs.to("meta"), ours.to("meta")  # without numbers again: some are half a gigabyte
    assert wanted.isfinite().all()
    assert wanted.std() > 0.01 * wanted.abs().mean() > 0, "all outputs are alike: nothing is shown"
    return float((found - wanted).abs().max() / wanted.abs().max())
