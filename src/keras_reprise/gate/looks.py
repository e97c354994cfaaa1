"""What one side of a gate gave, as the rule sees it, and what calibration knows of such looks."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from keras_reprise.gate.measuring import Taken
from keras_reprise.gate.noise import (
    Numbers,
    Samples,
    noise,
    noise_side_by_side,
    share_felt,
)
from keras_reprise.gate.processes import PEAK_MEMORY, Process
from keras_reprise.gate.stored import Occasion, Quality, blocks, samples


@dataclass(frozen=True)
class Look:
    """What one side gave: estimates by metric, the recipes' replicates, and what failed and why.

    `loops` are the seconds of the fixed loop beside each estimate, where those are to be adjusted for the machine's
    speed; `blocks` number the blocks in which the estimates were made, where both sides were measured in turns.
    """

    costs: Samples
    loops: Samples = field(default_factory=dict)
    blocks: Numbers = field(default_factory=dict)
    quality: Sequence[Quality] = ()
    failures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Known:
    """What calibration says of this machine: the noise of one look by metric, and the occasions it comes from.

    `beside` tells that both sides are measured in turns: drift hits both alike, and more processes make less noise.
    Where nothing was calibrated, `accepted` is what was measured of the accepted code, on its baseline's day first, and
    `turns` other sets of processes of one code each.
    """

    noise: Mapping[str, float] = field(default_factory=dict)
    occasions: Sequence[Look] = ()
    beside: bool = False
    accepted: Sequence[Look] = ()
    turns: Sequence[Look] = ()


def look_of(found: Occasion | Taken, estimate: str) -> Look:
    """What a side measured, as the rule sees it; `estimate` is adjusted, median or fastest."""
    crashed = {quality.recipe: f"{quality.failed} replicates failed" for quality in found.quality if quality.failed}
    costs = samples(found.processes, "fastest" if estimate == "fastest" else "median")
    relative = samples(found.processes, "relative") if estimate == "adjusted" else {}
    loops = {
        metric: costs[metric] / values
        for metric, values in relative.items()
        if len(values) == len(costs[metric]) and not metric.endswith(PEAK_MEMORY)
    }
    return Look(costs, loops, blocks(found.processes), found.quality, failures(found.processes) | crashed)


def failures(processes: Sequence[Process]) -> dict[str, str]:
    """Why processes of a benchmark file ended badly, by file."""
    return {process.suite: process.error for process in processes if process.error}


def leaving_out(look: Look, metrics: Collection[str]) -> Look:
    """The look without the times and peaks named."""
    if not metrics:
        return look
    kept = {metric: values for metric, values in look.costs.items() if metric not in metrics}
    return replace(look, costs=kept)


def learn(occasions: Sequence[Look], rounds: int, *, beside: bool = False) -> Known:
    """What occasions of identical code say of looks of so many rounds."""
    if not occasions:
        return Known(beside=beside)
    if beside:
        each = [adjusted([one], occasions)[0] for one in occasions]
        return Known(noise_side_by_side(each, rounds), occasions, beside)
    return Known(noise(adjusted(occasions, occasions), rounds), occasions)


def adjusted(sides: Sequence[Look], alike: Sequence[Look]) -> list[Samples]:
    """Each side's estimates at one speed of the machine, as far as each benchmark feels that speed.

    The share that it feels comes from `alike`, each of which measured one code. Seconds become those at the median
    speed of all sides; estimates without loops stay as they are.
    """
    found: list[dict[str, np.ndarray]] = [dict(side.costs) for side in sides]
    for metric in {metric: None for side in sides for metric in side.costs}:
        if not all(_paired(side, metric) for side in sides if metric in side.costs):
            continue
        groups = [(np.log(one.costs[metric]), np.log(one.loops[metric])) for one in alike if _paired(one, metric)]
        share, logs = share_felt(groups), [np.log(side.loops[metric]) for side in sides if metric in side.loops]
        usual = float(np.median(np.concatenate(logs)))
        for one, side in zip(found, sides, strict=True):
            if metric in one:
                one[metric] = side.costs[metric] * np.exp(-share * (np.log(side.loops[metric]) - usual))
    return list(found)


def _paired(side: Look, metric: str) -> bool:
    return metric in side.costs and len(side.loops.get(metric, ())) == len(side.costs[metric])
