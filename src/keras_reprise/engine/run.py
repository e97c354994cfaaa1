"""One training in progress: epochs, evaluation, probes, divergence, and the history they make. Backend-neutral."""

import contextlib
import copy
import hashlib
import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from keras_reprise.base.errors import RecipeError
from keras_reprise.engine import selfcheck
from keras_reprise.engine.backends.interface import Evaluation
from keras_reprise.engine.checkpoint import Keys, packed, unpacked
from keras_reprise.engine.checks import first_call
from keras_reprise.engine.configuration import configured
from keras_reprise.engine.history import History
from keras_reprise.engine.preparing import Prepared, as_it_was
from keras_reprise.engine.probes import Moment, text_of, weight_names
from keras_reprise.engine.session import CheckpointStore
from keras_reprise.engine.settings import TrainingJob
from keras_reprise.engine.stopping import Stop
from keras_reprise.flops import training_flops
from keras_reprise.record.histogram import Histogram
from keras_reprise.schedules import Plateau

if TYPE_CHECKING:
    import keras


class Training:
    """One training in progress: the program, the history so far, and how both go into and come from a checkpoint."""

    def __init__(self, job: TrainingJob, prepared: Prepared) -> None:
        self.job, self.program, self.source = job, prepared.program, prepared.source
        self.classified, self.configuration = prepared.classified, prepared.configuration
        self._expected, self._compiled_before = prepared.taken(), prepared.program.compile_s
        self._first_loss = math.nan
        names = ("train_loss", "train_error", "test_loss", "test_error")
        self.history = History(curves={name: [] for name in names if self.classified or name.endswith("loss")})
        self._names = set(self.history.curves)
        for metric in job.settings.metrics:
            _add_name(f"test_{metric.name}", self._names, "metric")
        with contextlib.suppress(ValueError, TypeError):  # a layer that is not counted; a length that no shape tells
            self.history.flops_per_example = float(training_flops(job.model))
        self.history.timing.compile_s = prepared.new_s

    def _check_first_update(self, loss: float) -> None:
        """Compare what the compiled program says of its first batch with what Keras said;
        RecipeError when it is another."""
        expected, self._expected = self._expected, math.nan
        if math.isfinite(expected):
            ours, keras = (selfcheck.Looked(value, value, None) for value in (loss, expected))
            if differs := selfcheck.difference(ours, keras, self.job.model.compute_dtype):
                raise selfcheck.refusal(self.job.model, differs)

    def epoch(self, epoch: int) -> None:
        """Train one epoch and evaluate."""
        job, timing, size = self.job, self.history.timing, self.job.settings.batch_size
        rates = job.settings.rates(epoch, job.updates, self.history.curves)
        parts, sizes, done, timed, spent = [], [], 0, 0, 0.0
        for order in job.orders(epoch):
            n = -(-len(order) // size)
            first = timing.first_step_s is None  # the very first update is made, and timed, by itself
            for a, b in ((0, 1), (1, n)) if first and n > 1 else ((0, n),):
                mine = None if rates is None else rates[done + a : done + b]
                seconds, part = self._timed(order[a * size : b * size], mine)
                if first and a == 0 and epoch == 1:
                    self._check_first_update(float(part[0][0]))
                parts.append(part)
                if timing.first_step_s is None:
                    timing.first_step_s = seconds
                else:
                    timed, spent = timed + b - a, spent + seconds
            sizes.append(np.minimum(size, len(order) - size * np.arange(n)))
            done += n
        timing.step_s.append(spent / timed if timed else timing.first_step_s or 0.0)
        losses, wrong = (np.concatenate(column) for column in zip(*parts, strict=True))
        self.record(epoch, losses, wrong, np.concatenate(sizes))

    def _timed(self, order: np.ndarray, rates: np.ndarray | None) -> tuple[float, tuple[np.ndarray, np.ndarray]]:
        start, compiled = time.perf_counter(), self.program.compile_s
        with first_call(self.job.model) if math.isnan(self._first_loss) else contextlib.nullcontext():
            found = self.source.run(order, rates, self.job.settings.penalty)
        return time.perf_counter() - start - (self.program.compile_s - compiled), found

    def record(
        self,
        epoch: int,
        losses: np.ndarray,
        wrong: np.ndarray,
        sizes: np.ndarray,
        evaluated: Evaluation | None = None,
    ) -> None:
        """Add an epoch's updates (losses, errors and sizes of their batches) and its evaluation to the history."""
        history = self.history
        if epoch == 1:
            self._first_loss = float(losses[0])
        n = int(sizes.sum())
        mean = float((losses.astype(np.float64) * sizes).sum() / n)
        history.updates, history.examples = history.updates + len(losses), history.examples + n
        history.update_losses = np.concatenate([history.update_losses, losses.astype(np.float32)])
        history.curves["train_loss"].append(mean)
        if self.classified:
            history.curves["train_error"].append(float(wrong.sum() / n))
        history.diverged = not np.isfinite(losses).all() or self._above_factor(mean, self._first_loss)
        for name, value in self.evaluate(epoch, evaluated).items():
            history.curves.setdefault(name, []).append(value)

    def _above_factor(self, mean: float, first: float) -> bool:
        """Whether an epoch's mean loss is above `diverged_factor` times the first; no multiple of zero, or of a loss
        below it, tells that training diverged."""
        factor = self.job.settings.diverged_factor
        return factor is not None and first > 0 and mean > factor * first

    def evaluate(self, epoch: int, evaluated: Evaluation | None = None) -> dict[str, float]:
        """Evaluate on the test images (unless that was done), keep the per-sample losses, and ask the probes."""
        history, data, settings, program = self.history, self.job.data, self.job.settings, self.program
        start, compiled = time.perf_counter(), program.compile_s
        found = evaluated or program.per_sample(data.stored_test, data.y_test)
        history.timing.evaluation_s.append(time.perf_counter() - start - (program.compile_s - compiled))
        history.test_losses = _with_row(history.test_losses, found.losses.astype(np.float32))
        history.test_wrong = _with_row(history.test_wrong, found.wrong)
        if epoch in settings.sample_epochs:
            x, y = data.stored_train[: settings.sample_size], data.y_train[: settings.sample_size]
            with as_it_was(program):
                history.train_losses[epoch] = program.per_sample(x, y).losses.astype(np.float32)
        numbers = {"test_loss": found.loss + settings.penalty * found.penalty}
        if self.classified:
            numbers["test_error"] = float(found.wrong.mean())
        return numbers | self._metrics() | self._probed(epoch)

    def _metrics(self) -> dict[str, float]:
        if not self.job.settings.metrics:
            return {}
        with as_it_was(self.program):
            (outputs, mask), found = self.program.outputs(self.job.data.stored_test), {}
        masked = {} if mask is None else {"sample_weight": mask}
        for metric in self.job.settings.metrics:
            metric.reset_state()
            metric.update_state(self.job.data.y_test, outputs, **masked)
            found[f"test_{metric.name}"] = float(metric.result())
        return found

    def _probed(self, epoch: int) -> dict[str, float]:
        numbers: dict[str, float] = {}
        names, histograms = set(self._names), set[str]()
        for probe in self.job.settings.probes:
            for name, value in probe(self._moment(epoch)).items():
                if isinstance(value, Histogram):
                    _add_name(name, histograms, "probe")
                    self.history.histograms[f"{name} {epoch}"] = value
                else:
                    _add_name(name, names, "probe")
                    numbers[name] = float(value)
        return numbers

    def _moment(self, epoch: int) -> Moment:
        job, data = self.job, self.job.data

        def trial_update() -> dict[str, tuple[np.ndarray, np.ndarray]]:
            import keras

            def weights() -> list[np.ndarray]:
                return [np.array(keras.ops.convert_to_numpy(variable)) for variable in job.model.trainable_variables]

            state, before = self.program.get_state(), weights()
            order = job.orders(epoch + 1)[0][: job.settings.batch_size]
            rates = job.settings.rates(epoch + 1, job.updates, self.history.curves)
            self.source.run(order, None if rates is None else rates[:1], job.settings.penalty)
            after = weights()
            self.program.set_state(state)
            return dict(zip(weight_names(job.model), zip(before, after, strict=True), strict=True))

        return Moment(
            epoch=epoch,
            model=job.model,
            loss=job.loss,
            examples=lambda n: (data.scaled(data.stored_train[:n]), data.y_train[:n]),
            trial_update=trial_update,
        )

    def keys(self, place: str | None) -> list[tuple[str, str]]:
        """Two keys per epoch 0..epochs for the checkpoints: the one by which other arms that agree up to there find the
        state, and the one of this training alone; none where nothing tells this training from others.

        `place` says which training of which arm this is. Where the configurations of model, optimizer, loss and metrics
        and the texts of the probes do not say all, both keys are of this training alone.
        """
        settings = self.job.settings
        parts = [self.configuration, configured(self.program.optimizer), configured(self.job.loss)]
        parts += [*map(configured, settings.metrics), *map(text_of, settings.probes)]
        whole = None not in parts
        if not whole and place is None:
            return []
        fed_back = settings.learning_rate if isinstance(settings.learning_rate, Plateau) else None
        keys = Keys(
            parts,
            self.job.data,
            self.program.get_state(),
            decayed=_decayed(self.program.optimizer, self.job.model.trainable_variables),
            seed=self.job.seeds.seed,
            batch_size=settings.batch_size,
            order=repr(settings.order),
            plateau=repr(fed_back),
            penalty=settings.penalty,
            sampling=(sorted(settings.sample_epochs), settings.sample_size),
            metrics=[metric.name for metric in settings.metrics],
        )
        for epoch in range(1, settings.epochs + 1):
            keys.add(None if fed_back else settings.rates(epoch, self.job.updates, {}))
        own = [key if place is None else hashlib.sha256(f"{place} {key}".encode()).hexdigest() for key in keys.keys]
        return list(zip(keys.keys if whole else own, own, strict=True))

    def resume(
        self, checkpoints: CheckpointStore | None, keys: Sequence[tuple[str, str]], stop: Stop | None = None
    ) -> int:
        """Continue from the last checkpoint that fits; returns the epoch reached (0: from the start).

        None fits that lies where this training has ended before, by `stop` or as diverged: another arm went on there.
        """
        found = checkpoints.load([key for pair in keys[1:] for key in pair]) if checkpoints and keys else None
        if found is None:
            with first_call(self.job.model), as_it_was(self.program):  # `fit` does not evaluate before it trains
                self.history.initial = self.evaluate(0)
            return 0
        key, arrays = found
        history = copy.deepcopy(self.history)
        state, first = unpacked(arrays, history)
        if ended := self._ended(history, first, stop):
            return self.resume(checkpoints, keys[:ended], stop)
        self.history, self._first_loss = history, first
        self.program.set_state(state)
        return next(epoch for epoch, pair in enumerate(keys) if key in pair)

    def _ended(self, history: History, first: float, stop: Stop | None) -> int | None:
        """The first epoch of a history after which this training would have ended; None where there is none."""
        for epoch in range(1, history.epochs + 1):
            curves = {name: values[:epoch] for name, values in history.curves.items()}
            if self._above_factor(curves["train_loss"][-1], first) or (stop is not None and stop.reached(curves)):
                return epoch
        return None

    def save(
        self, checkpoints: CheckpointStore | None, keys: Sequence[tuple[str, str]], epoch: int, *, keep: bool
    ) -> None:
        """Keep the state and the history after `epoch`, for other arms where it is to be kept."""
        if checkpoints is not None and keys:
            shared, own = keys[epoch]
            arrays = packed(self.program.get_state(), self.history, self._first_loss)
            checkpoints.save(shared if keep else own, arrays, keep=keep)

    def finished(self) -> History:
        """The history, with the time spent on compiling; the averaged weights are put in, as at the end of `fit`."""
        if self.job.settings.epochs:
            self.program.optimizer.finalize_variable_values(self.job.model.trainable_variables)
        self.history.timing.compile_s += self.program.compile_s - self._compiled_before
        return self.history


def _add_name(name: str, names: set[str], kind: str) -> None:
    """Add what a metric or a probe gives to the names that there are; RecipeError where it is one of them."""
    if name in names:
        raise RecipeError(
            f"A {kind} gives {name}, which training itself, a metric or another probe gives, too.\n"
            "Give it a name of its own; that of a metric is set with name=."
        )
    names.add(name)


def _decayed(optimizer: "keras.optimizers.Optimizer", variables: "Sequence[keras.Variable]") -> list[bool]:
    """Of each variable whether weight decay is for it: what `exclude_from_weight_decay` leaves out stands in no
    configuration."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    return [inner._use_weight_decay(variable) for variable in variables] if hasattr(inner, "_use_weight_decay") else []


def _with_row(rows: np.ndarray, row: np.ndarray) -> np.ndarray:
    return row[None] if rows.size == 0 else np.concatenate([rows, row[None]])
