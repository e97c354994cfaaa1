"""Updates of the torch backend as a CUDA graph: one launch an update, and no Python between two."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

Step = Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
"""One update on a batch and its labels: the loss, and the number of misclassified examples."""

WARM_UP = 3  # updates before the capture, as torch asks for


class OnDevice(TorchFunctionMode):  # type: ignore[misc]
    """Numbers of the host that Keras computes with stay on the device, so that nothing waits for a copy.

    A plain number that becomes a tensor is one tensor every time; a step's rate is multiplied on the device, where
    Keras's optimizers would read it back to the host.
    """

    def __init__(self) -> None:
        super().__init__()
        self.constants: dict[tuple[object, ...], torch.Tensor] = {}

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> object:
        named = dict(kwargs or {})
        if func is torch.as_tensor and args and isinstance(args[0], bool | int | float):
            key = (type(args[0]), args[0], named.get("dtype"), str(named.get("device")))
            if key not in self.constants:
                self.constants[key] = func(*args, **named)
            return self.constants[key]
        if func is torch._foreach_add_ and isinstance(named.get("alpha"), torch.Tensor):
            return func(args[0], torch._foreach_mul(args[1], named.pop("alpha")))
        return func(*args, **named)


class UpdateGraph:
    """A captured update, which reads its batch, its rate and its place from the device.

    `step` is the update, `data` examples and labels on the GPU, `rate` the optimizer's learning rate there (None: it is
    not set from outside). Capturing runs the step some times: the caller puts the state back. RuntimeError where the
    step needs the host.
    """

    def __init__(
        self, step: Step, data: tuple[torch.Tensor, torch.Tensor], updates: int, batch: int, rate: torch.Tensor | None
    ) -> None:
        where = data[0].device
        self.step, self.data, self.rate, self.mode = step, data, rate, OnDevice()
        self.order = torch.zeros((updates, batch), dtype=torch.int64, device=where)
        self.rates = torch.zeros(updates, device=where)
        self.losses = torch.zeros(updates, device=where)
        self.wrong = torch.zeros(updates, dtype=torch.int64, device=where)
        self.place = torch.zeros(1, dtype=torch.int64, device=where)
        self.graph = torch.cuda.CUDAGraph()
        self._capture()

    def _update(self) -> None:
        index = self.order.index_select(0, self.place)[0]
        if self.rate is not None:
            self.rate.copy_(self.rates.index_select(0, self.place)[0])
        value, wrong = self.step(self.data[0][index], self.data[1][index])
        self.losses.index_copy_(0, self.place, value.to(torch.float32).reshape(1))
        self.wrong.index_copy_(0, self.place, wrong.to(torch.int64).reshape(1))
        self.place.add_(1)

    def _capture(self) -> None:
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream), self.mode:
            for _ in range(WARM_UP):
                self.place.zero_()
                self._update()
        torch.cuda.current_stream().wait_stream(stream)
        self.place.zero_()
        with torch.cuda.graph(self.graph), self.mode:
            self._update()

    def run(self, order: torch.Tensor, rates: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
        """The updates on the batches `order` (updates, batch); their losses and errors, valid until the next call."""
        n = len(order)
        self.order[:n].copy_(order)
        if rates is not None:
            self.rates[:n].copy_(rates)
        self.place.zero_()
        for _ in range(n):
            self.graph.replay()
        return self.losses[:n], self.wrong[:n]
