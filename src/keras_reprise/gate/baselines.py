"""What a gate compares with, and what it knows: `accept`, `calibrate`. Nothing is written before all is measured."""

from collections.abc import Callable
from dataclasses import replace

import msgspec

from keras_reprise.base import clock, errors
from keras_reprise.base.errors import NothingMeasuredError, UserError
from keras_reprise.gate import measuring, quality
from keras_reprise.gate.design import FEWEST_SEEDS, LOSS_IN_MARGINS, MOST_GATES_REMEMBERED, MOST_SEEDS
from keras_reprise.gate.journal import Journal, journal
from keras_reprise.gate.looks import Known, Look, learn, look_of
from keras_reprise.gate.measuring import Taken
from keras_reprise.gate.noise import deviation_at_most, seeds_needed
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
from keras_reprise.judge.comparable import together
from keras_reprise.store.store import Store

Say = Callable[[str], None]


def accept(store: Store, settings: Settings, name: str, by: str, why: str, last: bool, say: Say) -> Baseline:
    """Make what the code does now the reference of later gates: measured anew, or as the last finished gate did."""
    this = measuring.this_machine()
    begun = journal(store, "accept", name, settings, measuring.software(measuring.here()))
    if last:
        finished = next(reversed(finished_gates(store, this, name)), None)
        if finished is None:
            raise NothingMeasuredError(
                "No finished gate of this machine is kept.\n"
                "Run `reprise gate` first, or leave out --last to measure now."
            )
        found = finished.measured
        if found.code != measuring.code_of(measuring.here()):
            raise UserError(
                "The last gate measured another state of the code than is here now.\n"
                "Run `reprise gate` again, or leave out --last to measure now."
            )
    else:
        found = _measure(store, settings, name, say, begun)
    begun.forget()
    _require_sound(found, settings)
    accepted = Accepted(at=clock.now(), by=by, why=why)
    baseline = Baseline(schema=SCHEMA, accepted=accepted, measured=found)
    write(baseline_path(store, this, name), baseline)
    return baseline


def calibrate(store: Store, settings: Settings, name: str, say: Say) -> tuple[Calibration, Known, Known]:
    """Measure identical code against itself and keep this occasion with the others.

    Returns what is known now of gates in turns, and of those against stored numbers.
    """
    if not settings.benchmarks:
        raise UserError(
            "There are no benchmarks to calibrate with.\nName their files in the settings, or by --benchmarks."
        )
    this = measuring.this_machine()
    path = calibration_path(store, this, name)
    kept = read(path, Calibration)
    begun = journal(store, "calibrate", name, settings, measuring.software(measuring.here()))
    found = _measure(store, msgspec.structs.replace(settings, recipes=[]), name, say, begun)
    begun.forget()
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
    return replace(
        calibrated(store, machine_id, name, settings, beside=beside),
        accepted=[costs_of(baseline, settings.estimate), *(costs_of(one, settings.estimate) for one in before)],
        turns=[costs_of(one.measured, settings.estimate) for one in gates],
    )


def costs_of(found: Occasion | Taken, estimate: str) -> Look:
    """The times and peaks of one code, without blocks."""
    look = look_of(found, estimate)
    return Look(look.costs, look.loops)


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


def _measure(store: Store, settings: Settings, name: str, say: Say, begun: Journal) -> Occasion:
    seeds = measuring.seeds_of(quality.chosen(settings), settings, {})
    last = read(baseline_path(store, measuring.this_machine(), name), Baseline)
    known = last.measured if last else None
    measuring.announce(say, store, settings, seeds, rounds=settings.baseline_rounds, known=known, sides=1)
    return measuring.measured(measuring.here(), settings, settings.baseline_rounds, seeds, begun)


def _require_sound(found: Occasion, settings: Settings) -> None:
    """Nothing that crashed becomes a reference."""
    crashed = look_of(found, settings.estimate).failures
    if crashed:
        what, why = next(iter(crashed.items()))
        raise errors.MeasurementError(f"{what}: {why}.\nNothing was kept. Mend it and run the command again.")
    if not found.processes and not found.quality:
        raise NothingMeasuredError("Nothing was measured.\nName benchmarks or recipes in gate.toml.")
