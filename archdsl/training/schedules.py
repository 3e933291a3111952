"""Learning-rate schedules: factors of the recipe's learning rate, as functions of the step.

Each is equal to the scheduler of torch that its declaration names, in closed form: any step can
be asked for by itself, so that a run that goes on needs no state of a scheduler.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Moment:
    """A step of a run: its epoch, and its place among the steps that the schedule is over.

    ``step`` counts from 0 behind the warm-up, ``steps`` are all that there are behind it (at
    least 1). ``epoch`` counts from 0 over the whole run.
    """

    epoch: int
    step: int
    steps: int


def constant(moment: Moment) -> float:
    """Return 1."""
    return 1.0


def step(moment: Moment, at: Sequence[int], factor: float) -> float:
    """Return ``factor`` to the power of how many epochs of ``at`` have begun."""
    return float(factor) ** sum(moment.epoch >= milestone for milestone in at)


def cosine(moment: Moment, final: float) -> float:
    """Return half a cosine from 1 at step 0 to ``final`` behind the last step."""
    return _cosine(1.0, final, moment.step / moment.steps)


def one_cycle(moment: Moment, peak: float, start: float, final: float, shape: str) -> float:
    """Return the rise from ``start`` to 1 and the fall to ``final``, at the last step.

    The top is one step before the share ``peak`` of all steps, as in torch.
    """
    between = _cosine if shape == "cosine" else _straight
    top, last = peak * moment.steps - 1, moment.steps - 1
    if moment.step <= top:
        return between(start, 1.0, moment.step / top if top else 1.0)
    return between(1.0, final, (moment.step - top) / (last - top))


def linear(step: int, length: int, start: float) -> float:
    """Return the even rise of a warm-up from ``start`` at step 0 to 1 at step ``length``."""
    return start + (1 - start) * min(step / length, 1.0) if length else 1.0


SCHEDULES: dict[str, Callable[..., float]] = {
    "constant": constant,
    "step": step,
    "cosine": cosine,
    "one_cycle": one_cycle,
}
"""By name: a function of the moment and the entry's arguments that gives the factor."""

WARMUPS: dict[str, Callable[..., float]] = {"linear": linear}
"""By name: a function of the step of the run, the warm-up's length in steps, and the rest."""


def _straight(begin: float, end: float, share: float) -> float:
    return begin + (end - begin) * share


def _cosine(begin: float, end: float, share: float) -> float:
    return end + (begin - end) * (1 + math.cos(math.pi * share)) / 2
