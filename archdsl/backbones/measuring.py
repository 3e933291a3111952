"""Shapes, strides and costs of a model, from running it on the meta device: no value is computed.

A stride is how much wider an image has to be for one more column: a ratio of sizes would be
broken by odd sizes and by borders.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch  # noqa: TID251 - a module of archdsl.backbones, imported when a spec asks for one
from torch import Tensor, nn  # noqa: TID251
from torch.utils.flop_counter import FlopCounterMode  # noqa: TID251

from archdsl.backbones.facts import Fault, Refused
from archdsl.backbones.libraries import first_line
from archdsl.operators.operator import Shape

_LARGE = (2048, 4096)
"""Sides of the images that strides are measured with: in what is even at both, all strides are."""


@dataclass(frozen=True, slots=True)
class Output:
    """What a module gives for what it is given, without the batch axis.

    ``convolutions`` are those over maps that were computed until then, ``resolution`` that of the
    last of them; ``macs`` are all until then, where they are counted. ``overwritten``: a later
    module changes the tensor in place.
    """

    given: Shape
    shape: Shape
    convolutions: int
    resolution: Shape
    macs: int
    overwritten: bool = False

    @property
    def late(self) -> bool:
        """Whether the resolution was changed behind the last convolution."""
        return self.resolution not in ((), self.shape[1:])


class Survey:
    """A model, measured at one input size and at two large ones, if it takes those.

    Raises :class:`Refused` where it cannot take the input.
    """

    def __init__(self, model: nn.Module, input: Shape) -> None:
        self.input = input
        self.all_convolutions = sum(isinstance(m, nn.Conv2d) for m in model.modules())
        try:
            self.here = outputs(model, input, count=True)
        except Exception as error:
            raise Refused(Fault.INPUT, found=first_line(error)) from error
        try:
            self.large = [outputs(model, (input[0], s, s), count=False) for s in _LARGE]
        except Exception:  # a model of one input size alone
            self.large = []

    def at(self, path: str) -> Output:
        """Return what is to be known of a module but its own shape and costs."""
        return self.large[-1][path] if self.large else self.here[path]

    def stride(self, path: str) -> tuple[int, int] | None:
        """Return the stride of a module's output, or None where that is no feature map."""
        shape = self.here[path].shape
        if len(shape) != 3:
            return None
        if not self.large:
            pairs = list(zip(self.input[1:], shape[1:], strict=True))
            if any(made == 0 or given % made for given, made in pairs):
                return None
            vertical, horizontal = (given // made for given, made in pairs)
            return vertical, horizontal
        small, large = (made[path].shape[1:] for made in self.large)
        found = []
        for less, more in zip(small, large, strict=True):
            wider = _LARGE[1] - _LARGE[0]
            if more <= less or wider % (more - less):
                return None
            found.append(wider // (more - less))
        return found[0], found[1]

    def following(self, path: str) -> int:
        """Return how many convolutions follow a module: of a head, those over one pixel do not."""
        measured = [self.here, *self.large]
        return min(made[""].convolutions - made[path].convolutions for made in measured)


def outputs(model: nn.Module, shape: Shape, *, count: bool) -> dict[str, Output]:
    """Run a model; return what each module gives, in the order in which they end.

    The model itself is ``""``, and the last. Of a module that is called twice the last call counts;
    one that gives no tensor is left out.
    """
    found: dict[str, Output] = {}
    tensors: dict[str, tuple[Tensor, int]] = {}
    convolutions: list[Shape] = []
    counter = FlopCounterMode(display=False) if count else None

    def note(path: str, module: nn.Module, given: Any, made: Any) -> None:
        if not isinstance(made, Tensor):
            return
        result = tuple(made.shape[1:])
        if isinstance(module, nn.Conv2d) and result[1:] != (1, 1):  # not of squeeze-and-excite
            convolutions.append(result[1:])
        first = given[0] if given else None
        found.pop(path, None)
        tensors[path] = (made, made._version)
        found[path] = Output(
            given=tuple(first.shape[1:]) if isinstance(first, Tensor) else (),
            shape=result,
            convolutions=len(convolutions),
            resolution=convolutions[-1] if convolutions else (),
            macs=counter.get_total_flops() // 2 if counter else 0,
        )

    with hooked(model, note), counter or nullcontext():
        model(torch.zeros(1, *shape, device="meta"))
    if "" not in found:
        raise TypeError("its output is not a tensor")
    for path, (tensor, version) in tensors.items():
        if tensor._version != version:
            found[path] = replace(found[path], overwritten=True)
    return found


@contextmanager
def hooked(model: nn.Module, note: Any) -> Iterator[None]:
    """Call ``note`` with path, module, input and output whenever a module ends."""
    hooks = []
    for path, module in model.named_modules():

        def hook(module: nn.Module, given: Any, made: Any, path: str = path) -> None:
            note(path, module, given, made)

        hooks.append(module.register_forward_hook(hook))
    try:
        yield
    finally:
        for handle in hooks:
            handle.remove()
