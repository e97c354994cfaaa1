"""Programs of the torch backend: data on the device, nothing read back before the epoch ends.

Updates are a plain loop over Keras's layers. Where two of them by another way give the same, an epoch goes that way:
on a GPU a CUDA graph of an update (`torch_graph`), on a CPU an update that was traced (`torch_traced`).
"""

import contextlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch

from keras_reprise.engine.backends.interface import Evaluation, Plan
from keras_reprise.engine.backends.torch_graph import UpdateGraph
from keras_reprise.engine.backends.torch_operations import faster
from keras_reprise.engine.backends.torch_traced import TracedUpdate
from keras_reprise.engine.batches import (
    EVALUATION_BATCH,
    KEPT_BYTES,
    LatestPlaced,
    in_batches,
    outputs_and_mask,
    scaled_at_once,
)
from keras_reprise.engine.objective import Facts, Objective, mask_of, only
from keras_reprise.engine.selfcheck import Looked, reference
from keras_reprise.engine.structure import acts_on_single_examples, same_in_every_update

if TYPE_CHECKING:
    import keras

Examples = tuple[torch.Tensor, torch.Tensor]
Updates = Callable[[Examples, torch.Tensor, torch.Tensor | None], tuple[torch.Tensor, torch.Tensor]]
"""An update for each row of an order (updates, batch), at these rates; their losses and errors."""

FEWEST_TRACED = 20
"""Updates of a call below which none is traced: that takes as long as a hundred updates of a small network save."""


class TorchProgram:
    """See `interface.Program`."""

    def __init__(self, plan: Plan) -> None:
        model, optimizer = plan.model, plan.optimizer
        self.model, self.optimizer, self.batch_size = model, optimizer, plan.batch_size
        self.objective = Objective(plan.loss)
        known = acts_on_single_examples(model, training=False)
        alone, self.evaluation_changes_state = self.objective.averages and known, not known
        self.evaluation_batch = EVALUATION_BATCH if alone else None
        if not optimizer.built:
            optimizer.build(model.trainable_variables)
        variables = model.variables
        self.device = variables[0].value.device if variables else torch.device("cpu")
        self.scaling = None if plan.scaling is None else [self._tensor(np.array(value)) for value in plan.scaling]
        self.updates = max(1, plan.updates)
        on_cpu = self.device.type == "cpu"
        self._faster = on_cpu and known
        quick = not on_cpu or same_in_every_update(model, optimizer, plan.loss)
        self._fewest = (FEWEST_TRACED if on_cpu else 2) if quick else None
        self._quick_for: tuple[object, ...] | None = None
        self._quick: Updates | None = None
        self._tested = LatestPlaced[Examples]()
        self.compile_s = 0.0

    def place(self, x: np.ndarray, y: np.ndarray) -> Examples:
        images = self._tensor(x)
        return (self._images(images) if scaled_at_once(x) else images), self._tensor(y)

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        writable = array if array.flags.writeable else array.copy()
        return torch.from_numpy(np.ascontiguousarray(writable)).to(self.device)

    def _images(self, stored: torch.Tensor) -> torch.Tensor:
        if self.scaling is None or stored.is_floating_point():
            return stored
        return (stored.to(torch.float32) - self.scaling[0]) / self.scaling[1]

    def _operations(self) -> contextlib.AbstractContextManager[None]:
        return faster() if self._faster else contextlib.nullcontext()

    def _draws_put_back(self) -> contextlib.AbstractContextManager[None]:
        """Let torch's own generators go on afterwards as before: dropout without a seed draws from them."""
        found: contextlib.AbstractContextManager[None]
        found = torch.random.fork_rng([self.device] if self.device.type == "cuda" else [])
        return found

    def _value(self, x: torch.Tensor, y: torch.Tensor, penalty: float) -> tuple[torch.Tensor, torch.Tensor]:
        """The loss of a batch, penalties included, and the number of misclassified examples."""
        with self._operations():
            outputs = only(self.model(self._images(x), training=True))
            value = self.objective.value(y, outputs)
            penalties = self.model.losses
            if penalties:
                value = value + penalty * _sum(penalties)
            return value, self.objective.wrong(y, outputs, _argmax).sum()

    def _step(self, x: torch.Tensor, y: torch.Tensor, penalty: float) -> tuple[torch.Tensor, torch.Tensor]:
        value, wrong = self._value(x, y, penalty)
        variables = self.model.trainable_variables
        gradients = torch.autograd.grad(
            self.optimizer.scale_loss(value), [v.value for v in variables], allow_unused=True
        )
        with torch.no_grad():
            self.optimizer.apply(gradients, variables)
        return value.detach(), wrong

    def run(
        self, data: Examples, order: np.ndarray, rates: np.ndarray | None, penalty: float = 1.0
    ) -> tuple[np.ndarray, np.ndarray]:
        index, size, results = self._tensor(order.astype(np.int64)), self.batch_size, []
        done = len(order) // size
        updates = self._quick_updates(data, index, rates, penalty)
        if updates is None:
            done = 0
        else:
            mine = None if rates is None else self._tensor(rates[:done].astype(np.float32))
            results.append(updates(data, index[: done * size].reshape(done, size), mine))
        for i in range(done, -(-len(order) // size)):
            if rates is not None:
                self.optimizer.learning_rate.assign(float(rates[i]))
            part = index[i * size : (i + 1) * size]
            loss, errors = self._step(data[0][part], data[1][part], penalty)
            results.append((loss.reshape(1), errors.reshape(1)))
        losses, wrong = zip(*results, strict=True)
        return torch.cat(losses).cpu().numpy(), torch.cat(wrong).cpu().numpy().astype(np.int32)

    def _quick_updates(
        self, data: Examples, index: torch.Tensor, rates: np.ndarray | None, penalty: float
    ) -> Updates | None:
        """Updates between which Keras does nothing; None where they cannot be had, give other numbers, or are few."""
        if self._fewest is None or len(index) < self._fewest * self.batch_size:
            return None
        captured, facts = self.device.type == "cuda", [(part.shape[1:], part.dtype) for part in data]
        places = (
            [(part.data_ptr(), len(part)) for part in data] if captured else []
        )  # a graph reads there, and there only
        key = (*facts, *places, rates is None, penalty)
        if key != self._quick_for:
            start = time.perf_counter()
            self._quick_for, self._quick = key, None
            state, part = self.get_state(), index[: self.batch_size]
            # An exception: it needs the host (a value that decides), or torch cannot trace it.
            with contextlib.suppress(Exception), self._draws_put_back():
                self._quick = self._checked(self._made(data, part, rates, penalty), data, part, rates, penalty, state)
            if captured:
                torch.cuda.synchronize()
            self.set_state(state)
            self.compile_s += time.perf_counter() - start
        return self._quick

    def _made(self, data: Examples, part: torch.Tensor, rates: np.ndarray | None, penalty: float) -> Updates:
        """The update as a CUDA graph, or traced; making it changes the state."""

        def step(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return self._step(x, y, penalty)

        rate = None if rates is None else self.optimizer.learning_rate.value
        if self.device.type == "cuda":
            graph = UpdateGraph(step, data, self.updates, self.batch_size, rate)
            return lambda _, order, given: graph.run(order, given)
        state = [variable.value for variable in self._variables()]
        traced: Updates = TracedUpdate(step, (data[0][part], data[1][part]), state, rate).run
        return traced

    def _checked(
        self, updates: Updates, data: Examples, part: torch.Tensor, rates: np.ndarray | None, penalty: float,
        state: list[np.ndarray],
    ) -> Updates | None:  # fmt: skip
        """These updates, where two of them do what the same two do one operation of Keras's after the other."""
        order = torch.stack([part, part])
        given = None if rates is None else np.full(2, rates[0], np.float32)
        self.set_state(state)
        losses = updates(data, order, None if given is None else self._tensor(given))[0].tolist()
        found = self.get_state()
        self.set_state(state)
        if given is not None:
            self.optimizer.learning_rate.assign(float(given[0]))
        expected = [float(self._step(data[0][part], data[1][part], penalty)[0]) for _ in order]
        if not np.allclose(losses, expected, rtol=1e-4, atol=1e-7, equal_nan=True):
            return None
        every = zip(state, found, self.get_state(), strict=True)
        return updates if all(_alike(*one, exact=self.device.type == "cpu") for one in every) else None

    def _evaluate_batch(
        self, x: torch.Tensor, y: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        with self._operations():
            outputs = only(self.model(self._images(x), training=False))
            losses, wrong = self.objective.per_example(y, outputs), self.objective.wrong(y, outputs, _argmax)
            return losses, wrong, self.objective.value(y, outputs), _sum(self.model.losses)

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def per_sample(self, x: np.ndarray, y: np.ndarray) -> Evaluation:
        if x.nbytes > KEPT_BYTES:
            return Evaluation.of(in_batches(self._evaluate_batch, self.evaluation_batch, x, y))
        cut = [array.split(self.evaluation_batch or len(array)) for array in self._tested.get(x, y, self.place)]
        parts = [self._evaluate_batch(*part) for part in zip(*cut, strict=True)]
        return Evaluation.of([[value.cpu().numpy() for value in part] for part in parts])

    def _outputs_and_mask(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        with self._operations():
            outputs = only(self.model(self._images(x), training=False))
        return outputs, mask_of(outputs)

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def outputs(self, x: np.ndarray, batch: int | None = None) -> tuple[np.ndarray, np.ndarray | None]:
        parts = in_batches(self._outputs_and_mask, batch or self.evaluation_batch, x)
        return outputs_and_mask(parts)

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def look(self, x: np.ndarray, y: np.ndarray) -> Facts:
        return self.objective.look(self.model, self._images(self._tensor(x)), self._tensor(y))

    def check(self, x: np.ndarray, y: np.ndarray, penalty: float) -> tuple[Looked, Looked]:
        images, labels = self._tensor(x), self._tensor(y)
        keras_model = reference(lambda: [penalty * one for one in self.model.losses], self.objective.loss)
        kept = [variable.value.detach().clone() for variable in self.model.non_trainable_variables]

        def keras_loss(training: bool) -> torch.Tensor:
            inputs = self._images(images)
            outputs = self.model(inputs, training=training)
            return keras_model.compute_loss(inputs, labels, outputs, training=training)

        def ours_in_inference() -> torch.Tensor:
            _, _, value, found = self._evaluate_batch(images, labels)
            return value + penalty * found

        def looked(value: Callable[[], torch.Tensor], inference: Callable[[], torch.Tensor]) -> Looked:
            with self._draws_put_back():
                loss = value()
                with torch.no_grad():
                    tested = float(inference())
            variables = [variable.value for variable in self.model.trainable_variables]
            gradients = torch.autograd.grad(loss, variables, allow_unused=True, materialize_grads=True)
            with torch.no_grad():
                for variable, before in zip(self.model.non_trainable_variables, kept, strict=True):
                    variable.assign(before)
            return Looked(float(loss.detach()), tested, [_array(gradient) for gradient in gradients])

        ours = looked(lambda: self._value(images, labels, penalty)[0], ours_in_inference)
        return ours, looked(lambda: keras_loss(True), lambda: keras_loss(False))

    def be_plain(self) -> bool:
        was, self._faster = self._faster, False
        return was

    def get_state(self) -> list[np.ndarray]:
        return [_array(variable.value).copy() for variable in self._variables()]

    def set_state(self, state: list[np.ndarray]) -> None:
        for variable, value in zip(self._variables(), state, strict=True):
            variable.assign(value)

    def _variables(self) -> "list[keras.Variable]":
        return [*self.model.variables, *self.optimizer.variables]


def _array(tensor: torch.Tensor) -> np.ndarray:
    """A tensor as NumPy has it; bfloat16, which it has not, as float32, which holds it exactly."""
    wide = tensor.float() if tensor.dtype == torch.bfloat16 else tensor
    found: np.ndarray = wide.detach().cpu().numpy()
    return found


def _alike(before: np.ndarray, found: np.ndarray, expected: np.ndarray, *, exact: bool) -> bool:
    """Whether a variable is what it should be; `exact`: what was done to it, too, up to rounding."""
    if not np.allclose(found, expected, rtol=1e-3, atol=1e-5, equal_nan=True):
        return False
    if not exact or not np.isfinite(expected).all():
        return True
    apart, change, size = (
        float(np.linalg.norm(np.ravel(one).astype(np.float64))) for one in (found - expected, expected - before, before)
    )
    return apart <= 1e-3 * change + 1e-6 * size


def _argmax(outputs: torch.Tensor) -> torch.Tensor:
    return outputs.argmax(-1).to(torch.int32)


def _sum(penalties: list[torch.Tensor]) -> torch.Tensor:
    return sum((one.sum().to(torch.float32) for one in penalties), start=torch.zeros(()))
