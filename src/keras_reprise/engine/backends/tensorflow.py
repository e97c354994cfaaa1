"""The engine on TensorFlow. A model's program is in `tensorflow_program`."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_reprise.base.machine import threads
from keras_reprise.engine.batches import SHARDS

if "tensorflow" not in sys.modules:
    # The parts of a batch are computed side by side, so that each kernel gets a part of the cores: a small dense
    # network gains 1.2 to 1.4 x, a convolutional one nothing. What is large and cannot be cut loses a third.
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(threads() // min(threads(), SHARDS)))
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", str(min(threads(), SHARDS)))

import tensorflow as tf

from keras_reprise.base.errors import RecipeError
from keras_reprise.engine.backends.interface import Backend, Ensemble, Program
from keras_reprise.engine.backends.tensorflow_program import TensorFlowProgram, device
from keras_reprise.engine.backends.tensorflow_tracing import graphs, timed
from keras_reprise.engine.configuration import traced_alike
from keras_reprise.engine.objective import Objective

if TYPE_CHECKING:
    import keras

NO_GRADIENT = tf.UnconnectedGradients.ZERO


class TensorFlow:
    """See `interface.Backend`."""

    program: type[Program] = TensorFlowProgram
    ensemble: type[Ensemble] | None = None
    own_functions: tuple[str, ...] = ("tensorflow.python.ops.",)

    def check_optimizer(self, optimizer: "keras.optimizers.Optimizer") -> None:
        if type(optimizer).__name__ == "ScheduleFreeAdamW":
            raise RecipeError(
                "On TensorFlow fit sets the average of ScheduleFreeAdamW anew at every update, unless it was built "
                "before.\nWhich of the two is meant cannot be told; use another optimizer, or --backend jax."
            )

    def gradients(
        self, model: "keras.Model", inputs: list[np.ndarray], y: np.ndarray, loss: "keras.losses.Loss"
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        n = len(inputs)

        def found(labels: tf.Tensor, *tensors: tf.Tensor) -> list[list[tf.Tensor]]:
            variables = [variable.value for variable in model.trainable_variables]
            with tf.GradientTape() as tape:
                tape.watch(tensors)
                outputs = model(list(tensors) if n > 1 else tensors[0], training=False)
                value = Objective(loss).value(labels, outputs)
            groups = tape.gradient(value, [variables, list(tensors)], unconnected_gradients=NO_GRADIENT)
            return [[tf.convert_to_tensor(gradient) for gradient in group] for group in groups]

        graph = graphs(traced_alike(model, loss), "gradients")[n]
        given = [tf.convert_to_tensor(value) for value in (y, *inputs)]
        weights, flows = graph(found, model.variables, *given)
        return [gradient.numpy() for gradient in weights], [gradient.numpy() for gradient in flows]

    def timed_call(self, model: "keras.Model", x: np.ndarray, backward: bool) -> Callable[[], None]:
        images = tf.convert_to_tensor(x)
        called = timed(traced_alike(model), model, images, backward)

        def finished() -> None:
            called.graph(images, called.flow)
            if device() != "cpu":
                tf.test.experimental.sync_devices()

        return finished

    def device(self) -> str:
        return device()

    def free_bytes(self) -> int | None:
        """TensorFlow tells what it uses, not what there is."""
        return None

    def peak_bytes(self) -> int:
        return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])

    def use_tf32(self, allowed: bool) -> None:
        tf.config.experimental.enable_tensor_float_32_execution(allowed)

    def be_deterministic(self) -> None:
        tf.config.experimental.enable_op_determinism()

    def keep_compiled(self, folder: Path) -> None:
        """Its graphs are traced anew in every process."""

    def settings(self) -> dict[str, object]:
        threading, experimental = tf.config.threading, tf.config.experimental
        return {
            "intra_op_threads": threading.get_intra_op_parallelism_threads() or _from("TF_NUM_INTRAOP_THREADS"),
            "inter_op_threads": threading.get_inter_op_parallelism_threads() or _from("TF_NUM_INTEROP_THREADS"),
            "xla": False,
            "tf32": bool(experimental.tensor_float_32_execution_enabled()) and device() != "cpu",
            "op_determinism": bool(experimental.is_op_determinism_enabled())
            if hasattr(experimental, "is_op_determinism_enabled")
            else False,
        }


def _from(variable: str) -> int:
    """An integer of the environment; 0 leaves it to TensorFlow."""
    text = os.environ.get(variable, "")
    return int(text) if text.isdecimal() else 0


BACKEND: Backend = TensorFlow()
