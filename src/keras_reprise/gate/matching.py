"""The recipes of two sides: which replicates before belong to those now, and what both say of quality and claims."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from keras_reprise.gate.looks import Look
from keras_reprise.gate.quality import larger_is_worse
from keras_reprise.gate.rule import (
    IMPROVED,
    REGRESSED,
    SAME,
    Change,
    Row,
    quality_changes,
)
from keras_reprise.gate.stored import Quality, quality_samples
from keras_reprise.judge import decisions
from keras_reprise.record.encoding import number
from keras_reprise.record.fields import Number


def quality_of_both(before: Sequence[Quality], now: Sequence[Quality]) -> list[Change]:
    """How the metrics of the recipes that both sides have changed."""
    now = [quality for quality in now if partner(quality, before) is not None]
    margins = {f"{q.recipe}/{name}": margin for q in now for name, margin in q.margins.items()}
    return quality_changes(
        quality_samples(before), {m: v for m, v in quality_samples(now).items() if len(v)}, margins,
        {metric: larger_is_worse(metric) for metric in margins},
    )  # fmt: skip


def lost_numbers(before: Sequence[Quality], now: Sequence[Quality]) -> dict[str, str]:
    """Why metrics cannot be judged by the numbers that are left, by `recipe/arm/metric`: now replicates have none
    (a loss that is no longer finite) which before had one, by seed or, without common seeds, all of them."""
    found = {}
    for new in now:
        old = partner(new, before)
        if old is None:
            continue
        for name, values in new.metrics.items():
            was = dict(zip(old.seeds, map(_finite, old.metrics.get(name, [])), strict=False))
            finite = dict(zip(new.seeds, map(_finite, values), strict=False))
            common = finite.keys() & was.keys()
            lost = any(was[seed] and not finite[seed] for seed in common)
            if lost or (not common and was and all(was.values()) and not all(finite.values())):
                without = sum(not one for one in finite.values())
                found[f"{new.recipe}/{name}"] = f"no finite number in {without} of {len(finite)} replicates"
    return found


def _finite(value: Number) -> bool:
    return math.isfinite(number(value))


def partner(quality: Quality, others: Sequence[Quality]) -> Quality | None:
    """The same recipe, version, source, scale and data on the other side.

    Older measurements did not name data that is made in `measure`.
    """
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


def identical(row: Row, before: Look, now: Look) -> Row:
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
    """One row for each claim of a recipe that its records decide otherwise than those of the baseline did."""
    rows = []
    for new in now:
        old = partner(new, before)
        if old is None or not new.claims or [one.id for one in old.claims] != [one.id for one in new.claims]:
            continue
        verdicts = [
            decisions.decide(
                [_values(side, claim.id) for claim in new.claims],
                new.claims,
                undefined=[side.statistics[claim.id].count(None) for claim in new.claims],
            )
            for side in (old, new)
        ]
        for claim, was, found in zip(new.claims, *verdicts, strict=True):
            if claim.retired is not None or {was.verdict, found.verdict} != {"reproduced", "contradicted"}:
                continue
            values = [one[np.isfinite(one)] for one in (_values(old, claim.id), _values(new, claim.id))]
            worse = found.verdict == "contradicted"
            rows.append(
                Row(
                    f"{new.recipe}/{claim.id}",
                    ratio=False,
                    n_before=len(values[0]),
                    n_now=len(values[1]),
                    before=float(np.mean(values[0])),
                    now=float(np.mean(values[1])),
                    p=found.p,
                    p_adjusted=found.p,
                    verdict=REGRESSED if worse else IMPROVED,
                    why=f"the claim was {was.verdict}, is {found.verdict}",
                )
            )
    return rows


def _values(quality: Quality, claim: str) -> np.ndarray:
    """A claim's number in every replicate that can have one (n,); nan where it has none."""
    return np.array([number(value) for value in quality.statistics[claim] if value is not None], float)


def difference(old: Quality, new: Quality) -> str:
    """In words why two measurements of a recipe are not compared."""
    if old.version != new.version:
        return f"version {old.version} before, {new.version} now"
    if old.scale != new.scale:
        return f"scale {old.scale} before, {new.scale} now"
    if not new.is_of_the_source_of(old):
        hashes = [(quality.measurement or quality.source_sha256)[:12] for quality in (old, new)]
        return f"another source under one name: measurement {hashes[0]} before, {hashes[1]} now"
    names = [quality.data.name if quality.data else "no data" for quality in (old, new)]
    return f"data {names[0]} before, {names[1]} now" if names[0] != names[1] else "other data of the same name"
