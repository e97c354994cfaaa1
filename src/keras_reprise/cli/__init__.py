"""The command `reprise`. Reading commands import neither Keras nor pandas nor seaborn; what is heavy is imported inside."""

from keras_reprise.cli import citations, gates, needs, new, recipes, results, stores
from keras_reprise.cli.root import main

__all__ = ["citations", "gates", "main", "needs", "new", "recipes", "results", "stores"]
