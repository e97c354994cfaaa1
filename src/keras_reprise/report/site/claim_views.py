"""What the pages show of a claim: every group's verdict of it, with its bar and its numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from keras_reprise.judge.groups import Group
from keras_reprise.judge.verdicts import Verdict
from keras_reprise.record import wording
from keras_reprise.record.schema import ClaimCard
from keras_reprise.report.site.bars import Bar, ClaimAxis
from keras_reprise.report.site.places import PlaceView
from keras_reprise.report.telling import Told, probability, told


@dataclass(frozen=True)
class Result:
    """What one group says of a claim."""

    verdict: Verdict
    claim: ClaimCard
    group: Group
    place: PlaceView
    bar: Bar | None

    @property
    def numbers(self) -> dict[str, str]:
        """Mean, interval, SD, printed value and p as they are printed."""
        v = self.verdict
        mean, low, high = (wording.aligned(value, v.mean, v.sd) for value in (v.mean, v.ci_low, v.ci_high))
        return {
            "mean": mean,
            "interval": f"{low} to {high}" if math.isfinite(v.ci_low) and v.sd else "-",
            "sd": wording.number(v.sd, 2),
            "printed": "-" if v.printed is None else wording.number(v.printed, 6),
            "p": probability(v.p),
            "p_exact": probability(v.p_exact),
        }

    @property
    def told(self) -> Told:
        """The number in words."""
        return told(self.verdict, self.claim)

    @property
    def why(self) -> str:
        """What stands against a verdict that is still open, or beside one that is not."""
        return self.verdict.reason


@dataclass(frozen=True)
class ClaimView:
    """A claim of a recipe with what every group says of it, the group that stands for the recipe first.

    `axis` is that of the results' bars; None where there is nothing to draw.
    """

    card: ClaimCard
    results: tuple[Result, ...]
    axis: ClaimAxis | None

    @property
    def must_lie(self) -> str:
        return wording.interval(self.card.interval)

    @property
    def standing(self) -> list[Result]:
        """The results at the scale that stands for the recipe, and on its data set."""
        first = self.results[0].group if self.results else None
        return [one for one in self.results if first and one.group.setting == first.setting]

    @property
    def widest(self) -> list[Result]:
        """The results at the scale and on the data set that most places measured; those that stand, of equally many."""
        settings: dict[object, list[Result]] = {}
        for one in self.results:
            settings.setdefault(one.group.setting, []).append(one)
        return max(settings.values(), key=len, default=[])

    @property
    def folded(self) -> list[tuple[str, list[Result]]]:
        """The other results, by scale and data set, each under its title."""
        found: dict[str, list[Result]] = {}
        standing = self.standing
        for one in self.results:
            if one in standing:
                continue
            found.setdefault(_title(one.group), []).append(one)
        return list(found.items())


def _title(group: Group) -> str:
    return f"{group.scale.capitalize()} scale{f', {group.data_label}' if group.first.data else ''}"


def counted(results: Sequence[Result]) -> list[tuple[str, int]]:
    """The verdicts that there are among results, each with its number."""
    found = [one.verdict.verdict for one in results]
    return [(word, found.count(word)) for word in ("reproduced", "contradicted", "inconclusive") if word in found]
