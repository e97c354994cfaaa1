"""The trials of all replicates as a table, for the figures that draw them."""

from collections.abc import Sequence

import pandas as pd

from keras_reprise.figures.figure import FigureError, require
from keras_reprise.record.encoding import decode_trial
from keras_reprise.record.schema import Record


def trials_table(records: Sequence[Record], arms: Sequence[str], names: Sequence[str]) -> pd.DataFrame:
    """One row per replicate, arm and trial that has all of `names`; the arms in order (none: all of the records').

    FigureError when nothing measured such an arm or value, or no trial has all of them.
    """
    require("arm", arms, records[0].arms)
    known: dict[str, None] = {}
    rows = []
    for record in records:
        for arm in arms or record.arms:
            for trial in map(decode_trial, record.arms[arm].trials if arm in record.arms else ()):
                known |= dict.fromkeys(trial)
                if all(name in trial for name in names):
                    rows.append({"arm": arm, **{name: trial[name] for name in names}})
    require("trial value", names, known)
    if not rows:
        raise FigureError(f"No trial has all of {', '.join(f'`{name}`' for name in names)}.")
    return pd.DataFrame(rows, columns=["arm", *names])


def trial_count(records: Sequence[Record], arms: Sequence[str]) -> int:
    """How many trials the arms (none: all of the records') have in all replicates."""
    return sum(len(record.arms[arm].trials) for record in records for arm in arms or record.arms if arm in record.arms)
