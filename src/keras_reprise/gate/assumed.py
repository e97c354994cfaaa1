"""The noise that a gate reckons with where nobody calibrated: as much as what it has seen itself still allows.

In turns it is the upper bound of the scatter of processes of one code: of both sides of this gate, of the baseline, and
of the turns of finished gates. Against stored numbers it is that of what occasions differ by: a usual value, worth two
occasions, with the control's changes since the baseline and the accepted code's in finished gates. Few observations
make a large bound. Pure; docs/gate.md says how often gates are wrong with it.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from keras_reprise.gate.design import (
    ASSUMED_BETWEEN,
    ASSUMED_OCCASIONS,
    BETWEEN_OCCASIONS,
    WITHIN_AN_OCCASION,
)
from keras_reprise.gate.looks import Known, Look, adjusted
from keras_reprise.gate.noise import Samples, assumed_noise, at_most, deviation_within
from keras_reprise.gate.processes import CONTROL, PEAK_MEMORY


def noises(old: Samples, new: Samples, rounds: int, known: Known, alike: Sequence[Look]) -> dict[str, float]:
    """The noise of a look of so many rounds, by metric, of those that both sides have and no calibration knows.

    `old` and `new` are before and now at one speed of the machine, `alike` what told how much of it benchmarks feel.
    """
    unknown = [metric for metric in new if metric in old and metric not in known.noise]
    if not unknown:
        return {}
    least = WITHIN_AN_OCCASION if known.beside else BETWEEN_OCCASIONS
    plain = {metric: assumed_noise(old[metric], new[metric], least) for metric in unknown}
    if not known.beside and not known.accepted:  # files that somebody brought
        return plain
    control = _control(old, new)
    fixed = {metric: plain[metric] for metric in unknown if metric in control}  # which is to fail if it changes much
    if not known.beside:
        levels, seen = adjusted(known.accepted, alike, known.by_fastest), list(control.values())
        return {metric: _between(metric, levels, seen) for metric in unknown} | fixed
    others = [adjusted([one], alike, known.by_fastest)[0] for one in (*known.accepted, *known.turns)]
    found = {metric: _in_turns([side.get(metric) for side in (old, new, *others)], rounds) for metric in unknown}
    wider = _widened([control[metric] / found[metric] for metric in fixed])
    return {metric: wider * noise for metric, noise in found.items()} | fixed


def _in_turns(sets: Sequence[np.ndarray | None], rounds: int) -> float:
    """The upper bound of the noise of a look, from sets of processes; the first two are those of this look.

    It is no less than what this look itself scatters, however quiet the machine was on other days.
    """
    logs = [np.log(values) for values in sets if values is not None]
    deviation, freedom = deviation_within(logs)
    if not freedom:
        return math.inf
    largest = max(at_most(deviation, freedom), deviation_within(logs[:2])[0])
    return math.hypot(WITHIN_AN_OCCASION, largest * math.sqrt(2 / rounds))


def _between(metric: str, levels: Sequence[Samples], control: Sequence[float]) -> float:
    """The upper bound of what two occasions of identical code differ by."""
    peak = metric.endswith(PEAK_MEMORY)
    usual, changes = (BETWEEN_OCCASIONS, []) if peak else (ASSUMED_BETWEEN, control)
    seen = np.array([float(np.median(np.log(one[metric]))) for one in levels if len(one.get(metric, ()))])
    squares = ASSUMED_OCCASIONS * usual**2 + sum(change**2 for change in changes)
    freedom = ASSUMED_OCCASIONS + len(changes)
    if len(seen) > 1:
        squares += 2 * float(np.sum((seen - np.mean(seen)) ** 2))  # of differences, which scatter twice as much
        freedom += len(seen) - 1
    return at_most(math.sqrt(squares / freedom), freedom)


def _control(old: Samples, new: Samples) -> Mapping[str, float]:
    """What the gate's fixed work changed by between both sides, on logarithms, by metric."""
    return {
        metric: float(np.median(np.log(new[metric])) - np.median(np.log(old[metric])))
        for metric in new
        if metric in old and metric.startswith(f"{CONTROL}::")
    }


def _widened(found: Sequence[float]) -> float:
    """The factor by which the control's changes, in units of their noise, exceed it; 1 where they do not."""
    return max(1.0, math.sqrt(float(np.mean(np.square(found))))) if found else 1.0
