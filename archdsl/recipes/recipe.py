"""The recipe model, and the entries it is made of: one declaration each.

Sources: the paper's training procedure is its section IV.C and V.A.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from archdsl.operators.signature import Boolean, Integer, Integers, Number, Parameter, Value

Place = Literal["optimizer", "schedule", "augment"]


@dataclass(frozen=True, slots=True)
class Entry:
    """Something a recipe may name: an optimizer, a schedule or an augmentation."""

    name: str
    place: Place
    doc: str
    parameters: tuple[Parameter, ...] = ()


_ENTRIES = (
    Entry(
        "sgd",
        "optimizer",
        "stochastic gradient descent",
        (
            Parameter("lr", Number(0, above=True), "learning rate"),
            Parameter("momentum", Number(0, 1, below=True), "momentum", 0.0),
            Parameter("weight_decay", Number(0), "L2 penalty, on every parameter", 0.0),
            Parameter("nesterov", Boolean(), "Nesterov's momentum", False),
        ),
    ),
    Entry("constant", "schedule", "the learning rate stays as it is"),
    Entry(
        "step",
        "schedule",
        "the learning rate is multiplied by factor at the start of each epoch in at (from 0)",
        (
            Parameter("at", Integers(1), "epochs, increasing"),
            Parameter("factor", Number(0, above=True), "multiplier", 0.1),
        ),
    ),
    Entry(
        "resize",
        "augment",
        "resize to size x size pixels (antialiased bilinear), once, before training",
        (Parameter("size", Integer(1), "side in pixels"),),
    ),
    Entry(
        "random_crop",
        "augment",
        "a random window of size x size pixels, after padding with black",
        (
            Parameter("size", Integer(1), "side in pixels"),
            Parameter("padding", Integer(0), "pixels added at each side", 0),
        ),
    ),
    Entry("hflip", "augment", "mirror left to right, with probability one half"),
)

ENTRIES: dict[str, Entry] = {entry.name: entry for entry in _ENTRIES}
"""Every entry by name; names are unique across places."""


@dataclass(frozen=True)
class Setting:
    """An entry with all its arguments, defaults filled in."""

    name: str
    arguments: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Recipe:
    """How to train: every value is resolved, inheritance is applied."""

    name: str
    epochs: int
    batch: int
    """Images per step, over all devices together."""
    optimizer: Setting
    schedule: Setting = field(default_factory=lambda: Setting("constant"))
    augment: tuple[Setting, ...] = ()
    seed: int = 0


SCALARS: dict[str, Parameter] = {
    "epochs": Parameter("epochs", Integer(1), "passes over the training set"),
    "batch": Parameter("batch", Integer(1), "images per step, over all devices together"),
    "seed": Parameter("seed", Integer(0), "of every random choice", 0),
}
"""The settings of a recipe that are one number each."""
