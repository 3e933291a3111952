"""How a run is computed and saved, as options of commands.

The choices are those of ``archdsl.training.options``, written once more, so that no command has to
import the training package to show its help; a test compares them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from archdsl.training.checkpoint_schedule import Every
    from archdsl.training.faults import Fault
    from archdsl.training.options import Options


class Engine(StrEnum):
    """What runs the steps."""

    AUTO = "auto"
    EAGER = "eager"
    GRAPH = "graph"
    COMPILE = "compile"


class Precision(StrEnum):
    """In which precision convolutions and matrix products are computed."""

    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT64 = "float64"


class BatchNorm(StrEnum):
    """Whose images the statistics of batch normalization are of."""

    LOCAL = "local"
    SYNC = "sync"


EngineOption = Annotated[
    Engine | None,
    typer.Option(
        help="eager: each operation by itself; graph: a whole step as one CUDA graph; compile: "
        "the network compiled first, which takes a while [auto: graph on one CUDA device].",
        show_default=False,
    ),
]
PrecisionOption = Annotated[
    Precision | None,
    typer.Option(help="[auto: bfloat16 where the hardware has it].", show_default=False),
]
BatchNormOption = Annotated[
    BatchNorm | None,
    typer.Option(
        "--bn",
        help="With several processes: normalize by each one's own images, or by all [local].",
        show_default=False,
    ),
]
Deterministic = Annotated[
    bool, typer.Option("--deterministic", help="Only algorithms with the same bits every time.")
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Continue the run of the same, if there is one.")
]
Locked = Annotated[
    Path | None,
    typer.Option(metavar="RUN", help="Train only if all is as recorded in this run's folder."),
]
CheckpointEpochs = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="A checkpoint every N epochs [10].", show_default=False),
]
CheckpointSeconds = Annotated[
    float | None,
    typer.Option(min=0, metavar="S", help="A checkpoint every S seconds [60].", show_default=False),
]

TensorBoard = Annotated[
    bool, typer.Option("--tensorboard", help="Write scalars for TensorBoard into the run folder.")
]

Smoke = Annotated[
    bool,
    typer.Option("--smoke", help="Try everything out on a few images, in a few seconds."),
]


@dataclass(frozen=True)
class Computing:
    """What a call says of it; what it does not say is None."""

    engine: Engine | None = None
    precision: Precision | None = None
    bn: BatchNorm | None = None
    deterministic: bool = False
    resume: bool = False
    locked: Path | None = None
    checkpoint_epochs: int | None = None
    checkpoint_seconds: float | None = None
    tensorboard: bool = False
    smoke: bool = False

    def given(self) -> list[str]:
        """Return the options that the call has."""
        values = vars(self).items()
        return [f"--{name.replace('_', '-')}" for name, v in values if v not in (None, False)]

    def conflict(self) -> Fault | None:
        """Return what is wrong with the options taken together, or None."""
        from archdsl.training.checkpoint_messages import smoke_and_resume

        return smoke_and_resume() if self.smoke and self.resume else None

    def options(self) -> Options:
        """Return what the engine is asked for."""
        from archdsl.training.options import Options

        return Options(
            engine=(self.engine or Engine.AUTO).value,
            precision=(self.precision or Precision.AUTO).value,
            bn=(self.bn or BatchNorm.LOCAL).value,
            deterministic=self.deterministic,
        )

    def every(self) -> Every:
        """Return how often a checkpoint is taken."""
        from archdsl.training.checkpoint_schedule import Every

        usual = Every()
        epochs, seconds = self.checkpoint_epochs, self.checkpoint_seconds
        return Every(
            usual.epochs if epochs is None else epochs,
            usual.seconds if seconds is None else seconds,
        )
