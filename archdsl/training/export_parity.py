"""How near an ONNX file comes to its module: both against the module's values in float64.

A number in float32 has 24 binary digits. Where logits are of the order of 1, module and file agree
to 1e-5 and better. Where they are not (an untrained ResNet of 62 layers gives 270,000, as its
normalizations know nothing of the images yet), no two orders of summation agree to that, nor does
the module with its own values in float64: then the file must be as near to those as the module is.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Any

import torch  # noqa: TID251
from torch import nn  # noqa: TID251

from archdsl.training import trained_messages as messages

BATCHES = (1, 7)
"""The numbers of images that the file and the module are compared with; neither was exported."""

ALLOWED = 1e-5
"""The largest difference of a logit, of the file from the module."""

FACTOR = 4
"""How many times as far from float64 as the module the file may be, where that is too little.

Which of two roundings is the nearer one at a few images is chance.
"""

INPUT, OUTPUT = "images", "logits"


@dataclass(frozen=True, slots=True)
class Parity:
    """How near a file is at one number of images, by its logit that is the farthest.

    ``difference`` is of file and module, ``file`` and ``module`` are the distances of each from the
    module in float64, ``largest`` is the largest logit there.
    """

    difference: float
    file: float
    module: float
    largest: float

    def is_allowed(self, rounding: float) -> bool:
        """Return whether that is near enough; ``rounding`` is the module's largest distance."""
        # Neither NaN nor an infinity is near to anything.
        rounded = math.isfinite(self.file) and self.file <= FACTOR * rounding
        return self.difference <= ALLOWED or rounded


def parity_of(
    data: bytes, module: nn.Module, input: tuple[int, int, int], *, normalise: bool
) -> dict[int, Parity]:
    """Return how near a file's contents are to the module, by number of images.

    Images are random, with the module's mean and deviation, or in 0 to 1. Raises Fault ARCH658
    where they are not near enough, or onnxruntime does not take them.
    """
    found = _measured(data, module, input, normalise=normalise)
    rounding = max(parity.module for parity in found.values())
    for batch, parity in found.items():
        if not parity.is_allowed(rounding):
            raise messages.inexact(
                *(parity.difference, batch, parity.file, rounding),
                allowed=ALLOWED,
                factor=FACTOR,
            )
    return found


def _measured(
    data: bytes, module: nn.Module, input: tuple[int, int, int], *, normalise: bool
) -> dict[int, Parity]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no common class but this
        raise messages.malformed(str(error).splitlines()[0]) from error
    generator = torch.Generator().manual_seed(0)
    draw = torch.rand if normalise else torch.randn
    exact: Any = copy.deepcopy(module).double()
    found = {}
    for batch in BATCHES:
        images = draw(batch, *input, generator=generator)
        try:
            (logits,) = session.run([OUTPUT], {INPUT: images.numpy()})
        except Exception as error:
            raise messages.malformed(str(error).splitlines()[0]) from error
        with torch.inference_mode():
            here, true = module(images), exact(images.double())
        there = torch.from_numpy(logits)
        pairs = ((there, here), (there, true), (here, true), (true, torch.zeros_like(true)))
        found[batch] = Parity(*(float((a - b).abs().max()) for a, b in pairs))
    return found
