"""From what two sides measured to a verdict per metric.

Pure: the gate, `--between` and the simulations call the same rule.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from keras_reprise.gate import assumed
from keras_reprise.gate.design import CONTROL_LEVEL, SECOND_LOOK
from keras_reprise.gate.looks import Known, Look, adjusted, estimates_of
from keras_reprise.gate.matching import claim_rows, difference, identical, lost_numbers, partner, quality_of_both
from keras_reprise.gate.noise import Samples
from keras_reprise.gate.processes import CONTROL
from keras_reprise.gate.rule import (
    FAILED,
    INCOMPARABLE,
    VERDICTS,
    Change,
    Row,
    alike_within,
    bounds,
    confirmed,
    cost_changes,
    decide,
    null_rows,
    suspects_from,
    unsettled,
)
from keras_reprise.gate.settings import Settings


@dataclass(frozen=True)
class Judgement:
    """A gate's verdicts. `null` is the run against itself, `control` fixed work then and now; neither should differ.

    `assumed` is the noise of a look that was reckoned with, by metric, of those that were never calibrated.
    """

    rows: list[Row]
    null: list[Row] = field(default_factory=list)
    control: list[Row] = field(default_factory=list)
    assumed: Mapping[str, float] = field(default_factory=dict)

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


@dataclass(frozen=True)
class SidesCompared:
    """How all that two sides have changed, before anything is decided.

    `old` and `new` are their times and peaks at one speed of the machine. By metric, `noise` is that of a look of the
    settings' rounds, in `assumed` where nobody calibrated, and `screens` what a first look suspects. `control` are the
    changes of the gate's fixed work.
    """

    before: Look
    now: Look
    old: Samples
    new: Samples
    changes: list[Change]
    control: list[Change]
    null: list[Row]
    noise: Mapping[str, float]
    screens: Mapping[str, float]
    assumed: Mapping[str, float]

    @property
    def p(self) -> list[float]:
        """What these changes bring to a family."""
        return [change.p for change in self.changes]


def first_look(
    before: Look, now: Look, settings: Settings, known: Known, *, final: bool = False, others: Sequence[float] = ()
) -> Judgement:
    """Compare all that both sides have, as one family, with the p of `others` that belong to it.

    Suspects still have to be measured again, unless this is `final`.
    """
    return decided(compared(before, now, settings, known), final=final, others=others)


def compared(before: Look, now: Look, settings: Settings, known: Known) -> SidesCompared:
    """Compare all that both sides have."""
    alike = [before, now, *(known.occasions or (*known.accepted, *known.turns))]
    old, new = adjusted([before, now], alike, known.by_fastest)
    unknown = assumed.noises(old, new, settings.rounds, known, alike)
    both = {metric: unknown[metric] if metric in unknown else known.noise[metric] for metric in new if metric in old}
    # What is suspect will be judged with so many more processes; against stored numbers they do not make it less noisy.
    fewer = math.sqrt(1 + SECOND_LOOK) if known.beside else 1.0
    thresholds = {metric: settings.threshold(metric) for metric in both}
    bound = bounds(thresholds, {metric: value / fewer for metric, value in both.items()})
    turns = (before.blocks, now.blocks) if known.beside else None
    told = estimates_of([before, now], settings.estimate, known.by_fastest)
    costs = cost_changes(old, new, bound, alike_within(thresholds, both), turns, told)
    control = [change for change in costs if _of_control(change.metric)]
    changes = [*(c for c in costs if not _of_control(c.metric)), *quality_of_both(before.quality, now.quality)]
    sides = [{metric: side[metric] for metric in both} for side in ([old, new] if known.beside else [new])]
    return SidesCompared(
        before, now, old, new, changes, control, null_rows(sides, bound), both, suspects_from(thresholds, bound),
        unknown,
    )  # fmt: skip


def _of_control(metric: str) -> bool:
    return metric.startswith(f"{CONTROL}::")


def decided(found: SidesCompared, *, final: bool = False, others: Sequence[float] = ()) -> Judgement:
    """The verdicts on what was compared, in one family with the p of `others`."""
    before, now = found.before, found.now
    screens, further = None if final else found.screens, set(found.assumed)
    rows = [
        identical(row, before, now) for row in decide(found.changes, screens=screens, further=further, others=others)
    ]
    lost = {metric: without(metric, FAILED, why) for metric, why in lost_numbers(before.quality, now.quality).items()}
    rows = [*(row for row in rows if row.metric not in lost), *lost.values()]
    rows += claim_rows(before.quality, now.quality)
    rows += _missing(before, now, {row.metric for row in [*rows, *found.control]})
    reckoned = {metric: value for metric, value in found.assumed.items() if not _of_control(metric)}
    return Judgement(rows, found.null, decide(found.control, CONTROL_LEVEL), reckoned)


Pair = tuple[Look, Look]  # before and now


def second_look(
    first: Judgement,
    looks: Pair,
    again: Pair,
    settings: Settings,
    known: Known,
    only: Collection[str] | None = None,
    others: Sequence[float] = (),
) -> Judgement:
    """`first` with its suspects, or `only` some, settled by what was measured again, and by the run's controls.

    `looks` and `again` are before and now at first and when measured again; where before is what was stored, it is both
    times the same. `others` are the p of what belongs to the family beside this.
    """
    suspects = suspected(first, only)
    alone = first_look(*again, settings, known)
    both = first_look(*both_looks(looks, again, suspects, known), settings, known, final=True, others=others)
    seen = {row.metric: row.change for row in alone.rows if row.verdict not in (FAILED, INCOMPARABLE)}
    claims = {row.metric: math.nan for row in both.rows if row.suspect and math.isnan(row.change)}
    settled_now = confirmed([row for row in first.rows if row.metric in suspects], both.rows, seen | claims)
    new = {row.metric: row for row in settled_now}
    rows = [new.get(row.metric, row) for row in first.rows]
    crashed = {**again[0].failures, **again[1].failures}
    rows = [
        replace(row, verdict=FAILED, why=crashed[_source(row.metric)])
        if row.metric in suspects and _source(row.metric) in crashed
        else row
        for row in rows
    ]
    found = replace(first, rows=rows, control=first.control + [row for row in alone.control if row.suspect])
    return replace(found, rows=unsettled(rows, found.control_failed)) if found.control_failed else found


def suspected(first: Judgement, only: Collection[str] | None = None) -> set[str]:
    """The metrics that a second look settles: all that look changed, or `only` some of them."""
    return {row.metric for row in first.suspects if only is None or row.metric in only}


def not_calibrated(judgement: Judgement) -> list[str]:
    """The times and peaks that two looks call changed though nobody knows their noise, so that a third has to."""
    return [row.metric for row in judgement.suspects if row.metric in judgement.assumed]


def further_look(
    second: Judgement,
    looks: Pair,
    again: Pair,
    further: Pair,
    settings: Settings,
    known: Known,
    others: Sequence[float] = (),
) -> Judgement:
    """`second` with what was never calibrated settled by a further look in fresh processes, and by all together."""
    joined = both_looks(looks, again, settled(second), known)
    return second_look(second, joined, further, settings, known, not_calibrated(second), others)


def settled(second: Judgement) -> set[str]:
    """The metrics that a second look has settled."""
    return {row.metric for row in second.rows if row.again is not None}


def both_looks(looks: Pair, again: Pair, suspects: set[str], known: Known) -> Pair:
    """Before and now of both looks; what was stored stays as it is."""
    old = _together(looks[0], again[0], suspects) if known.beside else looks[0]
    return old, _together(looks[1], again[1], suspects)


def _together(first: Look, again: Look, suspects: set[str]) -> Look:
    """A look with what was measured again for its suspects added."""

    def joined(values: Samples, more: Samples) -> dict[str, np.ndarray]:
        found = {m: np.concatenate([v, more[m]]) if m in suspects and m in more else v for m, v in values.items()}
        return found | {m: v for m, v in more.items() if _of_control(m) and m not in values}

    quality = []
    for one in first.quality:
        more = partner(one, again.quality)
        quality.append(one if more is None or more.seeds == one.seeds else one.joined(more))
    later = {
        m: numbers + 1 + max(first.blocks[m]) if m in first.blocks else numbers for m, numbers in again.blocks.items()
    }
    return Look(
        joined(first.costs, again.costs),
        joined(first.loops, again.loops),
        joined(first.blocks, later),
        quality,
        {**first.failures, **again.failures},
        joined(first.fastest, again.fastest),
    )


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
        elif metric not in compared and not _of_control(metric):
            rows.append(without(metric, INCOMPARABLE, "new" if metric in now.costs else "no longer measured"))
    told = {row.metric.split("::", 1)[0] for row in rows if row.verdict == FAILED}
    rows += [without(what, FAILED, why) for what, why in crashed.items() if what not in told]
    for quality in now.quality:
        was = partner(quality, before.quality)
        if was is None:
            mine = [other for other in before.quality if other.recipe == quality.recipe]
            rows.append(without(quality.recipe, INCOMPARABLE, difference(mine[0], quality) if mine else "new"))
            continue
        for one, other, why in ((quality, was, "new"), (was, quality, "no longer measured")):
            alone = [name for name in one.metrics if name not in other.metrics]
            rows += [without(f"{quality.recipe}/{name}", INCOMPARABLE, why) for name in alone]
    measured = {quality.recipe for quality in now.quality} | set(now.failures)
    rows += [without(q.recipe, INCOMPARABLE, "no longer measured") for q in before.quality if q.recipe not in measured]
    return rows


def without(metric: str, verdict: str, why: str) -> Row:
    """The row of a metric that could not be compared."""
    return Row(metric, ratio="::" in metric, p_adjusted=math.nan, verdict=verdict, why=why)
