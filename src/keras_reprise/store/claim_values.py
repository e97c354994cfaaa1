"""The numbers of claims whose value is an expression, worked out from stored arms.

A store remembers them by what is computed (the expressions of a card) and by record, so that a claim that is added to a
card is judged on old records without measuring again.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from keras_reprise.catalog import sources
from keras_reprise.record.encoding import canonical
from keras_reprise.record.expressions.evaluating import Stored, statistic
from keras_reprise.record.schema import Card, ClaimCard, Record

EVALUATION = 1
"""Raised when the same expression could give another number for the same record: then remembered ones are forgotten."""

REMEMBERED = "values-1"

Row = list[float | None]
"""The numbers of a record's claims, in the order of the card: nan where there is none, None without the premise."""

Known = dict[str, dict[str, Row]]
"""Such rows by what is computed, by record id."""


def computed(card: Card) -> list[ClaimCard]:
    """The claims of a card whose value is an expression; the others are judged by the stored claims."""
    return [claim for claim in card.claims if claim.value is not None]


class Digests:
    """What is computed for a card, by a digest; worked out once for each card."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, tuple[str, ...]], tuple[str, Card]] = {}

    def of(self, card: Card, unchanged: Sequence[str] = ()) -> str:
        """The digest; nothing where the card has no expressions.

        `unchanged` are the numbers of `summarise` that the stored claims of these names are in older records.
        """
        key = id(card), tuple(unchanged)
        if key not in self._known:
            self._known[key] = _digest(card, unchanged), card  # kept, so that no other card comes to have its id
        return self._known[key][0]


def _digest(card: Card, unchanged: Sequence[str]) -> str:
    expressions = [[msgspec.to_builtins(claim.value), msgspec.to_builtins(claim.given)] for claim in computed(card)]
    content = {"evaluation": EVALUATION, "expressions": expressions, "unchanged": sorted(unchanged)}
    return hashlib.sha256(canonical(content)).hexdigest()[:32] if expressions else ""


def row(record: Record, card: Card, unchanged: Iterable[str], settings: Mapping[str, Any]) -> Row:
    """The numbers of a record's claims by the expressions of `card`; `settings` are those of its scale."""
    numbers = {name: record.claims[name] for name in unchanged if name in record.claims} | record.numbers
    stored = Stored(record.arms, numbers, settings)
    return [statistic(claim.value, claim.given, stored) for claim in computed(card) if claim.value is not None]


def by_claim(card: Card, found: Sequence[float | None]) -> dict[str, float | None]:
    """A row by the ids of the claims."""
    return {claim.id: value for claim, value in zip(computed(card), found, strict=True)}


def judge(record: Record, card: Callable[[str], Card]) -> tuple[Card, tuple[str, ...]]:
    """The card that most likely judges a record, and its unchanged numbers: the lock's, else the record's own."""
    entry = sources.entry_of(record.recipe)
    return (entry.card, tuple(entry.unchanged)) if entry else (card(record.recipe.card), ())


def by_record(record: Record, card: Callable[[str], Card]) -> dict[str, float | None]:
    """The numbers of a record's claims by their ids, by that card; `card` reads one of the store's."""
    judging, unchanged = judge(record, card)
    return by_claim(judging, row(record, judging, unchanged, settings_of(record, card)))


def settings_of(record: Record, card: Callable[[str], Card]) -> Mapping[str, Any]:
    """The settings of the scale that the record was measured at: those of its own card."""
    return card(record.recipe.card).scales.get(record.recipe.scale, {})


def add(known: Known, new: Known) -> None:
    """Put new rows to those that are known."""
    for key, rows in new.items():
        known.setdefault(key, {}).update(rows)
