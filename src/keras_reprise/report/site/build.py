"""From records to what the pages show: judge, draw the figures that changed, and put the pages' model together."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from keras_reprise import catalog, figures
from keras_reprise.base.errors import RecipeError
from keras_reprise.figures.figure import FigureError
from keras_reprise.judge import compare
from keras_reprise.judge.comparable import Place, together
from keras_reprise.judge.costs import GroupCost, costs
from keras_reprise.judge.groups import Group, gather
from keras_reprise.judge.verdicts import Verdict
from keras_reprise.record.schema import Card
from keras_reprise.report.site import drawing
from keras_reprise.report.site.pages import (
    Bar,
    FigureView,
    HistoryView,
    MachinePage,
    PlaceView,
    RecipePage,
    Result,
    Section,
    Site,
)
from keras_reprise.report.site.time_history import time_histories
from keras_reprise.store.store import Store, Summary

DRAWN_PER_SETTING = 3  # machines whose figures are drawn, for each recipe version, scale and data set


def build(
    summaries: Sequence[Summary],
    store: Store,
    folder: Path,
    tell: Callable[[int, int], None],
    *,
    all_figures: bool,
    store_option: str = "",
) -> Site:
    """Judge the records, draw the figures that changed into `folder`, and put together what the pages show."""
    groups = gather(summaries, store)
    cost = costs(groups, store)
    places = {place: _place(place, store) for place in dict.fromkeys(group.place for group in groups)}
    views = _drawn(groups if all_figures else _shown(groups), store, folder, tell)
    pages = _pages(groups, cost, places, views)
    newest = _newest(pages)
    current = tuple(page for page in pages if newest.get(page.card.slug) == page.card.version)
    return Site(
        recipes=tuple(sorted(current, key=lambda page: (page.family, page.card.slug))),
        superseded=tuple(page for page in pages if page not in current),
        machines=_machines(pages, places, time_histories(groups, cost, places, folder)),
        places=tuple(places.values()),
        comparisons=tuple(compare.every_pair(groups, store)),
        records=len(summaries),
        store_option=store_option,
    )


Views = Mapping[str, tuple[FigureView, ...]]  # by the digest of the group whose they are


def _drawn(groups: Sequence[Group], store: Store, folder: Path, tell: Callable[[int, int], None]) -> Views:
    """Draw these groups' figures."""
    wanted = {group.digest: drawing.drawings(group) for group in groups}
    drawing.draw_all([one for mine in wanted.values() for one in mine], store, folder, tell)
    return {digest: tuple(_view(one, folder) for one in mine) for digest, mine in wanted.items()}


def _pages(
    groups: Sequence[Group], cost: Mapping[str, GroupCost], places: Mapping[Place, PlaceView], views: Views
) -> list[RecipePage]:
    """A page for each recipe version, with a section for each of its groups."""
    families = _families()
    by_recipe = together(groups, lambda group: (group.slug, group.version))
    pages = []
    for (slug, version), members in by_recipe.items():
        axes = _axes(members)
        sections = []
        for group in members:
            place = places[group.place]
            results = tuple(Result(v, group, place, _bar(v, group.card, axes)) for v in group.verdicts)
            elsewhere = group.digest not in views and bool(group.card.figures)
            shown = views.get(group.digest, ())
            sections.append(Section(group, place, results, shown, elsewhere, cost[group.digest]))
        others = tuple(f"{slug}@{v}" for s, v in by_recipe if s == slug and v != version)
        pages.append(RecipePage(members[0].card, families.get(slug, "own"), tuple(sections), others))
    return pages


def _newest(pages: Sequence[RecipePage]) -> dict[str, int]:
    """The newest version of each recipe; of the package's the newest that has records of its own."""
    found: dict[str, int] = {}
    for page in pages:
        if not page.foreign:
            found[page.card.slug] = max(found.get(page.card.slug, 0), page.card.version)
    return found


def _view(figure: drawing.Drawing, folder: Path) -> FigureView:
    try:
        declared = figures.decode(figure.specification)
    except FigureError as error:
        return FigureView(figure.file, f"Figure {figure.number}.", str(error))
    if fault := figure.fault(folder):
        return FigureView(figure.file, f"{declared.title}.", fault)
    return FigureView(figure.file, declared.caption(len(figure.group.complete)))


def _shown(groups: Sequence[Group]) -> list[Group]:
    """The groups whose figures are drawn: of each recipe version, scale and data set those with the most replicates."""
    alike = together(groups, lambda group: group.setting)
    return [group for mine in alike.values() for group in mine[:DRAWN_PER_SETTING]]


def _place(place: Place, store: Store) -> PlaceView:
    machine, environment = place
    return PlaceView(
        machine, environment, store.document("machines", machine), store.document("environments", environment)
    )


def _families() -> dict[str, str]:
    try:
        return {entry.slug: entry.family for entry in catalog.current()}
    except RecipeError:  # a report needs no recipes
        return {}


def _machines(
    pages: Sequence[RecipePage], places: Mapping[Place, PlaceView], histories: Mapping[str, list[HistoryView]]
) -> tuple[MachinePage, ...]:
    found = []
    for machine in sorted({place.machine for place in places}):
        mine = tuple(place for place in places.values() if place.machine == machine)
        sections = tuple((page, s) for page in pages for s in page.sections if s.group.machine == machine)
        found.append(MachinePage(machine, mine[0].machine_facts, mine, sections, tuple(histories.get(machine, ()))))
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
