"""The replicate as a recipe's `measure` sees it: its seeds, its scale, its data, and where training reports to."""

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from keras_reprise import datasets
from keras_reprise.datasets import Dataset
from keras_reprise.engine import History
from keras_reprise.engine.loop import Checkpoints
from keras_reprise.errors import RecipeError
from keras_reprise.files import write_atomically
from keras_reprise.recipe import Scale, copied, plain
from keras_reprise.record import decode_trial, encode_trial
from keras_reprise.returned import trial as encoded_trial
from keras_reprise.seeds import Seeds


@dataclass
class Replicate:
    """All arms of a recipe at one seed share one of these.

    `Replicate(Seeds(1), scale)` is enough to call a recipe's `measure` by hand. `folder` is where finished trials of an
    unfinished arm are kept (None: nowhere).
    """

    seeds: Seeds
    scale: Scale
    data_name: str | None = None
    data_dir: Path | None = None
    checkpoints: Checkpoints | None = None
    on_epoch: Callable[[float, float, str], None] | None = None
    folder: Path | None = None
    arm: str = ""
    trainings: list[tuple[History, int]] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    trials: int = 1
    trial_number: int = 0

    @property
    def seed(self) -> int:
        return self.seeds.seed

    def begin(self, arm: str) -> None:
        """The named arm is measured from here on."""
        self.arm, self.trials, self.trial_number = arm, 1, 0
        self.trainings.clear()
        self.digests.clear()

    @contextlib.contextmanager
    def as_it_is(self) -> Iterator[None]:
        """What code within does to the fields and to the scale's settings is undone; it sees a copy of the scale."""
        before = {name: value for name, value in vars(self).items() if name != "_dataset"}
        self.scale = copied(self.scale)
        try:
            yield
        finally:
            vars(self).update(before)

    def dataset(self) -> Dataset:
        """The recipe's data set (or the substitute that was asked for), limited to the scale's `n_train` and `n_test`."""
        return self._dataset

    @cached_property
    def _dataset(self) -> Dataset:
        if self.data_name is None:
            raise RecipeError("The recipe asks for a data set but declares none.\nSet data= in its Recipe.")
        settings = self.scale.settings
        found = datasets.load(
            self.data_name, n_train=settings.get("n_train"), n_test=settings.get("n_test"), data_dir=self.data_dir
        )
        for value in vars(found).values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)  # an arm that changed it in place would change that of the arms after it
        return found

    def sweep(
        self, settings: Sequence[Mapping[str, Any]], measure: Callable[..., Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        """Measure the arm at each of `settings`: `measure(**setting)` gives numbers, a trial is both together.

        Finished trials are kept, so that an interrupted sweep goes on where it was.
        """
        self.trials = len(settings)

        def measured(setting: Mapping[str, Any]) -> dict[str, Any]:
            return {**setting, **measure(**setting)}

        return [self.trial(setting, partial(measured, setting)) for setting in settings]

    def trial(self, values: Mapping[str, Any], compute: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """What `compute` gives (numbers, text), or gave before an interruption for the same arm, number and values."""
        text = json.dumps([self.arm, self.trial_number, encode_trial(plain(values))], sort_keys=True)
        path = self.folder and self.folder / "trials" / f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.json"
        kept = None
        if path is not None:
            with contextlib.suppress(OSError, ValueError):
                kept = json.loads(path.read_bytes())
        if kept is None:
            known = len(self.digests)
            kept = {"trial": encoded_trial(compute(), self.trial_number + 1), "digests": self.digests[known:]}
            if path is not None:
                write_atomically(path, json.dumps(kept, allow_nan=False).encode())
            if self.on_epoch is not None:
                done = self.trial_number + 1
                self.on_epoch(done, self.trials, f"trial {done}/{self.trials}")
        else:
            self.digests += kept["digests"]
        self.trial_number += 1
        return decode_trial(kept["trial"])

    def progress(self, epoch: int, epochs: int, loss: float) -> None:
        """Called by the engine after every epoch."""
        if self.on_epoch is not None:
            where = f"epoch {epoch}/{epochs}, loss {loss:.4f}"
            if self.trials == 1:
                self.on_epoch(epoch, epochs, where)
            else:
                number = self.trial_number + 1
                self.on_epoch(number - 1 + epoch / epochs, self.trials, f"trial {number}/{self.trials}, {where}")

    def note_training(self, history: History, digest: str, model: Any) -> None:
        """Called by the engine after every training: its timings, the sha256 of the final state, the trained model."""
        self.trainings.append((history, model.count_params()))
        self.digests.append(digest)
