"""The replicate as a recipe's `measure` sees it: its seeds, its scale, its data, and where training reports to."""

import contextlib
import copy
import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from operator import methodcaller
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_reprise.base import seals
from keras_reprise.base.arrays import freeze
from keras_reprise.base.errors import RecipeError, StoreError
from keras_reprise.base.files import read_plain, write_atomically
from keras_reprise.base.seeds import Seeds
from keras_reprise.datasets import Dataset, registry
from keras_reprise.engine import History
from keras_reprise.engine.preparing import LatestProgram
from keras_reprise.engine.session import CheckpointStore
from keras_reprise.measure import own_data
from keras_reprise.measure.returned import InvalidMeasurement
from keras_reprise.measure.returned import trial as encoded_trial
from keras_reprise.measure.spent import kept_training, peak_memory_bytes, training_of
from keras_reprise.recipe.numbers import Trials
from keras_reprise.recipe.settings import Scale, copied, plain
from keras_reprise.record.encoding import decode_trial, encode_trial

if TYPE_CHECKING:
    import keras

MOST_BYTES = 2**24  # of a trial that is kept


@dataclass
class Replicate:
    """All arms of a recipe at one seed share one of these.

    `Replicate(Seeds(1), scale)` is enough to call a recipe's `measure` by hand. `folder` is where finished trials of an
    unfinished arm are kept (None: nowhere). `load` is the recipe's function where it declares data of its own. `noted`
    are the data sets that the arm has trained on, each once, in the order of first use: what a record says of one that
    was made in `measure`, None for the declared one. `nobody_else` tells whether the arm has had the machine alone so
    far (None: not known), `resumed` are its trials that an earlier run has kept, `unwritten` says why something of it
    could not be kept, `invalid` which trials no record can hold.
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
    nobody_else: Callable[[], bool | None] | None = None
    resumed: list[dict[str, Any]] = field(default_factory=list)
    unwritten: list[StoreError] = field(default_factory=list)
    invalid: list[InvalidMeasurement] = field(default_factory=list)
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
        self.resumed.clear()
        self.unwritten.clear()
        self.invalid.clear()
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
        found = self._loaded()
        for value in vars(found).values():
            if isinstance(value, np.ndarray):
                freeze(value)  # an arm that changed it in place would change that of the arms after it
        return found

    def _loaded(self) -> Dataset:
        if self.load is not None:
            return own_data.declared(self.load, self.scale)
        if self.data_name is None:
            raise RecipeError("The recipe asks for a data set but declares none.\nSet data= in its Recipe.")
        settings = self.scale.settings
        return registry.load(
            self.data_name, n_train=settings.get("n_train"), n_test=settings.get("n_test"), data_dir=self.data_dir
        )

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
        kept = _kept_trial(path, text) if path is not None else None
        if kept is None:
            kept = self._computed(compute)
            if path is not None:
                content = json.dumps(kept, allow_nan=False, default=methodcaller("item"))
                self._write(path, seals.seal(content.encode(), text))
            if self.on_epoch is not None:
                done = self.trial_number + 1
                self.on_epoch(done, self.trials, f"trial {done}/{self.trials}")
        else:
            self._take_over(kept)
        self.trial_number, self.trained = self.trial_number + 1, 0
        return decode_trial(kept["trial"])

    def _computed(self, compute: Callable[[], Mapping[str, object]]) -> dict[str, Any]:
        """A trial, with what measuring the arm reads of it: its trainings, what it cost, and whether it was alone."""
        lists: tuple[list[Any], ...] = self.trainings, self.digests, self.noted, self.unseeded
        before, start = [len(one) for one in lists], time.perf_counter()
        self.require_written()
        with contextlib.redirect_stdout(sys.stdout or sys.__stdout__):  # a search silences its tuner by having none
            found = compute()
        try:
            trial = encoded_trial(found, self.trial_number + 1)
        except InvalidMeasurement as error:
            self.invalid.append(error)
            raise
        self.require_written()
        trainings, digests, noted, unseeded = (one[known:] for one, known in zip(lists, before, strict=True))
        return {
            "trial": trial,
            "trainings": [kept_training(*one) for one in trainings],
            "digests": digests,
            "noted": noted,
            "unseeded": unseeded,
            "total_s": time.perf_counter() - start,
            "peak_memory_bytes": peak_memory_bytes(),
            "alone": self.nobody_else() if self.nobody_else is not None else None,
        }

    def _take_over(self, kept: dict[str, Any]) -> None:
        """Note a trial that an earlier run has kept as if it had been measured now."""
        self.trainings += [training_of(one) for one in kept["trainings"]]
        self.digests += kept["digests"]
        self.noted += [facts for facts in kept["noted"] if facts not in self.noted]
        self.note_unseeded(kept["unseeded"])
        self.resumed.append(kept)

    def _write(self, path: Path, content: bytes) -> None:
        try:
            write_atomically(path, content)
        except StoreError as error:
            self.unwritten.append(error)
            raise

    def require_written(self) -> None:
        """StoreError when something of the arm could not be kept, as on a full disk: every trial and arm would end so.

        A search or a recipe may have caught it, and have taken it for a failed trial.
        """
        if self.unwritten:
            raise self.unwritten[0]

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
                self._write(path, seals.seal(json.dumps(facts).encode(), path.name))
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


def _kept_trial(path: Path, text: str) -> dict[str, Any] | None:
    """What an earlier run has kept of the trial that `text` names; None where there is nothing, or not all of it."""
    with contextlib.suppress(OSError, ValueError):
        kept: dict[str, Any] = json.loads(seals.opened(read_plain(path, MOST_BYTES), text) or b"")
        return kept if "trainings" in kept else None
    return None
