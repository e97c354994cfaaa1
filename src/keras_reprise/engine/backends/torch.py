"""The engine on torch: updates one after the other, of which Keras is asked once where that gives the same numbers
(`torch_program`)."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from keras_reprise.engine.backends.interface import Backend, Ensemble, Program
from keras_reprise.engine.backends.torch_program import TorchProgram
from keras_reprise.engine.batches import output_gradient
from keras_reprise.engine.objective import Objective

if TYPE_CHECKING:
    import keras


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
        where = variables[0].device if variables else "cpu"
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

    def peak_bytes(self) -> int:
        return int(torch.cuda.max_memory_allocated())

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
