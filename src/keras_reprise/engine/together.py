"""Several trainings of one network shape at once: replicates, or settings that change no shape."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_reprise.base.errors import RecipeError
from keras_reprise.datasets import Dataset
from keras_reprise.engine.backends import interface
from keras_reprise.engine.backends.start import current_backend
from keras_reprise.engine.checks import check_options, check_training
from keras_reprise.engine.history import History
from keras_reprise.engine.loop import DIVERGED_FACTOR, Run
from keras_reprise.engine.objective import resolved
from keras_reprise.engine.order import Order
from keras_reprise.engine.resume import digest
from keras_reprise.engine.settings import Settings
from keras_reprise.engine.training import Session, note_unseeded, noted, train, with_loss_scale
from keras_reprise.schedules import Plateau, Schedule, constant

TRIAL_UPDATES = 20


@dataclass(frozen=True)
class Member:
    """One of several trainings: its model (of the same shape as the others'), optimizer, replicate, rate and penalty."""

    model: Any
    optimizer: Any
    session: Session
    learning_rate: float | Schedule | None = None
    penalty: float = 1.0


def train_together(
    members: Sequence[Member],
    data: Dataset,
    *,
    epochs: int,
    batch_size: int = 100,
    loss: Any = None,
    order: Order | None = None,
    together: bool | None = None,
) -> list[History]:
    """Train every member on `data` as `train` would, and return their histories in the same order.

    On JAX the members can be computed at once (`vmap`), which fills a GPU that one small network leaves idle; the numbers
    are those of training one at a time, up to rounding. `together` None measures both ways for a few updates on a GPU and
    takes the faster; on a CPU, and on the other backends, the members are trained one after the other. A member that
    diverges ends there; the others go on. Step times of members trained at once are the whole's over their number.

    RecipeError when the members' weights differ in shape, or only some have a rate.
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
        runs = [_run(member, data, epochs, batch_size, loss, order or Order()) for member in members]
        if together or _pays(runs, backend.ensemble):
            return _train_at_once(runs, members, backend.ensemble)
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


def _run(member: Member, data: Dataset, epochs: int, batch_size: int, loss: Any, order: Order) -> Run:
    check_training(member.model, data, member.optimizer, batch_size, epochs)
    check_options(member.optimizer, member.learning_rate, ())
    rate = member.learning_rate
    settings = Settings(
        epochs, batch_size, constant(rate) if isinstance(rate, int | float) else rate, order, member.penalty,
        frozenset(), 0, (), (), DIVERGED_FACTOR, False,
    )  # fmt: skip
    note_unseeded(member.session, member.model)
    return Run(
        member.model, with_loss_scale(member.optimizer, member.model), loss, data, member.session.seeds, settings
    )


def _rates(runs: Sequence[Run], epoch: int) -> np.ndarray | None:
    rates = [run.settings.rates(epoch, run.updates, {}) for run in runs]
    return None if rates[0] is None else np.stack([rate for rate in rates if rate is not None])


def _orders(runs: Sequence[Run], epoch: int) -> list[np.ndarray]:
    """Per pass, the orders of all members (members, n)."""
    passes = [run.settings.order.of_epoch(run.seeds, run.data.y_train, epoch) for run in runs]
    return [np.stack(orders) for orders in zip(*passes, strict=True)]


def _pays(runs: Sequence[Run], kind: type[interface.Ensemble]) -> bool:
    """Whether a few updates of all members at once take less time than one member after the other."""
    n = min(TRIAL_UPDATES * runs[0].settings.batch_size, len(runs[0].data.stored_train))
    orders = _orders(runs, 1)[0][:, :n]
    updates = -(-n // runs[0].settings.batch_size)
    rates = _rates(runs, 1)
    rates = None if rates is None else rates[:, :updates]
    placed = runs[0].program.place(runs[0].data.stored_train, runs[0].data.y_train)
    states = [run.program.get_state() for run in runs]
    ensemble = kind([run.program for run in runs])
    penalties = np.array([run.settings.penalty for run in runs])
    single, seconds = runs[0].program, {}
    for _ in range(2):  # the first round compiles
        start = time.perf_counter()
        ensemble.run(placed, orders, rates, penalties)
        seconds["at once"] = time.perf_counter() - start
        start = time.perf_counter()
        single.run(placed, orders[0], None if rates is None else rates[0], float(penalties[0]))
        seconds["one"] = time.perf_counter() - start
    for run, state in zip(runs, states, strict=True):
        run.program.set_state(state)
        run.program.compile_s = 0.0
    return seconds["at once"] < len(runs) * seconds["one"]


def _train_at_once(runs: Sequence[Run], members: Sequence[Member], kind: type[interface.Ensemble]) -> list[History]:
    ensemble = kind([run.program for run in runs])
    placed = runs[0].program.place(runs[0].data.stored_train, runs[0].data.y_train)
    penalties = np.array([run.settings.penalty for run in runs])
    size, epochs = runs[0].settings.batch_size, runs[0].settings.epochs
    for run, found in zip(runs, _per_sample(runs, ensemble), strict=True):
        run.history.initial = run.evaluate(0, found)
    for epoch in range(1, epochs + 1):
        if all(run.history.diverged for run in runs):
            break
        rates, done, parts = _rates(runs, epoch), 0, []
        start, compiled = time.perf_counter(), ensemble.compile_s
        for orders in _orders(runs, epoch):
            n = -(-orders.shape[1] // size)
            parts.append(
                (
                    *ensemble.run(placed, orders, None if rates is None else rates[:, done : done + n], penalties),
                    n,
                    orders.shape[1],
                )
            )
            done += n
        seconds = time.perf_counter() - start - (ensemble.compile_s - compiled)
        losses, wrong = (np.concatenate([part[i] for part in parts], axis=1) for i in (0, 1))
        sizes = np.concatenate([np.minimum(size, total - size * np.arange(n)) for _, _, n, total in parts])
        evaluated = _per_sample(runs, ensemble)
        for k, (run, member) in enumerate(zip(runs, members, strict=True)):
            if run.history.diverged:
                continue
            run.history.timing.step_s.append(seconds / done / len(runs))
            run.record(epoch, losses[k], wrong[k], sizes, evaluated[k])
            member.session.progress(epoch, epochs, run.history.curves["train_loss"][-1])
    histories = []
    for run, member in zip(runs, members, strict=True):
        run.finished()
        run.history.timing.compile_s = ensemble.compile_s / len(runs)
        run.history.stopped = run.history.diverged and run.history.epochs < epochs
        member.session.note_training(run.history, digest(run.program.get_state()), member.model)
        histories.append(run.history)
    return histories


def _per_sample(runs: Sequence[Run], ensemble: interface.Ensemble) -> list[interface.Evaluation]:
    data = runs[0].data
    return ensemble.per_sample(data.stored_test, data.y_test)
