"""Measuring: from a recipe to records in the store, arm by arm, so that an interruption costs one arm at most."""

import datetime
import gc
import resource
import statistics
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_reprise import environment, judge
from keras_reprise.catalog import LoadedRecipe, checkout
from keras_reprise.engine.loop import forget
from keras_reprise.errors import OK, RECIPE_FAILED, UserError
from keras_reprise.interruption import ReplicateCache, machine, only_run
from keras_reprise.progress import Progress, format_seconds
from keras_reprise.recipe import Arm, ArmResult, Histogram, Measurement, Scale, plain
from keras_reprise.record import SCHEMA, decode_trial, encode_curve, encode_number, encode_trial, without_paths
from keras_reprise.replicate import Replicate
from keras_reprise.seeds import Seeds
from keras_reprise.store import Store, Summary

LOOKS = (6, 12, 30)

InFreshProcess = Callable[
    [Path, str, int, tuple[str, ...], bool], int
]  # recipe, scale, seed, arms, failed ones again -> exit code


@dataclass(frozen=True)
class Job:
    """One recipe at one scale, for these seeds ("auto": as many as the verdicts need), on this data set."""

    loaded: LoadedRecipe
    scale: Scale
    seeds: tuple[int, ...]
    auto: bool = False
    data: str | None = None
    arms: tuple[str, ...] = ()

    @property
    def slug(self) -> str:
        return self.loaded.recipe.slug

    @property
    def name(self) -> str:
        return f"{self.slug}-v{self.loaded.recipe.version}-{self.scale.name}" + (f"-{self.data}" if self.data else "")

    @property
    def blocks(self) -> list[tuple[int, ...]]:
        """The seeds in the order they are measured; with `auto` a block ends where the verdicts are looked at."""
        if not self.auto:
            return [self.seeds]
        return [self.seeds[start:end] for start, end in zip((0, *LOOKS), LOOKS, strict=False)]

    @property
    def data_name(self) -> str | None:
        declared = self.loaded.recipe.data
        return None if declared is None else self.data or declared


@dataclass
class Outcome:
    """What a run did: how many replicates it recorded, found already there, or recorded as failed."""

    recorded: int = 0
    present: int = 0
    failed: int = 0
    waiting: int = 0


class Runner:
    """Runs jobs in this process into one store."""

    def __init__(
        self,
        store: Store,
        *,
        data_dir: Path | None = None,
        retry_failed: bool = False,
        quiet: bool = False,
        debug: bool = False,
    ) -> None:
        store.make_writable()
        self.store, self.data_dir, self.retry_failed, self.quiet, self.debug = (
            store,
            data_dir,
            retry_failed,
            quiet,
            debug,
        )
        self.machine = environment.machine_facts()
        self.environment = environment.environment_facts()
        self.machine_id = store.add_document("machines", self.machine)[:12]
        self.environment_id = store.add_document("environments", self.environment)[:12]
        self.code = environment.code_facts(checkout())

    def run(self, jobs: Sequence[Job], in_fresh_process: InFreshProcess | None = None) -> Outcome:
        """Measure every replicate of `jobs` that the store does not hold yet for this machine and environment.

        Replicates of timing recipes go to `in_fresh_process`, where one is given. They have the machine alone.
        """
        outcome = Outcome()
        planned = sum(len(self._missing(job, job.blocks[0])) * len(job.loaded.recipe.arms) for job in jobs)
        with Progress(planned, quiet=self.quiet) as progress:
            for job in jobs:
                if job.loaded.recipe.timing and in_fresh_process is not None:
                    self._hand_over(job, in_fresh_process, progress, outcome)
                    continue
                with (
                    machine(alone=job.loaded.recipe.timing, say=progress.say),
                    only_run(self.store.cache, job.name),
                ):
                    self._run_job(job, progress, outcome)
        return outcome

    def _hand_over(self, job: Job, measure: InFreshProcess, progress: Progress, outcome: Outcome) -> None:
        """Have each missing replicate measured by a process of its own."""
        for seeds in job.blocks:
            missing = self._missing(job, seeds)
            outcome.present += len(seeds) - len(missing)
            for number, (seed, _) in enumerate(missing, start=1):
                progress.say(f"{job.slug}: process {number} of {len(missing)} (timings, each in a fresh process)")
                code = measure(job.loaded.path, job.scale.name, seed, job.arms, self.retry_failed)
                if code not in (OK, RECIPE_FAILED):
                    raise SystemExit(code)
                if code == RECIPE_FAILED:
                    outcome.failed += 1
                elif self._missing(job, [seed]):
                    outcome.waiting += 1
                else:
                    outcome.recorded += 1
                for _ in job.loaded.recipe.arms:
                    progress.arm_done(measured=True)
            if job.auto and all(row.verdict != "inconclusive" for row in self._verdicts(job)):
                break

    def _run_job(self, job: Job, progress: Progress, outcome: Outcome) -> None:
        for number, seeds in enumerate(job.blocks):
            missing = self._missing(job, seeds)
            outcome.present += len(seeds) - len(missing)
            if number:
                progress.arms += len(missing) * len(job.loaded.recipe.arms)
            for seed, repeat in missing:
                self._run_replicate(job, seed, repeat, progress, outcome)
            if job.auto and all(row.verdict != "inconclusive" for row in self._verdicts(job)):
                progress.say(f"{job.slug}: every claim is decided after {seeds[-1]} replicates.")
                break

    def _mine(self, job: Job) -> list[Summary]:
        recipe = job.loaded.recipe
        key = (recipe.slug, recipe.version, job.scale.name, self.machine_id, self.environment_id, job.data_name)
        summaries, _ = self.store.summaries()
        return [
            s
            for s in summaries
            if (
                s.recipe.slug,
                s.recipe.version,
                s.recipe.scale,
                s.machine,
                s.environment,
                s.data.name if s.data else None,
            )
            == key
        ]

    def _missing(self, job: Job, seeds: Sequence[int]) -> list[tuple[int, int]]:
        """Seeds without a record, each with the number of its repeat."""
        present: dict[int, list[Summary]] = {}
        for summary in self._mine(job):
            present.setdefault(summary.replicate.seed, []).append(summary)
        missing = []
        for seed in seeds:
            found = present.get(seed, [])
            if not found or (self.retry_failed and all(summary.status == "failed" for summary in found)):
                missing.append((seed, max((summary.replicate.repeat for summary in found), default=-1) + 1))
        return missing

    def _verdicts(self, job: Job) -> list[judge.Verdict]:
        return judge.verdicts(self._mine(job), self.store)

    def _run_replicate(self, job: Job, seed: int, repeat: int, progress: Progress, outcome: Outcome) -> None:
        recipe = job.loaded.recipe
        cache = ReplicateCache(
            self.store.cache,
            recipe=job.loaded.source_sha256,
            scale=plain({"name": job.scale.name, **job.scale.settings}),
            seed=seed,
            repeat=repeat,
            data=job.data_name,
            environment=self.environment_id,
            machine=self.machine_id,
        )
        replicate = Replicate(
            Seeds(seed), job.scale, job.data_name, self.data_dir, cache.checkpoints, progress.epoch, cache.folder
        )
        if job.data_name:
            replicate.dataset()
        saved: dict[str, dict[str, Any]] = {}
        for arm in recipe.arms:
            known = cache.load_arm(arm.name)
            if known is None and (not job.arms or arm.name in job.arms):
                progress.arm(f"{recipe.slug} seed {seed} {arm.name}")
                result = measure_arm(job.loaded, arm, replicate, debug=self.debug)
                if result["arm"]["status"] == "failed":
                    error = result["arm"]["error"]
                    progress.say(
                        f"{recipe.slug} seed {seed} {arm.name} failed: {error['type']}: {error['message']} (--debug shows the traceback)"
                    )
                else:
                    cache.save_arm(arm.name, result)
                saved[arm.name] = result
            elif known is not None:
                saved[arm.name] = known
            progress.arm_done(measured=known is None)
        if len(saved) < len(recipe.arms):
            outcome.waiting += 1
            progress.say(
                f"{recipe.slug} seed {seed}: {len(saved)} of {len(recipe.arms)} arms are kept; the record is written once all are measured."
            )
            return
        document = self._document(job, replicate, repeat, saved)
        path, record = self.store.add_record(document)
        cache.clear()
        if record.status == "complete":
            outcome.recorded += 1
        else:
            outcome.failed += 1
        progress.say(
            f"{recipe.slug} seed {seed}: {record.status} in {format_seconds(record.duration_s)}, {path.relative_to(self.store.root)}"
        )

    def _document(
        self, job: Job, replicate: Replicate, repeat: int, saved: Mapping[str, dict[str, Any]]
    ) -> dict[str, Any]:
        recipe = job.loaded.recipe
        arms = {name: result["arm"] for name, result in saved.items()}
        seen = {name: arm_result(arm) for name, arm in arms.items()}
        failed = [name for name, arm in arms.items() if arm["status"] == "failed"]
        loads = [result["load"] for result in saved.values()]
        digests = [result["digest"] for result in saved.values()]
        return {
            "schema": SCHEMA,
            "recipe": {
                "slug": recipe.slug,
                "version": recipe.version,
                "scale": job.scale.name,
                "source_sha256": job.loaded.source_sha256,
                "card": self.store.add_document("cards", job.loaded.card),
            },
            "replicate": {"seed": replicate.seed, "repeat": repeat},
            "data": replicate.dataset().facts() if job.data_name else None,
            "arms": arms,
            "claims": {
                claim.id: "nan" if failed else encode_number(claim.evaluate(seen, job.scale)) for claim in recipe.claims
            },
            "machine": self.machine_id,
            "environment": self.environment_id,
            "determinism": {"mode": "fast", "digest": _sha256("".join(digests)) if all(digests) else None},
            "code": self.code,
            "load": {
                "mean_1m": statistics.fmean(load["mean_1m"] for load in loads),
                "steal_fraction": statistics.fmean(load["steal_fraction"] for load in loads),
            },
            "status": "failed" if failed else "complete",
            "started_at": min(result["started_at"] for result in saved.values()),
            "finished_at": max(result["finished_at"] for result in saved.values()),
            "duration_s": sum(arm["time"]["total_s"] for arm in arms.values()),
        }


def measure_arm(loaded: LoadedRecipe, arm: Arm, replicate: Replicate, *, debug: bool = False) -> dict[str, Any]:
    """Measure one arm; an exception of the recipe makes a failed arm, never a crash.

    Returns the arm as the record stores it, with the digest of its trained weights, when it ran, and the load meanwhile.
    """
    import keras

    keras.backend.clear_session(free_memory=False)
    replicate.begin(arm.name)
    started_at, start, before = _now(), time.perf_counter(), _load()
    error = None
    try:
        measurement = loaded.recipe.measure(arm, replicate)
    except UserError:
        raise
    except Exception as failure:  # any failure of an arm is a result: recorded with its type and message
        if debug:
            traceback.print_exc(file=sys.stderr)
        measurement, error = Measurement(), {"type": type(failure).__name__, "message": without_paths(str(failure))}
    total, after = time.perf_counter() - start, _load()
    if replicate.trainings:
        forget()
        gc.collect()  # compiled programs hold the arm's data in reference cycles
    histories = [history for history, _ in replicate.trainings]
    diverged = measurement.diverged or any(history.diverged for history in histories)
    timings = [history.timing for history in histories]
    steps = [seconds for timing in timings for seconds in timing.step_s]
    record = {
        "params": plain(arm.settings),
        "metrics": {name: encode_number(value) for name, value in measurement.metrics.items()},
        "curves": {name: encode_curve(values) for name, values in measurement.curves.items()},
        "histograms": {name: asdict(histogram) for name, histogram in measurement.histograms.items()},
        "trials": [encode_trial(plain(trial)) for trial in measurement.trials],
        "cost": {
            "params": max((parameters for _, parameters in replicate.trainings), default=None),
            "flops": max((h.flops_per_example for h in histories if h.flops_per_example is not None), default=None),
            "peak_memory_bytes": _peak_memory_bytes(),
        },
        "time": {
            "compile_s": sum(timing.compile_s for timing in timings) if timings else None,
            "first_step_s": next((timing.first_step_s for timing in timings), None),
            "step_s": _step_times(steps),
            "evaluation_s": sum(sum(timing.evaluation_s) for timing in timings) if timings else None,
            "flops_per_s": max((h.flops_per_s for h in histories if h.flops_per_s is not None), default=None),
            "total_s": total,
        },
        "status": "failed" if error else "diverged" if diverged else "complete",
        "error": error,
    }
    seconds = after["total"] - before["total"]
    load = {
        "mean_1m": (before["load"] + after["load"]) / 2,
        "steal_fraction": (after["steal"] - before["steal"]) / seconds if seconds > 0 else 0.0,
    }
    return {
        "arm": record,
        "digest": _sha256("".join(replicate.digests)) if replicate.digests else "",
        "started_at": started_at,
        "finished_at": _now(),
        "load": load,
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


def _step_times(steps: Sequence[float]) -> dict[str, Any] | None:
    """Seconds per update: one estimate per epoch, their number, median, 5th and 95th percentile."""
    if not steps:
        return None
    low, middle, high = np.quantile(steps, [0.05, 0.5, 0.95])
    return {"n": len(steps), "median": float(middle), "p05": float(low), "p95": float(high)}


def _peak_memory_bytes() -> int:
    """The largest resident set of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _load() -> dict[str, float]:
    import psutil

    times = psutil.cpu_times()
    return {"load": psutil.getloadavg()[0], "steal": getattr(times, "steal", 0.0), "total": sum(times)}


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _sha256(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()
