"""keras-reprise: documented deep-learning experiments, replayed and judged on your own hardware."""

import sys

# `python -m keras_reprise` has the current folder first on Python's path, where a numpy.py would stand in for NumPy.
if sys.argv[:1] == ["-m"] and "keras_reprise" in sys.orig_argv and not sys.flags.safe_path:
    del sys.path[0]

from importlib import import_module
from typing import TYPE_CHECKING

from keras_reprise.base.version import __version__

if TYPE_CHECKING:
    from keras_reprise.datasets import Dataset
    from keras_reprise.engine import (
        Member,
        Order,
        Patience,
        Target,
        activation_statistics,
        evaluate,
        gradient_statistics,
        snapshot,
        timed_calls,
        train,
        train_together,
        update_ratios,
        weight_norms,
    )
    from keras_reprise.engine.gradients import gradients
    from keras_reprise.figures.kinds.curves import Curves, Panel
    from keras_reprise.figures.kinds.heat_map import HeatMap
    from keras_reprise.figures.kinds.histogram_grid import HistogramGrid
    from keras_reprise.figures.kinds.scatter import Box, Scatter
    from keras_reprise.recipe.bounds import above, above_each, below, below_each, between, equal, near
    from keras_reprise.recipe.claims import Claim
    from keras_reprise.recipe.definition import Recipe, Source
    from keras_reprise.recipe.numbers import Measurement
    from keras_reprise.recipe.printed import Erratum, PrintedSeries
    from keras_reprise.recipe.settings import Arm, Scale
    from keras_reprise.recipe.stating import detail, printed_value, rule
    from keras_reprise.record.expressions.authoring import (
        argmax,
        argmin,
        at,
        column,
        count,
        curve,
        distinct,
        exp,
        finite,
        first,
        keep,
        last,
        log,
        maximum,
        mean,
        median,
        metric,
        minimum,
        nearest,
        number,
        rank_correlation,
        same,
        setting,
        slope,
        total,
        window,
    )
    from keras_reprise.record.histogram import Histogram
    from keras_reprise.record.metric import Metric
    from keras_reprise.report.frames.results import Results, results
    from keras_reprise.run.calling import run

__all__ = [
    "__version__",
    "Arm",
    "Box",
    "Claim",
    "Curves",
    "Dataset",
    "Erratum",
    "HeatMap",
    "Histogram",
    "HistogramGrid",
    "Measurement",
    "Member",
    "Metric",
    "Order",
    "Panel",
    "Patience",
    "PrintedSeries",
    "Recipe",
    "Results",
    "Scale",
    "Scatter",
    "Source",
    "Target",
    "above",
    "above_each",
    "activation_statistics",
    "argmax",
    "argmin",
    "at",
    "below",
    "below_each",
    "between",
    "column",
    "count",
    "curve",
    "detail",
    "distinct",
    "equal",
    "evaluate",
    "exp",
    "finite",
    "first",
    "gradient_statistics",
    "gradients",
    "keep",
    "last",
    "log",
    "maximum",
    "mean",
    "median",
    "metric",
    "minimum",
    "near",
    "nearest",
    "number",
    "printed_value",
    "rank_correlation",
    "results",
    "rule",
    "run",
    "same",
    "setting",
    "slope",
    "snapshot",
    "timed_calls",
    "total",
    "train",
    "train_together",
    "update_ratios",
    "weight_norms",
    "window",
]


_FROM = {
    "Claim": "recipe.claims",
    **dict.fromkeys(("detail", "printed_value", "rule"), "recipe.stating"),
    **dict.fromkeys(("above", "above_each", "below", "below_each", "between", "equal", "near"), "recipe.bounds"),
    "Erratum": "recipe.printed",
    "PrintedSeries": "recipe.printed",
    "Recipe": "recipe.definition",
    "Source": "recipe.definition",
    "Curves": "figures.kinds.curves",
    "Panel": "figures.kinds.curves",
    "HeatMap": "figures.kinds.heat_map",
    "HistogramGrid": "figures.kinds.histogram_grid",
    "Box": "figures.kinds.scatter",
    "Scatter": "figures.kinds.scatter",
    "Measurement": "recipe.numbers",
    "Arm": "recipe.settings",
    "Scale": "recipe.settings",
    "Histogram": "record.histogram",
    "Metric": "record.metric",
    "Dataset": "datasets",
    "Results": "report.frames.results",
    "results": "report.frames.results",
    "run": "run.calling",
}
"""Where names come from that are none of the engine's."""

_FORMS_OF_A_CLAIM = (
    "argmax",
    "argmin",
    "at",
    "column",
    "count",
    "curve",
    "distinct",
    "exp",
    "finite",
    "first",
    "keep",
    "last",
    "log",
    "maximum",
    "mean",
    "median",
    "metric",
    "minimum",
    "nearest",
    "number",
    "rank_correlation",
    "same",
    "setting",
    "slope",
    "total",
    "window",
)
_FROM |= dict.fromkeys(_FORMS_OF_A_CLAIM, "record.expressions.authoring")


def __getattr__(name: str) -> object:
    """What a recipe imports is loaded on first use: reading results needs neither NumPy nor a backend."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_FROM.get(name, 'engine')}"), name)
