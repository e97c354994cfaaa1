"""From records to what the pages show: judge, draw the figures that changed, and put the pages' model together."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from keras_reprise import catalog, figures
from keras_reprise.base import checkout
from keras_reprise.base.errors import NothingMeasuredError, RecipeError
from keras_reprise.catalog import sources
from keras_reprise.figures.figure import FigureError
from keras_reprise.judge import compare, reference
from keras_reprise.judge.comparable import Place, together
from keras_reprise.judge.costs import costs
from keras_reprise.judge.groups import Group, gather
from keras_reprise.record.costs import GroupCost
from keras_reprise.record.expressions.checking import forms
from keras_reprise.record.expressions.grammar import ColumnOf, CurveOf, MetricOf, NumberOf
from keras_reprise.record.schema import Card
from keras_reprise.report.site import drawing
from keras_reprise.report.site.bars import axis, bar
from keras_reprise.report.site.cards import rule_card
from keras_reprise.report.site.claim_views import Result
from keras_reprise.report.site.gate_pages import gate_pages
from keras_reprise.report.site.machine_pages import HistoryView, MachinePage
from keras_reprise.report.site.missing_page import missing_page
from keras_reprise.report.site.model import Site
from keras_reprise.report.site.pages import FigureView, RecipePage, Section
from keras_reprise.report.site.places import PlaceView
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
    whole: bool = False,
) -> Site:
    """Judge the records, draw the figures that changed into `folder`, and put together what the pages show.

    `whole`: the records are all of the store's.
    """
    groups = gather(summaries, store)
    cost = costs(groups, store)
    places = {place: _place(place, store) for place in dict.fromkeys(group.place for group in groups)}
    views = _drawn(groups if all_figures else _shown(groups), store, folder, tell)
    pages = _pages(groups, cost, places, views)
    newest = _newest(pages)
    current = [page for page in pages if newest.get(page.card.slug) == page.card.version]
    current.sort(key=lambda page: (page.family, page.card.slug))
    known = _reference(current, store)
    return Site(
        recipes=tuple(current),
        cards=tuple(rule_card(page, known) for page in current),
        superseded=tuple(page for page in pages if page not in current),
        machines=_machines(pages, places, time_histories(groups, cost, places, folder)),
        places=tuple(places.values()),
        comparisons=tuple(compare.every_pair(groups, store)),
        records=len(summaries),
        gate=gate_pages(store, folder),
        missing=missing_page(summaries, places),
        store_option=store_option,
        whole=whole,
    )


def _reference(pages: Sequence[RecipePage], store: Store) -> dict[tuple[str, int], list[tuple[Group, PlaceView]]]:
    """The groups of the project's own results by recipe and version; none where the store is that of a checkout, which
    they are, or where no recipe here is the project's."""
    folder = store.root.resolve()
    if checkout.is_checkout(folder.parent) and folder.name == "results":  # whichever copy of the package runs
        return {}
    asked = {(page.card.slug, page.card.version) for page in pages if sources.is_ours(page.card.slug)}
    try:
        theirs = reference.store() if asked else store
    except NothingMeasuredError:
        return {}
    if theirs.root.resolve() == folder:
        return {}
    known = [one for one in theirs.summaries()[0] if (one.recipe.slug, one.recipe.version) in asked]
    found: dict[tuple[str, int], list[tuple[Group, PlaceView]]] = {}
    for group in gather(known, theirs):
        found.setdefault((group.slug, group.version), []).append((group, _place(group.place, theirs)))
    return found


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
    families, replaced = _families(), _replaced()
    by_recipe = together(groups, lambda group: (group.slug, group.version))
    pages = []
    for (slug, version), members in by_recipe.items():
        card = members[0].card
        axes = {claim.id: one for claim in card.claims if (one := axis(claim, members))}
        sections = []
        for group in members:
            place = places[group.place]
            results = tuple(
                Result(v, claim, group, place, bar(v, axes.get(v.claim)))
                for v, claim in zip(group.verdicts, group.card.claims, strict=True)
            )
            elsewhere = group.digest not in views and bool(group.card.figures)
            shown = views.get(group.digest, ())
            sections.append(Section(group, place, results, shown, elsewhere, cost[group.digest]))
        others = tuple(f"{slug}@{v}" for s, v in by_recipe if s == slug and v != version)
        why = "" if all(section.group.foreign for section in sections) else replaced.get((slug, version), "")
        pages.append(RecipePage(card, families.get(slug, "own"), tuple(sections), others, axes, why))
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
    drawn = figure.drawn(folder)
    if drawn.fault:
        return FigureView(figure.file, f"{declared.title}.", drawn.fault)
    shows_rule = bool(_names_in(figure.specification) & _names_of_rule(figure.group.card))
    caption = (drawn.chart and drawn.chart.caption) or declared.caption(len(figure.group.complete))
    return FigureView(figure.file, caption, shows_rule=shows_rule, title=declared.title, chart=drawn.chart)


def _names_in(value: object) -> set[str]:
    """All texts in a figure's specification, the names of what it draws among them."""
    if isinstance(value, dict):
        return {name for one in value.values() for name in _names_in(one)}
    if isinstance(value, list | tuple):
        return {name for one in value for name in _names_in(one)}
    return {value} if isinstance(value, str) else set()


def _names_of_rule(card: Card) -> set[str]:
    """The metrics, curves, columns and numbers of which the rule's claims are made."""
    rule = [claim.value for claim in card.claims if claim.role == "rule" and claim.retired is None]
    named = (MetricOf, CurveOf, ColumnOf, NumberOf)
    return {form.name for value in rule for form in forms(value) if isinstance(form, named)}


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


def _replaced() -> dict[tuple[str, int], str]:
    """Why a later version was made of each recipe version of the package, where that is told."""
    try:
        entries = [entry for entry in catalog.read_lock().recipes if entry.replaced]
        return {(entry.slug, entry.version): entry.replaced.rstrip(".") for entry in entries}
    except RecipeError:
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
