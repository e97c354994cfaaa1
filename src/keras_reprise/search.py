"""Searching hyper-parameters: keras-tuner proposes the trials, a trial is whatever the recipe trains.
The only importer of keras_tuner."""

import contextlib
import math
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_reprise.base.errors import RecipeError
from keras_reprise.base.failures import described
from keras_reprise.measure.replicate import Replicate

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of its own imports
    import keras_tuner

WORST = 1e30

Axis = Callable[[keras_tuner.HyperParameters, str], object]


def log_uniform(low: float, high: float) -> Axis:
    """Uniform in the logarithm between `low` and `high`."""
    return lambda space, name: space.Float(name, low, high, sampling="log")


def uniform(low: float, high: float) -> Axis:
    """Uniform between `low` and `high`."""
    return lambda space, name: space.Float(name, low, high)


def choice(values: Sequence[object]) -> Axis:
    """One of `values`."""
    return lambda space, name: space.Choice(name, list(values))


def random_search(
    replicate: Replicate, space: Mapping[str, Axis], trials: int, measure: Callable[..., Mapping[str, object]],
    objective: str = "test_error",
) -> list[dict[str, Any]]:  # fmt: skip
    """`trials` independent draws from `space`, measured one after the other; the draws depend on the seed and the arm.

    `measure(**values)` returns numbers (and `diverged`, if it did). A trial is its values, these numbers and `status`:
    complete, diverged or failed, then with the `error`; neither ends the search. An interrupted search goes on where it
    was. `objective`, the number to be minimised, is what the tuner is told. Returned are the trials that were run: on a
    small discrete space keras-tuner stops after 20 repetitions in a row, with fewer than asked for.
    """
    seed = replicate.seeds.integer("search", replicate.arm)
    oracle = keras_tuner.oracles.RandomSearchOracle(seed=seed, max_trials=trials, **_common(space))
    return _search(oracle, replicate, trials, measure, objective)


def grid_search(
    replicate: Replicate, space: Mapping[str, Sequence[object]], measure: Callable[..., Mapping[str, object]],
    objective: str = "test_error",
) -> list[dict[str, Any]]:  # fmt: skip
    """Every combination of the listed values; the rest is as in `random_search`."""
    axes = {name: choice(values) for name, values in space.items()}
    oracle = keras_tuner.oracles.GridSearchOracle(**_common(axes))
    return _search(oracle, replicate, math.prod(map(len, space.values())), measure, objective)


def log_grid(low: float, high: float, n: int) -> list[float]:
    """`n` values from `low` to `high` at equal ratios, both ends among them."""
    return [low * (high / low) ** (i / (n - 1)) for i in range(n)]


def draws(axis: Axis, n: int, seed: int) -> np.ndarray:
    """`n` values (n,) of an axis as keras-tuner draws them, one seed each from `seed` on."""
    space = keras_tuner.HyperParameters()
    axis(space, "value")
    return np.array([space.space[0].random_sample(seed + i) for i in range(n)])


def _common(space: Mapping[str, Axis]) -> dict[str, object]:
    declared = keras_tuner.HyperParameters()
    for name, axis in space.items():
        axis(declared, name)
    objective = keras_tuner.Objective("objective", "min")
    return {
        "objective": objective, "hyperparameters": declared, "allow_new_entries": False, "tune_new_entries": False,
    }  # fmt: skip


class _Tuner(keras_tuner.Tuner):  # type: ignore[misc]
    """keras-tuner's loop around our trials."""

    def __init__(self, oracle: keras_tuner.Oracle, folder: Path, run: Callable[[dict[str, object]], float]) -> None:
        super().__init__(oracle=oracle, directory=str(folder), project_name="trials", overwrite=True)
        self.run = run

    def run_trial(self, trial: keras_tuner.engine.trial.Trial, *_: object, **__: object) -> dict[str, float]:
        return {"objective": self.run(dict(trial.hyperparameters.values))}


def _search(
    oracle: keras_tuner.Oracle,
    replicate: Replicate,
    trials: int,
    measure: Callable[..., Mapping[str, object]],
    objective: str,
) -> list[dict[str, Any]]:
    replicate.trials, found = replicate.trial_number + trials, []

    def run(values: dict[str, object]) -> float:
        trial = replicate.trial(values, lambda: _measured(values, measure))
        found.append(trial)
        number = trial.get(objective, math.nan)
        return number if math.isfinite(number) else WORST

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), contextlib.redirect_stdout(None):
        warnings.simplefilter("ignore")
        _Tuner(oracle, Path(folder), run).search(verbose=0)
    if found and all(trial["status"] == "failed" for trial in found):
        raise RecipeError(f"All {len(found)} trials of the search failed; the first with {found[0]['error']}")
    return found


def _measured(values: Mapping[str, object], measure: Callable[..., Mapping[str, object]]) -> dict[str, object]:
    try:
        numbers = dict(measure(**values))
    except Exception as error:  # a failed trial is a result, as a failed arm is
        return {**values, "status": "failed", "error": f"{type(error).__name__}: {described(error)}"}
    return {**values, **numbers, "status": "diverged" if numbers.pop("diverged", False) else "complete"}
