"""Which card judges: whose claims the verdicts of a group of comparable records are of.

For a measurement that the lock knows, the lock's: what is mended or added there holds for all records of it. For
somebody's own, the card that a run of her recipe named in this store (`judging/`), else that of the record which was
finished first, so that nobody's later record judges it anew.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from keras_reprise.catalog import sources
from keras_reprise.judge import comparable
from keras_reprise.record.schema import Card
from keras_reprise.store.store import Summary


class NamedCards(Protocol):
    """Where cards come from, and which one a measurement is judged by; `store.Store` is one."""

    def card(self, digest: str) -> Card: ...

    def judging(self, measurement: str) -> str | None: ...


def judging_card(members: Sequence[Summary], cards: NamedCards) -> Card:
    """The card by which these comparable records are judged; IntegrityError when it is not what it was."""
    first = comparable.as_finished(members)[0].recipe
    if (entry := sources.entry_of(first)) is not None:
        return entry.card
    named = cards.judging(first.measurement) if first.measurement else None
    if named is not None:
        card = cards.card(named)
        if (card.slug, card.version) == (first.slug, first.version):
            return card
    return cards.card(first.card)


def judged_otherwise(summaries: Iterable[Summary], cards: NamedCards, others: NamedCards) -> int:
    """How many measurements of somebody's own recipes another store judges by another card than this one, with these
    records."""
    own = [one for one in summaries if one.recipe.measurement and sources.entry_of(one.recipe) is None]
    found = 0
    for measurement, members in comparable.together(own, lambda one: one.recipe.measurement or "").items():
        theirs = others.judging(measurement)
        first = comparable.as_finished(members)[0].recipe
        found += theirs is not None and theirs != (cards.judging(measurement) or first.card)
    return found
