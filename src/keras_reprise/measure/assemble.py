"""The record of a replicate, made from its measured arms."""

import hashlib
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from keras_reprise.measure import own_data
from keras_reprise.measure.claimed import claimed
from keras_reprise.measure.evaluation import evaluated, summarised
from keras_reprise.measure.replicate import Replicate
from keras_reprise.recipe.loading import LoadedRecipe
from keras_reprise.recipe.numbers import ArmResult
from keras_reprise.recipe.settings import Scale
from keras_reprise.record.encoding import decode_trial, encode_number
from keras_reprise.record.expressions.evaluating import Stored
from keras_reprise.record.histogram import Histogram
from keras_reprise.record.schema import SCHEMA


def document(
    loaded: LoadedRecipe,
    replicate: Replicate,
    repeat: int,
    measured: Mapping[str, dict[str, Any]],
    *,
    card: str,
    machine: str,
    environment: str,
    determinism: str,
    code: Mapping[str, Any],
    measurement: str,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """The record of a replicate, but for its id, from what `measure_arm` gave for each arm.

    `card` is the card's sha256, `machine` and `environment` are ids, `measurement` is what the numbers belong to; `say`
    is told of claims that could not be evaluated.
    """
    recipe = loaded.recipe
    arms = {arm.name: measured[arm.name]["arm"] for arm in recipe.arms}
    failed = any(arm["status"] == "failed" for arm in arms.values())
    claims, numbers = ({}, {}) if failed else _evaluated(loaded, replicate.scale, arms, say)
    made = own_data.made_by(measured, [arm.name for arm in recipe.arms])
    return {
        "schema": SCHEMA,
        "recipe": {
            "slug": recipe.slug,
            "version": recipe.version,
            "scale": replicate.scale.name,
            "source_sha256": loaded.source_sha256,
            "card": card,
            "measurement": measurement,
        },
        "replicate": {"seed": replicate.seed, "repeat": repeat},
        "data": own_data.combined(replicate.dataset().facts() if replicate.data_name else None, made),
        "arms": arms,
        "claims": {claim.id: encode_number(claims.get(claim.id, math.nan)) for claim in recipe.each_claim},
        "numbers": {name: encode_number(value) for name, value in numbers.items()},
        "machine": machine,
        "environment": environment,
        "determinism": _determinism(determinism, [measured[arm.name] for arm in recipe.arms]),
        "code": dict(code),
        "load": _load([result["load"] for result in measured.values() if result["load"]]),
        "status": "failed" if failed else "complete",
        "started_at": min(result["started_at"] for result in measured.values()),
        "finished_at": max(result["finished_at"] for result in measured.values()),
        "duration_s": sum(arm["time"]["total_s"] for arm in arms.values()),
    }


def _evaluated(
    loaded: LoadedRecipe, scale: Scale, arms: Mapping[str, Mapping[str, Any]], say: Callable[[str], None]
) -> tuple[dict[str, float], dict[str, float]]:
    """The claims' numbers, and those of `summarise`, of arms of which none failed."""

    def seen() -> dict[str, ArmResult]:
        return {name: arm_result(arm) for name, arm in arms.items()}

    claims, summarise = loaded.recipe.each_claim, loaded.recipe.summarise
    asked = (scale, say, loaded.path, loaded.beside)
    numbers = {} if summarise is None else summarised(summarise, seen(), *asked)
    found = evaluated([claim for claim in claims if claim.statistic is not None], seen, *asked)
    data = [claim for claim in claims if claim.statistic is None]
    return found | claimed(data, Stored(arms, numbers, scale.settings), seen(), say), numbers


def _determinism(mode: str, results: Sequence[Mapping[str, Any]]) -> dict[str, object]:
    """One digest of all arms, where each has one; and what drew without a seed, if anything did."""
    digests = [result["digest"] for result in results]
    unseeded = sorted({name for result in results for name in result.get("unseeded", ())})
    return {
        "mode": mode,
        "digest": sha256("".join(digests)) if all(digests) else None,
        **({"unseeded": unseeded} if unseeded else {}),
    }


def _load(loads: Sequence[Mapping[str, float]]) -> dict[str, float | None]:
    """The means over the arms; of processes on the GPU the most."""
    return {
        "mean_1m": _mean([load["mean_1m"] for load in loads]),
        "steal_fraction": _mean([load["steal_fraction"] for load in loads]),
        "gpu_processes": max((n for load in loads if (n := load.get("gpu_processes")) is not None), default=None),
    }


def arm_result(arm: Mapping[str, Any]) -> ArmResult:
    """A stored arm as a statistic sees it."""
    return ArmResult(
        status=arm["status"],
        metrics={name: float(value) for name, value in arm["metrics"].items()},
        curves={name: np.array([float(value) for value in values]) for name, values in arm["curves"].items()},
        histograms={name: Histogram(**histogram) for name, histogram in arm["histograms"].items()},
        trials=[decode_trial(trial) for trial in arm["trials"]],
    )


def _mean(values: Sequence[float]) -> float | None:
    return statistics.fmean(values) if values else None


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
