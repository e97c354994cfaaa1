"""What the report's pages show: one model that the HTML and the Markdown are both written from."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

from keras_reprise import __version__, catalog, compare, describe
from keras_reprise.errors import RecipeError
from keras_reprise.groups import Group, GroupCost, costs, gather
from keras_reprise.judge import Verdict
from keras_reprise.progress import format_seconds
from keras_reprise.record import Card, ClaimCard
from keras_reprise.report import drawing
from keras_reprise.store import Store, Summary

DRAWN_PER_SETTING = 3  # machines whose figures are drawn, for each recipe version, scale and data set


@dataclass(frozen=True)
class Place:
    """A machine with an environment: where records come from, with its facts."""

    machine: str
    environment: str
    machine_facts: dict[str, Any]
    environment_facts: dict[str, Any]

    @property
    def short(self) -> str:
        return f"{self.machine[:8]}-{self.environment[:8]}"

    @property
    def label(self) -> str:
        """The machine's short id and the backend."""
        return f"{self.machine[:8]} {describe.backend_name(self.environment_facts)}"

    @property
    def hardware(self) -> str:
        return describe.hardware(self.machine_facts)

    @property
    def software(self) -> str:
        return describe.software(self.environment_facts)

    @property
    def flat(self) -> list[tuple[str, str]]:
        """Every fact of the environment by its name."""
        return list(compare.flatten(self.environment_facts))


@dataclass(frozen=True)
class FigureView:
    """A figure's file, and what it shows in words."""

    file: str
    caption: str


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
    place: Place
    bar: Bar | None

    @property
    def numbers(self) -> dict[str, str]:
        """Mean, interval, SD, printed value and p as they are printed."""
        v = self.verdict
        mean, low, high = (describe.aligned(value, v.mean, v.sd) for value in (v.mean, v.ci_low, v.ci_high))
        return {
            "mean": mean,
            "interval": f"{low} to {high}" if math.isfinite(v.ci_low) and v.sd else "-",
            "sd": describe.number(v.sd, 2),
            "printed": "-" if v.printed is None else f"{v.printed:.6g}",
            "p": describe.number(v.p, 2),
            "p_exact": describe.number(v.p_exact, 2),
        }


@dataclass(frozen=True)
class ClaimView:
    """A claim of a recipe with what every group says of it."""

    card: ClaimCard
    results: tuple[Result, ...]

    @property
    def must_lie(self) -> str:
        return describe.interval(self.card.interval)


@dataclass(frozen=True)
class Section:
    """One group on its recipe's page: results, figures, cost, records."""

    group: Group
    place: Place
    results: tuple[Result, ...]
    figures: tuple[FigureView, ...]
    figures_elsewhere: bool
    cost: GroupCost

    @property
    def tally(self) -> str:
        return describe.tally(self.group.verdicts)

    @property
    def replay(self) -> str:
        return describe.replay(self.group.replicates, self.place.environment_facts)

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
        return f"Medians over the replicates; the memory is the largest of the process so far.{busy}"

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
    def name(self) -> str:
        return f"{self.card.slug}@{self.card.version}"

    @property
    def documents(self) -> list[str]:
        return sorted({source.key for source in self.card.sources})

    @cached_property
    def claims(self) -> list[ClaimView]:
        by_claim: dict[str, list[Result]] = {claim.id: [] for claim in self.card.claims}
        for section in self.sections:
            for result in section.results:
                by_claim.setdefault(result.verdict.claim, []).append(result)
        return [ClaimView(claim, tuple(by_claim[claim.id])) for claim in self.card.claims]

    @property
    def errata(self) -> list[str]:
        return sorted({claim.erratum for claim in self.card.claims if claim.erratum})

    @property
    def printed(self) -> list[ClaimView]:
        """The claims for which the document prints a number."""
        return [claim for claim in self.claims if claim.card.printed is not None]


@dataclass(frozen=True)
class MachinePage:
    """One machine: its facts, the environments used there, and what was measured."""

    machine: str
    facts: dict[str, Any]
    places: tuple[Place, ...]
    sections: tuple[tuple[RecipePage, Section], ...]

    @property
    def hardware(self) -> str:
        return describe.hardware(self.facts)


@dataclass(frozen=True)
class Site:
    """The whole report."""

    recipes: tuple[RecipePage, ...]
    machines: tuple[MachinePage, ...]
    places: tuple[Place, ...]
    comparisons: tuple[compare.Comparison, ...]
    records: int
    version: str = __version__
    problems: int = 0
    superseded: tuple[RecipePage, ...] = field(default=())

    @property
    def families(self) -> list[str]:
        return sorted({page.family for page in self.recipes})

    @property
    def documents(self) -> list[str]:
        return sorted({document for page in self.recipes for document in page.documents})

    @cached_property
    def tally(self) -> dict[str, int]:
        """Claims by the verdict of the group that stands for their recipe."""
        found = [claim.results[0].verdict.verdict for page in self.recipes for claim in page.claims if claim.results]
        return {word: found.count(word) for word in ("reproduced", "contradicted", "inconclusive")}


def build(
    summaries: Sequence[Summary], store: Store, folder: Path, tell: Callable[[int, int], None], *, all_figures: bool
) -> Site:
    """Judge the records, draw the figures that changed into `folder`, and put together what the pages show."""
    groups = gather(summaries, store)
    cost = costs(groups, store)
    places = _places(groups, store)
    wanted = {id(group): drawing.drawings(group) for group in (groups if all_figures else _shown(groups))}
    drawing.draw_all([figure for figures in wanted.values() for figure in figures], store, folder, tell)
    families = _families()
    pages = []
    by_recipe: dict[tuple[str, int], list[Group]] = {}
    for group in groups:
        by_recipe.setdefault((group.slug, group.version), []).append(group)
    for (slug, version), members in by_recipe.items():
        axes = _axes(members)
        sections = []
        for group in members:
            place = places[group.machine, group.environment]
            results = tuple(Result(v, group, place, _bar(v, group.card, axes)) for v in group.verdicts)
            shown = wanted.get(id(group), [])
            figures = tuple(
                FigureView(figure.file, _caption(figure))
                for figure in shown
                if not drawing.is_empty(figure, folder)
            )  # fmt: skip
            elsewhere = id(group) not in wanted and bool(group.card.figures)
            sections.append(Section(group, place, results, figures, elsewhere, cost[group.digest]))
        others = tuple(f"{slug}@{v}" for s, v in by_recipe if s == slug and v != version)
        pages.append(RecipePage(members[0].card, families.get(slug, "own"), tuple(sections), others))
    newest = {slug: version for slug, version in reversed(by_recipe)}  # groups come with the newest version first
    current = tuple(page for page in pages if page.card.version == newest[page.card.slug])
    return Site(
        recipes=tuple(sorted(current, key=lambda page: (page.family, page.card.slug))),
        superseded=tuple(page for page in pages if page not in current),
        machines=_machines(pages, places),
        places=tuple(places.values()),
        comparisons=tuple(compare.every_pair(groups, store)),
        records=len(summaries),
    )


def _caption(figure: drawing.Drawing) -> str:
    try:
        return describe.caption(figure.group.card.figures[figure.number - 1], len(figure.group.complete))
    except (AttributeError, KeyError, TypeError):  # a card from elsewhere may ask for anything
        return "A figure that its card does not describe."


def _shown(groups: Sequence[Group]) -> list[Group]:
    """The groups whose figures are drawn: of each recipe version, scale and data set those with the most replicates."""
    counts: dict[tuple[Any, ...], int] = {}
    shown = []
    for group in groups:
        key = (group.slug, group.version, group.scale, group.data_label)
        counts[key] = counts.get(key, 0) + 1
        if counts[key] <= DRAWN_PER_SETTING:
            shown.append(group)
    return shown


def _places(groups: Sequence[Group], store: Store) -> dict[tuple[str, str], Place]:
    found = {}
    for group in groups:
        key = (group.machine, group.environment)
        if key not in found:
            found[key] = Place(*key, store.document("machines", key[0]), store.document("environments", key[1]))
    return found


def _families() -> dict[str, str]:
    try:
        return {entry.slug: entry.family for entry in catalog.current()}
    except RecipeError:  # a report needs no recipes
        return {}


def _machines(pages: Sequence[RecipePage], places: dict[tuple[str, str], Place]) -> tuple[MachinePage, ...]:
    found = []
    for machine in sorted({machine for machine, _ in places}):
        mine = tuple(place for place in places.values() if place.machine == machine)
        sections = tuple((page, s) for page in pages for s in page.sections if s.group.machine == machine)
        found.append(MachinePage(machine, mine[0].machine_facts, mine, sections))
    return tuple(found)


def _axes(groups: Sequence[Group]) -> dict[str, tuple[float, float, bool]]:
    """Ends of the axis on which each claim's bars are drawn, shared by its groups, and whether it is logarithmic."""
    axes = {}
    for claim in groups[0].card.claims:
        values = [value for value in (*claim.interval, claim.printed) if value is not None]
        for group in groups:
            if (verdict := group.verdict(claim.id)) is not None:
                values += [value for value in (verdict.mean, verdict.ci_low, verdict.ci_high) if math.isfinite(value)]
        logarithmic = claim.log and all(value > 0 for value in values)
        values = [math.log(value) for value in values] if logarithmic else values
        if not values:
            continue
        low, high = min(values), max(values)
        margin = 0.12 * (high - low) or max(abs(high), 1.0) * 0.12
        if math.isfinite(margin):
            axes[claim.id] = (low - margin, high + margin, logarithmic)
    return axes


def _bar(verdict: Verdict, card: Card, axes: dict[str, tuple[float, float, bool]]) -> Bar | None:
    if verdict.claim not in axes or not math.isfinite(verdict.mean):
        return None
    low, high, logarithmic = axes[verdict.claim]

    def at(value: float) -> float:
        return round(100 * ((math.log(value) if logarithmic else value) - low) / (high - low), 2)

    ends = verdict.interval
    interval = (verdict.ci_low, verdict.ci_high) if math.isfinite(verdict.ci_low) else (verdict.mean, verdict.mean)
    return Bar(
        band=(0.0 if ends[0] is None else at(ends[0]), 100.0 if ends[1] is None else at(ends[1])),
        interval=(at(interval[0]), at(interval[1])),
        mean=at(verdict.mean),
        printed=None if verdict.printed is None else at(verdict.printed),
    )


def _code(summary: Summary) -> str:
    commit = summary.code.git_commit
    if commit is None:
        return f"package {summary.code.package_version}"
    return f"commit {commit[:10]}{' with uncommitted changes' if summary.code.dirty else ''}"
