"""A figure, as recipes declare it and cards hold it: what each kind has, and how one says that it cannot be drawn."""

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Self

from keras_reprise.base.errors import UserError, printable
from keras_reprise.figures.chart import Chart
from keras_reprise.record.fields import Strict
from keras_reprise.record.metric import Metric
from keras_reprise.record.schema import Record

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Plot

MOST_NAMES = 20  # that a message lists


class FigureError(UserError):
    """A figure asks for what nothing measured, or for what no figure is. The message stands where the figure would."""


class Figure(Strict, frozen=True, tag_field="kind"):
    """What every figure has. A kind is one file of `kinds/`: a subclass with a `tag`, which cards store as `kind`.

    Its fields are the card's, for ever: a new one has a default, so that old cards are read, and none is renamed.
    """

    title: str

    def draw(self, records: Sequence[Record]) -> "Plot":
        """The figure of these replicates; FigureError when they hold nothing of what it shows.

        The kind's drawing libraries are imported here and not before: recipes and readers do without them.
        """
        raise NotImplementedError

    def chart(self, records: Sequence[Record]) -> Chart:
        """What `draw` draws, as numbers; FigureError as there. A kind without them has pages that give the picture."""
        return Chart((), (), ())

    def labelled(self, metrics: Mapping[str, Metric]) -> Self:
        """The figure with the labels that its recipe left out, made of what the recipe's metrics say by their names."""
        return self

    def caption(self, n: int) -> str:
        """What the figure of `n` replicates shows, for the text below it and for readers who cannot see it."""
        raise NotImplementedError


def require(what: str, wanted: Iterable[str], there: Collection[str]) -> None:
    """FigureError when a `wanted` one is not `there`: "There is no curve `tst_error`; there are `test_error`, ..."."""
    missing = [name for name in dict.fromkeys(wanted) if name not in there]
    if missing:
        known = f"there {'is' if len(there) == 1 else 'are'} {_listed(sorted(there))}" if there else "there is none"
        raise FigureError(f"There is no {what} {_listed(missing)}; {known}.")


def label(names: Sequence[str], metrics: Mapping[str, Metric]) -> str:
    """What an axis of these curves or trial values shows: "training loss (nats)", or of several what they share."""
    known = [metrics.get(name, Metric(name, name.replace("_", " "))) for name in names]
    words = os.path.commonprefix([one.words.split()[::-1] for one in known])[::-1]
    units = {one.unit for one in known}
    unit = f" ({units.pop()})" if len(units) == 1 and "" not in units else ""
    return f"{' '.join(words) or ', '.join(one.words for one in known)}{unit}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(f"`{printable(name)}`" for name in names[:MOST_NAMES]) + more
