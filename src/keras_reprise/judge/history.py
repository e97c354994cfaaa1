"""How a metric of stored records or kept gates moved over time on one machine, and where it changed for good."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from keras_reprise.base.errors import NothingMeasuredError, UserError
from keras_reprise.catalog import sources
from keras_reprise.judge import comparable
from keras_reprise.judge.judging import judging_card
from keras_reprise.record.encoding import number
from keras_reprise.record.fields import Number
from keras_reprise.record.schema import ArmData, Card, ClaimCard, Record
from keras_reprise.record.wording import backend_name
from keras_reprise.store.store import Store, Summary

SHORTEST = 3  # values between two change points
FINGERPRINT = 8  # letters of a data set's, beside its name
TIMES = ("total_s", "step_s", "peak_memory_bytes")


@dataclass(frozen=True)
class Point:
    """One measured value: when, in which environment and at which commit."""

    at: str
    value: float
    environment: str
    commit: str | None


@dataclass(frozen=True)
class Series:
    """The values of one metric under one setting, oldest first, and the indices at which a new level begins."""

    metric: str
    machine: str
    setting: str
    points: Sequence[Point]
    changes: Sequence[int]

    @property
    def facts(self) -> dict[str, Any]:
        """The series in JSON's types."""
        return {
            "metric": self.metric,
            "machine": self.machine,
            "setting": self.setting,
            "points": [asdict(point) for point in self.points],
            "changes": [self.points[index].at for index in self.changes],
            "levels": [{"from": self.points[a].at, "n": b - a, "mean": mean} for a, b, mean in self.levels],
        }

    @property
    def levels(self) -> list[tuple[int, int, float]]:
        """First index, index after the last, and mean of each level."""
        ends = [0, *self.changes, len(self.points)]
        values = [point.value for point in self.points]
        return [(a, b, float(np.mean(values[a:b]))) for a, b in zip(ends, ends[1:], strict=False)]


def change_points(values: Sequence[float] | np.ndarray) -> list[int]:
    """Indices at which the mean of `values` (n,) changes: least squares, 4 ln n noise variances as penalty (PELT).

    The noise is that of the differences of neighbours (von Neumann), so that a change hardly counts as noise. Steady
    series of 8 to 100 normal or t4 values, 300 each, showed a change in at most 5 %. Source: Killick, Fearnhead and
    Eckley 2012, as implemented in ruptures.
    """
    import ruptures

    series = np.asarray(values, np.float64)
    if len(series) < 2 * SHORTEST:
        return []
    deviation = math.sqrt(float(np.mean(np.diff(series) ** 2)) / 2)
    if deviation == 0.0:
        return []
    scaled = series / deviation
    found = ruptures.Pelt(model="l2", min_size=SHORTEST, jump=1).fit_predict(scaled, pen=4 * math.log(len(series)))
    return [int(index) for index in found[:-1]]


def of_records(metric: str, summaries: Iterable[Summary], store: Store) -> list[Series]:
    """The series of `recipe/arm/metric` or `recipe/claim`, one for each machine, backend, version, source, scale and
    data set.

    A metric is one that the recipe's arms report, or total_s, step_s, peak_memory_bytes; a claim's numbers are those by
    the card that judges the records. UserError when there is none.
    """
    slug, _, rest = metric.partition("/")
    mine = [s for s in summaries if s.recipe.slug == slug]
    if not any(s.status == "complete" for s in mine):
        raise NothingMeasuredError(f"The store holds no record of {slug!r}.\nMeasure one with `reprise run {slug}`.")
    found: list[tuple[Summary, float]] = []
    known: set[str] = set()
    for members in comparable.groups(mine).values():
        card = judging_card(members, store)
        complete = [one for one in members if one.status == "complete"]
        claim = next((one for one in card.claims if one.id == rest), None)
        values = _of_claim(claim, card, complete, store) if claim else _of_arms(rest, complete, store, known)
        known |= {one.id for one in card.claims}
        found += [(one, value) for one, value in zip(complete, values, strict=True) if math.isfinite(value)]
    if not found:
        raise UserError(f"{slug} has no number of {rest!r}.\nIt has {', '.join(sorted(known - {rest}))}.")
    found.sort(key=lambda row: (row[0].started_at, row[0].id))
    alike = comparable.together(found, lambda row: (row[0].machine, _setting(row[0], store)))
    return [
        series(
            metric,
            machine,
            setting,
            [Point(one.started_at, value, one.environment, one.code.git_commit) for one, value in rows],
        )
        for (machine, setting), rows in sorted(alike.items())
    ]


def _setting(summary: Summary, store: Store) -> str:
    """What the values of a series have in common, beside their machine."""
    data, source = summary.data, sources.label(summary.recipe)
    parts = [f"v{summary.recipe.version}", summary.recipe.scale]
    parts += [f"{comparable.data_label(summary)} {data.fingerprint[:FINGERPRINT]}"] if data else []
    parts += [backend_name(store.document("environments", summary.environment)), *([source] if source else [])]
    return ", ".join(parts)


def _of_claim(claim: ClaimCard, card: Card, complete: Sequence[Summary], store: Store) -> list[float]:
    """A claim's number in each of these comparable records; nan where there is none, or its premise was not met."""
    if claim.value is None:
        return [number(one.claims.get(claim.id, "nan")) for one in complete]
    values = store.values(card, complete)
    found = [values[one.id][claim.id] for one in complete]
    return [math.nan if value is None else value for value in found]


def _of_arms(name: str, complete: Sequence[Summary], store: Store, known: set[str]) -> list[float]:
    """A metric of an arm, or a claim of another card, in each record; what else the arms have is added to `known`."""
    found = []
    for one in complete:
        value: Number | None = one.claims.get(name)
        if value is None:
            record = store.read(store.root / one.path)
            known |= names(record)
            value = _value(record, name)
        known |= set(one.claims)
        found.append(math.nan if value is None else number(value))
    return found


def names(record: Record) -> set[str]:
    """The metrics that a record's arms have, as `arm/metric`."""
    found = {f"{arm}/{name}" for arm, data in record.arms.items() for name in data.metrics}
    return found | {
        f"{arm}/{name}" for arm, data in record.arms.items() for name in TIMES if _time(data, name) is not None
    }


def _value(record: Record, name: str) -> Number | None:
    arm, _, metric = name.partition("/")
    data = record.arms.get(arm)
    if data is None:
        return None
    return data.metrics[metric] if metric in data.metrics else _time(data, metric)


def _time(data: ArmData, name: str) -> Number | None:
    if name == "step_s":
        return data.time.step_s.median if data.time.step_s else None
    return {"total_s": data.time.total_s, "peak_memory_bytes": data.cost.peak_memory_bytes}.get(name)


def series(metric: str, machine: str, setting: str, points: Sequence[Point]) -> Series:
    return Series(metric, machine, setting, points, change_points([point.value for point in points]))
