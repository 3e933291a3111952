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

    ``channels_last``: it worked on (height, width, channels), as torchvision's ConvNeXt does inside
    its blocks; the shape is given channels first nevertheless.
    """

    name: str
    module: nn.Module
    shape: tuple[int, ...]
    channels_last: bool

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
            found.append(Layer(name, part, shape, last))

        hooks.append(part.register_forward_hook(note))
    module(x)
    for hook in hooks:
        hook.remove()
    assert len({layer.name for layer in found}) == len(hooks) == len(found)
    return found


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
def relative_error(theirs: nn.Module, ours: nn.Module, shape: tuple[int, ...]) -> float:
    """Return the largest difference of their outputs over the largest output, for one image.

    Both are in evaluation mode and on the meta device; afterwards they have numbers, the same ones.
    """
    x = torch.empty(1, *shape, device="meta")
    before, after = layers(theirs, x), layers(ours, x)
    draw(theirs)
    carry(before, after)
    x = torch.randn(1, *shape, generator=torch.Generator().manual_seed(1))
    wanted, found = theirs(x), ours(x)
    assert wanted.isfinite().all()
    assert wanted.std() > 0.01 * wanted.abs().mean() > 0, "all outputs are alike: nothing is shown"
    return float((found - wanted).abs().max() / wanted.abs().max())
