"""The gate itself, and what makes its references: `gate`, `accept`, `calibrate`. Nothing is written before all is measured."""

import math
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from keras_reprise import errors
from keras_reprise.errors import NothingMeasuredError, UserError
from keras_reprise.gate import measuring, quality
from keras_reprise.gate.documents import (
    Accepted,
    Baseline,
    Calibration,
    Finished,
    Measured,
    Software,
    baseline_path,
    calibration_path,
    finished_gates,
    keep,
    quality_samples,
    read,
    require_baseline,
    samples,
    write,
)
from keras_reprise.gate.environments import of_commit, scratch_folder
from keras_reprise.gate.injection import injected, injections
from keras_reprise.gate.measuring import Taken
from keras_reprise.gate.processes import MOST_STEAL, PEAK_MEMORY, Process, Side, read_benchmarks
from keras_reprise.gate.settings import Settings
from keras_reprise.gate.verdicts import Judgement, Known, Look, failures, first_look, learn, look_of, second_look
from keras_reprise.record import SCHEMA, Code
from keras_reprise.regression import FAILED, INCOMPARABLE, INCONCLUSIVE, REGRESSED, seeds_needed
from keras_reprise.store import Store

Say = Callable[[str], None]

LOSS_IN_MARGINS, FEWEST_SEEDS, MOST_SEEDS = 3, 3, 8


@dataclass(frozen=True)
class Outcome:
    """What a gate found, and all that its table needs. `notes` are lines to print below it."""

    judgement: Judgement
    before: str
    now: str
    changed: Sequence[str]
    notes: Sequence[str] = field(default_factory=list)
    machine: str = ""

    @property
    def compared(self) -> int:
        return sum(row.verdict not in (FAILED, INCOMPARABLE) for row in self.judgement.rows)

    def exit_code(self, strict: bool) -> int:
        """1 regressed, 4 something crashed, 3 nothing could be compared, 5 inconclusive where that counts, else 0."""
        found = {row.verdict for row in self.judgement.rows}
        if REGRESSED in found:
            return errors.BROKEN
        if FAILED in found:
            return errors.RECIPE_FAILED
        if not self.compared:
            return errors.NOTHING_MEASURED
        return errors.INCONCLUSIVE if strict and INCONCLUSIVE in found else errors.OK


def gate(store: Store, settings: Settings, name: str, say: Say) -> Outcome:
    """Measure here and now, compare with the accepted baseline of this machine, and measure again what is flagged.

    The accepted code is measured beside that of now, in turns, so that a machine that was faster or slower on the day of the
    baseline makes no difference. Where that cannot be, the baseline's stored numbers are compared with.
    """
    this = measuring.this_machine()
    baseline = require_baseline(store, this, name).measured
    injections()
    here, recipes = measuring.here(), quality.chosen(settings)
    software = measuring.software(here)
    settings = comparable(settings, baseline.software, software)
    seeds = {"now": measuring.seeds_of(recipes, settings, seeds_for(baseline, settings))}
    with scratch_folder() as scratch:
        accepted, alone = accepted_code(baseline, software, settings, scratch / "accepted")
        sides = {"before": accepted, "now": here} if accepted else {"now": here}
        _announce(
            say, store, settings, settings.rounds, seeds["now"], baseline, len(sides),
            "and at most as long again if something looks changed",
        )  # fmt: skip
        order_seed = secrets.randbits(32)
        suites = measuring.suites_of(settings)
        first = measuring.taken(sides, settings, settings.rounds, suites, seeds, order_seed=order_seed)
        found = measuring.document(first["now"], here, order_seed)
        crash = next(iter(failures(first["before"].processes).values()), None) if accepted else None
        if crash:
            sides, alone = {"now": here}, f"its code could not be measured now ({crash})"
        known = calibrated(store, this, name, settings, beside=not alone)
        stored = look_of(baseline, settings.estimate)

        def looks(taken: Mapping[str, Taken]) -> tuple[Look, Look]:
            now = look_of(injected(taken["now"]), settings.estimate)
            if alone:
                return stored, now
            return look_of(Taken(taken["before"].processes, baseline.quality), settings.estimate), now

        judgement = judged(
            looks(first),
            lambda suspects: looks(measuring.again(suspects, sides, settings, seeds)),
            settings,
            known,
            say,
        )
    if not injections():
        keep(store, name, Finished(schema=SCHEMA, finished_at=measuring.now(), measured=found))
    notes = notes_of(judgement, known, [process for one in first.values() for process in one.processes])
    if settings.benchmarks:
        notes = [f"Times are compared with those stored in the baseline: {alone}."] + notes if alone else notes
        notes += drift(stored, look_of(first["before"], settings.estimate)) if not alone else []
    return Outcome(
        judgement, f"baseline {name!r}", "now", changes(baseline.software, found.software), notes, this
    )  # fmt: skip


def accepted_code(baseline: Measured, software: Software, settings: Settings, folder: Path) -> tuple[Side | None, str]:
    """The accepted code as a side that can be measured now, in `folder`; or why it is not to be had."""
    commit = baseline.code.git_commit
    if not settings.benchmarks or not settings.side_by_side:
        return None, "the settings say so"
    if baseline.software != software:
        return None, "what is installed has changed since"
    if commit is None or baseline.code.dirty:
        return None, "the accepted code was not committed"
    side = of_commit(commit, sys.executable, folder, settings)
    return (side, "") if side else (None, f"this clone does not have the accepted commit {commit[:12]}")


def judged(
    looks: tuple[Look, Look],
    again: Callable[[Sequence[str]], tuple[Look, Look]],
    settings: Settings,
    known: Known,
    say: Say,
) -> Judgement:
    """The verdicts on two looks, before and now; suspects are measured `again`."""
    first = first_look(*looks, settings, known)
    if not first.suspects:
        return first
    say(f"{len(first.suspects)} of {len(first.rows)} metrics look changed; measuring them again.")
    return second_look(first, looks, again([row.metric for row in first.suspects]), settings, known)


def drift(stored: Look, now: Look) -> list[str]:
    """A note on how much slower or faster the accepted code is than when it was accepted, if by more than 5 %."""
    logs = [
        float(np.median(np.log(now.costs[metric])) - np.median(np.log(stored.costs[metric])))
        for metric in stored.costs
        if metric in now.costs and not metric.endswith(PEAK_MEMORY)
    ]
    change = math.expm1(float(np.median(logs))) if logs else 0.0
    if abs(change) < 0.05:
        return []
    way = "slower" if change > 0 else "faster"
    return [
        f"The accepted code itself is {abs(change):.0%} {way} now than when it was accepted (median of {len(logs)} times): so much has the machine changed, which counts for neither side."
    ]


def comparable(settings: Settings, before: Software, now: Software) -> Settings:
    """The settings with an estimate that both sides share: a loop of Python is no measure between two Pythons."""
    if settings.estimate != "adjusted" or before.python == now.python:
        return settings
    return msgspec.structs.replace(settings, estimate="fastest")


def imported(store: Store, settings: Settings, name: str, before: Sequence[Path], now: Sequence[Path]) -> Outcome:
    """Compare JSON files of pytest-benchmark, each of which counts as one process; `before` may be empty: the baseline."""
    this = measuring.this_machine()
    estimate = "fastest" if settings.estimate == "fastest" else "median"  # files say nothing of the machine's speed
    settings = msgspec.structs.replace(settings, estimate=estimate)
    known = calibrated(store, this, name, settings) if not before else Known()

    def gathered(paths: Sequence[Path]) -> Look:
        found: dict[str, list[float]] = {}
        for path in paths:
            for metric, runs in read_benchmarks(path).items():
                medians, fastest = [run.median for run in runs], [run.fastest for run in runs]
                found.setdefault(metric, []).append(
                    min(fastest) if estimate == "fastest" else float(np.median(medians))
                )
        return Look({metric: np.array(values) for metric, values in found.items()})

    old = gathered(before) if before else look_of(require_baseline(store, this, name).measured, estimate)
    new = gathered(now)
    if not new.costs:
        raise NothingMeasuredError("The files hold no benchmark.\nMake them with `pytest --benchmark-json=FILE`.")
    old = Look({m: v for m, v in old.costs.items() if m in new.costs})
    judgement = first_look(old, new, settings, known, final=True)
    notes = ["Nothing could be measured again: what looks changed rests on these files alone."]
    return Outcome(
        judgement, f"{len(before)} files" if before else f"baseline {name!r}", f"{len(now)} files", [], notes, this
    )


def accept(store: Store, settings: Settings, name: str, by: str, why: str, last: bool, say: Say) -> Baseline:
    """Make what the code does now the reference of later gates: measured anew, or as the last finished gate found it."""
    this = measuring.this_machine()
    if last:
        finished = next(reversed(finished_gates(store, this, name)), None)
        if finished is None:
            raise NothingMeasuredError(
                "No finished gate of this machine is kept.\nRun `reprise gate` first, or leave out --last to measure now."
            )
        found = finished.measured
        if found.code != measuring.code_of(measuring.here()):
            raise UserError(
                "The last gate measured another state of the code than is here now.\nRun `reprise gate` again, or leave out --last to measure now."
            )
    else:
        found = _measure(store, settings, name, say)
    _require_sound(found, settings)
    accepted = Accepted(at=measuring.now(), by=by, why=why)
    baseline = Baseline(schema=SCHEMA, accepted=accepted, measured=found)
    write(baseline_path(store, this, name), baseline)
    return baseline


def calibrate(store: Store, settings: Settings, name: str, say: Say) -> tuple[Calibration, Known, Known]:
    """Measure identical code against itself and keep this occasion with the others.

    Returns what is known now of gates in turns, and of those against stored numbers.
    """
    this = measuring.this_machine()
    path = calibration_path(store, this, name)
    kept = read(path, Calibration)
    found = _measure(store, msgspec.structs.replace(settings, recipes=[]), name, say)
    _require_sound(found, settings)
    calibration = Calibration(schema=SCHEMA, occasions=[*(kept.occasions if kept else []), found])
    write(path, calibration)
    beside, stored = (calibrated(store, this, name, settings, beside=beside) for beside in (True, False))
    return calibration, beside, stored


def calibrated(store: Store, machine_id: str, name: str, settings: Settings, *, beside: bool = False) -> Known:
    """What is known of this machine, from those occasions of calibration that share code and software.

    With `beside` it is what is known of gates that measure both sides in turns; each occasion tells that by itself.
    """
    found = read(calibration_path(store, machine_id, name), Calibration)
    if found is None:
        return Known(beside=beside)
    same: dict[tuple[Code, str], list[Measured]] = {}
    for occasion in found.occasions:
        same.setdefault((occasion.code, occasion.software.digest), []).append(occasion)
    best = max(same.values(), key=lambda occasions: (len(occasions), occasions[-1].processes[-1].started_at))
    chosen = found.occasions if beside else best
    return learn([look_of(occasion, settings.estimate) for occasion in chosen], settings.rounds, beside=beside)


def needed(baseline: Measured, settings: Settings) -> dict[str, int | None]:
    """How many replicates show a loss of three margins in 95 % of gates, by metric; None when 30 are too few."""
    values = quality_samples(baseline.quality)
    margins = {
        f"{q.recipe}/{name}": settings.margin(f"{q.recipe}/{name}") or margin
        for q in baseline.quality
        for name, margin in q.margins.items()
    }
    family = len(margins) + len(samples(baseline.processes, "median"))
    return {
        metric: seeds_needed(
            float(np.std(found, ddof=1)), LOSS_IN_MARGINS * margins[metric], margins[metric],
            n_before=len(found), metrics=family,
        )
        for metric, found in values.items()
        if len(found) > 1
    }  # fmt: skip


def seeds_for(baseline: Measured, settings: Settings) -> dict[str, int]:
    """The replicates that a gate makes of each recipe: as many as its metrics need, at least 3, at most 8."""
    found: dict[str, int] = {quality.recipe: FEWEST_SEEDS for quality in baseline.quality}
    for metric, n in needed(baseline, settings).items():
        slug = metric.split("/")[0]
        found[slug] = max(found[slug], min(n or FEWEST_SEEDS, MOST_SEEDS))
    return found


def _measure(store: Store, settings: Settings, name: str, say: Say) -> Measured:
    seeds = measuring.seeds_of(quality.chosen(settings), settings, {})
    last = read(baseline_path(store, measuring.this_machine(), name), Baseline)
    _announce(say, store, settings, settings.baseline_rounds, seeds, last.measured if last else None, 1)
    return measuring.measured(measuring.here(), settings, settings.baseline_rounds, seeds)


def _announce(
    say: Say,
    store: Store,
    settings: Settings,
    rounds: int,
    seeds: Mapping[str, Sequence[int]],
    known: Measured | None,
    sides: int,
    more: str = "",
) -> None:
    seconds = measuring.in_words(measuring.expected_s(settings, rounds * sides, seeds, known, store))
    parts = []
    if settings.benchmarks:
        files = "1 benchmark file" if len(settings.benchmarks) == 1 else f"{len(settings.benchmarks)} benchmark files"
        count = sides * rounds * len(measuring.suites_of(settings))
        code = ", the accepted code and that of now in turns" if sides == 2 else ""
        parts.append(f"{count} processes ({rounds} rounds of {files} and the control{code})")
    if seeds:
        recipes = "1 recipe" if len(seeds) == 1 else f"{len(seeds)} recipes"
        parts.append(f"{sum(map(len, seeds.values()))} replicates of {recipes}")
    say(f"{' and '.join(parts)}: about {seconds}{', ' + more if more else ''}.")


def _require_sound(found: Measured, settings: Settings) -> None:
    """Nothing that crashed becomes a reference."""
    crashed = look_of(found, settings.estimate).failures
    if crashed:
        what, why = next(iter(crashed.items()))
        raise errors.MeasurementError(f"{what}: {why}.\nNothing was kept. Mend it and run the command again.")
    if not found.processes and not found.quality:
        raise NothingMeasuredError("Nothing was measured.\nName benchmarks or recipes in gate.toml.")


def changes(before: Software, now: Software) -> list[str]:
    """What is installed or set otherwise than before, one line each."""
    lines = [f"Python {before.python} -> {now.python}"] if before.python != now.python else []
    for old, new in ((before.packages, now.packages), (before.variables, now.variables)):
        lines += [
            f"{name} {old.get(name, 'not there')} -> {new.get(name, 'not there')}"
            for name in sorted({*old, *new})
            if old.get(name) != new.get(name)
        ]
    return lines


def notes_of(judgement: Judgement, known: Known, processes: Sequence[Process]) -> list[str]:
    """What to know about a gate's table beside its rows."""
    notes = []
    disturbed = sum(process.disturbed for process in processes)
    if disturbed:
        notes.append(
            f"{disturbed} of {len(processes)} processes were left out: the host took more than {MOST_STEAL:.0%} of the processor time."
        )
    if judgement.control_failed:
        notes.append(
            f"The control failed: {judgement.control_failed}. Times are not called regressed; run the gate again."
        )
    if not known.noise:
        notes.append(
            f"This machine is not calibrated: a noise of {1 if known.beside else 3} % is assumed beside the scatter of the processes. `reprise calibrate` measures the noise; best on several occasions, hours apart."
        )
    if injections():
        notes.append(f"INJECTED, for testing the gate: {', '.join(f'{p} {c}' for p, c in injections().items())}.")
    return notes
