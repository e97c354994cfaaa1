"""What a gate compares with, and what it knows: `accept`, `calibrate`. Nothing is written before all is measured."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from keras_reprise.base import clock, errors
from keras_reprise.base.errors import NothingMeasuredError, UserError
from keras_reprise.gate import expectations, measuring, quality
from keras_reprise.gate.benchmark_files import digests, hidden
from keras_reprise.gate.design import FEWEST_SEEDS, LOSS_IN_MARGINS, MOST_GATES_REMEMBERED, MOST_SEEDS
from keras_reprise.gate.forecast import Forecast
from keras_reprise.gate.installed import copies_of_another_state
from keras_reprise.gate.journal import Journal, journal
from keras_reprise.gate.looks import Known, failures, learn, look_of, with_gates
from keras_reprise.gate.measuring import Taken
from keras_reprise.gate.noise import deviation_at_most, seeds_needed
from keras_reprise.gate.processes import CONTROL, Process, durations, plan
from keras_reprise.gate.project import code_of, commit_command, deciding, named
from keras_reprise.gate.settings import Settings
from keras_reprise.gate.stored import (
    SCHEMA,
    Accepted,
    Baseline,
    Calibration,
    Occasion,
    baseline_path,
    calibration_path,
    finished_gates,
    quality_samples,
    read,
    samples,
    write,
)
from keras_reprise.gate.trial import as_installed, mend, mended, tried
from keras_reprise.judge.comparable import together
from keras_reprise.record.schema import Code
from keras_reprise.store.store import Store

Say = Callable[[str], None]


@dataclass(frozen=True)
class OneSide:
    """What `accept` or `calibrate` is about to measure: seeds of recipes, the state of the code and hashes of the
    benchmarks, what is known of how long it takes, the processes that there are, and what to say beforehand."""

    settings: Settings
    seeds: Mapping[str, Sequence[int]]
    begun: Journal
    code: Code
    uncommitted: list[str] | None
    benchmarks: dict[str, str]
    known: Occasion | None
    first: Sequence[Process]
    notes: Sequence[str]


def prepared(store: Store, command: str, settings: Settings, name: str, say: Say, *, always: bool = True) -> OneSide:
    """All that stops `accept` or `calibrate`, found out with the first process of each file, which counts.

    MeasurementError when one crashes. Without `always` files whose time the baseline knows are not run.
    """
    if command == "calibrate":
        if not settings.benchmarks:
            raise UserError(
                "There are no benchmarks to calibrate with.\nName their files in the settings, or by --benchmarks."
            )
        settings = msgspec.structs.replace(settings, recipes=[])
    here, this = measuring.here(settings), measuring.this_machine()
    code, uncommitted = code_of(here, store.root), deciding(settings, store.root)
    benchmarks = digests(settings.benchmarks)
    notes = hidden(settings.benchmarks)
    if settings.benchmarks:
        notes += [*copies_of_another_state(here), *_not_committed(uncommitted)]
    for said in notes:
        say(said)
    begun = journal(store, command, name, settings, measuring.software(here))
    last = read(baseline_path(store, this, name), Baseline)
    known = last.measured if last else None
    timed = {process.suite for process in known.processes} if known else set()
    first: Sequence[Process] = []
    if settings.benchmarks and (always or not timed.issuperset(settings.benchmarks)):
        first = measuring.first_round(here, settings, settings.baseline_rounds, begun)
        _require_no_crash(failures(first))
    loaded = {process.suite: process.modules for process in (first or (known.processes if known else ()))}
    nothing = [suite for suite in settings.benchmarks if loaded.get(suite) == 0]
    wrong = [
        mend(suite, trial, here.folder) for suite in nothing if not as_installed(trial := tried(suite, here), here)
    ]
    more = [f"{said}. Gates cannot measure it in turns." for said in wrong]
    for said in more:
        say(said)
    seeds = measuring.seeds_of(quality.chosen(settings), settings, {})
    return OneSide(settings, seeds, begun, code, uncommitted, benchmarks, known, first, [*notes, *more])


def _not_committed(names: Sequence[str] | None) -> list[str]:
    """What to say beforehand of files that keep gates from measuring the accepted code beside that of now."""
    if names is None:
        why, how = "The project is not in git, or has no commit", "git init && git add -A && git commit"
    elif names:
        why, how = f"Not committed: {named(names)}", commit_command(names)
    else:
        return []
    return [
        f"{why}; so gates will compare times with stored numbers and not with the code itself, which is steadier. "
        f"`{how}` first mends it."
    ]


def forecast(store: Store, command: str, settings: Settings, name: str) -> Forecast:
    """What `accept` or `calibrate` would measure; it runs, and keeps, a process of files whose time is not known."""
    this, ready = measuring.this_machine(), prepared(store, command, settings, name, lambda text: None, always=False)
    settings, rounds = ready.settings, ready.settings.baseline_rounds
    seconds = expectations.expected_s(settings, rounds, ready.seeds, ready.known, store, ready.first)
    known = durations(ready.known.processes if ready.known else ()) | durations(ready.first)
    calibrated_already = read(calibration_path(store, this, name), Calibration) is not None
    return Forecast(
        command, name, this, settings, rounds, ["now"], ready.seeds, known, seconds, seconds, seconds,
        calibrated_already, notes=ready.notes,
    )  # fmt: skip


def accept(store: Store, settings: Settings, name: str, by: str, why: str, last: bool, say: Say) -> Baseline:
    """Make what the code does now the reference of later gates: measured anew, or as the last finished gate did."""
    this = measuring.this_machine()
    if last:
        finished = next(reversed(finished_gates(store, this, name)), None)
        if finished is None:
            raise NothingMeasuredError(
                "No finished gate of this machine is kept.\n"
                "Run `reprise gate` first, or leave out --last to measure now."
            )
        if finished.measured.code != code_of(measuring.here(), store.root):
            raise UserError(
                "The last gate measured another state of the code than is here now.\n"
                "Run `reprise gate` again, or leave out --last to measure now."
            )
        found = finished.measured
        measured = [suite for suite in dict.fromkeys(one.suite for one in found.processes) if suite != CONTROL]
        settings = msgspec.structs.replace(settings, benchmarks=measured)
        uncommitted, benchmarks = deciding(settings, store.root), digests(settings.benchmarks)
        begun = journal(store, "completed", name, found, settings)
        found = _completed(found, settings, begun, say)
    else:
        ready = prepared(store, "accept", settings, name, say)
        uncommitted, benchmarks, begun = ready.uncommitted, ready.benchmarks, ready.begun
        found = _measure(store, ready, say)
    _require_sound(found, settings)
    accepted = Accepted(at=clock.now(), by=by, why=why)
    baseline = Baseline(SCHEMA, accepted, found, uncommitted, benchmarks)
    write(baseline_path(store, this, name), baseline)
    begun.forget()
    return baseline


def calibrate(store: Store, settings: Settings, name: str, say: Say) -> tuple[Calibration, Known, Known]:
    """Measure identical code against itself and keep this occasion with the others.

    Returns what is known now of gates in turns, and of those against stored numbers.
    """
    this = measuring.this_machine()
    path = calibration_path(store, this, name)
    read(path, Calibration)  # one that is broken is said to be so before anything is measured
    ready = prepared(store, "calibrate", settings, name, say)
    found = _measure(store, ready, say)
    _require_sound(found, settings)
    kept = read(path, Calibration)
    calibration = Calibration(schema=SCHEMA, occasions=[*(kept.occasions if kept else []), found])
    write(path, calibration)
    ready.begun.forget()
    beside, stored = (calibrated(store, this, name, settings, beside=beside) for beside in (True, False))
    return calibration, beside, stored


def calibrated(store: Store, machine_id: str, name: str, settings: Settings, *, beside: bool = False) -> Known:
    """What is known of this machine, from those occasions of calibration that share code and software.

    With `beside` it is what is known of gates that measure both sides in turns; each occasion tells that by itself.
    """
    found = read(calibration_path(store, machine_id, name), Calibration)
    if found is None:
        return Known(beside=beside)
    if strangers := sorted({one.machine for one in found.occasions} - {machine_id}):
        raise UserError(
            f"The calibration in {store.root}/baselines/{machine_id} has occasions of {', '.join(strangers)}.\n"
            "What is known of one machine says nothing of another.\n"
            "Restore the file from git, or delete it and run `reprise calibrate`."
        )
    same = together(found.occasions, lambda occasion: (occasion.code, occasion.software.digest))
    best = max(same.values(), key=lambda occasions: (len(occasions), occasions[-1].processes[-1].started_at))
    chosen = found.occasions if beside else best
    return learn([look_of(occasion, settings.estimate) for occasion in chosen], settings.rounds, beside=beside)


def known_of(
    store: Store, machine_id: str, name: str, settings: Settings, baseline: Occasion, *, beside: bool
) -> Known:
    """What is known of this machine: its calibration, and what the baseline and the finished gates say without one.

    Of finished gates those with the same software as the baseline tell something.
    """
    gates = [one for one in finished_gates(store, machine_id, name) if one.measured.software == baseline.software]
    gates = gates[-MOST_GATES_REMEMBERED:]
    before = [Taken(one.before, []) for one in gates if one.before and one.accepted == baseline.code.git_commit]
    known = calibrated(store, machine_id, name, settings, beside=beside)
    measured: list[Occasion | Taken] = [baseline, *before]
    accepted = [look_of(one, settings.estimate).estimates_alone() for one in measured]
    turns = [look_of(one.measured, settings.estimate).estimates_alone() for one in gates]
    return with_gates(known, accepted, turns)


def needed(baseline: Occasion, settings: Settings) -> dict[str, int | None]:
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
            deviation_at_most(found), LOSS_IN_MARGINS * margins[metric], margins[metric],
            n_before=len(found), metrics=family,
        )
        for metric, found in values.items()
        if len(found) > 1
    }  # fmt: skip


def seeds_for(baseline: Occasion, settings: Settings) -> dict[str, int]:
    """The replicates that a gate makes of each recipe: as many as its metrics need, at least 3, at most 8."""
    found: dict[str, int] = {quality.recipe: FEWEST_SEEDS for quality in baseline.quality}
    for metric, n in needed(baseline, settings).items():
        slug = metric.split("/")[0]
        found[slug] = max(found[slug], min(n or FEWEST_SEEDS, MOST_SEEDS))
    return found


def _measure(store: Store, ready: OneSide, say: Say) -> Occasion:
    settings, rounds = ready.settings, ready.settings.baseline_rounds
    expectations.announce(
        say, store, settings, ready.seeds, rounds=rounds, known=ready.known, sides=1, first=ready.first
    )
    return measuring.measured(measuring.here(settings), settings, rounds, ready.seeds, ready.begun, ready.code)


def _completed(found: Occasion, settings: Settings, begun: Journal, say: Say) -> Occasion:
    """What a gate measured, with what it left out since it was settled early: as many processes as a gate can have."""
    there = samples(found.processes, "median")
    suites = [
        suite
        for suite in measuring.suites_of(settings)
        if min((len(v) for m, v in there.items() if m.startswith(f"{suite}::")), default=0) < settings.rounds
    ]
    if not suites:
        return found
    later = 1 + max((process.round for process in found.processes), default=-1)
    tasks = plan(suites, settings.rounds, begun.order_seed("rest"))
    tasks = [replace(task, round=later + task.round) for task in tasks]
    say(f"The last gate was settled early; {len(tasks)} more processes make it a baseline.")
    more = measuring.run_processes(tasks, {"now": measuring.here(settings)}, begun, "rest")
    return msgspec.structs.replace(found, processes=[*found.processes, *more])


def _require_sound(found: Occasion, settings: Settings) -> None:
    """Nothing that crashed becomes a reference."""
    _require_no_crash(look_of(found, settings.estimate).failures)
    if not found.processes and not found.quality:
        raise NothingMeasuredError("Nothing was measured.\nName benchmarks or recipes in gate.toml.")


def _require_no_crash(crashed: Mapping[str, str]) -> None:
    if crashed:
        what, why = next(iter(crashed.items()))
        said = mended(why, Path.cwd())
        raise errors.MeasurementError(f"{what}: {said}.\nNothing was kept. Mend it and run the command again.")
