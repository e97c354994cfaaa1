"""Stopping early: what a first look need not measure any further, after each of its blocks.

A metric is settled once it is shown to be the same: changes as large as the whole gate could see are excluded at 5 %,
the estimate and 1.64 times its noise lie within. Noise is that of the machine (calibrated, or the upper bound that is
assumed), or what this look scatters where that is larger. Stopping can only miss changes, never make any; docs/gate.md
says how many. Pure.
"""

import math
from dataclasses import replace

import numpy as np

from keras_reprise.gate.design import INTERVAL_QUANTILE
from keras_reprise.gate.judgement import SidesCompared, compared
from keras_reprise.gate.looks import Known, Look
from keras_reprise.gate.noise import deviation_within
from keras_reprise.gate.rule import SAME, Row, alike_or_unseen, smallest_visible
from keras_reprise.gate.settings import Settings


def settled(before: Look, now: Look, settings: Settings, known: Known) -> dict[str, Row]:
    """The rows of the metrics that need no more processes, as far as both sides were measured; by metric."""
    seen, found = compared(before, now, settings, known), {}
    for change in (change for change in seen.changes if change.ratio):
        metric, further = change.metric, 2 if change.metric in seen.assumed else 1
        visible = smallest_visible(change, seen.screens[metric], seen.noise[metric], len(seen.changes), again=further)
        error = INTERVAL_QUANTILE * _error(seen, metric, settings.rounds, beside=known.beside)
        low, high = change.change - error, change.change + error
        if max(-low, high) <= alike_or_unseen(change, visible):
            found[metric] = Row(**vars(replace(change, low=low, high=high)), visible=visible, verdict=SAME)
    return found


def _error(seen: SidesCompared, metric: str, rounds: int, *, beside: bool) -> float:
    """The noise of a look that has as many processes as there are yet."""
    old, new, noise = np.log(seen.old[metric]), np.log(seen.new[metric]), seen.noise[metric]
    n = min(len(old), len(new))
    if beside:
        return max(noise, deviation_within([old, new])[0] * math.sqrt(2 / rounds)) * math.sqrt(max(1.0, rounds / n))
    missing = max(0.0, 1 / len(new) - 1 / rounds)  # of what is stored there are no fewer than in any gate
    return math.hypot(noise, deviation_within([old, new])[0] * math.sqrt(missing))
