"""Verdicts: what the records of one recipe version, scale, machine, environment and data set say of each claim.

Computed when read, never stored. Two one-sided t tests at 0.05/3 (three looks: n = 6, 12, 30), Holm-adjusted over the
recipe's claims; see design section 6 and `docs/statistics.md`.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from keras_reprise import stats
from keras_reprise.record import Card, ClaimCard, number
from keras_reprise.store import Summary

ALPHA = 0.05
LOOKS = 3
SMALLEST_N = 3
EXACT_FROM_N = 6
SKEWED = 1.5


class Cards(Protocol):
    """Where recipe cards come from; `store.Store` is one."""

    def card(self, digest: str) -> Card: ...


@dataclass(frozen=True)
class Verdict:
    """One claim's verdict with the numbers it rests on.

    `mean`, `sd` and the 95 % interval are those of the statistic over the `n` replicates that gave a number; for a
    positive quantity `mean` is the geometric mean and the interval that of the logarithm. `p` is Holm-adjusted.
    `p_exact` is the sign-flip p (n >= 6) of the same direction, not adjusted.
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


@dataclass(frozen=True)
class _Test:
    """What one claim's values say before the adjustment over claims."""

    inside: bool
    p: float
    p_exact: float
    doubt: str = ""
    decided: str = ""


def verdicts(summaries: Iterable[Summary], store: Cards) -> list[Verdict]:
    """A verdict for every claim of every group of comparable records, ordered by recipe, version, scale, machine, claim."""
    groups: dict[tuple[Any, ...], list[Summary]] = {}
    for summary in summaries:
        groups.setdefault(group_key(summary), []).append(summary)
    return [verdict for key in sorted(groups, key=str) for verdict in _judge_group(groups[key], store)]


def group_key(summary: Summary) -> tuple[Any, ...]:
    """Records are pooled only when all of this is equal."""
    data = summary.data
    return (
        summary.recipe.slug,
        summary.recipe.version,
        summary.recipe.scale,
        summary.machine,
        summary.environment,
        (data.name, data.fingerprint, data.substitute) if data else None,
    )


def one_per_seed(summaries: Iterable[Summary]) -> list[Summary]:
    """The replicates: of repeats of a seed the first complete one, else the first."""
    chosen: dict[int, Summary] = {}
    for summary in sorted(summaries, key=lambda s: (s.replicate.seed, s.status != "complete", s.replicate.repeat)):
        chosen.setdefault(summary.replicate.seed, summary)
    return list(chosen.values())


def data_label(summary: Summary) -> str | None:
    """The data set's name, marked when it is a substitute."""
    if summary.data is None:
        return None
    return f"{summary.data.name} (substitute)" if summary.data.substitute else summary.data.name


def _judge_group(summaries: Sequence[Summary], store: Cards) -> list[Verdict]:
    latest = max(summaries, key=lambda summary: summary.finished_at)
    claims = store.card(latest.recipe.card).claims
    replicates = one_per_seed(summaries)
    samples = {claim.id: _values(claim.id, replicates) for claim in claims}
    tests = {claim.id: weigh(samples[claim.id], claim) for claim in claims}
    open_claims = [claim.id for claim in claims if not tests[claim.id].decided]
    adjusted = dict(zip(open_claims, stats.holm([tests[name].p for name in open_claims]), strict=True))
    return [
        _verdict(claim, latest, samples[claim.id], len(replicates), tests[claim.id], adjusted.get(claim.id))
        for claim in claims
    ]


def _values(claim: str, replicates: Sequence[Summary]) -> np.ndarray:
    numbers = [number(s.claims.get(claim, "nan")) for s in replicates if s.status == "complete"]
    return np.array([value for value in numbers if math.isfinite(value)])


def weigh(values: np.ndarray, claim: ClaimCard) -> _Test:
    """Test one claim's values (n,) against its interval; `decided` is set where no p value is involved."""
    low, high = (
        (-math.inf if claim.interval[0] is None else claim.interval[0]),
        (math.inf if claim.interval[1] is None else claim.interval[1]),
    )
    n = len(values)
    if claim.exact and n:
        inside = bool(np.all((values >= low) & (values <= high)))
        return _Test(inside, 0.0 if inside else 1.0, math.nan, decided="reproduced" if inside else "contradicted")
    if n < SMALLEST_N:
        return _Test(
            False, 1.0, math.nan, decided="inconclusive", doubt=f"n = {n}; at least {SMALLEST_N} replicates are needed"
        )
    if claim.proportion:
        successes = int(values.sum())
        p_in = max(stats.binomial_p_above(successes, n, low), stats.binomial_p_below(successes, n, high))
        p_out = min(stats.binomial_p_below(successes, n, low), stats.binomial_p_above(successes, n, high))
        return _Test(p_in <= p_out, min(p_in, p_out), math.nan)
    if claim.log:
        if np.any(values <= 0):
            return _Test(
                False,
                1.0,
                math.nan,
                decided="inconclusive",
                doubt="a quantity that is judged on its logarithm is not positive",
            )
        values = np.log(values)
        low, high = (math.log(low) if low > 0 else -math.inf), (math.log(high) if high > 0 else -math.inf)
    return _test_mean(values, low, high)


def _test_mean(values: np.ndarray, low: float, high: float) -> _Test:
    n, mean = len(values), float(np.mean(values))
    inside = low <= mean <= high
    if inside:
        sides = [(values, low), (-values, -high)]
        p = max(stats.t_p_above(sample, bound) for sample, bound in sides)
    else:
        sides = [(-values, -low) if mean < low else (values, high)]
        p = min(stats.t_p_above(sample, bound) for sample, bound in sides)
    exact, doubt = math.nan, ""
    if n >= EXACT_FROM_N:
        exact = max(stats.sign_flip_p(sample, bound) for sample, bound in sides)
        skew = stats.skewness(values)
        if abs(skew) > SKEWED and max(stats.sign_p(sample, bound) for sample, bound in sides) > ALPHA / LOOKS:
            doubt = f"the replicates are skewed ({skew:+.1f}) and the exact sign test about the median does not agree"
    return _Test(inside, p, exact, doubt)


def _verdict(
    claim: ClaimCard, group: Summary, values: np.ndarray, replicates: int, test: _Test, adjusted: float | None
) -> Verdict:
    reason = test.doubt
    if test.decided:
        verdict = test.decided
    elif adjusted is not None and adjusted <= ALPHA / LOOKS and not test.doubt:
        verdict = "reproduced" if test.inside else "contradicted"
    else:
        verdict = "inconclusive"
        reason = (
            reason
            or f"{'inside' if test.inside else 'outside'} the interval, but not clearly (adjusted p = {adjusted:.3g}, needed {ALPHA / LOOKS:.4f})"
        )
    mean, sd, ci_low, ci_high = _describe(values, claim)
    return Verdict(
        recipe=group.recipe.slug,
        version=group.recipe.version,
        scale=group.recipe.scale,
        claim=claim.id,
        verdict=verdict,
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
        p=math.nan if adjusted is None else adjusted,
        p_exact=test.p_exact,
        reason=reason,
        printed=claim.printed,
        erratum=claim.erratum,
        exact=claim.exact,
        values=tuple(values.tolist()),
    )


def _describe(values: np.ndarray, claim: ClaimCard) -> tuple[float, float, float, float]:
    n = len(values)
    if n == 0:
        return math.nan, math.nan, math.nan, math.nan
    sd = float(np.std(values, ddof=1)) if n > 1 else math.nan
    if claim.proportion:
        return float(np.mean(values)), sd, *stats.binomial_interval(int(values.sum()), n)
    if claim.log and np.all(values > 0):
        low, high = stats.t_interval(np.log(values))
        return float(np.exp(np.mean(np.log(values)))), sd, math.exp(low), math.exp(high)
    return float(np.mean(values)), sd, *stats.t_interval(values)
