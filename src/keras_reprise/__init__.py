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
    from keras_reprise.recipe.claims import Claim, near
    from keras_reprise.recipe.definition import Recipe, Source
    from keras_reprise.recipe.numbers import Measurement
    from keras_reprise.recipe.settings import Arm, Scale
    from keras_reprise.record.histogram import Histogram

__all__ = [
    "__version__",
    "Arm",
    "Box",
    "Claim",
    "Curves",
    "Dataset",
    "HeatMap",
    "Histogram",
    "HistogramGrid",
    "Measurement",
    "Member",
    "Order",
    "Panel",
    "Patience",
    "Recipe",
    "Scale",
    "Scatter",
    "Source",
    "Target",
    "activation_statistics",
    "evaluate",
    "gradient_statistics",
    "gradients",
    "near",
    "snapshot",
    "timed_calls",
    "train",
    "train_together",
    "update_ratios",
    "weight_norms",
]


_FROM = {
    "Claim": "recipe.claims",
    "near": "recipe.claims",
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
    "Dataset": "datasets",
}
"""Where names come from that are none of the engine's."""


def __getattr__(name: str) -> object:
    """What a recipe imports is loaded on first use: reading results needs neither NumPy nor a backend."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_FROM.get(name, 'engine')}"), name)
