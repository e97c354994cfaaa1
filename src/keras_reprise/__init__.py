"""keras-reprise: documented deep-learning experiments, replayed and judged on your own hardware."""

import sys

# `python -m keras_reprise` has the current folder first on Python's path, where a numpy.py would stand in for NumPy.
if sys.argv[:1] == ["-m"] and "keras_reprise" in sys.orig_argv and not sys.flags.safe_path:
    del sys.path[0]

from typing import TYPE_CHECKING

from keras_reprise.base.version import __version__
from keras_reprise.recipe.claims import Claim, near
from keras_reprise.recipe.definition import Box, Curves, HeatMap, HistogramGrid, Panel, Recipe, Scatter, Source
from keras_reprise.recipe.numbers import Measurement
from keras_reprise.recipe.settings import Arm, Scale
from keras_reprise.record.histogram import Histogram

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


def __getattr__(name: str) -> object:
    """The engine is loaded on first use, so that reading results never imports a backend."""
    if name == "Dataset":
        from keras_reprise.datasets import Dataset

        return Dataset
    if name in __all__:
        from keras_reprise import engine

        return getattr(engine, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
