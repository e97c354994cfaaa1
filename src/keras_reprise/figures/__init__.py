"""Figures: declared by recipes, stored in cards, drawn from records. A kind is one file in `kinds/`.

A figure is drawn from what the card holds of it, so that old records can be drawn without their recipe. Only this
folder draws (and the report's history of a metric, with this folder's style).
"""

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec
import numpy as np

from keras_reprise.base.errors import RecipeError, UserError, printable
from keras_reprise.figures import kinds
from keras_reprise.figures.chart import Chart
from keras_reprise.figures.figure import Figure, FigureError
from keras_reprise.record.metric import Metric
from keras_reprise.record.schema import Record

__all__ = ["Figure", "FigureError", "chart", "decode", "draw", "encode", "known_kinds"]


def known_kinds() -> dict[str, type[Figure]]:
    """Every kind of figure by what cards call it."""
    for one in pkgutil.iter_modules(kinds.__path__):
        importlib.import_module(f"{kinds.__name__}.{one.name}")
    return {str(kind.__struct_config__.tag): kind for kind in Figure.__subclasses__()}


def encode(figure: Figure, metrics: Mapping[str, Metric] = MappingProxyType({})) -> dict[str, object]:
    """A figure as the card holds it, labelled in the words of `metrics`; RecipeError when it is not as its kind is."""
    name = getattr(figure, "title", figure)
    if not isinstance(figure, Figure):
        raise RecipeError(f"The figure {name!r} is a {type(figure).__name__}.\nUse one of the package's figures.")
    try:
        declared: dict[str, object] = msgspec.to_builtins(figure, str_keys=True, enc_hook=_plain)
        document: dict[str, object] = msgspec.to_builtins(decode(declared).labelled(metrics), str_keys=True)
    except (FigureError, TypeError) as error:
        raise RecipeError(f"The figure {name!r} cannot be stored in a card: {error}\nMend it in the recipe.") from error
    return document


def decode(document: Mapping[str, object]) -> Figure:
    """The figure that a card holds; FigureError when it is of an unknown kind, or not as its kind declares."""
    kind, known = document.get("kind"), known_kinds()
    if not isinstance(kind, str) or kind not in known:
        there = ", ".join(f"`{name}`" for name in known)
        raise FigureError(
            f"The kind `{printable(str(kind))}` is unknown; there are {there}. A newer keras-reprise may draw it."
        )
    try:
        return msgspec.convert(document, known[kind])
    except (ValueError, RecursionError) as error:
        raise FigureError(f"Its card is not that of a figure of the kind `{kind}`: {printable(str(error))}.") from error


def draw(document: Mapping[str, object], records: Sequence[Record], form: str = "svg") -> bytes:
    """The figure that a card holds, of the replicates `records`, as SVG, PDF or PGF; FigureError when that cannot be.

    An SVG follows the reader's choice of a light or dark page. PGF needs a LaTeX installation.
    """
    from keras_reprise.figures.rendering import render

    figure = decode(document)
    try:
        return render(lambda: figure.draw(records), form)
    except UserError:
        raise
    except Exception as error:  # a card from elsewhere may ask for anything, and a kind may have a fault
        if form == "pgf" and isinstance(error, RuntimeError):  # LaTeX's
            raise
        raise _failed(error) from error


def chart(document: Mapping[str, object], records: Sequence[Record]) -> Chart:
    """The numbers that the figure of a card shows of the replicates `records`; FigureError when that cannot be."""
    figure = decode(document)
    try:
        return figure.chart(records)
    except UserError:
        raise
    except Exception as error:  # as in `draw`
        raise _failed(error) from error


def _failed(error: Exception) -> FigureError:
    first = (str(error).splitlines() or [""])[0][:200]
    return FigureError(f"Drawing it failed: {type(error).__name__}: {printable(first)}.")


def _plain(value: object) -> object:
    """What recipes compute with NumPy, in JSON's types."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"it holds a {type(value).__name__}.")
