"""The replicate as a recipe's `measure` sees it: its seeds, its scale, its data, and where training reports to."""

import contextlib
import copy
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_reprise.base import seals
from keras_reprise.base.arrays import freeze
from keras_reprise.base.errors import RecipeError
from keras_reprise.base.files import read_plain, write_atomically
from keras_reprise.base.seeds import Seeds
from keras_reprise.datasets import Dataset, registry
from keras_reprise.engine import History
from keras_reprise.engine.preparing import LatestProgram
from keras_reprise.engine.session import CheckpointStore
from keras_reprise.measure import own_data
from keras_reprise.measure.returned import trial as encoded_trial
from keras_reprise.recipe.numbers import Trials
from keras_reprise.recipe.settings import Scale, copied, plain
from keras_reprise.record.encoding import decode_trial, encode_trial

if TYPE_CHECKING:
    import keras

MOST_BYTES = 2**20  # of a trial that is kept


@dataclass
class Replicate:
    """All arms of a recipe at one seed share one of these.

    `Replicate(Seeds(1), scale)` is enough to call a recipe's `measure` by hand. `folder` is where finished trials of an
    unfinished arm are kept (None: nowhere). `load` is the recipe's function where it declares data of its own. `noted`
    are the data sets that the arm has trained on, each once, in the order of first use: what a record says of one that
    was made in `measure`, None for the declared one.
    """

    seeds: Seeds
    scale: Scale
    data_name: str | None = None
    data_dir: Path | None = None
    checkpoints: CheckpointStore | None = None
    on_epoch: Callable[[float, float, str], None] | None = None
    folder: Path | None = None
    arm: str = ""
    trainings: list[tuple[History, int]] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    unseeded: list[str] = field(default_factory=list)
    trials: int = 1
    trial_number: int = 0
    trained: int = 0  # trainings since the trial, or the arm, began
    load: Callable[[], object] | None = None
    noted: list[own_data.Facts | None] = field(default_factory=list)
    latest: LatestProgram = field(default_factory=LatestProgram, repr=False, compare=False)

    @property
    def seed(self) -> int:
        return self.seeds.seed

    @property
    def place(self) -> str:
        """Which training of the replicate the next one is: arm, trial, number."""
        return f"{self.arm} {self.trial_number} {self.trained}"

    def member(self, number: int) -> "Replicate":
        """The replicate with random streams of its own, as a member of an ensemble needs them: other initial weights
        (of `member.seeds`) and another order of the examples. What is trained with it is noted here."""
        found = copy.copy(self)
        found.seeds = Seeds(self.seeds.integer("weights", f"member {number}"))
        return found

    def begin(self, arm: str) -> None:
        """The named arm is measured from here on."""
        self.arm, self.trials, self.trial_number, self.trained = arm, 1, 0, 0
        self.trainings.clear()
        self.digests.clear()
        self.unseeded.clear()
        self.noted.clear()
        self.latest.forget()

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
        """The recipe's data set (or the substitute that was asked for),
        limited to the scale's `n_train` and `n_test`."""
        return self._dataset

    @cached_property
    def _dataset(self) -> Dataset:
        if self.load is not None:
            return own_data.declared(self.load, self.scale)
        if self.data_name is None:
            raise RecipeError("The recipe asks for a data set but declares none.\nSet data= in its Recipe.")
        settings = self.scale.settings
        found = registry.load(
            self.data_name, n_train=settings.get("n_train"), n_test=settings.get("n_test"), data_dir=self.data_dir
        )
        for value in vars(found).values():
            if isinstance(value, np.ndarray):
                freeze(value)  # an arm that changed it in place would change that of the arms after it
        return found

    def sweep(self, settings: Sequence[Mapping[str, object]], measure: Callable[..., Mapping[str, object]]) -> Trials:
        """Measure the arm at each of `settings`: `measure(**setting)` gives numbers, a trial is both together.

        Finished trials are kept, so that an interrupted sweep goes on where it was.
        """
        self.trials = self.trial_number + len(settings)

        def measured(setting: Mapping[str, object]) -> dict[str, object]:
            return {**setting, **measure(**setting)}

        return Trials(self.trial(setting, partial(measured, setting)) for setting in settings)

    def trial(self, values: Mapping[str, object], compute: Callable[[], Mapping[str, object]]) -> dict[str, Any]:
        """What `compute` gives (numbers, text), or gave before an interruption for the same arm, number and values."""
        setting = encode_trial({str(name): plain(value) for name, value in values.items()})
        text = json.dumps([self.arm, self.trial_number, setting], sort_keys=True)
        path = self.folder and self.folder / "trials" / f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.json"
        kept = None
        if path is not None:
            with contextlib.suppress(OSError, ValueError):
                kept = json.loads(seals.opened(read_plain(path, MOST_BYTES), text) or b"")
        if kept is None:
            known, used = len(self.digests), len(self.noted)
            kept = {"trial": encoded_trial(compute(), self.trial_number + 1), "digests": self.digests[known:]}
            kept["noted"] = self.noted[used:]
            if path is not None:
                write_atomically(path, seals.seal(json.dumps(kept, allow_nan=False).encode(), text))
            if self.on_epoch is not None:
                done = self.trial_number + 1
                self.on_epoch(done, self.trials, f"trial {done}/{self.trials}")
        else:
            self.digests += kept["digests"]
            self.noted += [facts for facts in kept.get("noted", []) if facts not in self.noted]
        self.trial_number, self.trained = self.trial_number + 1, 0
        return decode_trial(kept["trial"])

    def progress(self, epoch: int, epochs: int, loss: float) -> None:
        """Called by the engine after every epoch."""
        if self.on_epoch is not None:
            where = f"epoch {epoch}/{epochs}, loss {loss:.4f}"
            number = self.trial_number + 1
            if self.trials == 1:
                self.on_epoch(epoch, epochs, where)
            elif number > self.trials:  # what the trials chose is trained once more
                self.on_epoch(self.trial_number + epoch / epochs, number, where)
            else:
                self.on_epoch(self.trial_number + epoch / epochs, self.trials, f"trial {number}/{self.trials}, {where}")

    def note_data(self, data: Dataset, epochs: int) -> History | None:
        """Called by the engine before every training; a history that is returned stands for it (see `rehearsal`)."""
        mine = self.__dict__.get("_dataset")
        facts = None if mine is not None and data.within(mine) else own_data.made_facts(data)
        if facts not in self.noted:
            self.noted.append(facts)
            path = self.made_path
            if facts is not None and path is not None and not path.exists():
                write_atomically(path, seals.seal(json.dumps(facts).encode(), path.name))
        return None

    @property
    def made_path(self) -> Path | None:
        """Where it is kept what data the arm's finished trials made,
        so that they are not mixed with trials on others."""
        return self.folder and self.folder / "trials" / f"made-{self.arm}.json"

    def note_training(self, history: History, digest: str, model: "keras.Model") -> None:
        """Called by the engine after every training: its timings, the sha256 of the final state, the trained model."""
        self.trained += 1
        self.trainings.append((history, model.count_params()))
        self.digests.append(digest)

    def note_unseeded(self, names: Sequence[str]) -> None:
        """Called by the engine before a training that draws random numbers without a seed:
        by which layers and initializers."""
        self.unseeded += [name for name in names if name not in self.unseeded]
