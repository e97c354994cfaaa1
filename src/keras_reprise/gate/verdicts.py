"""From what two sides measured to a verdict per metric. Pure: the gate, `--between` and the simulations call the same rule."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from keras_reprise.gate.design import BETWEEN_OCCASIONS, CONTROL_LEVEL, SECOND_LOOK, WITHIN_AN_OCCASION
from keras_reprise.gate.files import Measured, Quality, blocks, quality_samples, samples
from keras_reprise.gate.measuring import Taken
from keras_reprise.gate.noise import (
    Numbers,
    Samples,
    assumed_noise,
    noise,
    noise_side_by_side,
    share_felt,
)
from keras_reprise.gate.processes import CONTROL, PEAK_MEMORY, Process
from keras_reprise.gate.quality import larger_is_worse
from keras_reprise.gate.rule import (
    FAILED,
    IMPROVED,
    INCOMPARABLE,
    REGRESSED,
    SAME,
    VERDICTS,
    Change,
    Row,
    alike_within,
    bounds,
    confirmed,
    cost_changes,
    decide,
    null_rows,
    quality_changes,
    suspects_from,
    unsettled,
)
from keras_reprise.gate.settings import Settings
from keras_reprise.judge import verdicts as judge
from keras_reprise.record.schema import number


@dataclass(frozen=True)
class Look:
    """What one side gave: estimates by metric, the recipes' replicates, and what failed and why.

    `loops` are the seconds of the fixed loop beside each estimate, where those are to be adjusted for the machine's speed;
    `blocks` number the blocks in which the estimates were made, where both sides were measured in turns.
    """

    costs: Samples
    loops: Samples = field(default_factory=dict)
    blocks: Numbers = field(default_factory=dict)
    quality: Sequence[Quality] = ()
    failures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Known:
    """What calibration says of this machine: the noise of one look by metric, and the occasions it comes from.

    `beside` tells that both sides are measured in turns: drift hits both alike, and more processes make less noise.
    """

    noise: Mapping[str, float] = field(default_factory=dict)
    occasions: Sequence[Look] = ()
    beside: bool = False


@dataclass(frozen=True)
class Judgement:
    """A gate's verdicts. `null` is the run against itself, `control` fixed work then and now; neither should differ."""

    rows: list[Row]
    null: list[Row] = field(default_factory=list)
    control: list[Row] = field(default_factory=list)

    @property
    def suspects(self) -> list[Row]:
        return [row for row in self.rows if row.suspect]

    @property
    def control_failed(self) -> str:
        """Why times cannot be believed, or nothing."""
        for row in self.control:
            if row.suspect:
                slower = "slower" if row.change > 0 else "faster"
                share = abs(math.expm1(row.change))
                return f"fixed work ({row.metric}) is {share:.0%} {slower} than before"
        for row in self.null:
            if row.suspect:
                return f"halves of this run differ in {row.metric}"
        return ""

    @property
    def verdict(self) -> str:
        """The worst of the rows' verdicts; inconclusive when a control failed while something looked changed."""
        found = {row.verdict for row in self.rows}
        return next((verdict for verdict in VERDICTS if verdict in found), INCOMPARABLE)


def look_of(found: Measured | Taken, estimate: str) -> Look:
    """What a side measured, as the rule sees it; `estimate` is adjusted, median or fastest."""
    crashed = {quality.recipe: f"{quality.failed} replicates failed" for quality in found.quality if quality.failed}
    costs = samples(found.processes, "fastest" if estimate == "fastest" else "median")
    relative = samples(found.processes, "relative") if estimate == "adjusted" else {}
    loops = {
        metric: costs[metric] / values
        for metric, values in relative.items()
        if len(values) == len(costs[metric]) and not metric.endswith(PEAK_MEMORY)
    }
    return Look(costs, loops, blocks(found.processes), found.quality, failures(found.processes) | crashed)


def failures(processes: Sequence[Process]) -> dict[str, str]:
    """Why processes of a benchmark file ended badly, by file."""
    return {process.suite: process.error for process in processes if process.error}


def learn(occasions: Sequence[Look], rounds: int, *, beside: bool = False) -> Known:
    """What occasions of identical code say of looks of so many rounds."""
    if not occasions:
        return Known(beside=beside)
    if beside:
        each = [adjusted([one], occasions)[0] for one in occasions]
        return Known(noise_side_by_side(each, rounds), occasions, beside)
    return Known(noise(adjusted(occasions, occasions), rounds), occasions)


def adjusted(sides: Sequence[Look], alike: Sequence[Look]) -> list[Samples]:
    """Each side's estimates at one speed of the machine, as far as each benchmark feels that speed.

    The share that it feels comes from `alike`, each of which measured one code. Seconds become those at the median speed of
    all sides; estimates without loops stay as they are.
    """
    found: list[dict[str, np.ndarray]] = [dict(side.costs) for side in sides]
    for metric in {metric: None for side in sides for metric in side.costs}:
        if not all(_paired(side, metric) for side in sides if metric in side.costs):
            continue
        groups = [(np.log(one.costs[metric]), np.log(one.loops[metric])) for one in alike if _paired(one, metric)]
        share, logs = share_felt(groups), [np.log(side.loops[metric]) for side in sides if metric in side.loops]
        usual = float(np.median(np.concatenate(logs)))
        for one, side in zip(found, sides, strict=True):
            if metric in one:
                one[metric] = side.costs[metric] * np.exp(-share * (np.log(side.loops[metric]) - usual))
    return list(found)


def _paired(side: Look, metric: str) -> bool:
    return metric in side.costs and len(side.loops.get(metric, ())) == len(side.costs[metric])


def first_look(before: Look, now: Look, settings: Settings, known: Known, *, final: bool = False) -> Judgement:
    """Compare all that both sides have, as one family. Suspects still have to be measured again, unless this is `final`."""
    old, new = adjusted([before, now], [before, now, *known.occasions])
    least = WITHIN_AN_OCCASION if known.beside else BETWEEN_OCCASIONS
    both = {
        metric: known.noise.get(metric, assumed_noise(old[metric], new[metric], least))
        for metric in new
        if metric in old
    }
    # What is suspect will be judged with so many more processes; against stored numbers they do not make it less noisy.
    fewer = math.sqrt(1 + SECOND_LOOK) if known.beside else 1.0
    thresholds = {metric: settings.threshold(metric) for metric in both}
    bound = bounds(thresholds, {metric: value / fewer for metric, value in both.items()})
    turns = (before.blocks, now.blocks) if known.beside else None
    costs = cost_changes(old, new, bound, alike_within(thresholds, both), turns)
    control = [change for change in costs if change.metric.startswith(f"{CONTROL}::")]
    changes = [*(c for c in costs if c not in control), *_quality(before.quality, now.quality)]
    rows = [
        _identical(row, before, now)
        for row in decide(changes, screens=None if final else suspects_from(thresholds, bound))
    ]
    rows += claim_rows(before.quality, now.quality)
    rows += _missing(before, now, {row.metric for row in [*rows, *control]})
    sides = [{metric: side[metric] for metric in both} for side in ([old, new] if known.beside else [new])]
    return Judgement(rows, null_rows(sides, bound), decide(control, CONTROL_LEVEL))


def second_look(
    first: Judgement, looks: tuple[Look, Look], again: tuple[Look, Look], settings: Settings, known: Known
) -> Judgement:
    """`first` with its suspects settled by what was measured again for them, and by the run's controls.

    `looks` and `again` are before and now at first and when measured again; where before is what was stored, it is both times
    the same.
    """
    suspects = {row.metric for row in first.suspects}
    alone = first_look(*again, settings, known)
    old = looks[0] if again[0] is looks[0] else _together(looks[0], again[0], suspects)
    both = first_look(old, _together(looks[1], again[1], suspects), settings, known, final=True)
    seen = {row.metric: row.change for row in alone.rows if row.verdict not in (FAILED, INCOMPARABLE)}
    claims = {row.metric: math.nan for row in both.rows if row.suspect and math.isnan(row.change)}
    rows = confirmed(first.rows, both.rows, seen | claims)
    crashed = {**again[0].failures, **again[1].failures}
    rows = [
        replace(row, verdict=FAILED, why=crashed[_source(row.metric)])
        if row.metric in suspects and _source(row.metric) in crashed
        else row
        for row in rows
    ]
    settled = replace(first, rows=rows, control=first.control + [row for row in alone.control if row.suspect])
    return replace(settled, rows=unsettled(rows, settled.control_failed)) if settled.control_failed else settled


def _together(first: Look, again: Look, suspects: set[str]) -> Look:
    """A look with what was measured again for its suspects added."""

    def joined(values: Samples, more: Samples) -> dict[str, np.ndarray]:
        return {m: np.concatenate([v, more[m]]) if m in suspects and m in more else v for m, v in values.items()}

    quality = []
    for one in first.quality:
        more = _partner(one, again.quality)
        quality.append(one if more is None or more.seeds == one.seeds else one.joined(more))
    later = {m: numbers + 1 + max(first.blocks.get(m, numbers)) for m, numbers in again.blocks.items()}
    return Look(
        joined(first.costs, again.costs),
        joined(first.loops, again.loops),
        joined(first.blocks, later),
        quality,
        {**first.failures, **again.failures},
    )


def _quality(before: Sequence[Quality], now: Sequence[Quality]) -> list[Change]:
    now = [quality for quality in now if _partner(quality, before) is not None]
    margins = {f"{q.recipe}/{name}": margin for q in now for name, margin in q.margins.items()}
    return quality_changes(
        quality_samples(before), {m: v for m, v in quality_samples(now).items() if len(v)}, margins,
        {metric: larger_is_worse(metric) for metric in margins},
    )  # fmt: skip


def _partner(quality: Quality, others: Sequence[Quality]) -> Quality | None:
    """The same recipe, version, source, scale and data on the other side; older measurements did not name data made in `measure`."""
    return next(
        (
            other
            for other in others
            if _what(other) == _what(quality) and _same_data(other, quality) and quality.is_of_the_source_of(other)
        ),
        None,
    )


def _what(quality: Quality) -> tuple[str, int, str]:
    return quality.recipe, quality.version, quality.scale


def _same_data(a: Quality, b: Quality) -> bool:
    return a.data is None or b.data is None or a.data.fingerprint == b.data.fingerprint


def _identical(row: Row, before: Look, now: Look) -> Row:
    """Quality whose every replicate gave the very number it gave before is the same, however few there are.

    The number shown for before is then that of these replicates.
    """
    if row.ratio or row.suspect:
        return row
    recipe, name = row.metric.split("/", 1)
    old, new = (next(q for q in side.quality if q.recipe == recipe) for side in (before, now))
    known = dict(zip(old.seeds, old.metrics.get(name, []), strict=False))
    if all(known.get(seed) == value for seed, value in zip(new.seeds, new.metrics[name], strict=True)):
        why = "the same number for every seed"
        return replace(row, verdict=SAME, why=why, before=row.now, change=0.0, low=0.0, high=0.0)
    return row


def claim_rows(before: Sequence[Quality], now: Sequence[Quality]) -> list[Row]:
    """A recipe's claims that its records decide otherwise than those of the baseline did: one row for each such claim."""
    rows = []
    for new in now:
        old = _partner(new, before)
        if old is None or [claim.id for claim in old.claims] != [claim.id for claim in new.claims]:
            continue
        verdicts = [judge.decide([_values(side, claim.id) for claim in new.claims], new.claims) for side in (old, new)]
        for claim, was, found in zip(new.claims, *verdicts, strict=True):
            if {was.verdict, found.verdict} != {"reproduced", "contradicted"}:
                continue
            values = _values(old, claim.id), _values(new, claim.id)
            worse = found.verdict == "contradicted"
            rows.append(
                Row(
                    f"{new.recipe}/{claim.id}", False, len(values[0]), len(values[1]), float(np.mean(values[0])),
                    float(np.mean(values[1])), math.nan, math.nan, math.nan, found.p, math.nan, math.nan, p_adjusted=found.p,
                    verdict=REGRESSED if worse else IMPROVED, why=f"the claim was {was.verdict}, is {found.verdict}",
                )
            )  # fmt: skip
    return rows


def _values(quality: Quality, claim: str) -> np.ndarray:
    values = [number(value) for value in quality.statistics[claim]]
    return np.array([value for value in values if math.isfinite(value)])


def _source(metric: str) -> str:
    """The benchmark file or the recipe that a metric comes from."""
    return metric.split("::" if "::" in metric else "/", 1)[0]


def _missing(before: Look, now: Look, compared: set[str]) -> list[Row]:
    """Rows for what only one side has: failed where that side crashed, else incomparable."""
    rows = []
    crashed = {what: f"before: {why}" for what, why in before.failures.items()} | dict(now.failures)
    for metric in dict.fromkeys([*now.costs, *before.costs]):
        suite = metric.split("::", 1)[0]
        missing = now if metric not in now.costs else before if metric not in before.costs else None
        if missing is not None and suite in missing.failures:
            rows.append(without(metric, FAILED, crashed[suite]))
        elif metric not in compared:
            rows.append(without(metric, INCOMPARABLE, "new" if metric in now.costs else "no longer measured"))
    told = {row.metric.split("::", 1)[0] for row in rows if row.verdict == FAILED}
    rows += [without(what, FAILED, why) for what, why in crashed.items() if what not in told]
    for quality in now.quality:
        if _partner(quality, before.quality) is None:
            mine = [other for other in before.quality if other.recipe == quality.recipe]
            rows.append(without(quality.recipe, INCOMPARABLE, _difference(mine[0], quality) if mine else "new"))
    measured = {quality.recipe for quality in now.quality} | set(now.failures)
    rows += [without(q.recipe, INCOMPARABLE, "no longer measured") for q in before.quality if q.recipe not in measured]
    return rows


def _difference(old: Quality, new: Quality) -> str:
    if old.version != new.version:
        return f"version {old.version} before, {new.version} now"
    if old.scale != new.scale:
        return f"scale {old.scale} before, {new.scale} now"
    if not new.is_of_the_source_of(old):
        hashes = [(quality.measurement or quality.source_sha256)[:12] for quality in (old, new)]
        return f"another source under one name: measurement {hashes[0]} before, {hashes[1]} now"
    names = [quality.data.name if quality.data else "no data" for quality in (old, new)]
    return f"data {names[0]} before, {names[1]} now" if names[0] != names[1] else "other data of the same name"


def without(metric: str, verdict: str, why: str) -> Row:
    """The row of a metric that could not be compared."""
    gap = math.nan
    return Row(
        metric, "::" in metric, 0, 0, gap, gap, gap, gap, gap, gap, gap, gap, p_adjusted=gap, verdict=verdict, why=why
    )
