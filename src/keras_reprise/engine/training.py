"""Training a Keras model: epochs, evaluation, per-sample losses, divergence, checkpoints. Backend-neutral.

The order of the examples in epoch k depends on the seed and on k alone, so that training continued from a checkpoint, and
training of another arm from the epoch up to which both agree, gives the numbers of an uninterrupted run.
"""

import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from keras_reprise.datasets import Dataset
from keras_reprise.engine import backend
from keras_reprise.schedules import Schedule, constant
from keras_reprise.seeds import Seeds

DIVERGED_FACTOR = 3.0
SAVE_EVERY_S = 30.0


class Checkpoints(Protocol):
    """Where the state at an epoch border is kept; see `interruption.Checkpoints`."""

    def load(self, keys: Sequence[str]) -> tuple[str, dict[str, np.ndarray]] | None: ...

    def save(self, key: str, arrays: dict[str, np.ndarray], *, keep: bool) -> None: ...


class Session(Protocol):
    """What training needs of a replicate; `replicate.Replicate` is one."""

    seeds: Seeds
    checkpoints: Checkpoints | None

    def progress(self, epoch: int, epochs: int, loss: float) -> None: ...

    def note_training(self, history: "History", digest: str, parameters: int) -> None: ...


@dataclass
class History:
    """What training gave.

    `curves` have one value per finished epoch: `train_loss` and `train_error` are means over the updates of the epoch
    (as `fit` prints them), `test_loss` and `test_error` are taken after it. Losses are in the loss's unit with
    penalties included, errors are fractions. `initial` is the same test evaluation before the first update.
    `test_losses` (epochs + 1, n_test) holds the loss of each test example, row 0 before training; `test_wrong`
    likewise. `train_losses` maps a listed epoch to the losses of the first training examples, `n_train_samples` of them.
    """

    curves: dict[str, list[float]] = field(default_factory=dict)
    initial: dict[str, float] = field(default_factory=dict)
    test_losses: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    test_wrong: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), bool))
    train_losses: dict[int, np.ndarray] = field(default_factory=dict)
    diverged: bool = False
    compile_s: float = 0.0
    step_s: list[float] = field(default_factory=list)

    @property
    def epochs(self) -> int:
        return len(self.curves.get("train_loss", ()))

    @property
    def last(self) -> dict[str, float]:
        """Every curve's value at the last epoch, as metrics."""
        return {name: values[-1] for name, values in self.curves.items() if values}


def train(
    model: Any,
    data: Dataset,
    session: Session,
    *,
    optimizer: Any,
    epochs: int,
    batch_size: int = 100,
    learning_rate: float | Schedule | None = None,
    loss: Any = None,
    sample_epochs: Sequence[int] = (),
    sample_size: int = 5000,
    fork_at: Sequence[int] = (),
    probe: Callable[[], Mapping[str, float]] | None = None,
) -> History:
    """Train `model` on `data` for `epochs` epochs and evaluate it on the test images after each.

    `learning_rate` is a rate per update or a schedule over epochs; None leaves the optimizer's own. `loss` is a
    Keras loss of integer labels (default: cross-entropy of logits). `sample_epochs` (0 is before training) lists the
    epochs at which the losses of the first `sample_size` training images are kept. `fork_at` lists epochs whose
    state stays available to the replicate's other arms: an arm that agrees with an earlier one up to there
    (same initial weights, order, data, optimizer and rates) starts from it instead of training the same epochs again.

    `probe` is called before the first update and after every epoch; the numbers it returns (of the model's weights, say)
    become curves, and entries of `initial`.

    Training stops early, with `History.diverged`, when a loss is not finite or an epoch's mean loss is above three times
    the first update's.
    """
    import keras

    loss = loss or keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    schedule = constant(learning_rate) if isinstance(learning_rate, int | float) else learning_rate
    program = backend.module().Program(model, optimizer, loss, data.x_train, data.y_train, batch_size)
    run = _Run(program, data, session, set(sample_epochs), sample_size, probe)
    updates = -(-len(data.x_train) // batch_size)
    rates = (
        None
        if schedule is None
        else schedule(np.arange(epochs * updates) / updates).astype(np.float32).reshape(epochs, updates)
    )
    keys = _checkpoint_keys(
        program, model, optimizer, loss, data, session, batch_size, rates, epochs, (sorted(sample_epochs), sample_size)
    )
    start, saved = run.resume(keys), time.monotonic()
    for epoch in range(start + 1, epochs + 1):
        run.epoch(epoch, None if rates is None else rates[epoch - 1])
        session.progress(epoch, epochs, run.history.curves["train_loss"][-1])
        if run.history.diverged:
            break
        if epoch in fork_at or (epoch < epochs and time.monotonic() - saved > SAVE_EVERY_S):
            run.save(keys[epoch], keep=epoch in fork_at)
            saved = time.monotonic()
    history = run.finished()
    session.note_training(history, _digest(program.get_state()), model.count_params())
    return history


class _Run:
    """One training in progress: the program, the history so far, and how both go into and come from a checkpoint."""

    def __init__(
        self,
        program: backend.Program,
        data: Dataset,
        session: Session,
        sample_epochs: set[int],
        sample_size: int,
        probe: Callable[[], Mapping[str, float]] | None,
    ) -> None:
        self.program, self.data, self.session, self.batch_size, self.probe = (
            program,
            data,
            session,
            program.batch_size,
            probe,
        )
        self.sample_epochs, self.sample_size = sample_epochs, sample_size
        self.history = History(curves={name: [] for name in ("train_loss", "train_error", "test_loss", "test_error")})
        self.first_loss = float("nan")
        self.test_losses: list[np.ndarray] = []
        self.test_wrong: list[np.ndarray] = []

    def epoch(self, epoch: int, rates: np.ndarray | None) -> None:
        history, n = self.history, len(self.data.x_train)
        order = self.session.seeds.permutation(n, epoch)
        start = time.perf_counter()
        compiled = self.program.compile_s
        losses, wrong = self.program.run_epoch(order, rates)
        seconds = time.perf_counter() - start - (self.program.compile_s - compiled)
        history.step_s.append(seconds / len(losses))
        sizes = np.full(len(losses), self.batch_size)
        sizes[-1] = n - sizes[:-1].sum()
        if epoch == 1:
            self.first_loss = float(losses[0])
        mean = float((losses.astype(np.float64) * sizes).sum() / n)
        history.curves["train_loss"].append(mean)
        history.curves["train_error"].append(float(wrong.sum() / n))
        history.diverged = not np.isfinite(losses).all() or mean > DIVERGED_FACTOR * self.first_loss
        for name, value in self.evaluate(epoch).items():
            history.curves.setdefault(name, []).append(value)

    def evaluate(self, epoch: int) -> dict[str, float]:
        losses, wrong, penalty = self.program.per_sample(self.data.x_test, self.data.y_test)
        self.test_losses.append(losses.astype(np.float32))
        self.test_wrong.append(wrong)
        if epoch in self.sample_epochs:
            x, y = self.data.x_train[: self.sample_size], self.data.y_train[: self.sample_size]
            self.history.train_losses[epoch] = self.program.per_sample(x, y)[0].astype(np.float32)
        probed = self.probe() if self.probe else {}
        return {
            "test_loss": float(losses.mean(dtype=np.float64)) + penalty,
            "test_error": float(wrong.mean()),
            **probed,
        }

    def resume(self, keys: Sequence[str]) -> int:
        """Continue from the last checkpoint that fits; returns the epoch reached (0: from the start)."""
        found = self.session.checkpoints.load(keys[1:]) if self.session.checkpoints else None
        if found is None:
            self.history.initial = self.evaluate(0)
            return 0
        key, arrays = found
        state = [arrays[f"state_{i}"] for i in range(sum(name.startswith("state_") for name in arrays))]
        self.program.set_state(state)
        self.history.curves = {name[6:]: arrays[name].tolist() for name in arrays if name.startswith("curve_")}
        self.history.initial = json.loads(str(arrays["initial"]))
        self.history.step_s = arrays["step_s"].tolist()
        self.history.train_losses = {int(name[6:]): arrays[name] for name in arrays if name.startswith("train_")}
        self.test_losses, self.test_wrong = list(arrays["test_losses"]), list(arrays["test_wrong"])
        self.first_loss = float(arrays["first_loss"])
        return keys.index(key)

    def save(self, key: str, *, keep: bool) -> None:
        if self.session.checkpoints is None:
            return
        arrays: dict[str, Any] = {f"state_{i}": value for i, value in enumerate(self.program.get_state())}
        arrays |= {f"curve_{name}": np.array(values) for name, values in self.history.curves.items()}
        arrays |= {f"train_{epoch}": values for epoch, values in self.history.train_losses.items()}
        arrays |= {
            "initial": np.array(json.dumps(self.history.initial)),
            "step_s": np.array(self.history.step_s),
            "test_losses": np.array(self.test_losses),
            "test_wrong": np.array(self.test_wrong),
            "first_loss": np.array(self.first_loss),
        }
        self.session.checkpoints.save(key, arrays, keep=keep)

    def finished(self) -> History:
        self.history.test_losses, self.history.test_wrong = np.array(self.test_losses), np.array(self.test_wrong)
        self.history.compile_s = self.program.compile_s
        return self.history


def evaluate(model: Any, x: np.ndarray, y: np.ndarray, loss: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """The loss (n,) and whether it is misclassified (n,) of each example, in inference mode."""
    import keras

    loss = loss or keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    program = backend.module().Program(model, keras.optimizers.SGD(), loss, x[:1], y[:1], 1)
    losses, wrong, _ = program.per_sample(x, y)
    return losses, wrong


def _checkpoint_keys(
    program: backend.Program,
    model: Any,
    optimizer: Any,
    loss: Any,
    data: Dataset,
    session: Session,
    batch_size: int,
    rates: np.ndarray | None,
    epochs: int,
    sampling: Any,
) -> list[str]:
    """One key per epoch 0..epochs: the hash of all that decides the state there. Runs that agree so far share it."""
    facts = [
        [_configuration(part) for part in (model, optimizer, loss)],
        data.fingerprint,
        data.image_shape,
        session.seeds.seed,
        batch_size,
        sampling,
        _digest(program.get_state()),
    ]
    running = hashlib.sha256(json.dumps(facts).encode())
    running.update(np.ascontiguousarray(data.x_train[:16]).tobytes())
    keys = [running.hexdigest()]
    for epoch in range(epochs):
        running.update(b"own" if rates is None else rates[epoch].tobytes())
        keys.append(running.hexdigest())
    return keys


def _configuration(part: Any) -> str:
    """The configuration of a model, optimizer or loss as text, its names replaced by their order: Keras numbers automatic names on and on."""
    text = json.dumps(part.get_config(), default=repr)
    for number, name in enumerate(dict.fromkeys(re.findall(r'"name": "([^"]+)"', text))):
        text = text.replace(f'"{name}"', f'"#{number}"')
    return text


def _digest(state: Sequence[np.ndarray]) -> str:
    digest = hashlib.sha256()
    for array in state:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
