"""Several trainings of one network shape at once: replicates, or settings that change no shape."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from keras_reprise.base.errors import RecipeError
from keras_reprise.datasets import Dataset
from keras_reprise.engine.backends.interface import Ensemble, Evaluation
from keras_reprise.engine.backends.start import current_backend
from keras_reprise.engine.checkpoint import digest
from keras_reprise.engine.checks import check_options, check_training
from keras_reprise.engine.configuration import traced_alike
from keras_reprise.engine.history import History
from keras_reprise.engine.objective import GivenLoss, resolved
from keras_reprise.engine.order import Order
from keras_reprise.engine.preparing import prepare
from keras_reprise.engine.run import Training
from keras_reprise.engine.session import Session, note_unseeded, noted
from keras_reprise.engine.settings import TrainingJob, TrainingSettings
from keras_reprise.engine.training import train, with_loss_scale
from keras_reprise.schedules import Plateau, Schedule

if TYPE_CHECKING:
    import keras

TRIAL_UPDATES = 20


@dataclass(frozen=True)
class Member:
    """One of several trainings: its model (of the same shape as the others'), optimizer, replicate,
    rate and penalty."""

    model: "keras.Model"
    optimizer: "keras.optimizers.Optimizer"
    session: Session
    learning_rate: float | Schedule | None = None
    penalty: float = 1.0


def train_together(
    members: Sequence[Member],
    data: Dataset,
    *,
    epochs: int,
    batch_size: int = 100,
    loss: GivenLoss = None,
    order: Order | None = None,
    together: bool | None = None,
) -> list[History]:
    """Train every member on `data` as `train` would, and return their histories in the same order.

    On JAX the members can be computed at once (`vmap`), which fills a GPU that one small network leaves idle; the
    numbers are those of training one at a time, up to rounding. `together` None measures both ways for a few updates on
    a GPU and takes the faster; on a CPU, and on the other backends, the members are trained one after the other. So are
    members that differ in more than weights, seeds, rates and penalties (in momentum, a share of dropout, an
    activation), and those of which that is not known (`configuration.traced_alike`). A member that diverges ends there;
    the others go on. Step times of members trained at once are the whole's over their number.

    RecipeError when the members' weights differ in shape, or only some have a rate; with `together`, when they cannot
    be computed at once.
    """
    import keras

    if not members:
        raise RecipeError("There is nothing to train.\nGive one member or more.")
    rehearsed = [noted(member.session, data, epochs) for member in members]
    if rehearsed[0] is not None:
        return [history for history in rehearsed if history is not None]
    loss = resolved(loss, members[0].model)
    _check_alike(members)
    backend = current_backend()
    if together and backend.ensemble is None:
        raise RecipeError(
            f"The backend {keras.backend.backend()} trains one network at a time.\nUse jax, or leave `together` out."
        )
    wanted = together is not False and len(members) > 1 and (together or backend.device() != "cpu")
    if backend.ensemble is not None and wanted:
        settings = TrainingSettings(epochs=epochs, batch_size=batch_size, order=order or Order(), streamed=False)
        jobs = [_job(member, data, loss, settings) for member in members]
        if _compute_alike(jobs):
            at_once = _AtOnce([Training(job, prepare(job)) for job in jobs], backend.ensemble)
            if together or at_once.pays():
                return _train_at_once(at_once, [member.session for member in members])
        elif together:
            raise RecipeError(
                "The members differ in more than weights, seeds, rates and penalties, or that cannot be told.\n"
                "At once all would be trained as the first one is; leave `together` out, and each is trained by itself."
            )
    return [
        train(
            member.model, data, member.session, optimizer=member.optimizer, epochs=epochs, batch_size=batch_size,
            learning_rate=member.learning_rate, loss=loss, order=order, penalty=member.penalty,
        )
        for member in members
    ]  # fmt: skip


def _check_alike(members: Sequence[Member]) -> None:
    shapes = [[tuple(variable.shape) for variable in member.model.variables] for member in members]
    kinds = {type(member.optimizer).__name__ for member in members}
    if any(shape != shapes[0] for shape in shapes) or len(kinds) > 1:
        raise RecipeError(
            "The members differ in the shapes of their weights or in their optimizers.\nTrain those apart."
        )
    if len({member.learning_rate is None for member in members}) > 1:
        raise RecipeError("Only some members have a learning rate.\nGive it to all, or to none.")
    if any(isinstance(member.learning_rate, Plateau) for member in members):
        raise RecipeError(
            "A rate that follows a member's own curve cannot be trained together.\nUse `train` for these."
        )


def _compute_alike(jobs: Sequence[TrainingJob]) -> bool:
    """Whether an update is the same operations for all, on numbers of their own; False where that is not known."""
    texts = {traced_alike(job.model, optimizer=job.optimizer) for job in jobs}  # the loss is one object for all
    return len(texts) == 1 and None not in texts


def _job(member: Member, data: Dataset, loss: "keras.losses.Loss", settings: TrainingSettings) -> TrainingJob:
    check_training(member.model, data, member.optimizer, settings.batch_size, settings.epochs)
    check_options(member.optimizer, member.learning_rate, ())
    note_unseeded(member.session, member.model)
    return TrainingJob(
        model=member.model,
        optimizer=with_loss_scale(member.optimizer, member.model),
        loss=loss,
        data=data,
        seeds=member.session.seeds,
        settings=replace(settings, learning_rate=member.learning_rate, penalty=member.penalty),
    )


class _AtOnce:
    """Trainings of one shape on one data set, computed at once."""

    def __init__(self, trainings: Sequence[Training], kind: type[Ensemble]) -> None:
        self.trainings, self.first = trainings, trainings[0].job
        self.ensemble = kind([training.program for training in trainings])
        self.placed = trainings[0].program.place(self.first.data.stored_train, self.first.data.y_train)
        self.penalties = np.array([training.job.settings.penalty for training in trainings])

    def rates(self, epoch: int) -> np.ndarray | None:
        """Per member, the rates of an epoch (members, updates)."""
        rates = [one.job.settings.rates(epoch, one.job.updates, {}) for one in self.trainings]
        return None if rates[0] is None else np.stack([rate for rate in rates if rate is not None])

    def orders(self, epoch: int) -> list[np.ndarray]:
        """Per pass, the orders of all members (members, n)."""
        passes = [training.job.orders(epoch) for training in self.trainings]
        return [np.stack(orders) for orders in zip(*passes, strict=True)]

    def evaluated(self) -> list[Evaluation]:
        return self.ensemble.per_sample(self.first.data.stored_test, self.first.data.y_test)

    def pays(self) -> bool:
        """Whether a few updates of all members take less time at once than one member after the other."""
        size = self.first.settings.batch_size
        n = min(TRIAL_UPDATES * size, len(self.first.data.stored_train))
        orders, rates = self.orders(1)[0][:, :n], self.rates(1)
        rates = None if rates is None else rates[:, : -(-n // size)]
        states = [training.program.get_state() for training in self.trainings]
        one, alone, together = self.trainings[0].program, 0.0, 0.0
        for _ in range(2):  # the first round compiles
            start = time.perf_counter()
            self.ensemble.run(self.placed, orders, rates, self.penalties)
            middle = time.perf_counter()
            one.run(self.placed, orders[0], None if rates is None else rates[0], float(self.penalties[0]))
            together, alone = middle - start, time.perf_counter() - middle
        for training, state in zip(self.trainings, states, strict=True):
            training.program.set_state(state)
            training.program.compile_s = 0.0
        self.ensemble.compile_s = 0.0  # of the few updates
        return together < len(self.trainings) * alone

    def epoch(self, epoch: int) -> None:
        """One epoch of all members, and the history of those that have not diverged."""
        size, rates, done = self.first.settings.batch_size, self.rates(epoch), 0
        losses, wrong, sizes = [], [], []
        start, compiled = time.perf_counter(), self.ensemble.compile_s
        for orders in self.orders(epoch):
            n, total = -(-orders.shape[1] // size), orders.shape[1]
            mine = None if rates is None else rates[:, done : done + n]
            found = self.ensemble.run(self.placed, orders, mine, self.penalties)
            losses.append(found[0])
            wrong.append(found[1])
            sizes.append(np.minimum(size, total - size * np.arange(n)))
            done += n
        seconds = time.perf_counter() - start - (self.ensemble.compile_s - compiled)
        every, errors = np.concatenate(losses, axis=1), np.concatenate(wrong, axis=1)
        for k, (training, evaluated) in enumerate(zip(self.trainings, self.evaluated(), strict=True)):
            if not training.history.diverged:
                training.history.timing.step_s.append(seconds / done / len(self.trainings))
                training.record(epoch, every[k], errors[k], np.concatenate(sizes), evaluated)


def _train_at_once(at_once: _AtOnce, sessions: Sequence[Session]) -> list[History]:
    trainings, epochs = at_once.trainings, at_once.first.settings.epochs
    for training, found in zip(trainings, at_once.evaluated(), strict=True):
        training.history.initial = training.evaluate(0, found)
    for epoch in range(1, epochs + 1):
        going = [not training.history.diverged for training in trainings]
        if not any(going):
            break
        at_once.epoch(epoch)
        for training, session, goes in zip(trainings, sessions, going, strict=True):
            if goes:
                session.progress(epoch, epochs, training.history.curves["train_loss"][-1])
    histories = [training.finished() for training in trainings]
    for training, session, history in zip(trainings, sessions, histories, strict=True):
        history.timing.compile_s = at_once.ensemble.compile_s / len(trainings)
        history.stopped = history.diverged and history.epochs < epochs
        session.note_training(history, digest(training.program.get_state()), training.job.model)
    return histories
