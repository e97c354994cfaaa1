"""The engine on JAX. A model's program is in `jax_program`, several at once are in `jax_ensemble`."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from keras_reprise.engine.backends.interface import Backend, Ensemble, Program
from keras_reprise.engine.backends.jax_compiling import Values, compiled_alike
from keras_reprise.engine.backends.jax_ensemble import JaxEnsemble
from keras_reprise.engine.backends.jax_operations import faster
from keras_reprise.engine.backends.jax_program import JaxProgram, device
from keras_reprise.engine.batches import output_gradient
from keras_reprise.engine.configuration import traced_alike
from keras_reprise.engine.objective import Objective

if TYPE_CHECKING:
    import keras

KEPT_BYTES = 2**30
"""The size of the cache of compiled programs, beyond which those that were used longest ago are deleted."""

KEPT_FROM_S = 0.2
"""Seconds that compiling takes, from which a program is kept."""

DETERMINISTIC = "--xla_gpu_deterministic_ops=true"


class Jax:
    """See `interface.Backend`."""

    program: type[Program] = JaxProgram
    ensemble: type[Ensemble] | None = JaxEnsemble
    own_functions: tuple[str, ...] = ("jax.",)

    def check_optimizer(self, optimizer: "keras.optimizers.Optimizer") -> None:
        """Any will do."""

    def gradients(
        self, model: "keras.Model", inputs: list[np.ndarray], y: np.ndarray, loss: "keras.losses.Loss"
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        def value(trainable: Values, tensors: Values, non_trainable: Values, labels: jax.Array) -> jax.Array:
            outputs, _ = model.stateless_call(
                trainable, non_trainable, tensors if len(tensors) > 1 else tensors[0], training=False
            )
            return Objective(loss).value(labels, outputs)

        trainable, non_trainable = (
            [v.value for v in group] for group in (model.trainable_variables, model.non_trainable_variables)
        )
        arguments = (trainable, [jnp.asarray(tensor) for tensor in inputs], non_trainable, jnp.asarray(y))
        alike = traced_alike(model, loss)
        call = compiled_alike(alike and f"gradients {alike}", jax.grad(faster(value), argnums=(0, 1)), *arguments)
        weights, flows = call(*arguments)
        return [np.asarray(gradient) for gradient in weights], [np.asarray(gradient) for gradient in flows]

    def timed_call(self, model: "keras.Model", x: np.ndarray, backward: bool) -> Callable[[], None]:
        trainable, non_trainable = (
            [v.value for v in group] for group in (model.trainable_variables, model.non_trainable_variables)
        )
        images = jnp.asarray(x)

        def forward(trainable: Values, non_trainable: Values, images: jax.Array) -> jax.Array:
            return model.stateless_call(trainable, non_trainable, images, training=backward)[0]

        arguments: tuple[object, ...] = (trainable, non_trainable, images)
        if backward:
            arguments += (jnp.asarray(output_gradient(jax.eval_shape(forward, *arguments).shape)),)

        def gradient(
            trainable: Values, non_trainable: Values, images: jax.Array, flow: jax.Array
        ) -> tuple[jax.Array, object]:
            outputs, backward = jax.vjp(lambda weights, x: forward(weights, non_trainable, x), trainable, images)
            return outputs, backward(flow)  # the outputs, too, lest a linear layer leaves its forward pass out

        alike = traced_alike(model)
        call = compiled_alike(alike and f"timed {backward} {alike}", gradient if backward else forward, *arguments)

        def finished() -> None:
            jax.block_until_ready(call(*arguments))

        return finished

    def device(self) -> str:
        return device()

    def free_bytes(self) -> int | None:
        stats = jax.local_devices()[0].memory_stats() or {}
        return stats["bytes_limit"] - stats["bytes_in_use"] if "bytes_limit" in stats else None

    def peak_bytes(self) -> int:
        return int((jax.local_devices()[0].memory_stats() or {}).get("peak_bytes_in_use", 0))

    def use_tf32(self, allowed: bool) -> None:
        if device() == "cpu":
            return
        jax.config.update("jax_default_matmul_precision", "tensorfloat32" if allowed else "highest")

    def be_deterministic(self) -> None:
        """By a flag, which XLA reads when it first computes."""
        flags = os.environ.get("XLA_FLAGS", "")
        if DETERMINISTIC not in flags:
            os.environ["XLA_FLAGS"] = f"{flags} {DETERMINISTIC}".strip()

    def keep_compiled(self, folder: Path) -> None:
        """By JAX's own cache, whose keys hold program, versions, flags and device; one that the user has set stays."""
        if jax.config.jax_compilation_cache_dir is None:
            jax.config.update("jax_compilation_cache_dir", str(folder / "jax"))
            jax.config.update("jax_compilation_cache_max_size", KEPT_BYTES)
            jax.config.update("jax_persistent_cache_min_compile_time_secs", KEPT_FROM_S)

    def settings(self) -> dict[str, object]:
        return {
            "xla": True,
            "matmul_precision": str(jax.config.jax_default_matmul_precision),
            "x64": bool(jax.config.jax_enable_x64),
        }


BACKEND: Backend = Jax()
