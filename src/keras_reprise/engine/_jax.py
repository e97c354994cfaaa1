"""The engine on JAX: a `lax.scan` over the updates of an epoch, on Keras's stateless calls."""

import time
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

EVALUATION_BATCH = 500


class JaxProgram:
    """See `backend.Program`."""

    def __init__(self, model: Any, optimizer: Any, loss: Any, x: np.ndarray, y: np.ndarray, batch_size: int) -> None:
        self.model, self.optimizer, self.loss = model, optimizer, loss
        self.x, self.y, self.batch_size = jnp.asarray(x), jnp.asarray(y), batch_size
        optimizer.build(model.trainable_variables)
        self._rate_index = next(
            (i for i, v in enumerate(optimizer.variables) if v is getattr(optimizer, "_learning_rate", None)), None
        )
        self._compiled: dict[Any, Any] = {}
        self._evaluate = jax.jit(self._evaluate_batch)
        self.compile_s = 0.0

    def _variables(self) -> tuple[list[Any], list[Any], list[Any]]:
        return self.model.trainable_variables, self.model.non_trainable_variables, self.optimizer.variables

    def _value(self, trainable: Any, non_trainable: Any, x: Any, y: Any) -> Any:
        outputs, non_trainable, penalties = self.model.stateless_call(
            trainable, non_trainable, x, training=True, return_losses=True
        )
        value = jnp.mean(self.loss.call(y, outputs)) + sum(penalties, start=jnp.float32(0))
        return value, (non_trainable, jnp.sum(_wrong(y, outputs)))

    def _step(self, x_all: Any, y_all: Any, state: Any, batch: Any) -> Any:
        trainable, non_trainable, optimizer = state
        index, rate = batch
        if rate is not None:
            optimizer = [rate.astype(v.dtype) if i == self._rate_index else v for i, v in enumerate(optimizer)]
        gradient = jax.value_and_grad(self._value, has_aux=True)
        (value, (non_trainable, wrong)), grads = gradient(trainable, non_trainable, x_all[index], y_all[index])
        trainable, optimizer = self.optimizer.stateless_apply(optimizer, grads, trainable)
        return (trainable, non_trainable, optimizer), (value, wrong)

    def _epoch(self, state: Any, x: Any, y: Any, order: Any, rates: Any) -> Any:
        size = self.batch_size
        full = order.shape[0] // size
        step = partial(self._step, x, y)
        parts = []
        if full:
            batches = (order[: full * size].reshape(full, size), None if rates is None else rates[:full])
            state, part = jax.lax.scan(step, state, batches)
            parts.append(part)
        if order.shape[0] % size:
            state, (value, wrong) = step(state, (order[full * size :], None if rates is None else rates[full]))
            parts.append((value[None], wrong[None]))
        losses, wrong = zip(*parts, strict=True)
        return state, (jnp.concatenate(losses), jnp.concatenate(wrong))

    def run_epoch(self, order: np.ndarray, rates: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        state = tuple([v.value for v in group] for group in self._variables())
        arguments = (
            state,
            self.x,
            self.y,
            jnp.asarray(order, jnp.int32),
            None if rates is None else jnp.asarray(rates, jnp.float32),
        )
        key = (len(order), rates is None)
        if key not in self._compiled:
            start = time.perf_counter()
            self._compiled[key] = jax.jit(self._epoch, donate_argnums=0).lower(*arguments).compile()
            self.compile_s += time.perf_counter() - start
        state, (losses, wrong) = self._compiled[key](*arguments)
        for variables, values in zip(self._variables(), state, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        return np.asarray(losses), np.asarray(wrong)

    def _evaluate_batch(self, trainable: Any, non_trainable: Any, x: Any, y: Any) -> Any:
        outputs, _, penalties = self.model.stateless_call(
            trainable, non_trainable, x, training=False, return_losses=True
        )
        return self.loss.call(y, outputs), _wrong(y, outputs), sum(penalties, start=jnp.float32(0))

    def per_sample(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        trainable, non_trainable, _ = ([v.value for v in group] for group in self._variables())
        parts = [
            self._evaluate(trainable, non_trainable, x[i : i + EVALUATION_BATCH], y[i : i + EVALUATION_BATCH])
            for i in range(0, len(x), EVALUATION_BATCH)
        ]
        losses, wrong, penalties = zip(*parts, strict=True)
        return np.concatenate(losses), np.concatenate(wrong), float(penalties[0])

    def get_state(self) -> list[np.ndarray]:
        return [np.array(variable) for group in self._variables() for variable in group]

    def set_state(self, state: list[np.ndarray]) -> None:
        variables = [variable for group in self._variables() for variable in group]
        for variable, value in zip(variables, state, strict=True):
            variable.assign(value)


def _wrong(y: Any, outputs: Any) -> Any:
    return jnp.argmax(outputs, -1) != y


def gradients(
    model: Any, inputs: list[np.ndarray], y: np.ndarray, loss: Any
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """See `gradients.gradients`."""
    non_trainable = [variable.value for variable in model.non_trainable_variables]

    def value(trainable: Any, tensors: Any) -> Any:
        outputs, _ = model.stateless_call(
            trainable, non_trainable, tensors if len(tensors) > 1 else tensors[0], training=False
        )
        return jnp.mean(loss.call(jnp.asarray(y), outputs))

    trainable = [variable.value for variable in model.trainable_variables]
    weights, flows = jax.jit(jax.grad(value, argnums=(0, 1)))(trainable, [jnp.asarray(tensor) for tensor in inputs])
    return [np.asarray(gradient) for gradient in weights], [np.asarray(gradient) for gradient in flows]


def device() -> str:
    """`gpu` with its count when JAX sees one, else `cpu`."""
    return f"gpu x{jax.local_device_count()}" if jax.default_backend() == "gpu" else "cpu"


def settings() -> dict[str, Any]:
    """What decides speed and rounding here."""
    return {
        "xla": True,
        "matmul_precision": str(jax.config.jax_default_matmul_precision),
        "x64": bool(jax.config.jax_enable_x64),
    }


Program = JaxProgram
