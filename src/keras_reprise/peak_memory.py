"""The most memory that an update of a network takes, by the size of its batch.

On a CPU it is counted in a process of its own, since a process's allocator keeps what was freed, and what an earlier
training left behind would hide what is needed now (TensorFlow's gives nothing back, not even when asked). So batches
are tried in ascending order, each twice: the first update compiles, which takes memory, too.
"""

import contextlib
import json
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import psutil

from keras_reprise.base import gpu
from keras_reprise.base.errors import RecipeError
from keras_reprise.engine.backends.start import current_backend

LIMIT_S = 600.0


def update_peaks(model: keras.Model, batches: Sequence[int]) -> list[int]:
    """By how many bytes an update with batches of these sizes, in ascending order, needs more than one of one image.

    The update is that of plain SGD on the cross-entropy of logits and classes, by Keras's own `train_on_batch`; the
    examples are random numbers, and count. On a CPU it is the largest resident set of a fresh process, on a GPU that
    of the framework's tensors. RecipeError where the order is another, or that process fails.
    """
    if list(batches) != sorted(set(batches)):
        raise RecipeError(f"The batches {list(batches)} do not ascend.\nSort them: what is told is the largest so far.")
    if on_gpu():
        return _peaks(model, batches)
    asked = json.dumps({"model": model.to_json(), "batches": [int(batch) for batch in batches]})
    path = os.pathsep.join(part for part in sys.path if part)
    environment = os.environ | {"KERAS_BACKEND": keras.backend.backend(), "PYTHONPATH": path}
    command = [sys.executable, "-P", "-m", "keras_reprise.peak_memory"]
    found = subprocess.run(
        command, input=asked, capture_output=True, text=True, env=environment, timeout=LIMIT_S, check=False
    )
    if found.returncode:
        last = found.stderr.strip().splitlines()[-1:] or [f"exit code {found.returncode}"]
        raise RecipeError(f"The process whose memory is counted failed: {last[0]}\nTry fewer images at once.")
    peaks: list[int] = json.loads(found.stdout.splitlines()[-1])
    return peaks


def memory_bytes() -> int:
    """The memory of the machine, or of the first GPU where one computes; RecipeError where that GPU's is not known."""
    if not on_gpu():
        return psutil.virtual_memory().total
    found = gpu.memory_bytes()
    if found is None:
        raise RecipeError(
            "How much memory the GPU has cannot be known.\nInstall NVIDIA's driver with its library NVML."
        )
    return found


def on_gpu() -> bool:
    """Whether the backend computes on a GPU."""
    return current_backend().device() != "cpu"


def _peaks(model: keras.Model, batches: Sequence[int]) -> list[int]:
    model.compile(keras.optimizers.SGD(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    draw, peaks = np.random.default_rng(0), []
    for batch in (1, *batches):
        x = draw.standard_normal((batch, *model.input_shape[1:]), "float32")
        y = draw.integers(0, model.output_shape[-1], batch)
        model.train_on_batch(x, y)
        _begin_anew()
        model.train_on_batch(x, y)
        peaks.append(_largest())
    return [peak - peaks[0] for peak in peaks[1:]]


def _begin_anew() -> None:
    """Let the most bytes be counted from here on, where that can be: of a process, by Linux."""
    if not on_gpu():
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")


def _largest() -> int:
    """The most bytes so far: of the framework's tensors on a GPU, else of the process."""
    if on_gpu():
        return current_backend().peak_bytes()
    with contextlib.suppress(OSError, IndexError):
        return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    given = json.loads(sys.stdin.read())
    print(json.dumps(_peaks(keras.models.model_from_json(given["model"]), given["batches"])))
