"""Training a Keras model with one call. Backend-neutral.

The order of the examples in epoch k depends on the seed and on k alone, so that training continued from a checkpoint, and
training of another arm from the epoch up to which both agree, gives the numbers of an uninterrupted run.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from keras_reprise.base.errors import RecipeError
from keras_reprise.base.seeds import Seeds
from keras_reprise.datasets import Dataset
from keras_reprise.engine.backends.start import current_backend
from keras_reprise.engine.checks import check_options, check_training, refuse_unsupported
from keras_reprise.engine.history import History
from keras_reprise.engine.loop import DIVERGED_FACTOR, Checkpoints, Run
from keras_reprise.engine.objective import resolved
from keras_reprise.engine.order import Order
from keras_reprise.engine.probes import Probe
from keras_reprise.engine.randomness import unseeded
from keras_reprise.engine.resume import digest
from keras_reprise.engine.settings import Settings
from keras_reprise.engine.stopping import Stop
from keras_reprise.schedules import Plateau, Schedule, constant

SAVE_EVERY_S = 30.0


class Session(Protocol):
    """What training needs of a replicate; `replicate.Replicate` is one."""

    seeds: Seeds
    checkpoints: Checkpoints | None

    def progress(self, epoch: int, epochs: int, loss: float) -> None: ...

    def note_training(self, history: History, digest: str, model: Any) -> None: ...

    # At will, called or read before each training: note_data(data, epochs), a history that it returns stands for the training;
    # note_unseeded(names), what draws without a seed; place, which training of which arm this is.


def noted(session: Session, data: Dataset, epochs: int) -> History | None:
    """Tell the session what is trained on, if it wants to know; a rehearsal gives a history in the place of training."""
    note = getattr(session, "note_data", None)
    found: History | None = note(data, epochs) if note and isinstance(data, Dataset) else None
    return found


def note_unseeded(session: Session, model: Any) -> None:
    """Tell the session what of the model draws without a seed, if it wants to know."""
    note = getattr(session, "note_unseeded", None)
    if note is not None and (names := unseeded(model)):
        note(names)


def train(
    model: Any,
    data: Dataset,
    session: Session,
    *,
    optimizer: Any,
    epochs: int,
    batch_size: int = 100,
    learning_rate: float | Schedule | Plateau | None = None,
    loss: Any = None,
    order: Order | None = None,
    penalty: float = 1.0,
    stop: Stop | None = None,
    sample_epochs: Sequence[int] = (),
    sample_size: int = 5000,
    fork_at: Sequence[int] = (),
    probes: Sequence[Probe] = (),
    probe: Callable[[], Mapping[str, float]] | None = None,
    metrics: Sequence[Any] = (),
    diverged_factor: float | None = DIVERGED_FACTOR,
    streamed: bool | None = None,
    **unsupported: Any,
) -> History:
    """Train `model` on `data` for `epochs` epochs and evaluate it on the test images after each.

    `learning_rate` is a rate per update, a schedule over epochs or a `Plateau`; None leaves the optimizer's own. `loss`
    is what `compile` takes for a single output (default: cross-entropy of logits and class indices). `order` says what an epoch reads (default: every
    example once, in a new order). `penalty` multiplies the model's penalties: with `L2(1.0)` in the layers it is the
    strength, which may then differ between arms without compiling anew. `stop` ends training early. `sample_epochs`
    (0 is before training) lists the epochs at which the losses of the first `sample_size` training images are kept.
    `probes` look into the network before training and after each epoch; `probe`, a function without arguments, is one
    that needs no `Moment`. `metrics` are Keras metrics of labels and outputs,
    taken on the test images after each epoch ("test_" and the metric's name).

    `fork_at` lists epochs whose state stays available to the replicate's other arms: an arm that agrees with an earlier one
    up to there (same initial weights, order, data, optimizer and rates) starts from it instead of training the same
    epochs again.

    The data stay on the device; with `streamed` they are brought there in parts, which is the default where they would take
    more than half of its free memory.

    Training ends early, with `History.diverged`, when a loss is not finite or an epoch's mean loss is above
    `diverged_factor` times the first update's (None: only when it is not finite). RecipeError when model, data and
    settings do not fit together.
    """
    if (rehearsed := noted(session, data, epochs)) is not None:
        return rehearsed
    refuse_unsupported(unsupported)
    loss = resolved(loss, model)
    check_training(model, data, optimizer, batch_size, epochs)
    check_options(optimizer, learning_rate, metrics)
    settings = Settings(
        epochs,
        batch_size,
        constant(learning_rate) if isinstance(learning_rate, int | float) else learning_rate,
        order or Order(),
        penalty,
        frozenset(sample_epochs),
        sample_size,
        (*probes, *([lambda moment: probe()] if probe else [])),
        tuple(metrics),
        diverged_factor,
        streamed,
    )
    note_unseeded(session, model)
    run = Run(model, with_loss_scale(optimizer, model), loss, data, session.seeds, settings)
    keys = run.keys(getattr(session, "place", None))
    start, saved = run.resume(session.checkpoints, keys), time.monotonic()
    for epoch in range(start + 1, epochs + 1):
        run.epoch(epoch)
        history = run.history
        session.progress(epoch, epochs, history.curves["train_loss"][-1])
        if history.diverged or (stop is not None and stop.reached(history.curves)):
            history.stopped = epoch < epochs
            break
        if epoch in fork_at or (epoch < epochs and time.monotonic() - saved > SAVE_EVERY_S):
            run.save(session.checkpoints, keys, epoch, keep=epoch in fork_at)
            saved = time.monotonic()
    history = run.finished()
    session.note_training(history, digest(run.program.get_state()), model)
    return history


def with_loss_scale(optimizer: Any, model: Any) -> Any:
    """The optimizer, with dynamic loss scaling where the model computes in mixed_float16, as `compile` does it."""
    import keras

    if model.dtype_policy.name != "mixed_float16" or hasattr(optimizer, "inner_optimizer"):
        return optimizer
    return keras.optimizers.LossScaleOptimizer(optimizer)


def snapshot(model: Any, optimizer: Any) -> Callable[[], None]:
    """Remember all variables of model and optimizer; the function it returns puts them back.

    Training the same model and optimizer on the same data again needs no compiling: a search restarts instead of building
    anew.
    """
    import keras

    optimizer.build(model.trainable_variables)
    variables = [*model.variables, *optimizer.variables]
    values = [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]

    def restore() -> None:
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)

    return restore


def evaluate(model: Any, x: np.ndarray, y: np.ndarray, loss: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """The loss (n,) and whether it is misclassified (n,) of each example, in inference mode.

    RecipeError for a loss that gives no number for an example.
    """
    import keras

    program = current_backend().program(model, keras.optimizers.SGD(), resolved(loss, model), 1, updates=1)
    found = program.per_sample(x, y)
    if np.isnan(found.losses).all() and np.isfinite(found.loss):
        raise RecipeError(
            f"The loss {program.objective.name} gives one number for all examples, none for each.\n"
            "Use a loss whose `call` returns a number for each example."
        )
    return found.losses, found.wrong
