"""Measuring one arm of a replicate: what it gave, what it cost, and what the machine did meanwhile."""

import contextlib
import gc
import hashlib
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from keras_reprise.base import clock
from keras_reprise.base.errors import StoreError
from keras_reprise.base.failures import described
from keras_reprise.base.gpu import Watch
from keras_reprise.measure import rehearsal
from keras_reprise.measure.assemble import sha256
from keras_reprise.measure.replicate import Replicate
from keras_reprise.measure.returned import InvalidMeasurement, encoded, too_big
from keras_reprise.measure.spent import forget_peak_memory, spent
from keras_reprise.recipe.guard import attempt
from keras_reprise.recipe.loading import LoadedRecipe
from keras_reprise.recipe.settings import Arm, copied, plain_settings
from keras_reprise.record.encoding import canonical

NUMBERS = ("metrics", "curves", "histograms", "trials")


def measure_arm(loaded: LoadedRecipe, arm: Arm, replicate: Replicate, *, debug: bool = False) -> dict[str, Any]:
    """Measure one arm; whatever the recipe does or returns makes a failed arm at worst, never a crash.

    Returns the arm as the record stores it, with the digest of its trained weights, when it ran, the load meanwhile,
    the data that it made for itself (`unread`: what cannot be said of them), and for each of its trials that an earlier
    run measured whether that had the machine alone (`resumed`).
    """
    _forget_names()
    replicate.begin(arm.name)
    rehearsal.forget_stale_trials(loaded.recipe, arm, replicate, loaded.beside)
    forget_peak_memory()
    params = plain_settings(f"the arm {arm.name}", arm.settings)
    started_at, start, before = clock.now(), time.perf_counter(), clock.load()
    found, failure = _measured(loaded, arm, replicate)
    replicate.require_written()
    if isinstance(failure, StoreError):
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
        **spent(replicate.trainings, total_s, replicate.resumed),
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
        "resumed": [kept["alone"] for kept in replicate.resumed],
    }
    made, unread = rehearsal.made(loaded.recipe, arm, replicate, loaded.beside)
    return result | {"made": made, "unread": unread}


def _forget_names() -> None:
    """Layers of an arm are named as if no other had been measured before it."""
    import keras

    try:
        keras.backend.clear_session(free_memory=False)
    except TypeError:  # Keras 3.0 and 3.1, which an environment of `gate --between` may have
        keras.backend.clear_session()


def _error(failure: BaseException, loaded: LoadedRecipe, debug: bool) -> dict[str, str]:
    """Why an arm failed, as a record says it: any failure of an arm is a result, with its type and message."""
    if debug:
        traceback.print_exception(failure, file=sys.stderr)
    return {"type": type(failure).__name__, "message": described(failure, loaded.path)}


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
    if replicate.invalid:  # whatever a search that took it for a failed trial has made of it
        return None, replicate.invalid[0]
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
    if it has one; and the energy that the GPU used, where it tells.

    Trials that an earlier run measured count with what was known then; of their energy nothing is.
    """
    resumed = result.get("resumed", [])
    alone = _all_of([_alone(nobody_else, watch), *resumed])
    energy = {} if watch.energy_j is None or resumed else {"gpu_energy_j": watch.energy_j}
    arm = result["arm"] | {"time": result["arm"]["time"] | {"alone": alone}, "cost": result["arm"]["cost"] | energy}
    left = {name: value for name, value in result.items() if name != "resumed"}
    return left | {"arm": arm, "load": result["load"] | {"gpu_processes": watch.most}}


def alone_so_far(nobody_else: Callable[[], bool | None], watch: Watch) -> bool | None:
    """Whether an arm that is being measured has had the machine and its GPU alone; None where that is not known."""
    if watch.on_gpu:
        watch.look()
    return _alone(nobody_else(), watch)


def _alone(nobody_else: bool | None, watch: Watch) -> bool | None:
    gpu = [None if watch.most is None else watch.most == 0] if watch.on_gpu else []
    return _all_of([nobody_else, *gpu])


def _all_of(known: Sequence[bool | None]) -> bool | None:
    return False if False in known else None if None in known else True


def _numbers_digest(arm: Mapping[str, object]) -> str:
    return hashlib.sha256(canonical({name: arm[name] for name in NUMBERS})).hexdigest()
