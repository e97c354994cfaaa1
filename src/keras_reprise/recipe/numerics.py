"""`NUMERICS`: a number for each backend and feature of the engine, part of every record's measurement.

Raise the number of a feature, on that backend, only when a change of the engine moves a golden run by more than
parity with `model.fit` allows (a relative difference of 1e-4): rounding is no other measurement. A raised number says
that records measured before are no longer of the current code: they are shown apart, and the recipes that use the
feature need a new version. This module imports nothing, so that readers know the numbers without Keras.
"""

FEATURES = {
    "train": ("train",),
    "Gradients": ("gradients",),
    "History": ("train",),
    "Member": ("train_together", "train"),
    "Moment": ("probes",),
    "Order": ("train",),
    "Patience": ("train",),
    "Reached": ("train",),
    "Target": ("train",),
    "Timing": ("train",),
    "activation_statistics": ("probes",),
    "evaluate": ("evaluate",),
    "gradient_statistics": ("probes",),
    "gradients": ("gradients",),
    "snapshot": ("train",),
    "timed_calls": ("timed_calls",),
    "train_together": ("train_together", "train"),
    "update_ratios": ("probes",),
    "weight_norms": ("probes",),
}
"""The features behind each name that the engine gives to recipes."""

ALWAYS = ("data", "replicate", "seeds")
"""What every arm may use through its replicate: prepared data sets, trials and histograms, random streams."""

FIRST = {
    **dict.fromkeys(ALWAYS, 1),
    **dict.fromkeys(("train", "evaluate", "gradients", "timed_calls", "train_together", "probes"), 1),
}
"""The numbers of a new backend; one without a row below has these, and no recipe of the package is locked on it."""

NUMERICS: dict[str, dict[str, int]] = {"tensorflow": {**FIRST}, "jax": {**FIRST}, "torch": {**FIRST}}
