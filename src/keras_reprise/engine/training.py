"""Training a Keras model with one call. Backend-neutral.

The order of the examples in epoch k depends on the seed and on k alone, so that training continued from a checkpoint,
and training of another arm from the epoch up to which both agree, gives the numbers of an uninterrupted training.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from keras_reprise.base.errors import RecipeError
from keras_reprise.datasets import Dataset
from keras_reprise.engine.backends.interface import Plan
from keras_reprise.engine.backends.start import current_backend
from keras_reprise.engine.checkpoint import digest
from keras_reprise.engine.checks import check_options, check_training, refuse_unsupported
from keras_reprise.engine.history import History
from keras_reprise.engine.objective import GivenLoss, resolved
from keras_reprise.engine.order import Order
from keras_reprise.engine.preparing import LatestProgram, prepare
from keras_reprise.engine.probes import Probe
from keras_reprise.engine.run import Training
from keras_reprise.engine.session import Session, note_unseeded, noted
from keras_reprise.engine.settings import DIVERGED_FACTOR, Rate, TrainingJob, TrainingSettings
from keras_reprise.engine.stopping import Stop

if TYPE_CHECKING:
    import keras

SAVE_EVERY_S = 30.0


def train(
    model: "keras.Model",
    data: Dataset,
    session: Session,
    *,
    optimizer: "keras.optimizers.Optimizer",
    epochs: int,
    batch_size: int = 100,
    learning_rate: Rate = None,
    loss: GivenLoss = None,
    order: Order | None = None,
    penalty: float = 1.0,
    stop: Stop | None = None,
    sample_epochs: Sequence[int] = (),
    sample_size: int = 5000,
    fork_at: Sequence[int] = (),
    probes: Sequence[Probe] = (),
    probe: Callable[[], Mapping[str, float]] | None = None,
    metrics: "Sequence[keras.metrics.Metric]" = (),
    diverged_factor: float | None = DIVERGED_FACTOR,
    streamed: bool | None = None,
    **unsupported: object,
) -> History:
    """Train `model` on `data` for `epochs` epochs and evaluate it on the test images after each.

    `learning_rate` is a rate per update, a schedule over epochs or a `Plateau`; None leaves the optimizer's own. `loss`
    is what `compile` takes for a single output (default: cross-entropy of logits and class indices). `order` says what
    an epoch reads (default: every example once, in a new order). `penalty` multiplies the model's penalties: with
    `L2(1.0)` in the layers it is the strength, which may then differ between arms without compiling anew. `stop` ends
    training early. `sample_epochs` (0 is before training) lists the epochs at which the losses of the first
    `sample_size` training images are kept. `probes` look into the network before training and after each epoch;
    `probe`, a function without arguments, is one that needs no `Moment`. `metrics` are Keras metrics of labels and
    outputs, taken on the test images after each epoch ("test_" and the metric's name).

    `fork_at` lists epochs whose state stays available to the replicate's other arms: an arm that agrees with an earlier
    one up to there (same initial weights, order, data, optimizer and rates) starts from it instead of training the same
    epochs again.

    The data stay on the device; with `streamed` they are brought there in parts, which is the default where they would
    take more than half of its free memory.

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
    settings = TrainingSettings(
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        order=order or Order(),
        penalty=penalty,
        sample_epochs=frozenset(sample_epochs),
        sample_size=sample_size,
        probes=(*probes, *([lambda moment: probe()] if probe else [])),
        metrics=tuple(metrics),
        diverged_factor=diverged_factor,
        streamed=streamed,
    )
    note_unseeded(session, model)
    scaled = with_loss_scale(optimizer, model)
    job = TrainingJob(model=model, optimizer=scaled, loss=loss, data=data, seeds=session.seeds, settings=settings)
    return _trained(job, session, stop=stop, fork_at=fork_at)


def _trained(job: TrainingJob, session: Session, *, stop: Stop | None, fork_at: Sequence[int]) -> History:
    """Train from the latest checkpoint that fits to the end, telling the session of every epoch."""
    latest: LatestProgram | None = getattr(session, "latest", None)
    training = Training(job, prepare(job) if latest is None else latest.prepare(job))
    keys, epochs = training.keys(getattr(session, "place", None)), job.settings.epochs
    start, saved = training.resume(session.checkpoints, keys, stop), time.monotonic()
    for epoch in range(start + 1, epochs + 1):
        training.epoch(epoch)
        history = training.history
        session.progress(epoch, epochs, history.curves["train_loss"][-1])
        if history.diverged or (stop is not None and stop.reached(history.curves)):
            history.stopped = epoch < epochs
            break
        if epoch in fork_at or (epoch < epochs and time.monotonic() - saved > SAVE_EVERY_S):
            training.save(session.checkpoints, keys, epoch, keep=epoch in fork_at)
            saved = time.monotonic()
    history = training.finished()
    session.note_training(history, digest(training.program.get_state()), job.model)
    return history


def with_loss_scale(optimizer: "keras.optimizers.Optimizer", model: "keras.Model") -> "keras.optimizers.Optimizer":
    """The optimizer, with dynamic loss scaling where the model computes in mixed_float16, as `compile` does it."""
    import keras

    if model.dtype_policy.name != "mixed_float16" or hasattr(optimizer, "inner_optimizer"):
        return optimizer
    return keras.optimizers.LossScaleOptimizer(optimizer)


def snapshot(model: "keras.Model", optimizer: "keras.optimizers.Optimizer") -> Callable[[], None]:
    """Remember all variables of model and optimizer; the function it returns puts them back.

    Training the same model and optimizer on the same data again needs no compiling: a search restarts instead of
    building anew.
    """
    import keras

    if not optimizer.built:
        optimizer.build(model.trainable_variables)
    variables = [*model.variables, *optimizer.variables]
    values = [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]

    def restore() -> None:
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)

    return restore


def evaluate(
    model: "keras.Model", x: np.ndarray, y: np.ndarray, loss: GivenLoss = None
) -> tuple[np.ndarray, np.ndarray]:
    """The loss (n,) and whether it is misclassified (n,) of each example, in inference mode.

    RecipeError for a loss that gives no number for an example.
    """
    import keras

    program = current_backend().program(Plan(model, keras.optimizers.SGD(), resolved(loss, model), batch_size=1))
    found = program.per_sample(x, y)
    if np.isnan(found.losses).all() and np.isfinite(found.loss):
        raise RecipeError(
            f"The loss {program.objective.name} gives one number for all examples, none for each.\n"
            "Use a loss whose `call` returns a number for each example."
        )
    return found.losses, found.wrong
