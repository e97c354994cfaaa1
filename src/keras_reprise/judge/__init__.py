"""What records say: comparable groups, the verdict rule, comparison, history over time."""

from keras_reprise.judge.decisions import decide

__all__ = ["decide"]
