"""Rules over the places where they were measured, and their deciding numbers over versions and dates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from keras_reprise.report.site.bars import axis, bar
from keras_reprise.report.site.cards import RuleAnswer, answer
from keras_reprise.report.site.claim_views import ClaimView, Result
from keras_reprise.report.site.pages import RecipePage


class Column(NamedTuple):
    """A machine with a backend: one column of the table; environments of one backend share it."""

    device: str
    computer: str
    backend: str
    machine: str


@dataclass(frozen=True)
class RuleRow:
    """A rule with what each column says of it: of the groups that were measured there the first of the recipe's page;
    None where there is none. `forest` is the deciding claim with all its places."""

    page: RecipePage
    answers: tuple[RuleAnswer | None, ...]
    forest: ClaimView | None

    @property
    def disagree(self) -> bool:
        """Whether the rule is reproduced in one place and contradicted in another, each on the documented data."""
        return {"reproduced", "contradicted"} <= {one.counted for one in self.answers if one}


@dataclass(frozen=True)
class PlaceTable:
    """Rules by places."""

    columns: tuple[Column, ...]
    rows: tuple[RuleRow, ...]


@dataclass(frozen=True)
class NumberHistory:
    """The number that decides a rule, in all versions of its recipe that have the claim, by the day it was measured."""

    page: RecipePage
    claim: ClaimView

    @property
    def dated(self) -> list[tuple[str, Result]]:
        """The results with their days, the oldest first."""
        found = [(one.group.finished_at[:10], one) for one in self.claim.results]
        return sorted(found, key=lambda row: (row[0], row[1].group.version, row[1].group.digest))


def place_table(pages: Sequence[RecipePage]) -> PlaceTable:
    """A row for each recipe that names its rule, a column for each machine and backend that measured one."""
    named = [page for page in pages if page.rule]
    found = [{_column(answer): answer for answer in reversed(_answers(page))} for page in named]
    columns = tuple(sorted({column for row in found for column in row}))
    rows = (
        RuleRow(page, tuple(row.get(column) for column in columns), _deciding(page))
        for page, row in zip(named, found, strict=True)
    )
    return PlaceTable(columns, tuple(rows))


def number_histories(pages: Sequence[RecipePage], superseded: Sequence[RecipePage]) -> list[NumberHistory]:
    """One for each rule whose deciding number was measured more than once."""
    found = []
    for page in pages:
        claim = _deciding(page)
        older = [one for one in superseded if one.card.slug == page.card.slug and not one.foreign]
        views = [view for one in (page, *older) for view in one.claims if claim and view.card.id == claim.card.id]
        results = [result for view in views for result in view.results]
        if claim and len(results) > 1:
            shared = axis(claim.card, [one.group for one in results])
            drawn = (Result(r.verdict, r.claim, r.group, r.place, bar(r.verdict, shared)) for r in results)
            found.append(NumberHistory(page, ClaimView(claim.card, tuple(drawn), shared)))
    return found


def _answers(page: RecipePage) -> list[RuleAnswer]:
    return [answer(section.group, section.place) for section in page.evidence if section.group.rule.verdict]


def _column(one: RuleAnswer) -> Column:
    return Column(one.place.device, one.place.computer, one.place.backend_words, one.place.machine)


def _deciding(page: RecipePage) -> ClaimView | None:
    """The claim for which the rule's verdict is what it is."""
    deciding = page.rule.deciding if page.rule else None
    return next((one for one in page.claims if deciding and one.card.id == deciding.claim), None)
