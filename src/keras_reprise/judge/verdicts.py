"""Verdicts: what the records of one measurement, scale, machine, environment and data set say of each claim.

Computed when read, never stored. The rule itself is in `judge/decisions.py`.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from keras_reprise.base import statistics
from keras_reprise.judge import comparable
from keras_reprise.judge.decisions import Decision, decide, sign_flip_p_of
from keras_reprise.record.schema import Card, ClaimCard, number
from keras_reprise.store.store import Summary

RULE = 3  # raised when the same records could get other verdicts, so that remembered ones are forgotten


class Cards(Protocol):
    """Where recipe cards come from; `store.Store` is one."""

    def card(self, digest: str) -> Card: ...


@dataclass(frozen=True)
class Estimate:
    """What replicates amount to: mean, standard deviation, and the mean's 95 % interval; nan where there is none."""

    mean: float
    sd: float
    low: float
    high: float


def estimate(values: np.ndarray) -> Estimate:
    """The mean of the values (n,) with Student's interval."""
    n = len(values)
    mean, sd = float(np.mean(values)) if n else math.nan, float(np.std(values, ddof=1)) if n > 1 else math.nan
    return Estimate(mean, sd, *statistics.t_interval(values))


@dataclass(frozen=True)
class Verdict:
    """One claim's verdict with the numbers it rests on.

    `mean`, `sd` and the 95 % interval are those of the statistic over the `n` replicates that gave a number; for a
    positive quantity `mean` is the geometric mean and the interval that of the logarithm. `p` is Holm-adjusted.
    `p_exact` is the sign-flip p (n >= 6) of the same direction, not adjusted. `measurement` and `source_sha256` are
    those of the record that was finished last.
    """

    recipe: str
    version: int
    scale: str
    claim: str
    verdict: str
    n: int
    n_failed: int
    mean: float
    sd: float
    ci_low: float
    ci_high: float
    interval: tuple[float | None, float | None]
    unit: str
    machine: str
    environment: str
    data: str | None
    says: str
    where: str
    p: float
    p_exact: float
    reason: str
    printed: float | None
    erratum: str | None
    exact: bool
    values: tuple[float, ...]
    measurement: str | None
    source_sha256: str


def verdicts(summaries: Iterable[Summary], cards: Cards) -> list[Verdict]:
    """A verdict for every claim of every group of comparable records, in the order of the groups' keys."""
    return [verdict for members in comparable.groups(summaries).values() for verdict in of_group(members, cards)]


def of_group(members: Sequence[Summary], cards: Cards) -> list[Verdict]:
    """A verdict for every claim of the card that was written last, from these records as one latest."""
    latest = comparable.latest(members)
    claims = cards.card(latest.recipe.card).claims
    replicates = comparable.one_per_seed(members)
    samples = [_values(claim.id, replicates) for claim in claims]
    return [
        _verdict(claim, latest, values, len(replicates), decision)
        for claim, values, decision in zip(claims, samples, decide(samples, claims), strict=True)
    ]


def _values(claim: str, replicates: Sequence[Summary]) -> np.ndarray:
    numbers = [number(s.claims.get(claim, "nan")) for s in replicates if s.status == "complete"]
    return np.array([value for value in numbers if math.isfinite(value)])


def _verdict(claim: ClaimCard, latest: Summary, values: np.ndarray, replicates: int, decision: Decision) -> Verdict:
    found = _estimate(values, claim)
    return Verdict(
        recipe=latest.recipe.slug,
        version=latest.recipe.version,
        scale=latest.recipe.scale,
        claim=claim.id,
        verdict=decision.verdict,
        n=len(values),
        n_failed=replicates - len(values),
        mean=found.mean,
        sd=found.sd,
        ci_low=found.low,
        ci_high=found.high,
        interval=claim.interval,
        unit=claim.unit,
        machine=latest.machine,
        environment=latest.environment,
        data=comparable.data_label(latest),
        says=claim.says,
        where=claim.where,
        p=decision.p,
        p_exact=sign_flip_p_of(values, claim),
        reason=decision.reason,
        printed=claim.printed,
        erratum=claim.erratum,
        exact=claim.exact,
        values=tuple(values.tolist()),
        measurement=latest.recipe.measurement,
        source_sha256=latest.recipe.source_sha256,
    )


def _estimate(values: np.ndarray, claim: ClaimCard) -> Estimate:
    """What the values (n,) of a claim amount to, in the manner of the claim."""
    plain = estimate(values)
    if claim.proportion and len(values):
        return Estimate(plain.mean, plain.sd, *statistics.binomial_interval(int(values.sum()), len(values)))
    if claim.log and len(values) and np.all(values > 0):
        logs = estimate(np.log(values))
        return Estimate(float(np.exp(logs.mean)), plain.sd, math.exp(logs.low), math.exp(logs.high))
    return plain
