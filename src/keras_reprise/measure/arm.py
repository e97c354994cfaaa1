"""Measuring one arm of a replicate: what it gave, what it cost, and what the machine did meanwhile."""

import contextlib
import gc
import hashlib
import resource
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_reprise.base import clock
from keras_reprise.base.errors import StoreError
from keras_reprise.base.failures import described
from keras_reprise.base.gpu import Watch
from keras_reprise.engine import History
from keras_reprise.measure import rehearsal
from keras_reprise.measure.assemble import sha256
from keras_reprise.measure.replicate import Replicate
from keras_reprise.measure.returned import InvalidMeasurement, encoded, too_big
from keras_reprise.recipe.guard import attempt
from keras_reprise.recipe.loading import LoadedRecipe
from keras_reprise.recipe.settings import Arm, copied, plain_settings
from keras_reprise.record.encoding import canonical

NUMBERS = ("metrics", "curves", "histograms", "trials")


def measure_arm(loaded: LoadedRecipe, arm: Arm, replicate: Replicate, *, debug: bool = False) -> dict[str, Any]:
    """Measure one arm; whatever the recipe does or returns makes a failed arm at worst, never a crash.

    Returns the arm as the record stores it, with the digest of its trained weights, when it ran, the load meanwhile,
    and the data that it made for itself (`unread`: what cannot be said of them).
    """
    import keras

    keras.backend.clear_session(free_memory=False)
    replicate.begin(arm.name)
    rehearsal.forget_stale_trials(loaded.recipe, arm, replicate, loaded.beside)
    _forget_peak_memory()
    params = plain_settings(f"the arm {arm.name}", arm.settings)
    started_at, start, before = clock.now(), time.perf_counter(), clock.load()
    found, failure = _measured(loaded, arm, replicate)
    if isinstance(failure, StoreError):  # of a checkpoint, on a full disk: every arm would end so
        raise failure
    error = None if failure is None else _error(failure, loaded, debug)
    total_s, after = time.perf_counter() - start, clock.load()
    if replicate.trainings:
        replicate.latest.forget()
        gc.collect()  # compiled programs hold the arm's data in reference cycles
    diverged = found["diverged"] if found else any(history.diverged for history, _ in replicate.trainings)
    record = {
        "params": params,
        **{name: found[name] if found else [] if name == "trials" else {} for name in NUMBERS},
        **_spent(replicate.trainings, total_s),
        "status": "failed" if error else "diverged" if diverged else "complete",
        "error": error,
    }
    result = {
        "arm": record,
        "digest": sha256("".join(replicate.digests)) if replicate.digests else "",
        "started_at": started_at,
        "finished_at": clock.now(),
        "load": {"mean_1m": (before.mean_1m + after.mean_1m) / 2, "steal_fraction": after.stolen_since(before)},
        "unseeded": list(replicate.unseeded),
    }
    made, unread = rehearsal.made(loaded.recipe, arm, replicate, loaded.beside)
    return result | {"made": made, "unread": unread}


def _error(failure: BaseException, loaded: LoadedRecipe, debug: bool) -> dict[str, str]:
    """Why an arm failed, as a record says it: any failure of an arm is a result, with its type and message."""
    if debug:
        traceback.print_exception(failure, file=sys.stderr)
    return {"type": type(failure).__name__, "message": described(failure, loaded.path)}


def _spent(trainings: Sequence[tuple[History, int]], total_s: float) -> dict[str, dict[str, object]]:
    """What an arm cost and how long it took, of its trainings (with each model's parameters) together."""
    histories = [history for history, _ in trainings]
    timings = [history.timing for history in histories]
    steps = [seconds for timing in timings for seconds in timing.step_s]
    return {
        "cost": {
            "params": max((parameters for _, parameters in trainings), default=None),
            "flops": max((h.flops_per_example for h in histories if h.flops_per_example is not None), default=None),
            "peak_memory_bytes": _peak_memory_bytes(),
        },
        "time": {
            "compile_s": sum(timing.compile_s for timing in timings) if timings else None,
            "first_step_s": next((timing.first_step_s for timing in timings), None),
            "step_s": _step_times(steps),
            "evaluation_s": sum(sum(timing.evaluation_s) for timing in timings) if timings else None,
            "flops_per_s": max((h.flops_per_s for h in histories if h.flops_per_s is not None), default=None),
            "total_s": total_s,
        },
    }


def _measured(
    loaded: LoadedRecipe, arm: Arm, replicate: Replicate
) -> tuple[dict[str, object] | None, BaseException | None]:
    """What the recipe's `measure` gives of an arm as a record stores it, or what went wrong.

    It sees copies of the arm's and the scale's settings, so that nothing it does to them reaches a record or another
    arm.
    """

    def call() -> dict[str, object]:
        with loaded.beside:
            found = loaded.recipe.measure(copied(arm), replicate)
            diverged = any(history.diverged for history, _ in replicate.trainings)
            return encoded(found, diverged=diverged)

    with _keras_settings_kept(), replicate.as_it_is():
        found, failure = attempt(call)
    if found is not None and (fault := too_big(arm.name, found)):
        return None, InvalidMeasurement(fault)
    return found, failure


@contextlib.contextmanager
def _keras_settings_kept() -> Iterator[None]:
    """What a recipe sets for all of Keras is gone with its arm; records say what the run was started with."""
    import keras

    config = keras.config
    before = config.floatx(), config.epsilon(), config.image_data_format(), config.dtype_policy()
    try:
        yield
    finally:
        for change, value in zip(
            (config.set_floatx, config.set_epsilon, config.set_image_data_format, config.set_dtype_policy),
            before,
            strict=True,
        ):
            change(value)


def measure_twice(
    loaded: LoadedRecipe, arm: Arm, replicate: Replicate, again: Replicate, *, debug: bool = False
) -> dict[str, Any]:
    """Measure an arm by two replicates of one seed, which must agree in every bit of trained weights and numbers.

    An arm that does not is failed. The digest is that of both weights and numbers.
    """
    first, second = (measure_arm(loaded, arm, one, debug=debug) for one in (replicate, again))
    if "failed" in (first["arm"]["status"], second["arm"]["status"]):
        return first if first["arm"]["status"] == "failed" else second
    digests = [sha256(one["digest"] + _numbers_digest(one["arm"])) for one in (first, second)]
    if digests[0] == digests[1]:
        return first | {"digest": digests[0]}
    differ = [name for name in NUMBERS if first["arm"][name] != second["arm"][name]]
    what = ", ".join(differ) or "the trained weights alone"
    error = {"type": "NotDeterministic", "message": f"Two runs with one seed differ in {what}."}
    return first | {"arm": first["arm"] | {"status": "failed", "error": error}, "digest": ""}


def with_company(result: Mapping[str, Any], nobody_else: bool | None, watch: Watch) -> dict[str, Any]:
    """What `measure_arm` gave with what is known of others: runs on the machine, and processes on its GPU,
    if it has one; and the energy that the GPU used, where it tells."""
    known = [nobody_else, *([None if watch.most is None else watch.most == 0] if watch.on_gpu else [])]
    alone = False if False in known else None if None in known else True
    energy = {} if watch.energy_j is None else {"gpu_energy_j": watch.energy_j}
    arm = result["arm"] | {"time": result["arm"]["time"] | {"alone": alone}, "cost": result["arm"]["cost"] | energy}
    return dict(result) | {"arm": arm, "load": result["load"] | {"gpu_processes": watch.most}}


def _numbers_digest(arm: Mapping[str, object]) -> str:
    return hashlib.sha256(canonical({name: arm[name] for name in NUMBERS})).hexdigest()


def _step_times(steps: Sequence[float]) -> dict[str, object] | None:
    """Seconds per update: one estimate per epoch, their number, median, 5th and 95th percentile."""
    if not steps:
        return None
    low, middle, high = np.quantile(steps, [0.05, 0.5, 0.95])
    return {"n": len(steps), "median": float(middle), "p05": float(low), "p95": float(high)}


def _forget_peak_memory() -> None:
    """Let the kernel count the largest resident set from here on, where it can."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak_memory_bytes() -> int:
    """The largest resident set since `_forget_peak_memory`; where the kernel tells only that,
    of this process so far."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
