"""A model's program on JAX: a compiled loop over the updates of an epoch, on Keras's stateless calls."""

import time
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from keras_reprise.engine.backends.interface import Evaluation, Plan
from keras_reprise.engine.backends.jax_compiling import (
    Examples,
    State,
    Updated,
    Values,
    compiled_alike,
    text,
    whole_and_rest,
)
from keras_reprise.engine.backends.jax_operations import faster
from keras_reprise.engine.batches import EVALUATION_BATCH, KEPT_BYTES, LatestPlaced, in_batches, outputs_and_mask
from keras_reprise.engine.configuration import traced_alike
from keras_reprise.engine.objective import Facts, Objective, mask_of, only
from keras_reprise.engine.selfcheck import Looked, reference
from keras_reprise.engine.structure import acts_on_single_examples

if TYPE_CHECKING:
    import keras


def device() -> str:
    """`gpu` with its count when JAX sees one, else `cpu`."""
    return f"gpu x{jax.local_device_count()}" if jax.default_backend() == "gpu" else "cpu"


UNROLLED = 4
"""Updates in one round of a loop on a GPU, which costs a small network a tenth less than a round each."""


class JaxProgram:
    """See `interface.Program`."""

    def __init__(self, plan: Plan) -> None:
        model, optimizer = plan.model, plan.optimizer
        self.model, self.optimizer, self.batch_size = model, optimizer, plan.batch_size
        self.objective = Objective(plan.loss)
        known = acts_on_single_examples(model, training=False)
        alone, self.evaluation_changes_state = self.objective.averages and known, not known
        self.evaluation_batch = EVALUATION_BATCH if alone else None
        self._penalties: Callable[[], Sequence[jax.Array]] = list
        self._keras = reference(lambda: self._penalties(), plan.loss)
        self.updates, self.scaling = max(1, plan.updates), plan.scaling
        if not optimizer.built:
            optimizer.build(model.trainable_variables)
        rate = getattr(getattr(optimizer, "inner_optimizer", optimizer), "_learning_rate", None)
        self._rate_index = next((i for i, v in enumerate(optimizer.variables) if v is rate), None)
        self.on_gpu = device() != "cpu"
        self.rewritten = True
        self._tested = LatestPlaced[Examples]()
        self._texts = ("", "")  # of an update's loss, rewritten and as written, once it is checked
        self._programs: dict[tuple[object, ...], jax.stages.Compiled] = {}
        alike, scaling = traced_alike(model, plan.loss, optimizer), [np.asarray(v).tolist() for v in plan.scaling or ()]
        self._alike = alike and f"{alike} {scaling}"
        self.compile_s = 0.0

    def place(self, x: np.ndarray, y: np.ndarray) -> Examples:
        return jnp.asarray(x), jnp.asarray(y)

    def variables(self) -> "tuple[list[keras.Variable], list[keras.Variable], list[keras.Variable]]":
        """Trainable ones, the model's others, the optimizer's; see `State`."""
        return self.model.trainable_variables, self.model.non_trainable_variables, self.optimizer.variables

    def state(self) -> State:
        """The values of all variables."""
        trainable, non_trainable, optimizer = ([v.value for v in group] for group in self.variables())
        return trainable, non_trainable, optimizer

    def _images(self, stored: jax.Array) -> jax.Array:
        if self.scaling is None or jnp.issubdtype(stored.dtype, jnp.floating):
            return stored
        return (stored.astype(jnp.float32) - self.scaling[0]) / self.scaling[1]

    def _forward(
        self, trainable: Values, non_trainable: Values, x: jax.Array, *, training: bool
    ) -> tuple[jax.Array, Values, Values]:
        """Outputs of a batch, the state after it, and the model's penalties."""
        outputs, non_trainable, penalties = self.model.stateless_call(
            trainable, non_trainable, self._images(x), training=training, return_losses=True
        )
        return outputs, non_trainable, penalties

    def _loss(
        self, y: jax.Array, outputs: jax.Array, penalties: Values, strength: jax.Array | float, *, training: bool
    ) -> jax.Array:
        """What `compute_loss` gives for a batch, its penalties times `strength`."""
        self._penalties = lambda: [strength * one for one in penalties]
        return self._keras.compute_loss(None, y, outputs, training=training)

    def _value(
        self,
        trainable: Values,
        non_trainable: Values,
        optimizer: Values,
        x: jax.Array,
        y: jax.Array,
        penalty: jax.Array,
    ) -> tuple[jax.Array, tuple[jax.Array, Values, jax.Array]]:
        """The loss that is minimised; the one that is told, the state after the batch, and its number of errors."""
        import keras

        outputs, non_trainable, penalties = self._forward(trainable, non_trainable, x, training=True)
        value, outputs = self._loss(y, outputs, penalties, penalty, training=True), only(outputs)
        mapping = list(zip(self.optimizer.variables, optimizer, strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            scaled = self.optimizer.scale_loss(value)
        wrong = jnp.sum(self.objective.wrong(y, outputs, _argmax))
        return scaled, (value.astype(jnp.float32), non_trainable, wrong)

    def _step(self, state: State, x: jax.Array, y: jax.Array, rate: jax.Array | None, penalty: jax.Array) -> Updated:
        trainable, non_trainable, optimizer = state
        if rate is not None:
            optimizer = [rate.astype(v.dtype) if i == self._rate_index else v for i, v in enumerate(optimizer)]
        gradient = jax.grad(faster(self._value) if self.rewritten else self._value, has_aux=True)
        grads, (value, non_trainable, wrong) = gradient(trainable, non_trainable, optimizer, x, y, penalty)
        trainable, optimizer = self.optimizer.stateless_apply(optimizer, grads, trainable)
        return (trainable, non_trainable, optimizer), value, wrong

    def steps(
        self,
        state: State,
        x: jax.Array,
        y: jax.Array,
        order: jax.Array,
        rates: jax.Array | None,
        penalty: jax.Array,
        n: jax.Array | int,
    ) -> Updated:
        """The first `n` updates on the batches `order` (updates, batch).

        As an array `n` is no shape, so that one program serves all; but after every update a GPU then waits until the
        host has looked whether it was the last.
        """
        losses, wrong = jnp.zeros(len(order), jnp.float32), jnp.zeros(len(order), jnp.int32)

        def one(i: jax.Array, carry: Updated) -> Updated:
            state, losses, wrong = carry
            index = order[i]
            state, value, errors = self._step(state, x[index], y[index], None if rates is None else rates[i], penalty)
            return state, losses.at[i].set(value), wrong.at[i].set(errors.astype(jnp.int32))

        unroll = min(UNROLLED, n) if isinstance(n, int) and self.on_gpu else None
        state, losses, wrong = jax.lax.fori_loop(0, n, one, (state, losses, wrong), unroll=unroll)
        return state, losses, wrong

    def whole(
        self, state: State, x: jax.Array, y: jax.Array, order: jax.Array, rates: jax.Array | None, penalty: jax.Array
    ) -> Updated:
        """All updates of the batches `order` (updates, batch), as many as it has."""
        return self.steps(state, x, y, order, rates, penalty, order.shape[0])

    def one_step(
        self, state: State, x: jax.Array, y: jax.Array, index: jax.Array, rate: jax.Array | None, penalty: jax.Array
    ) -> Updated:
        """One update on the examples `index` (batch,)."""
        return self._step(state, x[index], y[index], rate, penalty)

    def _call(
        self, state: State, data: Examples, order: np.ndarray, rates: np.ndarray | None, penalty: float
    ) -> Updated:
        """Run `order` (updates, batch), in one call where that is faster."""
        if self._looped:
            return self._call_looped(state, data, order, rates, penalty)
        found = []
        for i, index in enumerate(order):
            rate = None if rates is None else jnp.float32(rates[i])
            arguments = (state, *data, jnp.asarray(index, jnp.int32), rate, jnp.float32(penalty))
            state, value, wrong = self._program(("one", len(index), rate is None), self.one_step, arguments)(*arguments)
            found.append((value, wrong))
        losses, wrong = zip(*found, strict=True)
        return state, jnp.stack(losses), jnp.stack(wrong).astype(jnp.int32)

    def _call_looped(
        self, state: State, data: Examples, order: np.ndarray, rates: np.ndarray | None, penalty: float
    ) -> Updated:
        """One call; `order` is padded to the program's capacity where its batches are whole ones."""
        n, size = order.shape
        capacity = self.updates if size == self.batch_size else n
        if self.on_gpu and 1 < n == capacity:
            rate = None if rates is None else jnp.asarray(rates, jnp.float32)
            given = (state, *data, jnp.asarray(order, jnp.int32), rate, jnp.float32(penalty))
            updated: Updated = self._program(("whole", order.shape, rate is None, data[0].shape), self.whole, given)(
                *given
            )
            return updated
        padding = [(0, capacity - n), (0, 0)]
        arguments = (
            state,
            *data,
            jnp.asarray(np.pad(order, padding), jnp.int32),
            None if rates is None else jnp.asarray(np.pad(rates, padding[0]), jnp.float32),
            jnp.float32(penalty),
            jnp.int32(n),
        )
        key = ("loop", size, rates is None, data[0].shape, capacity)
        state, losses, wrong = self._program(key, self.steps, arguments)(*arguments)
        return state, losses[:n], wrong[:n]

    @cached_property
    def _looped(self) -> bool:
        """Whether an epoch is one call. In a loop, XLA's convolutions on a CPU take six times as long as outside."""
        return self.on_gpu or "conv_general_dilated" not in self._texts[not self.rewritten]

    def _program(
        self,
        key: tuple[object, ...],
        function: Callable[..., object],
        arguments: tuple[object, ...],
        donate: tuple[int, ...] = (0,),
    ) -> jax.stages.Compiled:
        if key not in self._programs:
            start = time.perf_counter()
            alike = self._alike and f"{self._alike} {self.rewritten} {key}"
            self._programs[key] = compiled_alike(alike, function, *arguments, donate=donate)
            self.compile_s += time.perf_counter() - start
        return self._programs[key]

    def run(
        self, data: Examples, order: np.ndarray, rates: np.ndarray | None, penalty: float = 1.0
    ) -> tuple[np.ndarray, np.ndarray]:
        state = self.state()
        size, parts = self.batch_size, []
        for batches, slot in whole_and_rest(order, rates, size, self.updates):
            state, losses, wrong = self._call(state, data, batches, slot, penalty)
            parts.append((losses, wrong))
        for variables, values in zip(self.variables(), state, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        losses, wrong = zip(*parts, strict=True)
        return np.concatenate(losses), np.concatenate(wrong)

    def evaluate(
        self, trainable: Values, non_trainable: Values, x: jax.Array, y: jax.Array
    ) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array, Values]:
        """Losses, errors, loss and penalty of a batch in inference mode, and the state after it."""
        outputs, non_trainable, penalties = self._forward(trainable, non_trainable, x, training=False)
        value = self._loss(y, outputs, [], 1.0, training=False).astype(jnp.float32)
        outputs = only(outputs)
        losses, wrong = self.objective.per_example(y, outputs), self.objective.wrong(y, outputs, _argmax)
        return losses, wrong, value, _sum(penalties), non_trainable

    def predict(
        self, trainable: Values, non_trainable: Values, x: jax.Array
    ) -> tuple[jax.Array, jax.Array | None, Values]:
        """Outputs of a batch in inference mode and their mask, and the state after it."""
        outputs, non_trainable, _ = self._forward(trainable, non_trainable, x, training=False)
        return only(outputs), mask_of(only(outputs)), non_trainable

    def _in_batches(
        self, name: str, function: Callable[..., object], batch: int | None, *arrays: np.ndarray
    ) -> list[list[np.ndarray | None]]:
        """What `function` gives for parts of the arrays; the state that it ends with is kept."""

        def call(*parts: jax.Array) -> list[jax.Array | None]:
            trainable, non_trainable, _ = self.state()
            arguments = (trainable, non_trainable, *parts)
            key = (name, parts[0].shape, parts[0].dtype)
            results: list[jax.Array | None]
            *results, state = self._program(key, function, arguments, donate=())(*arguments)
            for variable, value in zip(self.model.non_trainable_variables, state, strict=True):
                variable.assign(value)
            return results

        return in_batches(call, batch, *arrays)

    def per_sample(self, x: np.ndarray, y: np.ndarray) -> Evaluation:
        batch = self.evaluation_batch
        if self.on_gpu and batch is not None and not self.evaluation_changes_state and x.nbytes <= KEPT_BYTES:
            return self._per_sample_at_once(x, y, batch)
        return Evaluation.of(self._in_batches("evaluate", self.evaluate, batch, x, y))

    def _per_sample_at_once(self, x: np.ndarray, y: np.ndarray, batch: int) -> Evaluation:
        """In one call, which goes through the parts; the examples stay on the device until others are evaluated."""
        trainable, non_trainable, _ = self.state()
        arguments = (trainable, non_trainable, *self._tested.get(x, y, self.place))
        call = partial(self.evaluate_parts, batch=batch)
        parts = self._program(("evaluate parts", x.shape, x.dtype, batch), call, arguments, donate=())(*arguments)
        return Evaluation.of(jax.device_get(parts))

    def evaluate_parts(
        self, trainable: Values, non_trainable: Values, x: jax.Array, y: jax.Array, *, batch: int
    ) -> list[list[jax.Array]]:
        """What `evaluate` gives for all whole parts of `batch` examples, and for what is left; the state is as
        before."""
        function = faster(self.evaluate) if self.rewritten else self.evaluate
        whole = len(x) // batch

        def evaluated(part: Examples) -> list[jax.Array]:
            return list(function(trainable, non_trainable, *part))[:-1]

        found = []
        if whole:
            cut = [array[: whole * batch].reshape(whole, batch, *array.shape[1:]) for array in (x, y)]
            losses, wrong, values, penalties = jax.lax.map(evaluated, tuple(cut))
            found.append([losses.ravel(), wrong.ravel(), values[0], penalties[0]])
        if len(x) % batch:
            found.append(evaluated((x[whole * batch :], y[whole * batch :])))
        return found

    def outputs(self, x: np.ndarray, batch: int | None = None) -> tuple[np.ndarray, np.ndarray | None]:
        parts = self._in_batches("predict", self.predict, batch or self.evaluation_batch, x)
        return outputs_and_mask(parts)

    def look(self, x: np.ndarray, y: np.ndarray) -> Facts:
        import keras

        found: list[Facts] = []
        mapping = [(variable, variable.value) for variable in self.model.variables]  # which penalties of weights read

        def forward(x: jax.Array, y: jax.Array) -> int:
            with keras.StatelessScope(state_mapping=mapping):
                found.append(self.objective.look(self.model, self._images(x), y))
            return 0

        jax.eval_shape(forward, jnp.asarray(x), jnp.asarray(y))
        return found[0]

    def check(self, x: np.ndarray, y: np.ndarray, penalty: float) -> tuple[Looked, Looked]:
        """Both are traced to JAX's own text of what is computed; what has the same text has the same numbers and
        gradients.

        Only where the texts differ is anything computed, operation by operation, which takes JAX a second.
        """
        strength = jnp.float32(penalty)
        trainable, non_trainable, _ = self.state()
        arguments = (trainable, non_trainable, jnp.asarray(x), jnp.asarray(y))
        found = [self._compared(training, strength, arguments) for training in (True, False)]
        ours, keras_own = (Looked(found[0][k], found[1][k], None) for k in (0, 1))
        return self._with_rewritten(ours, keras_own, arguments, strength) if self.rewritten else (ours, keras_own)

    def _with_rewritten(
        self,
        ours: Looked,
        keras_own: Looked,
        arguments: tuple[Values, Values, jax.Array, jax.Array],
        strength: jax.Array,
    ) -> tuple[Looked, Looked]:
        """What the rewritten operations add to that: loss and gradients as they are trained with, and as written."""
        trainable, non_trainable, x, y = arguments
        inputs = (trainable, non_trainable, self.state()[2], x, y, strength)
        ways = faster(self._value), self._value
        self._texts = text(ways[0], inputs), text(ways[1], inputs)
        if self._texts[0] == self._texts[1]:
            self.rewritten = False
            return ours, keras_own
        ((rewritten, gradients), (plain, expected)) = (
            _loss_and_gradients(way, inputs, self._alike and f"{self._alike} checked {number}")
            for number, way in enumerate(ways)
        )
        same = plain if ours.training == keras_own.training == 0 else 0.0  # nothing was computed of equal texts
        return (
            Looked(ours.training + same + rewritten - plain, ours.inference, gradients),
            Looked(keras_own.training + same, keras_own.inference, expected),
        )

    def _compared(
        self, training: bool, strength: jax.Array, arguments: tuple[Values, Values, jax.Array, jax.Array]
    ) -> tuple[float, float]:
        """Our loss of a batch and Keras's; zeros where both are computed by the same operations."""
        import keras

        variables = [*self.model.trainable_variables, *self.model.non_trainable_variables]

        def ours(trainable: Values, non_trainable: Values, x: jax.Array, y: jax.Array) -> jax.Array:
            outputs, _, penalties = self._forward(trainable, non_trainable, x, training=training)
            return self._loss(y, outputs, penalties, strength, training=training)

        def keras_own(trainable: Values, non_trainable: Values, x: jax.Array, y: jax.Array) -> jax.Array:
            mapping = list(zip(variables, [*trainable, *non_trainable], strict=True))
            with keras.StatelessScope(collect_losses=True, state_mapping=mapping):
                inputs = self._images(x)
                outputs = self.model(inputs, training=training)
                penalties = self.model.losses
            model = reference(lambda: [strength * one for one in penalties], self.objective.loss)
            return model.compute_loss(inputs, y, outputs, training=training)

        if text(ours, arguments) == text(keras_own, arguments):
            return 0.0, 0.0
        return float(ours(*arguments)), float(keras_own(*arguments))

    def be_plain(self) -> bool:
        was, self.rewritten = self.rewritten, False
        return was

    def get_state(self) -> list[np.ndarray]:
        return [np.array(variable) for group in self.variables() for variable in group]

    def set_state(self, state: list[np.ndarray]) -> None:
        variables = [variable for group in self.variables() for variable in group]
        for variable, value in zip(variables, state, strict=True):
            variable.assign(value)


def _loss_and_gradients(
    way: Callable[..., object], inputs: tuple[object, ...], alike: str | None
) -> tuple[float, list[np.ndarray]]:
    """Computed on the host, where compiling takes a second, since what is compared does not depend on the device.

    `alike` as in `compiled_alike`.
    """
    with jax.default_device(jax.local_devices(backend="cpu")[0]):
        there = jax.tree.map(np.asarray, inputs)
        gradients, (loss, *_) = compiled_alike(alike, jax.grad(way, has_aux=True), *there)(*there)
    return float(loss), [np.asarray(gradient) for gradient in gradients]


def _argmax(outputs: jax.Array) -> jax.Array:
    return jnp.argmax(outputs, -1).astype(jnp.int32)


def _sum(penalties: Values) -> jax.Array:
    return sum((jnp.sum(one).astype(jnp.float32) for one in penalties), start=jnp.float32(0))
