"""The page of a machine: its facts, what was measured on it, and how its times moved."""

from collections.abc import Mapping
from dataclasses import dataclass

from keras_reprise.judge.history import Series
from keras_reprise.record import wording
from keras_reprise.report.site.pages import RecipePage, Section
from keras_reprise.report.site.places import PlaceView


@dataclass(frozen=True)
class HistoryView:
    """One series of a machine, its levels in milliseconds or seconds, and its figure where the level changed."""

    series: Series
    figure: str | None

    @property
    def rows(self) -> list[list[str]]:
        """Since when, how many values, their mean in ms, the change, and the environments, for each level."""
        found, last = [], None
        for a, b, mean in self.series.levels:
            points = self.series.points[a:b]
            environments = ", ".join(dict.fromkeys(point.environment[:8] for point in points))
            moved = "" if last is None else f"{mean / last - 1:+.1%}"
            found.append([points[0].at[:10], str(b - a), f"{1000 * mean:.4g}", moved, environments])
            last = mean
        return found


@dataclass(frozen=True)
class MachinePage:
    """One machine: its facts, the environments used there, and what was measured."""

    machine: str
    facts: Mapping[str, object]
    places: tuple[PlaceView, ...]
    sections: tuple[tuple[RecipePage, Section], ...]
    histories: tuple[HistoryView, ...] = ()

    @property
    def hardware(self) -> str:
        return wording.hardware(self.facts)
