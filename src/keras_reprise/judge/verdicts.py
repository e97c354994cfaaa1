"""Verdicts: what the records of one measurement, scale, machine, environment and data set say of each claim.

Computed when read, never stored. Two one-sided t tests at the level of a look (`judge/design.py`), Holm-adjusted over the
recipe's claims; see `docs/statistics.md`.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from keras_reprise.base import statistics
from keras_reprise.judge.comparable import data_label, digest, groups, one_per_seed
from keras_reprise.judge.design import EXACT_FROM_N, LEVEL_OF_A_LOOK, SKEWED, SMALLEST_N
from keras_reprise.record.schema import Card, ClaimCard, number
from keras_reprise.store.store import Store, Summary

RULE = 3  # raised when the same records could get other verdicts, so that remembered ones are forgotten
MOST_REMEMBERED = 100_000


class Cards(Protocol):
    """Where recipe cards come from; `store.Store` is one."""

    def card(self, digest: str) -> Card: ...


@dataclass(frozen=True)
class Verdict:
    """One claim's verdict with the numbers it rests on.

    `mean`, `sd` and the 95 % interval are those of the statistic over the `n` replicates that gave a number; for a
    positive quantity `mean` is the geometric mean and the interval that of the logarithm. `p` is Holm-adjusted.
    `p_exact` is the sign-flip p (n >= 6) of the same direction, not adjusted. `measurement` and `source_sha256` are those of
    the record that was finished last.
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


@dataclass(frozen=True)
class _Test:
    """What one claim's values say before the adjustment over claims; `decided` is set where no p value is involved."""

    inside: bool
    p: float
    doubt: str = ""
    decided: str = ""


@dataclass(frozen=True)
class Decision:
    """The verdict of one claim, why it is not more, and the Holm-adjusted p it rests on (nan: on none)."""

    verdict: str
    reason: str
    p: float


def verdicts(summaries: Iterable[Summary], store: Cards) -> list[Verdict]:
    """A verdict for every claim of every group of comparable records, ordered by recipe, version, scale, machine, claim."""
    return [verdict for members in groups(summaries).values() for verdict in _judge_group(members, store)]


def verdicts_of_all(members: Sequence[Summary], store: Cards) -> list[Verdict]:
    """A verdict for every claim of these records as one group, as `key` or an older one took them together."""
    return _judge_group(members, store)


def judged(summaries: Iterable[Summary], store: Store) -> list[tuple[list[Summary], list[Verdict]]]:
    """Every group of comparable records with its verdicts, from the store's cache where the group has not changed since."""
    name = f"verdicts-{RULE}"
    by_digest = {digest(members): members for members in groups(summaries).values()}
    known = store.remembered(name, dict[str, list[Verdict]]) or {}
    if len(known) > MOST_REMEMBERED:
        known = {}
    new = {digest: _judge_group(members, store) for digest, members in by_digest.items() if digest not in known}
    if new:
        store.remember(name, known | new)
    return [(members, new[digest] if digest in new else known[digest]) for digest, members in by_digest.items()]


def decide(samples: Sequence[np.ndarray], claims: Sequence[ClaimCard]) -> list[Decision]:
    """The rule: a decision for each of a recipe's `claims` from its values over the replicates, `samples` of (n,) each."""
    tests = [_weigh(values, claim) for values, claim in zip(samples, claims, strict=True)]
    adjusted = iter(statistics.holm([test.p for test in tests if not test.decided]))
    return [_decision(test, math.nan if test.decided else next(adjusted)) for test in tests]


def _decision(test: _Test, p: float) -> Decision:
    if test.decided:
        return Decision(test.decided, test.doubt, p)
    if p <= LEVEL_OF_A_LOOK and not test.doubt:
        return Decision("reproduced" if test.inside else "contradicted", "", p)
    where = "inside" if test.inside else "outside"
    unclear = f"{where} the interval, but not clearly (adjusted p = {p:.3g}, needed {LEVEL_OF_A_LOOK:.4f})"
    return Decision("inconclusive", test.doubt or unclear, p)


def _weigh(values: np.ndarray, claim: ClaimCard) -> _Test:
    """Test one claim's values (n,) against its interval."""
    low, high = _ends(claim)
    n = len(values)
    if claim.exact and n:
        inside = bool(np.all((values >= low) & (values <= high)))
        return _Test(inside, math.nan, decided="reproduced" if inside else "contradicted")
    if low == -math.inf and high == math.inf:
        return _Test(
            False, math.nan, "the claim has no interval, so nothing could contradict it", decided="inconclusive"
        )
    if not n:
        return _Test(False, math.nan, "no replicate gave a number", decided="inconclusive")
    if n < SMALLEST_N:
        doubt = f"n = {n}; at least {SMALLEST_N} replicates are needed"
        return _Test(False, math.nan, doubt, decided="inconclusive")
    if claim.proportion:
        successes = int(values.sum())
        p_in = max(statistics.binomial_p_above(successes, n, low), statistics.binomial_p_below(successes, n, high))
        p_out = min(statistics.binomial_p_below(successes, n, low), statistics.binomial_p_above(successes, n, high))
        return _Test(p_in <= p_out, min(p_in, p_out))
    if claim.log and np.any(values <= 0):
        doubt = "a quantity that is judged on its logarithm is not positive"
        return _Test(False, math.nan, doubt, decided="inconclusive")
    inside, sides = _sides(values, claim)
    p = max(statistics.t_p_above(*side) for side in sides)
    skew = statistics.skewness(_scaled(values, claim))
    if n < EXACT_FROM_N or abs(skew) <= SKEWED or max(statistics.sign_p(*side) for side in sides) <= LEVEL_OF_A_LOOK:
        return _Test(inside, p)
    doubt = f"the replicates are skewed ({skew:+.1f}) and the exact sign test about the median does not agree"
    return _Test(inside, p, doubt)


def _sides(values: np.ndarray, claim: ClaimCard) -> tuple[bool, list[tuple[np.ndarray, float]]]:
    """Whether the mean lies inside, and the samples that must lie above the bound beside them for that to be clear."""
    values, (low, high) = _scaled(values, claim), _ends(claim)
    if claim.log:
        low, high = (math.log(low) if low > 0 else -math.inf), (math.log(high) if high > 0 else -math.inf)
    mean = float(np.mean(values))
    if low <= mean <= high:
        return True, [(values, low), (-values, -high)]
    return False, [(-values, -low) if mean < low else (values, high)]


def _scaled(values: np.ndarray, claim: ClaimCard) -> np.ndarray:
    return np.log(values) if claim.log else values


def _ends(claim: ClaimCard) -> tuple[float, float]:
    low, high = claim.interval
    return -math.inf if low is None else low, math.inf if high is None else high


def _sign_flip(values: np.ndarray, claim: ClaimCard) -> float:
    """The exact p beside that of the t tests, in the same direction; nan where those say nothing."""
    if len(values) < EXACT_FROM_N or claim.exact or claim.proportion or (claim.log and np.any(values <= 0)):
        return math.nan
    return max(statistics.sign_flip_p(*side) for side in _sides(values, claim)[1])


def _judge_group(summaries: Sequence[Summary], store: Cards) -> list[Verdict]:
    latest = max(summaries, key=lambda summary: summary.finished_at)
    claims = store.card(latest.recipe.card).claims
    replicates = one_per_seed(summaries)
    samples = [_values(claim.id, replicates) for claim in claims]
    return [
        _verdict(claim, latest, values, len(replicates), decision)
        for claim, values, decision in zip(claims, samples, decide(samples, claims), strict=True)
    ]


def _values(claim: str, replicates: Sequence[Summary]) -> np.ndarray:
    numbers = [number(s.claims.get(claim, "nan")) for s in replicates if s.status == "complete"]
    return np.array([value for value in numbers if math.isfinite(value)])


def _verdict(claim: ClaimCard, group: Summary, values: np.ndarray, replicates: int, decision: Decision) -> Verdict:
    mean, sd, ci_low, ci_high = _describe(values, claim)
    return Verdict(
        recipe=group.recipe.slug,
        version=group.recipe.version,
        scale=group.recipe.scale,
        claim=claim.id,
        verdict=decision.verdict,
        n=len(values),
        n_failed=replicates - len(values),
        mean=mean,
        sd=sd,
        ci_low=ci_low,
        ci_high=ci_high,
        interval=claim.interval,
        unit=claim.unit,
        machine=group.machine,
        environment=group.environment,
        data=data_label(group),
        says=claim.says,
        where=claim.where,
        p=decision.p,
        p_exact=_sign_flip(values, claim),
        reason=decision.reason,
        printed=claim.printed,
        erratum=claim.erratum,
        exact=claim.exact,
        values=tuple(values.tolist()),
        measurement=group.recipe.measurement,
        source_sha256=group.recipe.source_sha256,
    )


def _describe(values: np.ndarray, claim: ClaimCard) -> tuple[float, float, float, float]:
    n = len(values)
    if n == 0:
        return math.nan, math.nan, math.nan, math.nan
    sd = float(np.std(values, ddof=1)) if n > 1 else math.nan
    if claim.proportion:
        return float(np.mean(values)), sd, *statistics.binomial_interval(int(values.sum()), n)
    if claim.log and np.all(values > 0):
        low, high = statistics.t_interval(np.log(values))
        return float(np.exp(np.mean(np.log(values)))), sd, math.exp(low), math.exp(high)
    return float(np.mean(values)), sd, *statistics.t_interval(values)
