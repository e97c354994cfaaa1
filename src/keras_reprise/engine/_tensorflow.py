"""The engine on TensorFlow: a `tf.function` whose loop over the updates of an epoch never returns to Python."""

import time
from typing import Any

import numpy as np
import tensorflow as tf

EVALUATION_BATCH = 500

tf.get_logger().setLevel("ERROR")  # one program per arm is traced on purpose; TensorFlow warns of it


class TensorFlowProgram:
    """See `backend.Program`."""

    def __init__(self, model: Any, optimizer: Any, loss: Any, x: np.ndarray, y: np.ndarray, batch_size: int) -> None:
        self.model, self.optimizer, self.loss = model, optimizer, loss
        self.x, self.y, self.batch_size = tf.convert_to_tensor(x), tf.convert_to_tensor(y), batch_size
        optimizer.build(model.trainable_variables)
        self._epochs: dict[bool, Any] = {}
        self._evaluate = tf.function(self._evaluate_batches)
        self.compile_s = 0.0

    def _step(self, x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            outputs = self.model(x, training=True)
            losses = self.loss.call(y, outputs)
            value = tf.reduce_mean(losses)
            if self.model.losses:
                value += tf.add_n(self.model.losses)
        variables = [variable.value for variable in self.model.trainable_variables]
        self.optimizer.apply(tape.gradient(value, variables), self.model.trainable_variables)
        return value, tf.reduce_sum(tf.cast(_wrong(y, outputs), tf.int32))

    def _epoch_steps(
        self, x: tf.Tensor, y: tf.Tensor, order: tf.Tensor, rates: tf.Tensor, set_rate: bool
    ) -> tuple[tf.Tensor, tf.Tensor]:
        size = self.batch_size
        n = (tf.shape(order)[0] + size - 1) // size
        losses, wrong = tf.TensorArray(tf.float32, n), tf.TensorArray(tf.int32, n)
        for i in tf.range(n):
            if set_rate:
                self.optimizer.learning_rate.assign(rates[i])
            index = order[i * size : (i + 1) * size]
            value, errors = self._step(tf.gather(x, index), tf.gather(y, index))
            losses, wrong = losses.write(i, value), wrong.write(i, errors)
        return losses.stack(), wrong.stack()

    def run_epoch(self, order: np.ndarray, rates: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        set_rate = rates is not None
        # The data are arguments: a tensor that a function captured would never be freed.
        arguments = (self.x, self.y, tf.constant(order, tf.int32), tf.constant(rates if set_rate else [], tf.float32))
        if set_rate not in self._epochs:
            start = time.perf_counter()
            specs = [tf.TensorSpec([None, *a.shape[1:]], a.dtype) for a in arguments]
            self._epochs[set_rate] = tf.function(self._epoch_steps).get_concrete_function(*specs, set_rate)
            self.compile_s += time.perf_counter() - start
        losses, wrong = self._epochs[set_rate](*arguments)
        return losses.numpy(), wrong.numpy()

    def _evaluate_batches(self, x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        outputs = self.model(x, training=False)
        penalty = tf.add_n(self.model.losses) if self.model.losses else tf.constant(0.0)
        return self.loss.call(y, outputs), _wrong(y, outputs), penalty

    def per_sample(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        parts = [
            self._evaluate(
                tf.convert_to_tensor(x[i : i + EVALUATION_BATCH]), tf.convert_to_tensor(y[i : i + EVALUATION_BATCH])
            )
            for i in range(0, len(x), EVALUATION_BATCH)
        ]
        losses, wrong, penalties = zip(*parts, strict=True)
        return tf.concat(losses, 0).numpy(), tf.concat(wrong, 0).numpy(), float(penalties[0])

    def _variables(self) -> list[Any]:
        return [*self.model.variables, *self.optimizer.variables]

    def get_state(self) -> list[np.ndarray]:
        return [variable.numpy() for variable in self._variables()]

    def set_state(self, state: list[np.ndarray]) -> None:
        for variable, value in zip(self._variables(), state, strict=True):
            variable.assign(value)


def _wrong(y: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
    return tf.not_equal(tf.argmax(outputs, -1, tf.int32), tf.cast(y, tf.int32))


def gradients(
    model: Any, inputs: list[np.ndarray], y: np.ndarray, loss: Any
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """See `gradients.gradients`."""
    tensors = [tf.convert_to_tensor(value) for value in inputs]
    variables = [variable.value for variable in model.trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        value = tf.reduce_mean(
            loss.call(tf.convert_to_tensor(y), model(tensors if len(tensors) > 1 else tensors[0], training=False))
        )
    weights, flows = tape.gradient(value, [variables, tensors])
    return [gradient.numpy() for gradient in weights], [gradient.numpy() for gradient in flows]


def device() -> str:
    """`gpu` with its count when TensorFlow sees one, else `cpu`."""
    found = tf.config.list_physical_devices("GPU")
    return f"gpu x{len(found)}" if found else "cpu"


def settings() -> dict[str, Any]:
    """What decides speed and rounding here."""
    return {
        "intra_op_threads": tf.config.threading.get_intra_op_parallelism_threads(),
        "inter_op_threads": tf.config.threading.get_inter_op_parallelism_threads(),
        "xla": False,
        "tf32": bool(tf.config.experimental.tensor_float_32_execution_enabled()) and device() != "cpu",
        "op_determinism": bool(tf.config.experimental.is_op_determinism_enabled())
        if hasattr(tf.config.experimental, "is_op_determinism_enabled")
        else False,
    }


Program = TensorFlowProgram
