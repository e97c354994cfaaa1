"""The engine on JAX: a compiled loop over the updates of an epoch, on Keras's stateless calls.

Executables are kept by the text of what was compiled, so that a search compiles once per shape. Several models of one shape
are trained at once in `_jax_together`.
"""

import hashlib
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from keras_reprise.engine.backends.interface import EVALUATION_BATCH, Evaluation, Scaling, in_batches, output_gradient
from keras_reprise.engine.objective import Facts, Objective, mask_of, only
from keras_reprise.engine.selfcheck import Looked, reference
from keras_reprise.engine.structure import acts_on_single_examples

KEPT_EXECUTABLES = 16
_executables: OrderedDict[str, Any] = OrderedDict()


def compiled(function: Any, *arguments: Any, donate: tuple[int, ...] = ()) -> Any:
    """The executable of `function` for these arguments, compiled unless one of the same text is kept."""
    lowered = jax.jit(function, donate_argnums=donate).lower(*arguments)
    key = hashlib.sha256(lowered.as_text().encode()).hexdigest()
    if key not in _executables:
        _executables[key] = lowered.compile()
        if len(_executables) > KEPT_EXECUTABLES:
            _executables.popitem(last=False)
    _executables.move_to_end(key)
    return _executables[key]


class JaxProgram:
    """See `backend.Program`."""

    def __init__(
        self, model: Any, optimizer: Any, loss: Any, batch_size: int, *, updates: int, scaling: Scaling = None
    ) -> None:
        self.model, self.optimizer, self.batch_size = model, optimizer, batch_size
        self.objective = Objective(loss)
        known = acts_on_single_examples(model, training=False)
        alone, self.evaluation_changes_state = self.objective.averages and known, not known
        self.evaluation_batch = EVALUATION_BATCH if alone else None
        self._penalties: Callable[[], Sequence[Any]] = list
        self._keras = reference(lambda: self._penalties(), loss)
        self.updates, self.scaling = max(1, updates), scaling
        optimizer.build(model.trainable_variables)
        rate = getattr(getattr(optimizer, "inner_optimizer", optimizer), "_learning_rate", None)
        self._rate_index = next((i for i, v in enumerate(optimizer.variables) if v is rate), None)
        # In a loop, XLA's convolutions on a CPU take six times as long as outside of one.
        self.looped = device() != "cpu" or not any("Conv" in type(layer).__name__ for layer in model.layers)
        self._programs: dict[Any, Any] = {}
        self.compile_s = 0.0

    def place(self, x: np.ndarray, y: np.ndarray) -> Any:
        return jnp.asarray(x), jnp.asarray(y)

    def variables(self) -> tuple[list[Any], list[Any], list[Any]]:
        return self.model.trainable_variables, self.model.non_trainable_variables, self.optimizer.variables

    def _images(self, stored: Any) -> Any:
        if self.scaling is None or jnp.issubdtype(stored.dtype, jnp.floating):
            return stored
        return (stored.astype(jnp.float32) - self.scaling[0]) / self.scaling[1]

    def _forward(self, trainable: Any, non_trainable: Any, x: Any, *, training: bool) -> Any:
        """Outputs of a batch, the state after it, and the model's penalties."""
        return self.model.stateless_call(
            trainable, non_trainable, self._images(x), training=training, return_losses=True
        )

    def _loss(self, y: Any, outputs: Any, penalties: Sequence[Any], strength: Any, *, training: bool) -> Any:
        """What `compute_loss` gives for a batch, its penalties times `strength`."""
        self._penalties = lambda: [strength * one for one in penalties]
        return self._keras.compute_loss(None, y, outputs, training=training)

    def _value(self, trainable: Any, non_trainable: Any, optimizer: Any, x: Any, y: Any, penalty: Any) -> Any:
        outputs, non_trainable, penalties = self._forward(trainable, non_trainable, x, training=True)
        value, outputs = self._loss(y, outputs, penalties, penalty, training=True), only(outputs)
        mapping = list(zip(self.optimizer.variables, optimizer, strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            scaled = self.optimizer.scale_loss(value)
        wrong = jnp.sum(self.objective.wrong(y, outputs, _argmax))
        return scaled, (value.astype(jnp.float32), non_trainable, wrong)

    def _step(self, state: Any, x: Any, y: Any, rate: Any, penalty: Any) -> Any:
        trainable, non_trainable, optimizer = state
        if rate is not None:
            optimizer = [rate.astype(v.dtype) if i == self._rate_index else v for i, v in enumerate(optimizer)]
        gradient = jax.grad(self._value, has_aux=True)
        grads, (value, non_trainable, wrong) = gradient(trainable, non_trainable, optimizer, x, y, penalty)
        trainable, optimizer = self.optimizer.stateless_apply(optimizer, grads, trainable)
        return (trainable, non_trainable, optimizer), value, wrong

    def steps(self, state: Any, x: Any, y: Any, order: Any, rates: Any, penalty: Any, n: Any) -> Any:
        """The first `n` updates on the batches `order` (updates, batch); `n` is no shape, so one program serves all."""
        losses, wrong = jnp.zeros(len(order), jnp.float32), jnp.zeros(len(order), jnp.int32)

        def one(i: Any, carry: Any) -> Any:
            state, losses, wrong = carry
            index = order[i]
            state, value, errors = self._step(state, x[index], y[index], None if rates is None else rates[i], penalty)
            return state, losses.at[i].set(value), wrong.at[i].set(errors.astype(jnp.int32))

        return jax.lax.fori_loop(0, n, one, (state, losses, wrong))

    def one_step(self, state: Any, x: Any, y: Any, index: Any, rate: Any, penalty: Any) -> Any:
        """One update on the examples `index` (batch,)."""
        return self._step(state, x[index], y[index], rate, penalty)

    def _call(self, state: Any, data: Any, order: np.ndarray, rates: np.ndarray | None, penalty: float) -> Any:
        """Run `order` (updates, batch), in one call where that is faster."""
        if self.looped:
            return self._call_looped(state, data, order, rates, penalty)
        found = []
        for i, index in enumerate(order):
            rate = None if rates is None else jnp.float32(rates[i])
            arguments = (state, *data, jnp.asarray(index, jnp.int32), rate, jnp.float32(penalty))
            state, value, wrong = self._program(("one", len(index), rate is None), self.one_step, arguments)(*arguments)
            found.append((value, wrong))
        losses, wrong = zip(*found, strict=True)
        return state, jnp.stack(losses), jnp.stack(wrong).astype(jnp.int32)

    def _call_looped(self, state: Any, data: Any, order: np.ndarray, rates: np.ndarray | None, penalty: float) -> Any:
        """One call; `order` is padded to the program's capacity where its batches are whole ones."""
        n, size = order.shape
        capacity = self.updates if size == self.batch_size else n
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

    def _program(self, key: Any, function: Any, arguments: Any, donate: tuple[int, ...] = (0,)) -> Any:
        if key not in self._programs:
            start = time.perf_counter()
            self._programs[key] = compiled(function, *arguments, donate=donate)
            self.compile_s += time.perf_counter() - start
        return self._programs[key]

    def run(
        self, data: Any, order: np.ndarray, rates: np.ndarray | None, penalty: float = 1.0
    ) -> tuple[np.ndarray, np.ndarray]:
        state = tuple([v.value for v in group] for group in self.variables())
        size, parts = self.batch_size, []
        for batches, slot in whole_and_rest(order, rates, size, self.updates):
            state, losses, wrong = self._call(state, data, batches, slot, penalty)
            parts.append((losses, wrong))
        for variables, values in zip(self.variables(), state, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        losses, wrong = zip(*parts, strict=True)
        return np.concatenate(losses), np.concatenate(wrong)

    def evaluate(self, trainable: Any, non_trainable: Any, x: Any, y: Any) -> Any:
        """Losses, errors, loss and penalty of a batch in inference mode, and the state after it."""
        outputs, non_trainable, penalties = self._forward(trainable, non_trainable, x, training=False)
        value = self._loss(y, outputs, [], 1.0, training=False).astype(jnp.float32)
        outputs = only(outputs)
        losses, wrong = self.objective.per_example(y, outputs), self.objective.wrong(y, outputs, _argmax)
        return losses, wrong, value, _sum(penalties), non_trainable

    def predict(self, trainable: Any, non_trainable: Any, x: Any) -> Any:
        """Outputs of a batch in inference mode and their mask, and the state after it."""
        outputs, non_trainable, _ = self._forward(trainable, non_trainable, x, training=False)
        return only(outputs), mask_of(only(outputs)), non_trainable

    def _in_batches(self, name: str, function: Any, batch: int | None, *arrays: np.ndarray) -> list[Any]:
        """What `function` gives for parts of the arrays; the state that it ends with is kept."""

        def call(*parts: Any) -> Any:
            trainable, non_trainable, _ = ([v.value for v in group] for group in self.variables())
            arguments = (trainable, non_trainable, *parts)
            key = (name, parts[0].shape, parts[0].dtype)
            *results, state = self._program(key, function, arguments, donate=())(*arguments)
            for variable, value in zip(self.model.non_trainable_variables, state, strict=True):
                variable.assign(value)
            return results

        return in_batches(call, batch, *arrays)

    def per_sample(self, x: np.ndarray, y: np.ndarray) -> Evaluation:
        return Evaluation.of(self._in_batches("evaluate", self.evaluate, self.evaluation_batch, x, y))

    def outputs(self, x: np.ndarray, batch: int | None = None) -> tuple[np.ndarray, np.ndarray | None]:
        parts = self._in_batches("predict", self.predict, batch or self.evaluation_batch, x)
        outputs, masks = zip(*parts, strict=True)
        return np.concatenate(outputs), None if masks[0] is None else np.concatenate(masks)

    def look(self, x: np.ndarray, y: np.ndarray) -> Facts:
        found: list[Facts] = []

        def forward(x: Any, y: Any) -> Any:
            with keras.StatelessScope():
                found.append(self.objective.look(self.model, self._images(x), y))
            return 0

        jax.eval_shape(forward, jnp.asarray(x), jnp.asarray(y))
        return found[0]

    def check(self, x: np.ndarray, y: np.ndarray, penalty: float) -> tuple[Looked, Looked]:
        """Both are traced to JAX's own text of what is computed; what has the same text has the same numbers and gradients.

        Only where the texts differ is anything computed, operation by operation, which takes JAX a second.
        """
        strength = jnp.float32(penalty)
        state = [[v.value for v in group] for group in self.variables()[:2]]
        arguments = (*state, jnp.asarray(x), jnp.asarray(y))
        found = [self._compared(training, strength, arguments) for training in (True, False)]
        return Looked(found[0][0], found[1][0], None), Looked(found[0][1], found[1][1], None)

    def _compared(self, training: bool, strength: Any, arguments: Any) -> tuple[float, float]:
        """Our loss of a batch and Keras's; zeros where both are computed by the same operations."""
        variables = [*self.model.trainable_variables, *self.model.non_trainable_variables]

        def ours(trainable: Any, non_trainable: Any, x: Any, y: Any) -> Any:
            outputs, _, penalties = self._forward(trainable, non_trainable, x, training=training)
            return self._loss(y, outputs, penalties, strength, training=training)

        def keras_own(trainable: Any, non_trainable: Any, x: Any, y: Any) -> Any:
            mapping = list(zip(variables, [*trainable, *non_trainable], strict=True))
            with keras.StatelessScope(collect_losses=True, state_mapping=mapping):
                inputs = self._images(x)
                outputs = self.model(inputs, training=training)
                penalties = self.model.losses
            model = reference(lambda: [strength * one for one in penalties], self.objective.loss)
            return model.compute_loss(inputs, y, outputs, training=training)

        if _text(ours, arguments) == _text(keras_own, arguments):
            return 0.0, 0.0
        return float(ours(*arguments)), float(keras_own(*arguments))

    def be_plain(self) -> bool:
        return False

    def get_state(self) -> list[np.ndarray]:
        return [np.array(variable) for group in self.variables() for variable in group]

    def set_state(self, state: list[np.ndarray]) -> None:
        variables = [variable for group in self.variables() for variable in group]
        for variable, value in zip(variables, state, strict=True):
            variable.assign(value)


def whole_and_rest(order: np.ndarray, rates: np.ndarray | None, size: int, capacity: int) -> list[Any]:
    """Cut an order (n,) into stretches of whole batches (updates, size), and the remainder (1, rest), with their rates."""
    whole = len(order) // size
    pieces = [(start, min(start + capacity, whole)) for start in range(0, whole, capacity)]
    cut = [(order[a * size : b * size].reshape(b - a, size), None if rates is None else rates[a:b]) for a, b in pieces]
    if len(order) % size:
        cut.append((order[None, whole * size :], None if rates is None else rates[whole : whole + 1]))
    return cut


def _text(function: Any, arguments: Any) -> str:
    """What JAX would compile, as text, without addresses of this process."""
    return re.sub(r" at 0x[0-9a-f]+", "", str(jax.make_jaxpr(function)(*arguments)))


def _argmax(outputs: Any) -> Any:
    return jnp.argmax(outputs, -1).astype(jnp.int32)


def _sum(penalties: Any) -> Any:
    return sum((jnp.sum(one).astype(jnp.float32) for one in penalties), start=jnp.float32(0))


def gradients(
    model: Any, inputs: list[np.ndarray], y: np.ndarray, loss: Any
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """See `gradients.gradients`."""
    non_trainable = [variable.value for variable in model.non_trainable_variables]

    def value(trainable: Any, tensors: Any) -> Any:
        outputs, _ = model.stateless_call(
            trainable, non_trainable, tensors if len(tensors) > 1 else tensors[0], training=False
        )
        return Objective(loss).value(jnp.asarray(y), outputs)

    trainable = [variable.value for variable in model.trainable_variables]
    weights, flows = jax.jit(jax.grad(value, argnums=(0, 1)))(trainable, [jnp.asarray(tensor) for tensor in inputs])
    return [np.asarray(gradient) for gradient in weights], [np.asarray(gradient) for gradient in flows]


def timed_call(model: Any, x: np.ndarray, backward: bool) -> Callable[[], None]:
    """One compiled call of `model` on `x`, which returns when it is done; see `timing.timed_calls`."""
    trainable, non_trainable = (
        [v.value for v in group] for group in (model.trainable_variables, model.non_trainable_variables)
    )
    images = jnp.asarray(x)

    def forward(trainable: Any, images: Any) -> Any:
        return model.stateless_call(trainable, non_trainable, images, training=backward)[0]

    flow = jnp.asarray(output_gradient(jax.eval_shape(forward, trainable, images).shape))

    def gradient(trainable: Any, images: Any, flow: Any) -> Any:
        outputs, backward = jax.vjp(forward, trainable, images)
        return outputs, backward(flow)  # the outputs, too, lest a linear layer leaves its forward pass out

    arguments = (trainable, images, flow) if backward else (trainable, images)
    call = jax.jit(gradient if backward else forward).lower(*arguments).compile()

    def finished() -> None:
        jax.block_until_ready(call(*arguments))

    return finished


def device() -> str:
    """`gpu` with its count when JAX sees one, else `cpu`."""
    return f"gpu x{jax.local_device_count()}" if jax.default_backend() == "gpu" else "cpu"


def free_bytes() -> int | None:
    """Memory that is free on the GPU, None where JAX does not tell."""
    stats = jax.local_devices()[0].memory_stats() or {}
    return stats["bytes_limit"] - stats["bytes_in_use"] if "bytes_limit" in stats else None


def use_tf32(allowed: bool) -> None:
    """Whether float32 products may be rounded to TF32 on a GPU."""
    if device() == "cpu":
        return
    jax.config.update("jax_default_matmul_precision", "tensorfloat32" if allowed else "highest")


def be_deterministic() -> None:
    """XLA reads its flag (see `backend.choose`) when it starts; nothing is left to do."""


def settings() -> dict[str, Any]:
    """What decides speed and rounding here."""
    return {
        "xla": True,
        "matmul_precision": str(jax.config.jax_default_matmul_precision),
        "x64": bool(jax.config.jax_enable_x64),
    }


Program = JaxProgram
