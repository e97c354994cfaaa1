"""Numbers of the store that have a key: a claim's statistic, or a metric of an arm, over the replicates of one group.

A key reads `slug/claim/field`, `slug/arm/ARM/METRIC/field`, with `slug@version` and `slug@version:group` to be more
precise. Without a field it means the number with its interval.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from keras_reprise.base.errors import NothingMeasuredError, UserError
from keras_reprise.judge.groups import Group, one, read
from keras_reprise.judge.verdicts import Verdict, estimate
from keras_reprise.record import wording
from keras_reprise.record.encoding import number
from keras_reprise.record.fields import NAMES, citable
from keras_reprise.record.metric import Metric, by_name
from keras_reprise.report.amounts import Amount, amount
from keras_reprise.store.store import Store

NUMBERS = ("mean", "sd", "ci_low", "ci_high", "n", "n_failed", "p", "p_exact", "printed")
FIELDS = ("", *NUMBERS, "interval", "verdict", "unit", "id")


@dataclass(frozen=True)
class Quantity:
    """One number of a group with what is known of it.

    `name` is the key's part after the recipe; `verdict` is empty for metrics. `statistic` is what the number is, in
    words, `measured_in` the unit in which these tell it, and `kind` what it was tested as.
    """

    group: Group
    name: str
    says: str
    unit: str
    mean: float
    sd: float
    ci_low: float
    ci_high: float
    n: int
    n_failed: int
    verdict: str = ""
    p: float = math.nan
    p_exact: float = math.nan
    printed: float = math.nan
    must_lie: str = ""
    statistic: str = ""
    measured_in: str = ""
    kind: str = ""

    @property
    def amount(self) -> Amount:
        """The number in a sentence."""
        ends = (self.ci_low, self.ci_high)
        return amount(self.statistic, self.measured_in, self.kind, self.mean, self.sd, ends, exact=self.sd == 0)

    @property
    def id(self) -> str:
        return f"{self.group.identifier}#{self.name}"

    @property
    def marks(self) -> tuple[str, ...]:
        """What a reader must be warned of: not reproduced, not to be cited."""
        doubtful = (self.verdict,) if self.verdict in ("contradicted", "inconclusive") else ()
        return doubtful + (("uncitable",) if self.group.uncitable else ())

    @property
    def interval(self) -> str:
        """The 95 % interval, to the decimals of the mean; empty where there is none."""
        if not math.isfinite(self.ci_low):
            return ""
        return " to ".join(wording.aligned(end, self.mean, self.sd) for end in (self.ci_low, self.ci_high))

    def number(self, name: str) -> float:
        """The number called `name`, unrounded."""
        return float(getattr(self, name or "mean"))

    def text(self, name: str) -> str:
        """The field `name` as it is printed: rounded to what the spread allows."""
        if name in ("interval", "verdict", "unit", "id"):
            return str(getattr(self, name))
        if name in ("", "mean", "ci_low", "ci_high"):
            return wording.aligned(self.number(name), self.mean, self.sd)
        return wording.number(self.number(name), {"sd": 2, "p": 2, "p_exact": 2}.get(name, 6))


def quantity(group: Group, name: str, store: Store) -> Quantity:
    """The quantity `name` (`claim` or `arm/ARM/METRIC`) of a group; UserError with what it has when there is none."""
    verdict = group.verdict(name)
    if verdict is not None:
        return _of_claim(group, verdict)
    parts = name.split("/")
    if len(parts) == 3 and parts[0] == "arm":
        if not citable(parts[1]) or not citable(parts[2]):
            raise UserError(
                f"{name!r} of {group.slug} cannot be cited: no identifier could carry its name.\n"
                f"Names of metrics are {NAMES}. Rename it in the recipe, and measure again."
            )
        found = _of_metric(group, parts[1], parts[2], store)
        if found is not None:
            return found
        arms = {arm: sorted(data.metrics) for record in read(group, store)[:1] for arm, data in record.arms.items()}
        known = f"metrics of {parts[1]} are" if parts[1] in arms else "arms are"
        raise UserError(f"{group.slug} has no number {name}.\nIts {known} {', '.join(arms.get(parts[1], arms))}.")
    claims = ", ".join(verdict.claim for verdict in group.verdicts)
    raise UserError(f"{group.slug} has no claim {name!r}.\nIt has {claims}; metrics are written arm/ARM/METRIC.")


def quantities(group: Group, store: Store) -> Iterator[Quantity]:
    """Every quantity of a group: its claims, then its arms' metrics; those that no key can carry are `uncarried`."""
    for verdict in group.verdicts:
        yield _of_claim(group, verdict)
    for (arm, name), values in _metrics(group, store).items():
        if citable(arm) and citable(name):
            yield _metric(group, arm, name, values)


def uncarried(group: Group, store: Store) -> list[str]:
    """The metrics, as arm/ARM/METRIC, whose names can stand in no key."""
    return [f"arm/{arm}/{name}" for arm, name in _metrics(group, store) if not (citable(arm) and citable(name))]


def _metrics(group: Group, store: Store) -> dict[tuple[str, str], list[float]]:
    metrics: dict[tuple[str, str], list[float]] = {}
    for record in read(group, store):
        for arm, data in record.arms.items():
            for name, value in data.metrics.items():
                metrics.setdefault((arm, name), []).append(number(value))
    return metrics


def split_key(key: str) -> tuple[str, int | None, str, str, str]:
    """Slug, version, group, quantity and field of a key; UserError when it is none."""
    recipe, _, rest = key.partition("/")
    recipe, _, place = recipe.partition(":")
    slug, _, version = recipe.partition("@")
    if not slug or (version and not re.fullmatch(r"[0-9]{1,19}", version)):
        raise UserError(
            f"{key!r} is no key.\nWrite slug/claim/field, for example cifar10-lr-drop/drop-lowers-train-loss/mean."
        )
    parts = rest.split("/")
    name = ""
    if (parts[0] == "arm" and len(parts) == 4) or (parts[0] != "arm" and len(parts) == 2):
        name = parts.pop()
        if name not in FIELDS:
            raise UserError(f"{key} asks for {name!r}.\nThe fields are {', '.join(FIELDS[1:])}.")
    return slug, int(version) if version else None, place, "/".join(parts), name


def find_group(groups: Sequence[Group], slug: str, version: int | None, key: str) -> Group:
    """The group that a key means: the named one, or the one that stands for the recipe."""
    if not key:
        return one(groups, slug, version)
    named = [g for g in groups if g.slug == slug and version in (None, g.version)]
    mine = [g for g in named if g.key == key]
    if not mine:  # printed when there was one source, or several were not told apart: the first of them
        mine = sorted(
            (g for g in named if g.key_without_source == key), key=lambda g: min(s.finished_at for s in g.members)
        )
    if not mine:
        keys = ", ".join(group.key for group in groups if group.slug == slug)
        raise NothingMeasuredError(f"The store has no group {key} of {slug}.\nIt has {keys or 'none of this recipe'}.")
    return mine[0]


def key_of(groups: Sequence[Group], group: Group) -> str:
    """The shortest key by which `find_group` finds this group: without its source where no other comes before it."""
    short = group.key_without_source
    return short if find_group(groups, group.slug, group.version, short) is group else group.key


def _of_claim(group: Group, verdict: Verdict) -> Quantity:
    return Quantity(
        group=group,
        name=verdict.claim,
        says=verdict.says,
        unit=verdict.unit,
        mean=verdict.mean,
        sd=verdict.sd,
        ci_low=verdict.ci_low,
        ci_high=verdict.ci_high,
        n=verdict.n,
        n_failed=verdict.n_failed,
        verdict=verdict.verdict,
        p=verdict.p,
        p_exact=verdict.p_exact,
        printed=math.nan if verdict.printed is None else verdict.printed,
        must_lie=wording.interval(verdict.interval),
        statistic=next((claim.statistic for claim in group.card.claims if claim.id == verdict.claim), ""),
        measured_in=verdict.unit,
        kind=verdict.kind,
    )


def _of_metric(group: Group, arm: str, metric: str, store: Store) -> Quantity | None:
    measured = [record.arms[arm].metrics for record in read(group, store) if arm in record.arms]
    values = [number(metrics[metric]) for metrics in measured if metric in metrics]
    return _metric(group, arm, metric, values) if values else None


def _metric(group: Group, arm: str, metric: str, values: Sequence[float]) -> Quantity:
    finite = np.array([value for value in values if math.isfinite(value)])
    found = estimate(finite)
    told = by_name(group.card.metrics).get(metric, Metric(metric, metric.replace("_", " ")))
    return Quantity(
        group=group,
        name=f"arm/{arm}/{metric}",
        says=f"{metric.replace('_', ' ')} of the arm {arm}",
        unit="",
        mean=found.mean,
        sd=found.sd,
        ci_low=found.low,
        ci_high=found.high,
        n=len(finite),
        n_failed=len(group.replicates) - len(finite),
        statistic=f"{told.words} of the arm `{arm}`",
        measured_in=told.unit,
    )
