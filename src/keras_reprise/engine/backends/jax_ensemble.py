"""Several models of one shape trained at once on JAX: `vmap` over their states, orders,
learning rates and penalties."""

import time
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from keras_reprise.engine.backends.interface import Evaluation, Program
from keras_reprise.engine.backends.jax_compiling import Examples, State, compiled, whole_and_rest
from keras_reprise.engine.backends.jax_program import JaxProgram
from keras_reprise.engine.batches import in_batches


class JaxEnsemble:
    """See `interface.Ensemble`; member k's state, order, rates and penalty are row k of every argument."""

    def __init__(self, members: Sequence[Program]) -> None:
        self.members = [member for member in members if isinstance(member, JaxProgram)]
        self.first = self.members[0]
        self._programs: dict[tuple[object, ...], jax.stages.Compiled] = {}
        self.compile_s = 0.0

    def _stacked(self) -> State:
        states = [member.state() for member in self.members]
        trainable, non_trainable, optimizer = jax.tree.map(lambda *leaves: jnp.stack(leaves), *states)
        return trainable, non_trainable, optimizer

    def _program(
        self, key: tuple[object, ...], function: Callable[..., object], axes: tuple[int | None, ...], *arguments: object
    ) -> jax.stages.Compiled:
        if key not in self._programs:
            start = time.perf_counter()
            self._programs[key] = compiled(jax.vmap(function, in_axes=axes), *arguments)
            self.compile_s += time.perf_counter() - start
        return self._programs[key]

    def run(
        self, data: Examples, orders: np.ndarray, rates: np.ndarray | None, penalties: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
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
            )
            axes = (0, None, None, 0, None if rate is None else 0, 0)
            program = self._program((order.shape, rate is None), self.first.whole, axes, *arguments)
            state, losses, wrong = program(*arguments)
            parts.append((np.asarray(losses), np.asarray(wrong)))
        for k, member in enumerate(self.members):
            for variables, values in zip(member.variables(), state, strict=True):
                for variable, value in zip(variables, values, strict=True):
                    variable.assign(value[k])
        losses, wrong = zip(*parts, strict=True)
        return np.concatenate(losses, axis=1), np.concatenate(wrong, axis=1)

    def per_sample(self, x: np.ndarray, y: np.ndarray) -> list[Evaluation]:
        def call(images: jax.Array, labels: jax.Array) -> list[jax.Array]:
            trainable, non_trainable, _ = self._stacked()
            arguments = (trainable, non_trainable, images, labels)
            program = self._program(("evaluate", images.shape), self.first.evaluate, (0, 0, None, None), *arguments)
            results: list[jax.Array]
            *results, state = program(*arguments)
            for k, member in enumerate(self.members):
                for variable, value in zip(member.model.non_trainable_variables, state, strict=True):
                    variable.assign(value[k])
            return results

        parts = in_batches(call, self.first.evaluation_batch, x, y)
        members = range(len(self.members))
        return [
            Evaluation.of([[column[k] for column in part if column is not None] for part in parts]) for k in members
        ]
