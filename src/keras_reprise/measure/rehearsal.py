"""What an arm trains on, read without training: `measure` is called at seed 1 and left where its first training would
begin.

Data that are made in `measure` may be drawn from the replicate's seed, and yet all replicates of a recipe belong
together. So what they are known by is what `measure` makes at seed 1: drawn data then have one fingerprint for all
seeds, and a table that was edited since has another one.
"""

import contextlib
import gc
import io
import json
import random
import shutil
import warnings
from collections.abc import Iterator

import numpy as np

from keras_reprise.base import seals
from keras_reprise.base.failures import described
from keras_reprise.base.files import read_plain
from keras_reprise.base.seeds import Seeds
from keras_reprise.datasets import Dataset
from keras_reprise.engine import History
from keras_reprise.measure.own_data import Facts
from keras_reprise.measure.replicate import MOST_BYTES, Replicate
from keras_reprise.recipe.beside import Beside
from keras_reprise.recipe.definition import Recipe
from keras_reprise.recipe.guard import attempt
from keras_reprise.recipe.settings import Arm, copied

SEED = 1
MOST_TRAININGS = 64  # of a rehearsal that goes on: an arm that trains until something is reached would never end


class _Left(BaseException):
    """The rehearsal has seen enough; no `except Exception` of a recipe holds it up."""


class _Rehearsal(Replicate):
    """A replicate in which nothing is trained. With `onward` a history of ones stands for each training."""

    onward = False
    trained = 0

    def note_data(self, data: Dataset, epochs: int) -> History | None:
        super().note_data(data, epochs)
        self.trained += 1
        if not self.onward or self.trained >= MOST_TRAININGS:
            raise _Left
        return _ones(data, epochs)


def made(recipe: Recipe, arm: Arm, replicate: Replicate, beside: Beside) -> tuple[list[Facts], str]:
    """The data that `arm`, which `replicate` has just measured, made for itself, as at seed 1; and what cannot be said.

    Where `measure` does not come to train at seed 1, they are the data as this replicate used them.
    """
    used = [facts for facts in replicate.noted if facts is not None]
    if not used:
        return [], ""
    onward = replicate.noted != used[:1]
    if replicate.seed == SEED and not onward:
        return used, ""
    found, fault = rehearsed(recipe, arm, replicate, beside, onward=onward)
    if found:
        return found, fault
    return (
        used,
        f"{arm.name} makes its data in `measure`, which cannot be read at seed {SEED} "
        f"({fault or 'it trains nothing there'}); replicates are compared by the data they used.",
    )


def rehearsed(
    recipe: Recipe, arm: Arm, like: Replicate, beside: Beside | None = None, *, onward: bool = False, seed: int = SEED
) -> tuple[list[Facts], str]:
    """The data that `measure` makes for `arm` at `seed`, and the error that ended it, if one did.

    Without `onward` those of its first training alone. `like` has the scale and the declared data; `beside` lets the
    recipe import. What `measure` prints is swallowed.
    """
    replicate = _Rehearsal(Seeds(seed), like.scale, like.data_name, like.data_dir, load=like.load)
    replicate.onward = onward
    if "_dataset" in like.__dict__:
        replicate.__dict__["_dataset"] = like.__dict__["_dataset"]
    replicate.begin(arm.name)
    fault = ""

    def measure() -> None:
        with beside or contextlib.nullcontext():
            recipe.measure(copied(arm), replicate)

    with _aside():
        error = attempt(measure)[1]
    if error is not None and not isinstance(
        error, _Left
    ):  # whatever `measure` raises, it is no measurement that failed
        fault = f"{type(error).__name__}: {described(error)}"
    gc.collect()  # what was built is in reference cycles
    return [facts for facts in replicate.noted if facts is not None], fault


def forget_stale_trials(recipe: Recipe, arm: Arm, replicate: Replicate, beside: Beside) -> None:
    """Delete the trials that an interrupted run has kept,
    where they were measured on other data than `measure` makes now."""
    path = replicate.made_path
    if path is None or not path.exists():
        return
    kept = None
    with contextlib.suppress(OSError, ValueError):
        kept = json.loads(seals.opened(read_plain(path, MOST_BYTES), path.name) or b"")
    found, _ = rehearsed(recipe, arm, replicate, beside, seed=replicate.seed)
    if kept not in found:
        shutil.rmtree(path.parent, ignore_errors=True)


@contextlib.contextmanager
def _aside() -> Iterator[None]:
    """Without a word, and without a trace in the random streams that nobody seeds."""
    states = random.getstate(), np.random.get_state()
    silence = io.StringIO()
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(silence),
            contextlib.redirect_stderr(silence),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])


class _Ones(dict[str, list[float]]):
    """Curves of ones; one of a probe, whose names nobody knows before, is there when it is asked for."""

    def __init__(self, epochs: int) -> None:
        names = ("train_loss", "train_error", "test_loss", "test_error")
        super().__init__({name: [1.0] * epochs for name in names})
        self.epochs = epochs

    def __missing__(self, name: str) -> list[float]:
        return [1.0] * self.epochs


def _ones(data: Dataset, epochs: int) -> History:
    """A history as training gives it, in which every number is one."""
    n = len(data.y_test)
    return History(
        curves=_Ones(epochs),
        initial={"test_loss": 1.0, "test_error": 1.0},
        test_losses=np.ones((epochs + 1, n), np.float32),
        test_wrong=np.ones((epochs + 1, n), bool),
        update_losses=np.ones(max(1, epochs), np.float32),
        updates=epochs,
        examples=epochs * len(data.y_train),
    )
