"""What training gave: curves, losses of single examples, timings."""

from dataclasses import dataclass, field

import numpy as np

from keras_reprise.record.histogram import Histogram


@dataclass
class Timing:
    """Seconds, each taken after the device had finished.

    `compile_s`: tracing, compiling and the comparison with Keras. `first_step_s`: the first update after that, with
    what the libraries prepare at first use. `step_s`: one value per epoch, its mean update without the first.
    `evaluation_s`: one value per evaluation, the one before training first.
    """

    compile_s: float = 0.0
    first_step_s: float | None = None
    step_s: list[float] = field(default_factory=list)
    evaluation_s: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Reached:
    """When a curve first was at or below a target: epoch (from 1), updates, examples seen, seconds spent on updates."""

    epoch: int
    updates: int
    examples: int
    seconds: float


@dataclass
class History:
    """What training gave.

    `curves` have one value per finished epoch: `train_loss` and `train_error` are means over the updates of the epoch
    (as `fit` prints them), `test_loss` and `test_error` are taken after it. Losses are in the loss's unit with
    penalties included, errors are fractions. `initial` is the same test evaluation before the first update.
    `test_losses` (epochs + 1, n_test) holds the loss of each test example, row 0 before training; `test_wrong`
    likewise. `train_losses` maps a listed epoch to the losses of the first training examples. `update_losses`
    (updates,) holds the loss of every update's batch, before the update. `histograms` maps a probe's name and the epoch
    ("activation/conv1 3") to its histogram. `flops_per_example` counts forward and backward pass, analytically.
    """

    curves: dict[str, list[float]] = field(default_factory=dict)
    initial: dict[str, float] = field(default_factory=dict)
    test_losses: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    test_wrong: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), bool))
    train_losses: dict[int, np.ndarray] = field(default_factory=dict)
    update_losses: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    histograms: dict[str, Histogram] = field(default_factory=dict)
    diverged: bool = False
    stopped: bool = False
    updates: int = 0
    examples: int = 0
    flops_per_example: float | None = None
    timing: Timing = field(default_factory=Timing)

    @property
    def epochs(self) -> int:
        return len(self.curves.get("train_loss", ()))

    @property
    def accuracy(self) -> np.ndarray:
        """The fraction of the test examples that is classified correctly after each epoch, shape (epochs,)."""
        return 1 - np.array(self.curves["test_error"])

    @property
    def last(self) -> dict[str, float]:
        """Every curve's value at the last epoch, as metrics."""
        return {name: values[-1] for name, values in self.curves.items() if values}

    def reached(self, curve: str, target: float) -> Reached | None:
        """The first epoch at which `curve` is at or below `target`, and what it took; None if it never is."""
        for epoch, value in enumerate(self.curves[curve], start=1):
            if value <= target:
                share = epoch / self.epochs
                updates = round(self.updates * share)
                seconds = sum(self.timing.step_s[:epoch]) * (self.updates / self.epochs)
                return Reached(epoch, updates, round(self.examples * share), seconds)
        return None

    @property
    def images_per_s(self) -> float | None:
        """Examples trained per second, at the median step."""
        if not self.timing.step_s or not self.updates:
            return None
        return self.examples / self.updates / float(np.median(self.timing.step_s))

    @property
    def flops_per_s(self) -> float | None:
        """Floating-point operations per second that training achieved, at the median step."""
        images = self.images_per_s
        return None if images is None or self.flops_per_example is None else images * self.flops_per_example
