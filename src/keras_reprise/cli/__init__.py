"""The command `reprise`. Reading commands import neither Keras nor pandas nor seaborn; what is heavy is imported inside."""

from keras_reprise.cli.root import main

__all__ = ["main"]
