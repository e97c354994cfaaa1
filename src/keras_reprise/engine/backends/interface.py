"""What a backend's file offers: `BACKEND`, a `Backend`, whose programs train models.

A backend is one file of this folder. Its name is that of Keras's backend and of the library, which the file imports at
its top; what the library reads while it is loaded, the file puts into `os.environ` before. Further files of a backend
are named after it ("jax_program").
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from keras_reprise.engine.objective import Facts, Objective
from keras_reprise.engine.selfcheck import Looked

if TYPE_CHECKING:
    import keras

Scaling = tuple[np.float32 | np.ndarray, np.float32] | None
Placed = tuple[object, object]
"""Examples and labels on the device, as the backend's tensors."""


class Evaluation(NamedTuple):
    """Examples in inference mode: the loss of each (n,) and whether it is misclassified (n,); the loss of all of them,
    as the loss object gives it, penalties left out; the sum of the model's penalties.

    Losses of single examples are nan where the loss gives none.
    """

    losses: np.ndarray
    wrong: np.ndarray
    loss: float
    penalty: float

    @classmethod
    def of(cls, parts: Sequence[Sequence[np.ndarray | None]]) -> "Evaluation":
        """From what parts of the examples gave; of several parts the loss is the mean of its examples' losses."""
        losses, wrong, values, penalties = (
            [np.asarray(value) for value in column] for column in zip(*parts, strict=True)
        )
        every = np.concatenate(losses)
        loss = float(values[0]) if len(parts) == 1 else float(every.mean(dtype=np.float64))
        return cls(every, np.concatenate(wrong).astype(bool), loss, float(penalties[0]))


@dataclass(frozen=True)
class Plan:
    """What a program is made of.

    `updates` is the number of updates in an epoch. `scaling` (mean as a scalar or an image, deviation) is applied to
    examples of an integer type; floats are taken as they are.
    """

    model: "keras.Model"
    optimizer: "keras.optimizers.Optimizer"
    loss: "keras.losses.Loss"
    batch_size: int
    updates: int = 1
    scaling: Scaling = None


class Program(Protocol):
    """A model with its optimizer and loss, compiled on one backend.

    `evaluation_batch` is how many examples are evaluated at
    once; None, all of them, where an example's numbers may depend on the others. `evaluation_changes_state`: it may, as
    far as the model's graph tells.
    """

    compile_s: float
    batch_size: int
    optimizer: "keras.optimizers.Optimizer"
    objective: Objective
    evaluation_batch: int | None
    evaluation_changes_state: bool

    def __init__(self, plan: Plan) -> None: ...

    def place(self, x: np.ndarray, y: np.ndarray) -> Placed:
        """The examples on the device, for `run`."""

    def run(
        self, data: Placed, order: np.ndarray, rates: np.ndarray | None, penalty: float = 1.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Train on the examples `order` (n,) in batches, update i with learning rate `rates[i]`.

        `penalty` multiplies the model's penalties. Returns per update the loss of its batch (penalties included) and
        its number of misclassified examples, after the device has finished.
        """

    def per_sample(self, x: np.ndarray, y: np.ndarray) -> Evaluation:
        """Evaluate these examples in inference mode."""

    def outputs(self, x: np.ndarray, batch: int | None = None) -> tuple[np.ndarray, np.ndarray | None]:
        """The model's outputs (n, ...) in inference mode and their mask, in parts of `batch` (None:
        `evaluation_batch`)."""

    def look(self, x: np.ndarray, y: np.ndarray) -> Facts:
        """What a forward pass of these few examples shows; RecipeError where such a model is not trained."""

    def check(self, x: np.ndarray, y: np.ndarray, penalty: float) -> tuple[Looked, Looked]:
        """What this program computes of a batch, and what Keras does; the state is as before."""

    def be_plain(self) -> bool:
        """Compute batches whole from here on; False where they are already."""

    def get_state(self) -> list[np.ndarray]:
        """All variables of model and optimizer."""

    def set_state(self, state: list[np.ndarray]) -> None:
        """Put back what `get_state` gave."""


class Ensemble(Protocol):
    """Programs that are traced alike and run at once: member k's numbers are row k of every argument and result."""

    compile_s: float

    def __init__(self, members: Sequence[Program]) -> None: ...

    def run(
        self, data: Placed, orders: np.ndarray, rates: np.ndarray | None, penalties: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """One epoch of every member: orders (members, n), rates (members, updates); losses and errors (members,
        updates)."""

    def per_sample(self, x: np.ndarray, y: np.ndarray) -> list[Evaluation]:
        """Every member's evaluation in inference mode."""


class Backend(Protocol):
    """One backend: its programs, and what the engine asks of its library beside them.

    `ensemble` is None where the backend trains one network at a time. `own_functions` are the modules whose functions
    count as Keras's own: activations of the library that act on each element.
    """

    program: type[Program]
    ensemble: type[Ensemble] | None
    own_functions: tuple[str, ...]

    def check_optimizer(self, optimizer: "keras.optimizers.Optimizer") -> None:
        """RecipeError where this backend's `fit` and the engine's program cannot agree by this optimizer."""

    def gradients(
        self, model: "keras.Model", inputs: list[np.ndarray], y: np.ndarray, loss: "keras.losses.Loss"
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Of the loss with respect to every trainable weight, and to every input; see `gradients.gradients`."""

    def timed_call(self, model: "keras.Model", x: np.ndarray, backward: bool) -> Callable[[], None]:
        """One compiled call of `model` on `x`, which returns when it is done; see `timing.timed_calls`."""

    def device(self) -> str:
        """`gpu` with its count ("gpu x2") where the library sees one, else `cpu`."""

    def free_bytes(self) -> int | None:
        """Memory that is free on the GPU; None on a CPU, or where the library does not tell."""

    def peak_bytes(self) -> int:
        """The most memory of the first GPU that tensors took so far. Not asked on a CPU."""

    def use_tf32(self, allowed: bool) -> None:
        """Whether float32 products may be rounded to TF32 on a GPU."""

    def be_deterministic(self) -> None:
        """Only kernels that give the same bits every time, for this process; an operation that has none fails.

        Called once the file is imported, before anything is computed.
        """

    def keep_compiled(self, folder: Path) -> None:
        """What this process compiles is kept in this folder of the user's own, for later processes; where the library
        can."""

    def settings(self) -> Mapping[str, object]:
        """What decides speed and rounding here, for the environment's facts."""
