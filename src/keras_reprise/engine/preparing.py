"""What training needs before its first update: a program that was compared with Keras, and the data where it takes them from."""

import contextlib
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_reprise.base.seeds import Seeds
from keras_reprise.datasets import Dataset
from keras_reprise.engine import selfcheck
from keras_reprise.engine.backends import interface
from keras_reprise.engine.backends.start import current_backend
from keras_reprise.engine.batches import EVALUATION_BATCH
from keras_reprise.engine.checks import check_labels, first_call
from keras_reprise.engine.randomness import draws
from keras_reprise.engine.resume import configured
from keras_reprise.engine.settings import Settings

SHARE_OF_MEMORY = 0.5
CHUNK_BYTES = 256 * 2**20
LOOKED_AT = 7  # examples, for what the graph of a model does not tell
MOST_CHECKED = 256  # examples of the first batch that are compared with Keras


@dataclass
class Prepared:
    """A program with its data. `classified`: errors are counted; `expected`: Keras's loss of the first batch (nan: none).

    `new_s`: the seconds it took to prepare, 0 once it has been used.
    """

    program: interface.Program
    source: "Resident | Streamed"
    classified: bool
    expected: float
    new_s: float

    def taken(self) -> float:
        """What the first update's loss should be; nothing is expected of updates after it."""
        found, self.expected = self.expected, math.nan
        return found


class Resident:
    """All training examples on the device."""

    def __init__(self, data: Dataset, program: interface.Program) -> None:
        self.program, self.placed = program, program.place(data.stored_train, data.y_train)

    def run(self, order: np.ndarray, rates: np.ndarray | None, penalty: float) -> tuple[np.ndarray, np.ndarray]:
        return self.program.run(self.placed, order, rates, penalty)


class Streamed:
    """Training examples brought to the device in parts of whole batches, in the order in which they are used."""

    def __init__(self, data: Dataset, program: interface.Program) -> None:
        self.program, self.data = program, data
        per_batch = program.batch_size * max(1, data.stored_train[:1].nbytes)
        self.examples = program.batch_size * max(1, CHUNK_BYTES // per_batch)

    def run(self, order: np.ndarray, rates: np.ndarray | None, penalty: float) -> tuple[np.ndarray, np.ndarray]:
        parts = []
        for start in range(0, len(order), self.examples):
            index = order[start : start + self.examples]
            placed = self.program.place(self.data.stored_train[index], self.data.y_train[index])
            first = start // self.program.batch_size
            last = first - (-len(index) // self.program.batch_size)
            mine = None if rates is None else rates[first:last]
            parts.append(self.program.run(placed, np.arange(len(index), dtype=np.int32), mine, penalty))
        losses, wrong = zip(*parts, strict=True)
        return np.concatenate(losses), np.concatenate(wrong)


@contextlib.contextmanager
def as_it_was(program: interface.Program) -> Iterator[None]:
    """Put the state back that an evaluation changes which `fit` does not make: Keras's recurrent layers draw in inference too.

    Of layers that are known not to, nothing is copied.
    """
    state = program.get_state() if program.evaluation_changes_state else None
    try:
        yield
    finally:
        if state is not None:
            program.set_state(state)


@dataclass(frozen=True)
class _Kept:
    """The latest program: what it was made of, compared as the very same objects, and by what their configurations say."""

    objects: tuple[Any, ...]
    facts: tuple[Any, ...]
    prepared: Prepared

    def fits(self, objects: tuple[Any, ...], facts: tuple[Any, ...]) -> bool:
        same = len(objects) == len(self.objects) and all(a is b for a, b in zip(self.objects, objects, strict=True))
        return same and self.facts == facts


_latest: list[_Kept] = []


def forget() -> None:
    """Let go of the latest program and its data."""
    _latest.clear()


def prepare(
    model: Any, configuration: str | None, optimizer: Any, loss: Any, data: Dataset, seeds: Seeds, settings: Settings
) -> Prepared:
    """The program for this training; the latest one, where it was made of the very same objects.

    A search that trains one model again and again, its weights put back in between, compiles once. RecipeError when the
    program's numbers are not Keras's.
    """
    own = configured(loss)
    updates = settings.order.updates(len(data.stored_train), settings.batch_size)
    objects = (model, optimizer, data.stored_train, data.y_train, data.scaling, *([] if own else [loss]))
    trained = tuple(id(variable) for variable in model.trainable_variables)
    facts = (own, configuration, trained, settings.batch_size, updates, settings.streamed)
    if _latest and _latest[0].fits(objects, facts):
        _latest[0].prepared.new_s = 0.0
        return _latest[0].prepared
    forget()
    start = time.perf_counter()
    program: interface.Program = current_backend().program(
        model, optimizer, loss, settings.batch_size, updates=updates, scaling=data.scaling
    )
    with first_call(model):
        with as_it_was(program):
            shape = _looked_at(program, model, data)
        classified = check_labels(program.objective, data, shape) is not None
        expected = check(program, model, data, seeds, settings)
    source = Streamed(data, program) if _streams(data, settings) else Resident(data, program)
    prepared = Prepared(program, source, classified, expected, time.perf_counter() - start)
    _latest[:] = [_Kept(objects, facts, prepared)]
    return prepared


def _looked_at(program: interface.Program, model: Any, data: Dataset) -> tuple[int | None, ...]:
    """The shape of the outputs of a batch, after a look at what the graph of the model does not tell."""
    known = getattr(model, "output_shape", None)
    if program.evaluation_batch is not None and isinstance(known, tuple):
        return known
    x, y, part = data.stored_test, data.y_test, EVALUATION_BATCH
    facts = program.look(x[:LOOKED_AT], y[:LOOKED_AT])
    if len(x) > part and program.objective.averages and not facts.masked and not facts.penalties:
        (whole, _), (halves, _) = program.outputs(x[:part], part), program.outputs(x[:part], part // 2)
        if np.allclose(whole, halves, rtol=1e-4, atol=1e-6, equal_nan=True):  # an example's outputs are its own
            program.evaluation_batch = part
    return None, *facts.shape


def check(program: interface.Program, model: Any, data: Dataset, seeds: Seeds, settings: Settings) -> float:
    """Compare the program with Keras on the first batch; RecipeError when its numbers are others.

    Returns the loss that Keras gives for the whole batch, nan where that is not known.
    """
    batch = settings.order.of_epoch(seeds, data.y_train, 1)[0][: settings.batch_size]
    order = batch[:MOST_CHECKED]
    x, y = data.stored_train[order], data.y_train[order]
    while True:
        ours, keras = program.check(x, y, settings.penalty)
        differs = selfcheck.difference(ours, keras, model.compute_dtype)
        if not differs:
            break
        if not program.be_plain():
            raise selfcheck.refusal(model, differs)
    # Keras's recurrent layers draw other masks in a graph than call by call, so that nothing is expected where one draws.
    known = keras.gradients is not None and len(order) == len(batch) and not draws(model)
    return keras.training if known else math.nan


def _streams(data: Dataset, settings: Settings) -> bool:
    if settings.streamed is not None:
        return settings.streamed
    import psutil

    free = current_backend().free_bytes() or psutil.virtual_memory().available
    return data.stored_train.nbytes > SHARE_OF_MEMORY * free
