"""The engine on torch: a plain loop over the updates, data on the device, nothing read back before the epoch ends."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from keras_reprise.engine.backend import EVALUATION_BATCH, Scaling, output_gradient, scaled_at_once


class TorchProgram:
    """See `backend.Program`."""

    def __init__(
        self, model: Any, optimizer: Any, loss: Any, batch_size: int, *, updates: int, scaling: Scaling = None
    ) -> None:
        self.model, self.optimizer, self.loss, self.batch_size = model, optimizer, loss, batch_size
        optimizer.build(model.trainable_variables)
        variables = model.variables
        self.device = variables[0].value.device if variables else torch.device("cpu")
        self.scaling = None if scaling is None else [self._tensor(np.array(value)) for value in scaling]
        self.compile_s = 0.0

    def place(self, x: np.ndarray, y: np.ndarray) -> Any:
        images = self._tensor(x)
        return (self._images(images) if scaled_at_once(x) else images), self._tensor(y)

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        writable = array if array.flags.writeable else array.copy()
        return torch.from_numpy(np.ascontiguousarray(writable)).to(self.device)

    def _images(self, stored: torch.Tensor) -> torch.Tensor:
        if self.scaling is None or stored.is_floating_point():
            return stored
        return (stored.to(torch.float32) - self.scaling[0]) / self.scaling[1]

    def _step(self, x: torch.Tensor, y: torch.Tensor, penalty: float) -> tuple[torch.Tensor, torch.Tensor]:
        outputs = self.model(self._images(x), training=True)
        value = self.loss.call(y, outputs.to(torch.float32)).mean()
        penalties = self.model.losses
        if penalties:
            value = value + penalty * sum(penalties)
        variables = self.model.trainable_variables
        gradients = torch.autograd.grad(self.optimizer.scale_loss(value), [v.value for v in variables])
        with torch.no_grad():
            self.optimizer.apply(gradients, variables)
        return value.detach(), _wrong(y, outputs).sum()

    def run(
        self, data: Any, order: np.ndarray, rates: np.ndarray | None, penalty: float = 1.0
    ) -> tuple[np.ndarray, np.ndarray]:
        index, size, results = self._tensor(order.astype(np.int64)), self.batch_size, []
        for i in range(-(-len(order) // size)):
            if rates is not None:
                self.optimizer.learning_rate.assign(float(rates[i]))
            part = index[i * size : (i + 1) * size]
            results.append(self._step(data[0][part], data[1][part], penalty))
        losses, wrong = zip(*results, strict=True)
        return torch.stack(losses).cpu().numpy(), torch.stack(wrong).cpu().numpy().astype(np.int32)

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def per_sample(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        parts = []
        for i in range(0, len(x), EVALUATION_BATCH):
            labels = self._tensor(y[i : i + EVALUATION_BATCH])
            outputs = self.model(self._images(self._tensor(x[i : i + EVALUATION_BATCH])), training=False)
            parts.append((self.loss.call(labels, outputs.to(torch.float32)), _wrong(labels, outputs)))
        losses, wrong = (torch.cat(part).cpu().numpy() for part in zip(*parts, strict=True))
        return losses, wrong, float(sum(self.model.losses))

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def outputs(self, x: np.ndarray) -> np.ndarray:
        batches = [self._tensor(x[i : i + EVALUATION_BATCH]) for i in range(0, len(x), EVALUATION_BATCH)]
        return np.concatenate([self.model(self._images(batch), training=False).cpu().numpy() for batch in batches])

    def get_state(self) -> list[np.ndarray]:
        return [variable.value.detach().cpu().numpy().copy() for variable in self._variables()]

    def set_state(self, state: list[np.ndarray]) -> None:
        for variable, value in zip(self._variables(), state, strict=True):
            variable.assign(value)

    def _variables(self) -> list[Any]:
        return [*self.model.variables, *self.optimizer.variables]


def _wrong(y: torch.Tensor, outputs: torch.Tensor) -> torch.Tensor:
    if y.ndim != 1 or outputs.ndim != 2 or y.is_floating_point():
        return torch.zeros(len(y), dtype=torch.bool)  # no classes, no errors: `training` leaves these curves out
    return outputs.argmax(-1) != y


def gradients(
    model: Any, inputs: list[np.ndarray], y: np.ndarray, loss: Any
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """See `gradients.gradients`."""
    variables = [variable.value for variable in model.trainable_variables]
    where = variables[0].device
    tensors = [torch.tensor(value, device=where, requires_grad=True) for value in inputs]
    outputs = model(tensors if len(tensors) > 1 else tensors[0], training=False)
    value = loss.call(torch.tensor(y, device=where), outputs).mean()
    found = torch.autograd.grad(value, [*variables, *tensors])
    arrays = [gradient.cpu().numpy() for gradient in found]
    return arrays[: len(variables)], arrays[len(variables) :]


def timed_call(model: Any, x: np.ndarray, backward: bool) -> Callable[[], None]:
    """One call of `model` on `x`, which returns when it is done; see `timing.timed_calls`."""
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


def device() -> str:
    """`gpu` with its count when torch sees one, else `cpu`."""
    return f"gpu x{torch.cuda.device_count()}" if torch.cuda.is_available() else "cpu"


def free_bytes() -> int | None:
    """Memory that is free on the GPU; None on a CPU."""
    return int(torch.cuda.mem_get_info()[0]) if torch.cuda.is_available() else None


def use_tf32(allowed: bool) -> None:
    """Whether float32 products and convolutions may be rounded to TF32 on a GPU."""
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed


def be_deterministic() -> None:
    """Only kernels that give the same bits every time, for this process; an operation that has none fails."""
    torch.use_deterministic_algorithms(True)


def settings() -> dict[str, Any]:
    """What decides speed and rounding here."""
    return {
        "intra_op_threads": torch.get_num_threads(),
        "inter_op_threads": torch.get_num_interop_threads(),
        "tf32": bool(torch.backends.cudnn.allow_tf32) and torch.cuda.is_available(),
        "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
    }


Program = TorchProgram
