"""What records say: comparable groups, the verdict rule, comparison, trends over time."""

from keras_reprise.judge.verdicts import decide

__all__ = ["decide"]
