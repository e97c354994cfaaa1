"""Which backend computes, and the interface its file offers; nothing outside the backend files imports a backend."""

import contextlib
import importlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from keras_reprise.base.errors import UserError
from keras_reprise.base.machine import threads
from keras_reprise.engine.objective import Facts, Objective
from keras_reprise.engine.selfcheck import Looked

BACKENDS = ("tensorflow", "jax", "torch")


DETERMINISMS = ("fast", "strict")
XLA_DETERMINISTIC = "--xla_gpu_deterministic_ops=true"
EVALUATION_BATCH = 500
PRECISIONS = ("float32", "tf32", "mixed_bfloat16", "mixed_float16")
EXAMPLES_PER_SHARD = 25
SHARDS = 4  # of a batch of 100
SCALED_AT_ONCE_BYTES = 256 * 2**20

_precision = "float32"

Scaling = tuple[np.float32 | np.ndarray, np.float32] | None


class Evaluation(NamedTuple):
    """Examples in inference mode: the loss of each (n,) and whether it is misclassified (n,); the loss of all of them, as the
    loss object gives it, penalties left out; the sum of the model's penalties.

    Losses of single examples are nan where the loss gives none.
    """

    losses: np.ndarray
    wrong: np.ndarray
    loss: float
    penalty: float

    @classmethod
    def of(cls, parts: Sequence[Sequence[Any]]) -> "Evaluation":
        """From what parts of the examples gave; of several parts the loss is the mean of its examples' losses."""
        losses, wrong, values, penalties = zip(*parts, strict=True)
        every = np.concatenate(losses)
        loss = float(values[0]) if len(parts) == 1 else float(every.mean(dtype=np.float64))
        return cls(every, np.concatenate(wrong).astype(bool), loss, float(penalties[0]))


class Program(Protocol):
    """A model with its optimizer and loss, compiled on one backend.

    `scaling` (mean as a scalar or an image, deviation) is applied to examples of an integer type; floats are taken as they are. `updates` is the
    number of updates in an epoch. `evaluation_batch` is how many examples are evaluated at once; None, all of them, where an
    example's numbers may depend on the others. `evaluation_changes_state`: it may, as far as the model's graph tells.
    """

    compile_s: float
    batch_size: int
    optimizer: Any
    objective: Objective
    evaluation_batch: int | None
    evaluation_changes_state: bool

    def __init__(
        self, model: Any, optimizer: Any, loss: Any, batch_size: int, *, updates: int, scaling: Scaling = None
    ) -> None: ...

    def place(self, x: np.ndarray, y: np.ndarray) -> Any:
        """The examples on the device, for `run`."""

    def run(
        self, data: Any, order: np.ndarray, rates: np.ndarray | None, penalty: float = 1.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Train on the examples `order` (n,) in batches, update i with learning rate `rates[i]`.

        `penalty` multiplies the model's penalties. Returns per update the loss of its batch (penalties included) and its
        number of misclassified examples, after the device has finished.
        """

    def per_sample(self, x: np.ndarray, y: np.ndarray) -> Evaluation:
        """Evaluate these examples in inference mode."""

    def outputs(self, x: np.ndarray, batch: int | None = None) -> tuple[np.ndarray, np.ndarray | None]:
        """The model's outputs (n, ...) in inference mode and their mask, in parts of `batch` (None: `evaluation_batch`)."""

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


def scaled_at_once(stored: np.ndarray) -> bool:
    """Whether examples are few enough to lie on the device as float32: scaling every batch anew costs a small network 10 %."""
    return 4 * stored.size <= SCALED_AT_ONCE_BYTES


def in_batches(call: Callable[..., Any], batch: int | None, *arrays: np.ndarray) -> list[Any]:
    """What `call` gives for the arrays (n, ...), in parts of `batch` examples (None: all at once), as NumPy arrays."""
    import keras

    n, found = len(arrays[0]), []
    for start in range(0, n, batch or n):
        parts = (keras.ops.convert_to_tensor(array[start : start + (batch or n)]) for array in arrays)
        results = call(*parts)
        found.append([None if value is None else keras.ops.convert_to_numpy(value) for value in results])
    return found


def shard_count(batch_size: int) -> int:
    """Into how many parts a batch is cut on this CPU: one per core, none below 25 examples."""
    return max(1, min(threads(), batch_size // EXAMPLES_PER_SHARD))


def output_gradient(shape: Sequence[int]) -> np.ndarray:
    """A fixed standard normal gradient of outputs of this shape, for timing a backward pass."""
    return np.random.default_rng(0).standard_normal(tuple(shape), np.float32)


def installed() -> list[str]:
    """The backends of this engine that can be imported here, without importing them."""
    return [name for name in BACKENDS if importlib.util.find_spec(name) is not None]


def choose(name: str | None = None, *, strict: bool = False) -> str:
    """Select the backend before Keras is imported: `name`, else KERAS_BACKEND, else the first one installed.

    `strict` sets the variables that make its libraries deterministic, which they read when they are loaded.
    """
    wanted = name or os.environ.get("KERAS_BACKEND")
    here = installed()
    install = "Install one: pip install 'keras-reprise[tensorflow-cpu]' (or tensorflow, tensorflow-cuda, jax, torch)."
    if wanted is None:
        if not here:
            raise UserError(f"No backend is installed, so nothing can be trained.\n{install}")
        wanted = here[0]
    if wanted not in BACKENDS:
        raise UserError(f"The engine has no backend {wanted!r}.\nIt has {', '.join(BACKENDS)}.")
    if wanted not in here:
        raise UserError(
            f"The backend {wanted} is not installed here; {', '.join(here) or 'no other one'} is.\n{install}"
        )
    os.environ["KERAS_BACKEND"] = wanted
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if wanted == "tensorflow":
        # The parts of a batch are computed side by side, so that each kernel gets a part of the cores: a small dense network
        # gains 1.2 to 1.4 x, a convolutional one nothing, and one with batch normalisation, which is not cut, loses a third.
        kernels = min(threads(), SHARDS)
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(threads() // kernels))
        os.environ.setdefault("TF_NUM_INTEROP_THREADS", str(kernels))
    if strict and wanted == "jax" and XLA_DETERMINISTIC not in os.environ.get("XLA_FLAGS", ""):
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {XLA_DETERMINISTIC}".strip()
    if strict and wanted == "torch":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    return wanted


def start(name: str | None = None, precision: str = "float32", determinism: str = "fast") -> str:
    """Choose the backend and import Keras on it, without the messages its libraries print while they load.

    `precision` is "float32" (TF32 off), "tf32" (float32 whose products a GPU may round to TF32), "mixed_bfloat16" or
    "mixed_float16" (Keras's policies of these names). `determinism` is "fast", or "strict": only kernels that give the same
    bits every time. Both hold for the process and are part of the environment.
    """
    if precision not in PRECISIONS:
        raise UserError(f"There is no precision {precision!r}.\nThere are {', '.join(PRECISIONS)}.")
    strict = determinism == "strict"
    chosen = choose(name, strict=strict)
    with _standard_error_held():
        keras = importlib.import_module("keras")
        keras.config.set_dtype_policy("float32" if precision == "tf32" else precision)
        module().use_tf32(precision == "tf32")
        if strict:
            module().be_deterministic()
    global _precision
    _precision = precision
    return chosen


def precision() -> str:
    """The precision that `start` was told."""
    return _precision


@contextlib.contextmanager
def _standard_error_held() -> Iterator[None]:
    """Hold back what C++ libraries write to standard error; it is printed after all when the import fails."""
    sys.stderr.flush()
    original = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(original, held.read())
            raise
        finally:
            os.dup2(original, 2)
            os.close(original)


def module() -> Any:
    """The engine's file for the backend that Keras runs on."""
    import keras

    name = keras.backend.backend()
    if name not in BACKENDS:
        raise UserError(
            f"The engine has no backend {name!r}.\nIt has {', '.join(BACKENDS)}; choose with --backend or KERAS_BACKEND."
        )
    return importlib.import_module(f"keras_reprise.engine.backends.{name}")


def ensemble(programs: Sequence[Program]) -> Any:
    """Programs of one shape to be run at once, or None where the backend cannot."""
    import keras

    if keras.backend.backend() != "jax":
        return None
    return importlib.import_module("keras_reprise.engine.backends.jax_ensemble").JaxEnsemble(list(programs))
