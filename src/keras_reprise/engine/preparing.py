"""What training needs before its first update: a program that was compared with Keras,
and the data where it takes them from."""

import contextlib
import math
import operator
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from keras_reprise.datasets import Dataset
from keras_reprise.engine import selfcheck
from keras_reprise.engine.backends.interface import Plan, Program
from keras_reprise.engine.backends.start import current_backend
from keras_reprise.engine.batches import EVALUATION_BATCH
from keras_reprise.engine.checks import check_labels, first_call
from keras_reprise.engine.configuration import configured
from keras_reprise.engine.randomness import draws
from keras_reprise.engine.settings import TrainingJob

SHARE_OF_MEMORY = 0.5
CHUNK_BYTES = 256 * 2**20
LOOKED_AT = 7  # examples, for what the graph of a model does not tell
MOST_CHECKED = 256  # examples of the first batch that are compared with Keras


@dataclass(kw_only=True)
class Prepared:
    """A program with its data. `classified`: errors are counted; `expected`: Keras's loss of the first batch (nan:
    none).

    `configuration` is the model's (see `configured`), `new_s` the seconds it took to prepare, 0 once it has been used.
    """

    program: Program
    source: "Resident | Streamed"
    configuration: str | None
    classified: bool
    expected: float
    new_s: float

    def taken(self) -> float:
        """What the first update's loss should be; nothing is expected of updates after it."""
        found, self.expected = self.expected, math.nan
        return found


class Resident:
    """All training examples on the device."""

    def __init__(self, data: Dataset, program: Program) -> None:
        self.program, self.placed = program, program.place(data.stored_train, data.y_train)

    def run(self, order: np.ndarray, rates: np.ndarray | None, penalty: float) -> tuple[np.ndarray, np.ndarray]:
        return self.program.run(self.placed, order, rates, penalty)


class Streamed:
    """Training examples brought to the device in parts of whole batches, in the order in which they are used."""

    def __init__(self, data: Dataset, program: Program) -> None:
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
def as_it_was(program: Program) -> Iterator[None]:
    """Put the state back that an evaluation changes which `fit` does not make: Keras's recurrent layers draw in
    inference too.

    Of layers that are known not to, nothing is copied.
    """
    state = program.get_state() if program.evaluation_changes_state else None
    try:
        yield
    finally:
        if state is not None:
            program.set_state(state)


class LatestProgram:
    """The program of a session's latest training, used again by a training of the very same objects.

    A search that trains one model again and again, its weights put back in between, compiles once.
    """

    def __init__(self) -> None:
        self._prepared: Prepared | None = None
        self._objects: Sequence[object] = ()
        self._facts: Sequence[object] = ()

    def prepare(self, job: TrainingJob) -> Prepared:
        """What the training needs: of the latest one, where nothing is another, else anew (see `prepare`)."""
        loss = configured(job.loss)
        objects = [job.model, job.optimizer, job.data.stored_train, job.data.y_train, job.data.scaling]
        objects += [] if loss else [job.loss]
        trained = [id(variable) for variable in job.model.trainable_variables]
        facts = [loss, configured(job.model), trained, job.settings.batch_size, job.updates, job.settings.streamed]
        same = len(objects) == len(self._objects) and all(map(operator.is_, objects, self._objects))
        if self._prepared is None or not same or facts != self._facts:
            self.forget()
            self._prepared, self._objects, self._facts = prepare(job), objects, facts
        else:
            self._prepared.new_s = 0.0
        return self._prepared

    def forget(self) -> None:
        """Let go of the program and its data."""
        self._prepared, self._objects, self._facts = None, (), ()


def prepare(job: TrainingJob) -> Prepared:
    """The program for a training, and its data where it takes them from;
    RecipeError when its numbers are not Keras's."""
    start, settings = time.perf_counter(), job.settings
    configuration = configured(job.model)
    plan = Plan(job.model, job.optimizer, job.loss, settings.batch_size, job.updates, job.data.scaling)
    program = current_backend().program(plan)
    with first_call(job.model):
        with as_it_was(program):
            shape = _looked_at(program, job)
        classified = check_labels(program.objective, job.data, shape) is not None
        expected = check(program, job)
    source = (Streamed if _streams(job) else Resident)(job.data, program)
    return Prepared(
        program=program,
        source=source,
        configuration=configuration,
        classified=classified,
        expected=expected,
        new_s=time.perf_counter() - start,
    )


def _looked_at(program: Program, job: TrainingJob) -> tuple[int | None, ...]:
    """The shape of the outputs of a batch, after a look at what the graph of the model does not tell."""
    known = getattr(job.model, "output_shape", None)
    if program.evaluation_batch is not None and isinstance(known, tuple):
        return known
    x, y, part = job.data.stored_test, job.data.y_test, EVALUATION_BATCH
    facts = program.look(x[:LOOKED_AT], y[:LOOKED_AT])
    if len(x) > part and program.objective.averages and not facts.masked and not facts.penalties:
        (whole, _), (halves, _) = program.outputs(x[:part], part), program.outputs(x[:part], part // 2)
        if np.allclose(whole, halves, rtol=1e-4, atol=1e-6, equal_nan=True):  # an example's outputs are its own
            program.evaluation_batch = part
    return None, *facts.shape


def check(program: Program, job: TrainingJob) -> float:
    """Compare the program with Keras on the first batch; RecipeError when its numbers are others.

    Returns the loss that Keras gives for the whole batch, nan where that is not known.
    """
    batch = job.orders(1)[0][: job.settings.batch_size]
    order = batch[:MOST_CHECKED]
    x, y = job.data.stored_train[order], job.data.y_train[order]
    while True:
        ours, keras = program.check(x, y, job.settings.penalty)
        differs = selfcheck.difference(ours, keras, job.model.compute_dtype)
        if not differs:
            break
        if not program.be_plain():
            raise selfcheck.refusal(job.model, differs)
    # Keras's recurrent layers draw other masks in a graph than call by call: nothing is expected where one draws.
    known = keras.gradients is not None and len(order) == len(batch) and not draws(job.model)
    return keras.training if known else math.nan


def _streams(job: TrainingJob) -> bool:
    if job.settings.streamed is not None:
        return job.settings.streamed
    import psutil

    free = current_backend().free_bytes() or psutil.virtual_memory().available
    return job.data.stored_train.nbytes > SHARE_OF_MEMORY * free
