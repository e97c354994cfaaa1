"""What the report's pages show: one model that the HTML and the Markdown are both written from."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from statistics import median

from keras_reprise.base.progress import format_seconds
from keras_reprise.base.version import __version__
from keras_reprise.judge import compare
from keras_reprise.judge.costs import GroupCost
from keras_reprise.judge.groups import Group
from keras_reprise.judge.history import Series
from keras_reprise.judge.rule_verdict import RuleVerdict
from keras_reprise.judge.verdicts import Verdict
from keras_reprise.record import wording
from keras_reprise.record.facts import flattened
from keras_reprise.record.schema import Card, ClaimCard
from keras_reprise.report import phrases
from keras_reprise.store.store import Summary


@dataclass(frozen=True)
class PlaceView:
    """A machine with an environment: where records come from, with its facts."""

    machine: str
    environment: str
    machine_facts: Mapping[str, object]
    environment_facts: Mapping[str, object]

    @property
    def short(self) -> str:
        return f"{self.machine[:8]}-{self.environment[:8]}"

    @cached_property
    def label(self) -> str:
        """The machine's short id and the backend."""
        return f"{self.machine[:8]} {wording.backend_name(self.environment_facts)}"

    @cached_property
    def hardware(self) -> str:
        return wording.hardware(self.machine_facts)

    @cached_property
    def software(self) -> str:
        return wording.software(self.environment_facts)

    @property
    def flat(self) -> list[tuple[str, str]]:
        """Every fact of the environment by its name."""
        return list(flattened(self.environment_facts))


@dataclass(frozen=True)
class FigureView:
    """A figure's file, and what it shows in words; or why it is not drawn."""

    file: str
    caption: str
    fault: str | None = None


@dataclass(frozen=True)
class Bar:
    """A claim's interval and a measured mean with its 95 % interval, on an axis from 0 to 100."""

    band: tuple[float, float]
    interval: tuple[float, float]
    mean: float
    printed: float | None

    @property
    def band_width(self) -> float:
        return round(self.band[1] - self.band[0], 2)


@dataclass(frozen=True)
class Result:
    """What one group says of a claim."""

    verdict: Verdict
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
            "p": wording.number(v.p, 2),
            "p_exact": wording.number(v.p_exact, 2),
        }


@dataclass(frozen=True)
class ClaimView:
    """A claim of a recipe with what every group says of it."""

    card: ClaimCard
    results: tuple[Result, ...]

    @property
    def must_lie(self) -> str:
        return wording.interval(self.card.interval)


@dataclass(frozen=True)
class Section:
    """One group on its recipe's page: results, figures, cost, records."""

    group: Group
    place: PlaceView
    results: tuple[Result, ...]
    figures: tuple[FigureView, ...]
    figures_elsewhere: bool
    cost: GroupCost

    @property
    def tally(self) -> str:
        return phrases.tally(self.group.verdicts)

    @property
    def explained(self) -> str:
        """Why the rule has its verdict here, in a sentence; nothing where no rule is named."""
        return phrases.explained(self.group)

    @property
    def apart(self) -> str:
        """Why these numbers stand apart from the recipe's; nothing where they are its own."""
        group = self.group
        if group.foreign:
            return f"These numbers are of {group.whose}. They are no evidence for the package's recipe of this name."
        return f"These numbers are of {group.whose}." if group.superseded else ""

    @property
    def replay(self) -> str:
        return phrases.replay(self.group.replicates, self.place.environment_facts)

    @property
    def cost_rows(self) -> list[list[str]]:
        """Arm, parameters, seconds, milliseconds per update, peak memory in GiB: medians over the replicates."""
        return [
            [
                arm,
                f"{cost.params:,}" if cost.params else "-",
                f"{median(cost.total_s):.1f}" if cost.total_s else "-",
                f"{1000 * median(cost.step_s):.2f}" if cost.step_s else "-",
                f"{cost.peak_memory_bytes / 2**30:.2f}" if cost.peak_memory_bytes else "-",
            ]
            for arm, cost in self.cost.arms.items()
        ]

    @property
    def cost_note(self) -> str:
        busy = f" Mean load of the machine meanwhile: {self.cost.load:.1f}." if self.cost.load is not None else ""
        return (
            "Medians over the replicates; the memory is the process's largest while the arm ran (older records: "
            f"until then).{busy}"
        )

    @property
    def records(self) -> list[tuple[Summary, str, str]]:
        """Each replicate with its duration and the state of the code it ran from."""
        return [(s, format_seconds(s.duration_s), _code(s)) for s in self.group.replicates]


@dataclass(frozen=True)
class RecipePage:
    """One recipe version."""

    card: Card
    family: str
    sections: tuple[Section, ...]
    others: tuple[str, ...]

    @property
    def stem(self) -> str:
        return f"{self.card.slug}-v{self.card.version}"

    @property
    def evidence(self) -> tuple[Section, ...]:
        """The sections whose numbers are the recipe's: of no other source under its name, and none replaced."""
        return tuple(section for section in self.sections if section.group.stands)

    @property
    def foreign(self) -> bool:
        """Whether nothing of this page is of the package's recipe whose name it bears."""
        return all(section.group.foreign for section in self.sections)

    @property
    def name(self) -> str:
        return f"{self.card.slug}@{self.card.version}"

    @property
    def documents(self) -> list[str]:
        return sorted({source.key for source in self.card.sources})

    @cached_property
    def claims(self) -> list[ClaimView]:
        """What the recipe's own numbers say; records of other sources have sections of their own."""
        by_claim: dict[str, list[Result]] = {claim.id: [] for claim in self.card.claims}
        for section in self.evidence:
            for result in section.results:
                by_claim.setdefault(result.verdict.claim, []).append(result)
        return [ClaimView(claim, tuple(by_claim[claim.id])) for claim in self.card.claims]

    @property
    def rule(self) -> RuleVerdict | None:
        """The rule's verdict by the numbers that stand for the recipe; None where there are none, or no rule is
        named."""
        found = self.evidence[0].group.rule if self.evidence else None
        return found if found and found.verdict else None

    def by_role(self, role: str) -> list[ClaimView]:
        """The claims of a role that count; of a card without roles all are details."""
        return [one for one in self.claims if not one.card.retired and (one.card.role or "detail") == role]

    @property
    def taught(self) -> list[ClaimView]:
        """What the front page tells: the rule's claims, or all that count where none is named."""
        return self.by_role("rule") or self.by_role("detail")

    @property
    def retired(self) -> list[ClaimView]:
        """Claims that are kept since they may have been cited."""
        return [one for one in self.claims if one.card.retired]

    @property
    def errata(self) -> list[str]:
        return sorted({claim.erratum for claim in self.card.claims if claim.erratum})

    @property
    def printed(self) -> list[ClaimView]:
        """The claims that count for which the document prints a number."""
        return [claim for claim in self.claims if claim.card.printed is not None and not claim.card.retired]


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


@dataclass(frozen=True)
class Site:
    """The whole report."""

    recipes: tuple[RecipePage, ...]
    machines: tuple[MachinePage, ...]
    places: tuple[PlaceView, ...]
    comparisons: tuple[compare.Comparison, ...]
    records: int
    version: str = __version__
    problems: int = 0
    superseded: tuple[RecipePage, ...] = field(default=())
    store_option: str = ""  # ends the commands that the pages print for this store

    @property
    def families(self) -> list[str]:
        return sorted({page.family for page in self.recipes})

    @property
    def documents(self) -> list[str]:
        return sorted({document for page in self.recipes for document in page.documents})

    @cached_property
    def tally(self) -> dict[str, int]:
        """Rules by the verdict of the group that stands for their recipe."""
        found = [page.rule.verdict for page in self.recipes if page.rule]
        return {word: found.count(word) for word in ("reproduced", "contradicted", "inconclusive")}


def _code(summary: Summary) -> str:
    commit = summary.code.git_commit
    if commit is None:
        return f"package {summary.code.package_version}"
    return f"commit {commit[:10]}{' with uncommitted changes' if summary.code.dirty else ''}"
