"""One case of the parity suite, trained by the engine and by Keras's own `fit` on the same batches, and what differs."""

import contextlib
import pickle
import re
import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from engine_cases import Session
from parity_cases import Case
from parity_data import Arrays

from keras_reprise.base.errors import RecipeError
from keras_reprise.base.files import write_atomically
from keras_reprise.datasets import Dataset
from keras_reprise.engine import Order, train

EPOCHS, BATCH = 3, 50
MOVED = 3e-3  # the least relative change of weights: thirty times what may differ


@dataclass(frozen=True)
class Outcome:
    """What came of a case: `status` is "as fit", "refused", or what is wrong; differences are relative, the largest of 3 epochs."""

    name: str
    ok: bool
    status: str
    train: float | None = None
    test: float | None = None
    weights: float | None = None
    seconds: float = 0.0

    def facts(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Fitted:
    """What `fit` gave: its history, the variables before and after, and the metric that stands for the error curves."""

    history: dict[str, list[float]]
    initial: list[np.ndarray]
    after: list[np.ndarray]
    accuracy: str | None


def outcome(case: Case, kept: Path | None = None) -> Outcome:
    """Train the case both ways (or see it refused) in this process.

    What `fit` gave is kept in the folder `kept` and taken from there: it is the same for one thread and for two.
    """
    import keras

    start = time.perf_counter()
    with _policy(case.policy), _traced(keras.backend.backend()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = _outcome(case, keras.backend.backend(), kept)
    return Outcome(**found | {"name": case.name, "seconds": time.perf_counter() - start})


def _traced(backend: str) -> contextlib.AbstractContextManager[object]:
    """Updates on torch go the way of long trainings, though these are short."""
    if backend != "torch":
        return contextlib.nullcontext()
    from keras_reprise.engine.backends import torch_program

    return mock.patch.object(torch_program, "FEWEST_TRACED", 1)


def _outcome(case: Case, backend: str, kept: Path | None) -> dict[str, Any]:
    arrays, pattern = case.data(), case.refusal(backend)
    try:
        ours = _Ours(case, arrays)
    except RecipeError as error:
        return _refused(str(error), pattern)
    except Exception as error:  # whatever the engine lets through is what this suite looks for
        return {"ok": False, "status": f"raised {type(error).__name__}: {_first_line(error)}"}
    if pattern is not None:
        return {"ok": False, "status": f"trained, though it should be refused ({pattern})"}
    try:
        theirs = _fitted(case, arrays, ours, None if kept is None else kept / f"{backend} {case.name}.pickle")
    except Exception as error:
        return {"ok": False, "status": f"fit fails: {type(error).__name__}: {_first_line(error)}"}
    return compared(case, ours, theirs)


def _first_line(error: BaseException) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), "")[:200]


def _refused(sentence: str, pattern: str | None) -> dict[str, Any]:
    lines = sentence.splitlines()
    if pattern is None:
        return {"ok": False, "status": f"refused, though fit trains it: {' '.join(lines)[:300]}"}
    if not re.search(pattern, sentence):
        return {"ok": False, "status": f"refused for another reason than {pattern!r}: {lines[0][:300]}"}
    internal = any(word in sentence for word in ("Traceback", "keras/src", "in user code", " at 0x"))
    if len(lines) > 3 or max(map(len, lines)) > 400 or internal:
        return {"ok": False, "status": f"refused in other words than a user's ({len(lines)} lines): {lines[0][:200]}"}
    return {"ok": True, "status": f"refused: {lines[0]}"}


@contextlib.contextmanager
def _policy(name: str | None) -> Iterator[None]:
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name or before)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _numbers(variables: list[Any]) -> list[np.ndarray]:
    import keras

    found = [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]
    return [value if np.issubdtype(value.dtype, np.integer) else value.astype(np.float64) for value in found]


class _Ours:
    """The case trained by the engine."""

    def __init__(self, case: Case, arrays: Arrays) -> None:
        import parity_models

        parity_models.begin()
        self.model = case.model(parity_models)
        self.variables, self.trainable = list(self.model.variables), list(self.model.trainable_variables)
        self.initial, self.before = _numbers(self.variables), _numbers(self.trainable)
        data = Dataset("made", arrays.x, arrays.y, arrays.x_test, arrays.y_test, arrays.classes, "0" * 64)
        self.data = data.standardised() if arrays.scaled else data
        options = {"batch_size": BATCH, **case.options}
        self.order = Order(options.pop("order", "reshuffled"))
        self.batch_size, self.session = options["batch_size"], Session()
        self.history = train(
            self.model,
            self.data,
            self.session,
            optimizer=case.optimizer(parity_models),
            loss=case.loss(parity_models),
            epochs=EPOCHS,
            order=self.order,
            diverged_factor=None,
            **options,
        )
        self.after = _numbers(self.variables)
        pairs = zip(self.before, _numbers(self.trainable), strict=True)
        self.moved = max(np.abs(b - a).max() / max(np.abs(a).max(), 1e-3) for a, b in pairs)


def _fitted(case: Case, arrays: Arrays, ours: _Ours, path: Path | None) -> Fitted:
    """What `fit` gives, or gave in another process of this run from the same variables."""
    if path is not None and path.exists():
        found: Fitted = pickle.loads(path.read_bytes())
        same = all(map(np.array_equal, found.initial, ours.initial))
        if same and (found.accuracy is not None) == ("test_error" in ours.history.curves):
            return found
    found = fit(case, arrays, ours)
    if path is not None:
        write_atomically(path, pickle.dumps(found))
    return found


def fit(case: Case, arrays: Arrays, ours: _Ours) -> Fitted:
    """The case trained by one call of Keras's `fit`, from the same variables, on the same batches."""
    import keras
    import parity_models

    parity_models.begin()
    model, loss = case.model(parity_models), case.loss(parity_models)
    variables = list(model.variables)
    for variable, value in zip(variables, ours.initial, strict=True):
        variable.assign(value)
    metric = _accuracy(ours, loss)
    model.compile(
        optimizer=case.optimizer(parity_models),
        loss=loss,
        metrics=[] if metric is None else [metric],
        jit_compile="auto" if keras.backend.backend() == "jax" else False,
    )
    batches = _batches(ours)
    history = model.fit(
        batches,
        epochs=EPOCHS,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: batches.begin(epoch + 1))],
        shuffle=False,
        verbose=0,
        validation_data=(ours.data.x_test, arrays.y_test),
        validation_batch_size=len(arrays.y_test),
    ).history
    batches.check()
    return Fitted(history, ours.initial, _numbers(variables), None if metric is None else "accuracy")


def _accuracy(ours: _Ours, loss: Any) -> Any:
    """The metric whose complement the engine's error curves are; none where there are no such curves, or must not be."""
    import keras

    if "test_error" not in ours.history.curves:
        return None
    y, outputs = ours.data.y_train, ours.model(ours.data.x_test[:2])
    if len(outputs.shape) == 2 and outputs.shape[-1] > 1:
        one_hot = (
            y.ndim == 2 and y.shape[1] > 1 and bool(np.all((y == 0).sum(1) == y.shape[1] - 1) and np.all(y.sum(1) == 1))
        )
        metrics = keras.metrics
        return (metrics.CategoricalAccuracy if one_hot else metrics.SparseCategoricalAccuracy)(name="accuracy")
    if set(np.unique(y)) <= {0, 1} and "Binary" in type(loss).__name__:
        return keras.metrics.BinaryAccuracy("accuracy", threshold=0.0 if loss.from_logits else 0.5)
    return None


def _batches(ours: _Ours) -> Any:
    """The engine's batches, as a data set for `fit`."""
    import keras

    data, size = ours.data, ours.batch_size

    class Batches(keras.utils.PyDataset):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.read: list[tuple[int, int]] = []
            self.begin(1)

        def __len__(self) -> int:
            return len(range(0, len(data.y_train), size))

        def __getitem__(self, i: int) -> tuple[np.ndarray, np.ndarray]:
            self.read.append((self.epoch, i))
            part = self.order[size * i : size * (i + 1)]
            return data.x_train[part], data.y_train[part]

        def begin(self, epoch: int) -> None:
            """Read the order of `epoch`. `fit` calls `on_epoch_end` more often than it ends epochs, so a callback says it."""
            self.epoch = epoch
            (self.order,) = ours.order.of_epoch(ours.session.seeds, data.y_train, epoch)

        def check(self) -> None:
            """`fit` looks at the first batches beforehand; then it must read every epoch's from first to last."""
            expected = [(epoch + 1, i) for epoch in range(EPOCHS) for i in range(len(self))]
            assert self.read[-len(expected) :] == expected, f"fit read other batches: {self.read}"

    return Batches()


def relative(ours: Any, theirs: Any, least: float = 1e-3) -> float:
    """The largest difference over the largest of their numbers (at least `least`); infinite where one is not finite."""
    a, b = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    if a.shape != b.shape or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return float("inf")
    return float(np.abs(a - b).max() / max(np.abs(b).max(), least)) if a.size else 0.0


def compared(case: Case, ours: _Ours, theirs: Fitted) -> dict[str, Any]:
    """The differences, and the first thing that is wrong, in words."""
    curves, fitted = ours.history.curves, theirs.history
    if ours.history.epochs != EPOCHS:
        losses = f"losses {_three(curves['train_loss'])} for fit's {_three(fitted['loss'])}"
        return {"ok": False, "status": f"ended after epoch {ours.history.epochs}; {losses}"}
    found = {
        "train": max(relative(a, b) for a, b in zip(curves["train_loss"], fitted["loss"], strict=True)),
        "test": max(relative(a, b) for a, b in zip(curves["test_loss"], fitted["val_loss"], strict=True)),
        "weights": max(relative(a, b) for a, b in zip(ours.after, theirs.after, strict=True)),
    }
    wrong = [f"{name} {value:.1e}" for name, value in found.items() if not value <= case.tolerance]
    if found["train"] > case.tolerance:
        wrong.append(f"losses {_three(curves['train_loss'])} for fit's {_three(fitted['loss'])}")
    if found["test"] > case.tolerance:
        wrong.append(f"test losses {_three(curves['test_loss'])} for fit's {_three(fitted['val_loss'])}")
    if not ours.moved > max(MOVED, case.tolerance):
        wrong.append(f"weights moved by {ours.moved:.1e} only")
    if max(curves["train_loss"]) == min(curves["train_loss"]):
        wrong.append("nothing was learned")
    if "test_error" in curves and theirs.accuracy is None:
        wrong.append("an error curve where nothing is classified")
    for curve, metric in (("train_error", "accuracy"), ("test_error", "val_accuracy")) if theirs.accuracy else ():
        n = len(ours.data.y_train if curve == "train_error" else ours.data.y_test)
        apart = np.abs(np.array(curves[curve]) + np.array(fitted[metric]) - 1).max()
        if apart > (1.01 + (case.tolerance > 1e-3) * n / 20) / n:  # an example on the border may fall either way
            wrong.append(f"{curve} {_three(curves[curve])} for fit's {_three(1 - np.array(fitted[metric]))}")
    return {"ok": not wrong, "status": "; ".join(wrong) or "as fit", **found}


def _three(values: Any) -> str:
    return "/".join(f"{value:.4g}" for value in values)
