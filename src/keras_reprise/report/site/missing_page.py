"""The page that says what of the package's recipes is not measured yet, how long it takes, and by which command."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from keras_reprise import catalog
from keras_reprise.base.errors import RecipeError
from keras_reprise.base.progress import format_seconds
from keras_reprise.judge.comparable import Place
from keras_reprise.judge.missing import Missing, missing_of
from keras_reprise.report.site.places import BACKENDS, PlaceView
from keras_reprise.store.store import Summary

SCALES, DEVICES = ("quick", "full"), ("CPU", "GPU")


@dataclass(frozen=True)
class MissingColumn:
    """All recipes at one scale on one kind of device; a place counts by itself, and the one that has most stands."""

    scale: str
    device: str
    rows: tuple[Missing, ...]

    @property
    def name(self) -> str:
        return f"{self.scale}, {self.device}"

    @property
    def told(self) -> str:
        """What is there and what is missing, in a sentence or two."""
        whole = sum(not row.missing for row in self.rows)
        begun = sum(bool(row.missing and row.complete) for row in self.rows)
        text = f"{whole} of {len(self.rows)} recipes have all their replicates in one place"
        text += f", {begun} have some." if begun else "."
        known = [row.seconds for row in self.rows if row.seconds is not None]
        untold = sum(row.seconds is None and bool(row.missing) for row in self.rows)
        if known:
            text += f" What {len(known)} lack would take {format_seconds(sum(known))}, one after the other."
        if untold:
            which = f"{'the other' if known else 'these'} {untold}"
            text += f" How long {which} take is not known: no replicate of theirs was measured so."
        return text

    def cell(self, recipe: str) -> tuple[str, str]:
        """How many replicates a recipe has of those wanted, and how long the missing ones take; "" where it has none
        of that scale, or nothing tells."""
        row = next((row for row in self.rows if row.recipe == recipe), None)
        if row is None:
            return "", ""
        return f"{row.complete} of {row.wanted}", "" if row.seconds is None else format_seconds(row.seconds)


@dataclass(frozen=True)
class MissingPage:
    """What was measured of the package's recipes, by scale and kind of device.

    `untried` are backends on kinds of devices of which the store has no record at all.
    """

    columns: tuple[MissingColumn, ...]
    untried: tuple[str, ...]

    @property
    def recipes(self) -> list[str]:
        """Those of which anything is missing, by slug."""
        return sorted({row.recipe for column in self.columns for row in column.rows if row.missing})


def missing_page(summaries: Sequence[Summary], places: Mapping[Place, PlaceView]) -> MissingPage | None:
    """None where the package's recipes are not at hand, or none of them was measured here."""
    try:
        entries = catalog.current()
    except RecipeError:  # a report needs no recipes
        return None
    current = {(entry.slug, entry.version) for entry in entries}
    if not any((one.recipe.slug, one.recipe.version) in current for one in summaries):
        return None
    on = {device: [one for one in summaries if _device(places, one) == device] for device in DEVICES}
    columns = tuple(
        MissingColumn(scale, device, tuple(missing_of(entries, on[device], scale)))
        for scale, device in product(SCALES, DEVICES)
    )
    tried = {(place.backend, place.device) for place in places.values()}
    untried = (
        f"{BACKENDS[name]} on a {device}" for name, device in product(BACKENDS, DEVICES) if (name, device) not in tried
    )
    return MissingPage(columns, tuple(untried))


def _device(places: Mapping[Place, PlaceView], summary: Summary) -> str:
    return places[Place(summary.machine, summary.environment)].device
