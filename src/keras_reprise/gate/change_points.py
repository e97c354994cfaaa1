"""What a stored comparison of many environments says: verdicts against the reference, and the change points. Pure."""

import os
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from keras_reprise.gate.comparisons import ComparisonOccasion, StoredComparison
from keras_reprise.gate.environments import side_names
from keras_reprise.gate.explanations import Explanation, Explanations
from keras_reprise.gate.gating import changes
from keras_reprise.gate.rule import FAILED, INCOMPARABLE, Row

SEPARATORS = ("===", "==", "~=", "=", ":", os.sep)


@dataclass(frozen=True)
class ChangePoint:
    """A step from one environment to the next at which a metric was called changed on at least one occasion.

    `row` is that of the newest such occasion; `called` counts the occasions that called it in the same direction, of
    the `compared` ones. `explained` is what the public record says of it.
    """

    before: int
    now: int
    row: Row
    called: int
    compared: int
    changed: Sequence[str]
    explained: Sequence[Explanation] = ()

    @property
    def always(self) -> bool:
        """Whether every occasion that compared it saw it."""
        return self.called == self.compared

    @property
    def verified(self) -> str:
        """On how many occasions it was seen, in words."""
        if self.compared == 1:
            return "seen on one occasion"
        if self.always:
            return f"verified on {self.called} occasions"
        return f"seen on {self.called} of {self.compared} occasions"


@dataclass(frozen=True)
class Overhead:
    """How many times as long as the benchmark `base` a benchmark takes, in each environment."""

    metric: str
    base: str
    ratios: Sequence[float | None]


@dataclass(frozen=True)
class Overview:
    """A comparison as tables, figures and pages show it; numbers are those of the newest occasion."""

    comparison: StoredComparison
    known: Explanations = Explanations()

    @cached_property
    def labels(self) -> list[str]:
        return labels_of(self.comparison.words)

    @property
    def occasion(self) -> ComparisonOccasion:
        return self.comparison.newest

    @cached_property
    def rows(self) -> dict[tuple[int, int], dict[str, Row]]:
        """The rows of the newest occasion by pair and metric."""
        return _rows(self.occasion)

    @cached_property
    def metrics(self) -> list[str]:
        """All metrics that were compared, in the order of the benchmark files."""
        found = {name: None for rows in self.rows.values() for name in rows}
        return sorted(found, key=lambda name: ("::" not in name, name.endswith("peak memory")))

    def against_reference(self, metric: str, environment: int) -> Row | None:
        """The row of an environment against the reference; None for itself, and where there is none."""
        return self.rows.get((self.comparison.reference, environment), {}).get(metric)

    def amount_of_reference(self, metric: str) -> Row | None:
        """Any row that holds what the reference measured, as its value before."""
        mine = (rows[metric] for (a, _), rows in self.rows.items() if a == self.comparison.reference and metric in rows)
        return next((row for row in mine if row.verdict not in (FAILED, INCOMPARABLE)), None)

    def failed(self, environment: int, metric: str) -> str:
        """Why an environment has no number of a metric, if it failed."""
        return _failed(self.occasion, environment, _source(metric))

    @cached_property
    def change_points(self) -> list[ChangePoint]:
        """Those that every occasion saw, then the others; each by the place of the step, then the largest change."""
        found: dict[tuple[int, int, str], list[Row]] = {}
        for occasion in self.comparison.occasions:
            for (before, now), row in _steps(occasion):
                found.setdefault((before, now, row.metric), []).append(row)
        points = []
        for (before, now, metric), rows in found.items():
            called = [row for row in rows if row.suspect]
            if called:
                alike = [row for row in called if row.verdict == called[-1].verdict]
                software = [self.occasion.environments[one].software for one in (before, now)]
                changed = changes(software[0], software[1]) if software[0] and software[1] else []
                explained = self.known.of(metric, *software)
                points.append(ChangePoint(before, now, called[-1], len(alike), len(rows), changed, explained))
        return sorted(points, key=lambda one: (not one.always, one.now, one.before, -abs(one.row.change)))

    @cached_property
    def overheads(self) -> list["Overhead"]:
        """How many times as long one benchmark takes as another, where the settings name one over the other."""
        found, over = [], self.occasion.settings.over
        for metric in self.metrics:
            file, _, name = metric.rpartition("::")
            function, bracket, parameters = name.partition("[")
            base = f"{file}::{over.get(function, '')}{bracket}{parameters}"
            if base in self.metrics:
                ratios = [self._ratio(side, metric, base) for side in side_names(len(self.labels))]
                found.append(Overhead(metric, base, ratios))
        return found

    def _ratio(self, side: str, metric: str, base: str) -> float | None:
        """The median over an environment's processes of both medians' ratio; what was timed in one process."""
        ratios = [
            process.median[metric] / process.median[base]
            for look in self.occasion.looks
            for process in look.processes
            if process.side == side and not process.disturbed and {metric, base} <= set(process.median)
        ]
        return statistics.median(ratios) if ratios else None

    @property
    def all_rows(self) -> list[Row]:
        return [row for rows in self.rows.values() for row in rows.values()]

    @property
    def not_made(self) -> list[tuple[int, str, str]]:
        """The environments that failed: number, file or recipe ("" for all), and the reason."""
        found = self.occasion.environments
        return [(n, source, why) for n, one in enumerate(found) for source, why in one.failed.items()]


def _rows(occasion: ComparisonOccasion) -> dict[tuple[int, int], dict[str, Row]]:
    return {(pair.before, pair.now): {row.metric: row.row for row in pair.rows} for pair in occasion.pairs}


def _steps(occasion: ComparisonOccasion) -> Iterator[tuple[tuple[int, int], Row]]:
    """The rows of every step from an environment to the next one that has the metric."""
    rows = _rows(occasion)
    for metric in {name: None for found in rows.values() for name in found}:
        there = [n for n in range(len(occasion.environments)) if not _failed(occasion, n, _source(metric))]
        for pair in zip(there, there[1:], strict=False):
            if metric in rows.get(pair, {}):
                yield pair, rows[pair][metric]


def _failed(occasion: ComparisonOccasion, environment: int, source: str) -> str:
    failed = occasion.environments[environment].failed
    return failed.get("", failed.get(source, ""))


def _source(metric: str) -> str:
    return metric.split("::" if "::" in metric else "/", 1)[0]


def labels_of(words: Sequence[str]) -> list[str]:
    """Short names of environments: without the words and the beginnings that they share."""
    split = [one.split() for one in words]
    shared = set.intersection(*map(set, split)) if split else set()
    own = [" ".join(word for word in one if word not in shared) or "." for one in split]
    for separator in SEPARATORS:
        parts = [one.partition(separator) for one in own]
        named = [part for part, one in zip(parts, own, strict=True) if one != "."]
        if len({part[0] for part in named}) == 1 and all(part[1] and part[2] for part in named):
            own = [part[2] if part[1] else part[0] for part in parts]
            break
    counts: dict[str, int] = {}
    found = []
    for one in own:
        counts[one] = counts.get(one, 0) + 1
        found.append(one if own.count(one) == 1 else f"{one} ({counts[one]})")
    return found
