"""The project's own results: the checkout's store, or the summary of it that the wheel brings.

`reprise compare reference ...`
"""

import lzma
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import msgspec

from keras_reprise.base import checkout
from keras_reprise.base.errors import NothingMeasuredError
from keras_reprise.judge import comparable
from keras_reprise.judge.costs import COSTS
from keras_reprise.record.costs import GroupCost, pooled
from keras_reprise.record.encoding import number
from keras_reprise.record.fields import Number
from keras_reprise.record.schema import Card
from keras_reprise.store.claim_values import computed
from keras_reprise.store.folder import T
from keras_reprise.store.store import Problem, Store, Summary

FILE = Path(__file__).parents[1] / "_reference.json.xz"


class _Content(msgspec.Struct):
    schema: Annotated[int, msgspec.Meta(ge=2, le=2)]
    summaries: list[Summary]
    cards: dict[str, Card]
    machines: dict[str, dict[str, object]]
    environments: dict[str, dict[str, object]]
    values: dict[str, dict[str, Number | None]]
    costs: dict[str, GroupCost]


class Reference(Store):
    """A store in one file, to read summaries, costs, cards and facts from.

    Its records have no arms; what these cost it holds by record, and what the claims' expressions made of them by
    record and claim.
    """

    def __init__(self, file: Path) -> None:
        super().__init__(file.parent)
        self.file = file

    @cached_property
    def content(self) -> _Content:
        return msgspec.json.decode(lzma.decompress(self.file.read_bytes()), type=_Content)

    def card(self, digest: str) -> Card:
        return self.content.cards[digest[:12]]

    def document(self, kind: str, id12: str) -> dict[str, Any]:
        return {"machines": self.content.machines, "environments": self.content.environments}[kind][id12]

    def judging(self, measurement: str) -> str | None:
        """None: all that it holds is of the package's own recipes."""
        return None

    def values(self, card: Card, summaries: Sequence[Summary]) -> Mapping[str, Mapping[str, float | None]]:
        found = {one.id: self.content.values.get(one.id, {}) for one in summaries}
        return {
            id_: {claim.id: _float(row.get(claim.id, "nan")) for claim in computed(card)} for id_, row in found.items()
        }

    def prepare(self, wanted: Iterable[tuple[Card, Sequence[Summary]]]) -> None:
        """All is there."""

    def summaries(self) -> tuple[list[Summary], list[Problem]]:
        return self.content.summaries, []

    def remembered(self, name: str, kind: type[T]) -> T | None:
        """What groups cost, put together here: there are no record files to read it from."""
        if name != COSTS:
            return None
        found = {
            comparable.digest(members): pooled(
                [self.content.costs[one.id] for one in comparable.one_per_seed(members) if one.status == "complete"]
            )
            for members in comparable.groups(self.content.summaries).values()
        }
        return msgspec.convert(found, kind)

    def remember(self, name: str, value: Any) -> None:
        """Nothing is kept beside the installed file."""


def _float(value: Number | None) -> float | None:
    return None if value is None else number(value)


def store() -> Store:
    """The checkout's results, else the summary in the wheel; NothingMeasuredError when there is neither."""
    top = checkout.of_package()
    if top is not None and (top / "results" / "records").is_dir():
        return Store(top / "results")
    if FILE.is_file():
        return Reference(FILE)
    raise NothingMeasuredError(
        "This installation brings no reference results.\n"
        "Install keras-reprise from a wheel, or work in a checkout of the project."
    )
