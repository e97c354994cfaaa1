"""The most memory that a call takes, of the process on a CPU or of the framework's tensors on a GPU.

A process's allocator keeps what was freed, and the next call takes it without asking the system: before each call it is
given back, where the C library can (glibc's `malloc_trim`). The largest resident set is then the kernel's own count,
which Linux lets a process begin anew.
"""

import contextlib
import ctypes
import gc
import resource
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import psutil

from keras_reprise.base.errors import RecipeError
from keras_reprise.engine.backends.start import current_backend


def peak_bytes(call: Callable[[], object]) -> int:
    """By how many bytes memory was at most above what it was before the call.

    Where the kernel does not count anew (not Linux), only a call that needs more than all before it is measured; others
    give 0. RecipeError for TensorFlow on a GPU, which is not measured here.
    """
    gc.collect()
    if on_gpu():
        return _gpu_peak(call)
    _give_back()
    before = psutil.Process().memory_info().rss
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    call()
    return max(0, _largest_resident_set() - before)


def memory_bytes() -> int:
    """The memory of the machine; on a GPU what the framework may have of its memory."""
    if not on_gpu():
        return psutil.virtual_memory().total
    if keras.backend.backend() == "jax":
        import jax

        return int(jax.local_devices()[0].memory_stats()["bytes_limit"])
    import torch

    return int(torch.cuda.mem_get_info()[1])


def on_gpu() -> bool:
    """Whether the backend computes on a GPU."""
    return current_backend().device() != "cpu"


def _gpu_peak(call: Callable[[], object]) -> int:
    if keras.backend.backend() == "jax":
        import jax

        device = jax.local_devices()[0]
        before = device.memory_stats()["bytes_in_use"]
        jax.block_until_ready(call())
        return max(0, int(device.memory_stats()["peak_bytes_in_use"] - before))
    if keras.backend.backend() == "torch":
        import torch

        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        call()
        torch.cuda.synchronize()
        return int(torch.cuda.max_memory_allocated() - before)
    raise RecipeError("What TensorFlow takes of a GPU's memory is not measured here.\nUse jax or torch, or a CPU.")


def _give_back() -> None:
    """Let the C library give freed memory back to the system, where it is one that can."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _largest_resident_set() -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
