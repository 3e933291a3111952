"""What a run yields: the metrics of each epoch, and the result of the whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class EpochMetrics:
    """One epoch.

    ``epoch`` counts from 1. Losses are mean cross entropies in nats, accuracies are fractions
    (0 to 1); the training ones are measured while the weights change. ``images_per_second`` is
    of the training part; ``seconds`` is of training and evaluation together.
    """

    epoch: int
    loss: float
    accuracy: float
    test_loss: float
    test_accuracy: float
    learning_rate: float
    images_per_second: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Result:
    """A finished run: its folder, its weights file, and its epochs in order."""

    folder: Path
    weights: Path
    epochs: tuple[EpochMetrics, ...]

    @property
    def test_accuracy(self) -> float:
        """The fraction (0 to 1) of the test images that the final weights classify rightly."""
        return self.epochs[-1].test_accuracy
