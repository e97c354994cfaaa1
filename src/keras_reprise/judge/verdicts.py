"""Verdicts: what the records of one measurement, scale, machine, environment and data set say of each claim.

Computed when read, never stored. The rule by which they are reached is in `judge/decisions.py`; what they say together
of the rule that a recipe asks about, in `judge/rule_verdict.py`.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from keras_reprise.base import statistics
from keras_reprise.judge import comparable
from keras_reprise.judge.decisions import Decision, decide
from keras_reprise.judge.judging import NamedCards, judging_card
from keras_reprise.judge.weighing import all_equal, lies_inside, sign_flip_p_of
from keras_reprise.record.encoding import number
from keras_reprise.record.schema import Card, ClaimCard, Kind, Role
from keras_reprise.store.store import Summary

RULE = 4  # raised when the same records could get other verdicts, so that remembered ones are forgotten


class Cards(NamedCards, Protocol):
    """Where cards and the numbers of their claims come from; `store.Store` is one."""

    def values(self, card: Card, summaries: Sequence[Summary]) -> Mapping[str, Mapping[str, float | None]]: ...


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

    `mean`, `sd` and the 95 % interval are those of the statistic over the `n` replicates that gave a number, of which
    `n_inside` lie in the claim's interval; for a positive quantity `mean` is the geometric mean and the interval that
    of the logarithm, for a discrete one the interval is that of the median. `n_failed` replicates gave no number; in
    `n_undefined` the claim's premise was not met. `p` is Holm-adjusted over the claims of its role. `p_exact` is the
    sign-flip p (n >= 6) of the same direction, not adjusted. `retired` says why a claim counts no more; `kind` is what
    it was tested as. `measurement` and `source_sha256` are those of the record that was finished last.
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
    role: Role = ""
    kind: Kind = ""
    retired: str | None = None
    n_inside: int = 0
    n_undefined: int = 0

    @property
    def counts(self) -> bool:
        """Whether it is one of the recipe's answers: a retired claim is judged, and counted nowhere."""
        return self.retired is None


@dataclass(frozen=True)
class Sample:
    """A claim's numbers over the replicates (n,), and how many gave none: failed, or without the claim's premise."""

    values: np.ndarray
    failed: int
    undefined: int = 0


def verdicts(summaries: Iterable[Summary], cards: Cards) -> list[Verdict]:
    """A verdict for every claim of every group of comparable records, in the order of the groups' keys."""
    return [verdict for members in comparable.groups(summaries).values() for verdict in of_group(members, cards)]


def of_group(members: Sequence[Summary], cards: Cards) -> list[Verdict]:
    """A verdict for every claim of the card that judges these records, from them as one latest."""
    latest, card = comparable.latest(members), judging_card(members, cards)
    replicates = comparable.one_per_seed(members)
    numbers = cards.values(card, [one for one in replicates if one.status == "complete"])
    samples = [_sample(claim, replicates, numbers) for claim in card.claims]
    decisions = decide(
        [one.values for one in samples],
        card.claims,
        [one.failed for one in samples],
        [one.undefined for one in samples],
    )
    return [_verdict(*one, latest) for one in zip(card.claims, samples, decisions, strict=True)]


def _sample(
    claim: ClaimCard, replicates: Sequence[Summary], numbers: Mapping[str, Mapping[str, float | None]]
) -> Sample:
    """The claim's `numbers` by record, or, where its value is no expression, those that the records hold."""
    complete = [one for one in replicates if one.status == "complete"]
    if claim.value is None:
        found: list[float | None] = [number(one.claims.get(claim.id, "nan")) for one in complete]
    else:
        found = [numbers[one.id][claim.id] for one in complete]
    undefined = sum(value is None for value in found)
    values = np.array([value for value in found if value is not None and math.isfinite(value)])
    return Sample(values, failed=len(replicates) - len(values) - undefined, undefined=undefined)


def _verdict(claim: ClaimCard, sample: Sample, decision: Decision, latest: Summary) -> Verdict:
    found = _estimate(sample.values, claim)
    return Verdict(
        recipe=latest.recipe.slug,
        version=latest.recipe.version,
        scale=latest.recipe.scale,
        claim=claim.id,
        verdict=decision.verdict,
        n=len(sample.values),
        n_failed=sample.failed,
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
        p_exact=sign_flip_p_of(sample.values, claim),
        reason=decision.reason,
        printed=claim.printed,
        erratum=claim.erratum,
        exact=claim.tested_as == "exact",
        values=tuple(sample.values.tolist()),
        measurement=latest.recipe.measurement,
        source_sha256=latest.recipe.source_sha256,
        role=claim.role,
        kind=claim.tested_as,
        retired=claim.retired,
        n_inside=int(lies_inside(sample.values, claim).sum()),
        n_undefined=sample.undefined,
    )


def _estimate(values: np.ndarray, claim: ClaimCard) -> Estimate:
    """What the values (n,) of a claim amount to, in the manner of its kind; equal ones give no interval of a mean."""
    plain, n = estimate(values), len(values)
    match claim.tested_as:
        case "share" if n:
            return Estimate(plain.mean, plain.sd, *statistics.binomial_interval(int(np.sum(values == 1)), n))
        case "discrete":
            return Estimate(plain.mean, plain.sd, *statistics.median_interval(values))
        case "continuous" | "positive" if n and all_equal(values):
            return Estimate(plain.mean, plain.sd, math.nan, math.nan)
        case "positive" if n and np.all(values > 0):
            logs = estimate(np.log(values))
            return Estimate(float(np.exp(logs.mean)), plain.sd, exp(logs.low), exp(logs.high))
    return plain


def exp(logarithm: float) -> float:
    """The number of this logarithm; infinite where it is beyond every float."""
    try:
        return math.exp(logarithm)
    except OverflowError:
        return math.inf
