"""The replicate as a recipe's `measure` sees it: its seeds, its scale, its data, and where training reports to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from keras_reprise import datasets
from keras_reprise.datasets import Dataset
from keras_reprise.engine import History
from keras_reprise.engine.loop import Checkpoints
from keras_reprise.errors import RecipeError
from keras_reprise.recipe import Scale
from keras_reprise.seeds import Seeds


@dataclass
class Replicate:
    """All arms of a recipe at one seed share one of these.

    `Replicate(Seeds(1), scale)` is enough to call a recipe's `measure` by hand.
    """

    seeds: Seeds
    scale: Scale
    data_name: str | None = None
    data_dir: Path | None = None
    checkpoints: Checkpoints | None = None
    on_epoch: Callable[[int, int, float], None] | None = None
    trainings: list[tuple[History, str, int]] = field(default_factory=list)

    @property
    def seed(self) -> int:
        return self.seeds.seed

    def dataset(self) -> Dataset:
        """The recipe's data set (or the substitute that was asked for), limited to the scale's `n_train` and `n_test`."""
        return self._dataset

    @cached_property
    def _dataset(self) -> Dataset:
        if self.data_name is None:
            raise RecipeError("The recipe asks for a data set but declares none.\nSet data= in its Recipe.")
        settings = self.scale.settings
        return datasets.load(
            self.data_name, n_train=settings.get("n_train"), n_test=settings.get("n_test"), data_dir=self.data_dir
        )

    def progress(self, epoch: int, epochs: int, loss: float) -> None:
        """Called by the engine after every epoch."""
        if self.on_epoch is not None:
            self.on_epoch(epoch, epochs, loss)

    def note_training(self, history: History, digest: str, model: Any) -> None:
        """Called by the engine after every training: its timings, the sha256 of the final state, the trained model."""
        self.trainings.append((history, digest, model.count_params()))
