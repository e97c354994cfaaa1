"""What an arm cost and how long it took, with the trials of it that an interrupted run has kept."""

import contextlib
import dataclasses
import resource
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_reprise.engine import History, Timing


def spent(
    trainings: Sequence[tuple[History, int]], total_s: float, resumed: Sequence[Mapping[str, Any]] = ()
) -> dict[str, dict[str, object]]:
    """What an arm cost and how long it took, of its trainings (with each model's parameters) together.

    `total_s` and the peak of the memory are of this process; `resumed` are the trials that an earlier one measured.
    """
    histories = [history for history, _ in trainings]
    timings = [history.timing for history in histories]
    steps = [seconds for timing in timings for seconds in timing.step_s]
    return {
        "cost": {
            "params": max((parameters for _, parameters in trainings), default=None),
            "flops": max((h.flops_per_example for h in histories if h.flops_per_example is not None), default=None),
            "peak_memory_bytes": max([peak_memory_bytes(), *(one["peak_memory_bytes"] for one in resumed)]),
        },
        "time": {
            "compile_s": sum(timing.compile_s for timing in timings) if timings else None,
            "first_step_s": next((timing.first_step_s for timing in timings), None),
            "step_s": _step_times(steps),
            "evaluation_s": sum(sum(timing.evaluation_s) for timing in timings) if timings else None,
            "flops_per_s": max((h.flops_per_s for h in histories if h.flops_per_s is not None), default=None),
            "total_s": total_s + sum(one["total_s"] for one in resumed),
        },
    }


def kept_training(history: History, parameters: int) -> dict[str, Any]:
    """What measuring an arm reads of a training and its model's parameters, as JSON holds it."""
    return {
        "params": parameters,
        "diverged": bool(history.diverged),
        "updates": history.updates,
        "examples": history.examples,
        "flops_per_example": history.flops_per_example,
        "timing": dataclasses.asdict(history.timing),
    }


def training_of(kept: Mapping[str, Any]) -> tuple[History, int]:
    """The training of which `kept_training` kept this: its curves are not there."""
    history = History(
        diverged=kept["diverged"],
        updates=kept["updates"],
        examples=kept["examples"],
        flops_per_example=kept["flops_per_example"],
        timing=Timing(**kept["timing"]),
    )
    return history, kept["params"]


def _step_times(steps: Sequence[float]) -> dict[str, object] | None:
    """Seconds per update: one estimate per epoch, their number, median, 5th and 95th percentile."""
    if not steps:
        return None
    low, middle, high = np.quantile(steps, [0.05, 0.5, 0.95])
    return {"n": len(steps), "median": float(middle), "p05": float(low), "p95": float(high)}


def forget_peak_memory() -> None:
    """Let the kernel count the largest resident set from here on, where it can."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory_bytes() -> int:
    """The largest resident set since `forget_peak_memory`; where the kernel tells only that,
    of this process so far."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
