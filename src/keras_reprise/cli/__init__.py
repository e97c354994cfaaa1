"""The command `reprise`. Reading imports neither Keras nor pandas nor seaborn; what is heavy is imported inside."""

from keras_reprise.cli.root import main

__all__ = ["main"]
