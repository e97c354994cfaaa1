"""Which backend computes, and the interface its file offers; nothing outside the backend files imports a backend."""

import contextlib
import importlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from keras_reprise.errors import UserError

BACKENDS = ("tensorflow", "jax")


class Program(Protocol):
    """A model with its optimizer and loss, compiled for one data set on one backend."""

    compile_s: float
    batch_size: int

    def __init__(
        self, model: Any, optimizer: Any, loss: Any, x: np.ndarray, y: np.ndarray, batch_size: int
    ) -> None: ...

    def run_epoch(self, order: np.ndarray, rates: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """Train once over the examples `order` (n,), update i with learning rate `rates[i]`.

        Returns per update the mean loss of its batch (penalties included) and its number of misclassified examples.
        """

    def per_sample(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """Loss (n,) and misclassified (n,) of each example in inference mode, and the sum of the penalties."""

    def get_state(self) -> list[np.ndarray]:
        """All variables of model and optimizer."""

    def set_state(self, state: list[np.ndarray]) -> None:
        """Put back what `get_state` gave."""


def installed() -> list[str]:
    """The backends of this engine that can be imported here, without importing them."""
    return [name for name in BACKENDS if importlib.util.find_spec(name) is not None]


def choose(name: str | None = None) -> str:
    """Select the backend before Keras is imported: `name`, else KERAS_BACKEND, else the first one installed."""
    wanted = name or os.environ.get("KERAS_BACKEND")
    here = installed()
    install = "Install one: pip install 'keras-reprise[tensorflow-cpu]' (or tensorflow, tensorflow-cuda, jax)."
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
    return wanted


def start(name: str | None = None) -> str:
    """Choose the backend and import Keras on it, without the messages its libraries print while they load."""
    chosen = choose(name)
    with _standard_error_held():
        importlib.import_module("keras")
    return chosen


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
    return importlib.import_module(f"keras_reprise.engine._{name}")
