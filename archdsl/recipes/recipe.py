"""The recipe model, and everything that a recipe can say: one declaration each.

Sources: the paper's training procedure is its section IV.C and V.A.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from archdsl.operators.signature import Integer, Number, Parameter, Value
from archdsl.recipes.augmentation import AUGMENTATIONS
from archdsl.recipes.entry import Entry, Place
from archdsl.recipes.kinds import OrWord
from archdsl.recipes.optimization import OPTIMIZERS, SCHEDULES, WARMUPS

ENTRIES: dict[str, Entry] = {
    entry.name: entry for entry in (*OPTIMIZERS, *SCHEDULES, *WARMUPS, *AUGMENTATIONS)
}
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
    warmup: Setting | None = None
    """None: the schedule begins at once."""
    label_smoothing: float = 0.0
    """The share of a label that is given to all classes evenly."""
    clip: float | None = None
    """The greatest L2 norm of all gradients together; None: they stay as they are."""
    ema: float | None = None
    """Decay per step of the average of the weights that is tested; None: the weights are."""


@dataclass(frozen=True, slots=True)
class Single:
    """A setting that is one number, and where it is from."""

    parameter: Parameter
    source: str


_SINGLES = (
    Single(
        Parameter("epochs", Integer(1), "passes over the training set"), "section V.A of the paper"
    ),
    Single(
        Parameter("batch", Integer(1), "images per step, over all devices together", unit="images"),
        "section V.A of the paper",
    ),
    Single(
        Parameter("seed", Integer(0), "of every random choice", 0),
        "every choice about the images is a function of seed and epoch",
    ),
    Single(
        Parameter(
            "label_smoothing",
            Number(0, 1, below=True),
            "share of a label that is given to all classes evenly",
            0.0,
            unit="share of a label",
        ),
        "Szegedy et al. 2016, section 7; torch.nn.CrossEntropyLoss",
    ),
    Single(
        Parameter(
            "clip",
            OrWord(Number(0, above=True), "none"),
            "greatest L2 norm of the gradients of all parameters together; longer ones are scaled",
            None,
            unit="of the loss per unit of weight",
        ),
        "Pascanu et al. 2013; torch.nn.utils.clip_grad_norm_",
    ),
    Single(
        Parameter(
            "ema",
            OrWord(Number(0, 1, below=True), "none"),
            "decay of a running average of the weights, which is tested and kept in their place",
            None,
            unit="per step",
        ),
        "Polyak and Juditsky 1992, as an exponential average; torch.optim.swa_utils.get_ema_avg_fn",
    ),
)

SINGLES: dict[str, Single] = {single.parameter.name: single for single in _SINGLES}
"""The settings of a recipe that are one number each."""

SCALARS: dict[str, Parameter] = {name: single.parameter for name, single in SINGLES.items()}
"""Their declarations."""

PLACES: dict[Place, str] = {
    "optimizer": "optimizer",
    "schedule": "schedule",
    "warmup": "warm-up",
    "augment": "augmentation",
}
"""The settings that name entries, and what their entries are called."""

LAST = ("mixup",)
"""Augmentations that can only be the last of a row."""


def conflict(recipe: Recipe) -> tuple[str, str] | None:
    """Return which arguments of a recipe do not go together, and what to do; None if all do."""
    arguments = recipe.optimizer.arguments
    if arguments.get("nesterov") and not arguments.get("momentum"):
        return (
            f"{recipe.optimizer.name}: nesterov = true needs a momentum above 0",
            "write momentum = 0.9, or leave nesterov out",
        )
    return None
