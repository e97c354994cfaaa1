"""The engine on torch: a plain loop over the updates, on a GPU a CUDA graph of one (`torch_graph`); data on the device,
nothing read back before the epoch ends."""

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from keras_reprise.engine.backends.interface import Backend, Ensemble, Evaluation, Plan, Program
from keras_reprise.engine.backends.torch_graph import UpdateGraph
from keras_reprise.engine.batches import (
    EVALUATION_BATCH,
    KEPT_BYTES,
    in_batches,
    may_change,
    output_gradient,
    outputs_and_mask,
    scaled_at_once,
)
from keras_reprise.engine.objective import Facts, Objective, mask_of, only
from keras_reprise.engine.selfcheck import Looked, reference
from keras_reprise.engine.structure import acts_on_single_examples

if TYPE_CHECKING:
    import keras

Examples = tuple[torch.Tensor, torch.Tensor]


class TorchProgram:
    """See `interface.Program`."""

    def __init__(self, plan: Plan) -> None:
        model, optimizer = plan.model, plan.optimizer
        self.model, self.optimizer, self.batch_size = model, optimizer, plan.batch_size
        self.objective = Objective(plan.loss)
        known = acts_on_single_examples(model, training=False)
        alone, self.evaluation_changes_state = self.objective.averages and known, not known
        self.evaluation_batch = EVALUATION_BATCH if alone else None
        optimizer.build(model.trainable_variables)
        variables = model.variables
        self.device = variables[0].value.device if variables else torch.device("cpu")
        self.scaling = None if plan.scaling is None else [self._tensor(np.array(value)) for value in plan.scaling]
        self.updates = max(1, plan.updates)
        self._captured_for: tuple[object, ...] | None = None
        self._captured: UpdateGraph | None = None
        self._tested: tuple[np.ndarray, np.ndarray, Examples] | None = (
            None  # what was evaluated last, and where it lies
        )
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

    def _value(self, x: torch.Tensor, y: torch.Tensor, penalty: float) -> tuple[torch.Tensor, torch.Tensor]:
        """The loss of a batch, penalties included, and the number of misclassified examples."""
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
        graph = self._graph(data, index, rates, penalty) if self.device.type == "cuda" and done > 1 else None
        if graph is None:
            done = 0
        else:
            mine = None if rates is None else self._tensor(rates[:done].astype(np.float32))
            results.append(graph.run(index[: done * size].reshape(done, size), mine))
        for i in range(done, -(-len(order) // size)):
            if rates is not None:
                self.optimizer.learning_rate.assign(float(rates[i]))
            part = index[i * size : (i + 1) * size]
            loss, errors = self._step(data[0][part], data[1][part], penalty)
            results.append((loss.reshape(1), errors.reshape(1)))
        losses, wrong = zip(*results, strict=True)
        return torch.cat(losses).cpu().numpy(), torch.cat(wrong).cpu().numpy().astype(np.int32)

    def _graph(
        self, data: Examples, index: torch.Tensor, rates: np.ndarray | None, penalty: float
    ) -> UpdateGraph | None:
        """The update on these data as a CUDA graph; None where it cannot be captured, or gives other numbers."""
        key = (data[0].data_ptr(), data[1].data_ptr(), data[0].shape, rates is None, penalty)
        if key != self._captured_for:
            start = time.perf_counter()
            self._captured_for, self._captured = key, None
            state = self.get_state()
            with contextlib.suppress(RuntimeError):  # it needs the host: a random number, a value that decides
                self._captured = self._checked_graph(data, index[: self.batch_size], rates, penalty, state)
            torch.cuda.synchronize()
            self.set_state(state)
            self.compile_s += time.perf_counter() - start
        return self._captured

    def _checked_graph(
        self, data: Examples, part: torch.Tensor, rates: np.ndarray | None, penalty: float, state: list[np.ndarray]
    ) -> UpdateGraph | None:
        """The graph, where two of its updates do what the same two do one operation after the other."""
        rate = None if rates is None else self.optimizer.learning_rate.value
        graph = UpdateGraph(lambda x, y: self._step(x, y, penalty), data, self.updates, self.batch_size, rate)
        order = torch.stack([part, part])
        given = None if rates is None else np.full(2, rates[0], np.float32)
        self.set_state(state)
        losses = graph.run(order, None if given is None else self._tensor(given))[0].tolist()
        found = self.get_state()
        self.set_state(state)
        if given is not None:
            self.optimizer.learning_rate.assign(float(given[0]))
        expected = [float(self._step(data[0][part], data[1][part], penalty)[0]) for _ in order]
        if not np.allclose(losses, expected, rtol=1e-4, atol=1e-7, equal_nan=True):
            return None
        alike = (
            np.allclose(a, b, rtol=1e-3, atol=1e-5, equal_nan=True)
            for a, b in zip(found, self.get_state(), strict=True)
        )
        return graph if all(alike) else None

    def _evaluate_batch(
        self, x: torch.Tensor, y: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        outputs = only(self.model(self._images(x), training=False))
        losses, wrong = self.objective.per_example(y, outputs), self.objective.wrong(y, outputs, _argmax)
        return losses, wrong, self.objective.value(y, outputs), _sum(self.model.losses)

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def per_sample(self, x: np.ndarray, y: np.ndarray) -> Evaluation:
        if self.device.type != "cuda" or x.nbytes > KEPT_BYTES:
            return Evaluation.of(in_batches(self._evaluate_batch, self.evaluation_batch, x, y))
        if self._tested is None or self._tested[0] is not x or self._tested[1] is not y or may_change(x, y):
            self._tested = x, y, (self._tensor(x), self._tensor(y))
        cut = [array.split(self.evaluation_batch or len(array)) for array in self._tested[2]]
        parts = [self._evaluate_batch(*part) for part in zip(*cut, strict=True)]
        return Evaluation.of([[value.cpu().numpy() for value in part] for part in parts])

    def _outputs_and_mask(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
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
            loss = value()
            variables = [variable.value for variable in self.model.trainable_variables]
            gradients = torch.autograd.grad(loss, variables, allow_unused=True, materialize_grads=True)
            with torch.no_grad():
                tested = float(inference())
                for variable, before in zip(self.model.non_trainable_variables, kept, strict=True):
                    variable.assign(before)
            return Looked(float(loss.detach()), tested, [_array(gradient) for gradient in gradients])

        ours = looked(lambda: self._value(images, labels, penalty)[0], ours_in_inference)
        return ours, looked(lambda: keras_loss(True), lambda: keras_loss(False))

    def be_plain(self) -> bool:
        return False

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


def _argmax(outputs: torch.Tensor) -> torch.Tensor:
    return outputs.argmax(-1).to(torch.int32)


def _sum(penalties: list[torch.Tensor]) -> torch.Tensor:
    return sum((one.sum().to(torch.float32) for one in penalties), start=torch.zeros(()))


class Torch:
    """See `interface.Backend`."""

    program: type[Program] = TorchProgram
    ensemble: type[Ensemble] | None = None
    own_functions: tuple[str, ...] = ("torch.nn.functional",)

    def check_optimizer(self, optimizer: "keras.optimizers.Optimizer") -> None:
        """Any will do."""

    def gradients(
        self, model: "keras.Model", inputs: list[np.ndarray], y: np.ndarray, loss: "keras.losses.Loss"
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        variables = [variable.value for variable in model.trainable_variables]
        where = variables[0].device
        tensors = [torch.tensor(value, device=where, requires_grad=True) for value in inputs]
        outputs = model(tensors if len(tensors) > 1 else tensors[0], training=False)
        value = Objective(loss).value(torch.tensor(y, device=where), outputs)
        found = torch.autograd.grad(value, [*variables, *tensors])
        arrays = [gradient.cpu().numpy() for gradient in found]
        return arrays[: len(variables)], arrays[len(variables) :]

    def timed_call(self, model: "keras.Model", x: np.ndarray, backward: bool) -> Callable[[], None]:
        variables = [variable.value for variable in model.trainable_variables]
        images = torch.tensor(x, device=variables[0].device if variables else "cpu", requires_grad=backward)
        with torch.no_grad():
            flow = torch.from_numpy(output_gradient(model(images).shape)).to(images.device)

        def call() -> None:
            if backward:
                torch.autograd.grad(model(images, training=True), [images, *variables], grad_outputs=flow)
            else:
                with torch.no_grad():
                    model(images, training=False)
            if images.is_cuda:
                torch.cuda.synchronize()

        return call

    def device(self) -> str:
        return f"gpu x{torch.cuda.device_count()}" if torch.cuda.is_available() else "cpu"

    def free_bytes(self) -> int | None:
        return int(torch.cuda.mem_get_info()[0]) if torch.cuda.is_available() else None

    def use_tf32(self, allowed: bool) -> None:
        torch.backends.cuda.matmul.allow_tf32 = allowed
        torch.backends.cudnn.allow_tf32 = allowed

    def be_deterministic(self) -> None:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when the first product is computed
        torch.use_deterministic_algorithms(True)

    def keep_compiled(self, folder: Path) -> None:
        """Nothing is compiled."""

    def settings(self) -> dict[str, object]:
        return {
            "intra_op_threads": torch.get_num_threads(),
            "inter_op_threads": torch.get_num_interop_threads(),
            "tf32": bool(torch.backends.cudnn.allow_tf32) and torch.cuda.is_available(),
            "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
        }


BACKEND: Backend = Torch()
