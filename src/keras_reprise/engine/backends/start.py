"""Which backends there are, which one computes, and how it is started;
nothing outside of its own files imports a backend."""

import contextlib
import importlib
import importlib.util
import os
import pkgutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from keras_reprise.base.errors import UserError
from keras_reprise.engine.backends.interface import Backend

FIRST = "tensorflow"  # where nobody says which, as long as it is installed
BESIDES = ("tensorflow-cuda",)  # extras of pyproject.toml that are not named as their backend
PRECISIONS = ("float32", "tf32", "mixed_bfloat16", "mixed_float16")
NO_BACKENDS = {"interface", "start"}  # of the files of this folder


def known() -> list[str]:
    """The backends that have a file in this folder, the first choice first.
    Names with an underscore are further files of one."""
    files = {one.name for one in pkgutil.iter_modules([str(Path(__file__).parent)])}
    return _first_choice_first(name for name in files - NO_BACKENDS if "_" not in name)


def installed() -> list[str]:
    """The backends of this engine that can be imported here, without importing them."""
    return [name for name in known() if importlib.util.find_spec(name) is not None]


def choose(name: str | None = None) -> str:
    """The backend by this name, else that of KERAS_BACKEND, else the first one installed;
    UserError where it is not there."""
    wanted = name or os.environ.get("KERAS_BACKEND")
    here = installed()
    extras = ", ".join(_first_choice_first([*known(), *BESIDES]))
    install = f"Install one: pip install 'keras-reprise[tensorflow-cpu]' (or {extras})."
    if wanted is None:
        if not here:
            raise UserError(f"No backend is installed, so nothing can be trained.\n{install}")
        wanted = here[0]
    if wanted not in known():
        raise UserError(f"The engine has no backend {wanted!r}.\nIt has {', '.join(known())}.")
    if wanted not in here:
        raise UserError(
            f"The backend {wanted} is not installed here; {', '.join(here) or 'no other one'} is.\n{install}"
        )
    return wanted


def start(name: str | None = None, precision: str = "float32", determinism: str = "fast") -> str:
    """Choose the backend and import Keras on it, without the messages its libraries print while they load.

    `precision` is "float32" (TF32 off), "tf32" (float32 whose products a GPU may round to TF32), "mixed_bfloat16" or
    "mixed_float16" (Keras's policies of these names). `determinism` is "fast", or "strict": only kernels that give the
    same bits every time. Both hold for the process and are part of the environment.
    """
    if precision not in PRECISIONS:
        raise UserError(f"There is no precision {precision!r}.\nThere are {', '.join(PRECISIONS)}.")
    chosen = choose(name)
    os.environ["KERAS_BACKEND"] = chosen
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # on any backend: Keras imports TensorFlow where it is
    with _standard_error_held():
        # The backend's file comes before Keras: it says what its library reads while it is loaded.
        backend = current_backend() if "keras" in sys.modules else _backend(chosen)
        if determinism == "strict":
            backend.be_deterministic()
        keras = importlib.import_module("keras")
        keras.config.set_dtype_policy("float32" if precision == "tf32" else precision)
        backend.use_tf32(precision == "tf32")
    return chosen


def current_backend() -> Backend:
    """The backend that Keras runs on."""
    import keras

    name = keras.backend.backend()
    if name not in known():
        raise UserError(
            f"The engine has no backend {name!r}.\nIt has {', '.join(known())}; choose with --backend or KERAS_BACKEND."
        )
    return _backend(name)


def _backend(name: str) -> Backend:
    found: Backend = importlib.import_module(f"keras_reprise.engine.backends.{name}").BACKEND
    return found


def _first_choice_first(names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: (not name.startswith(FIRST), name))


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
