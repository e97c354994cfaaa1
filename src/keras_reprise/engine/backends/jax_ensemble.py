"""Several models of one shape trained at once on JAX: `vmap` over their states, orders, learning rates and penalties."""

import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from keras_reprise.engine.backends.interface import Evaluation, in_batches
from keras_reprise.engine.backends.jax import JaxProgram, compiled, whole_and_rest


class JaxEnsemble:
    """Models of one shape trained at once: member k's state, order, rates and penalty are row k of every argument."""

    def __init__(self, members: list[JaxProgram]) -> None:
        self.members, self.first = members, members[0]
        self._programs: dict[Any, Any] = {}
        self.compile_s = 0.0

    def _stacked(self) -> Any:
        states = [tuple([v.value for v in group] for group in member.variables()) for member in self.members]
        return jax.tree.map(lambda *leaves: jnp.stack(leaves), *states)

    def _program(self, key: Any, function: Any, axes: Any, *arguments: Any) -> Any:
        if key not in self._programs:
            start = time.perf_counter()
            self._programs[key] = compiled(jax.vmap(function, in_axes=axes), *arguments)
            self.compile_s += time.perf_counter() - start
        return self._programs[key]

    def run(
        self, data: Any, orders: np.ndarray, rates: np.ndarray | None, penalties: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """One epoch of every member: orders (members, n), rates (members, updates); losses and errors (members, updates)."""
        state, parts = self._stacked(), []
        slots = [
            whole_and_rest(o, None if rates is None else rates[k], self.first.batch_size, self.first.updates)
            for k, o in enumerate(orders)
        ]
        for pieces in zip(*slots, strict=True):
            order = np.stack([batches for batches, _ in pieces])
            rate = None if rates is None else jnp.asarray(np.stack([slot for _, slot in pieces]), jnp.float32)
            arguments = (
                state,
                *data,
                jnp.asarray(order, jnp.int32),
                rate,
                jnp.asarray(penalties, jnp.float32),
                jnp.int32(order.shape[1]),
            )
            axes = (0, None, None, 0, None if rate is None else 0, 0, None)
            program = self._program((order.shape, rate is None), self.first.steps, axes, *arguments)
            state, losses, wrong = program(*arguments)
            parts.append((np.asarray(losses), np.asarray(wrong)))
        for k, member in enumerate(self.members):
            for variables, values in zip(member.variables(), state, strict=True):
                for variable, value in zip(variables, values, strict=True):
                    variable.assign(value[k])
        losses, wrong = zip(*parts, strict=True)
        return np.concatenate(losses, axis=1), np.concatenate(wrong, axis=1)

    def per_sample(self, x: np.ndarray, y: np.ndarray) -> list[Evaluation]:
        """Every member's evaluation in inference mode."""

        def call(images: Any, labels: Any) -> Any:
            trainable, non_trainable, _ = self._stacked()
            arguments = (trainable, non_trainable, images, labels)
            program = self._program(("evaluate", images.shape), self.first.evaluate, (0, 0, None, None), *arguments)
            *results, state = program(*arguments)
            for k, member in enumerate(self.members):
                for variable, value in zip(member.model.non_trainable_variables, state, strict=True):
                    variable.assign(value[k])
            return results

        parts = in_batches(call, self.first.evaluation_batch, x, y)
        return [Evaluation.of([[column[k] for column in part] for part in parts]) for k in range(len(self.members))]
